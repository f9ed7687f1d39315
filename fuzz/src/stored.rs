//! Stored state, the shared entry and what tabs say: whatever is read is written and read again the same.

use tokenwell::proto::seconds::MAX_EXACT_MS;
use tokenwell::proto::stored;
use tokenwell::proto::time::Now;

use crate::testing::Value;

/// The bytes as each of the texts that are stored or sent.
pub fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Some(record) = stored::read_record::<Value>(&text) {
        let written = stored::write_record::<Value>(&record);
        assert!(stored::read_record::<Value>(&written).as_ref() == Some(&record), "{written}");
        assert!(stored::may_forget(Some(&record), &record.id) && record.generation > 0);
        let times = [Some(record.tokens.obtained_ms), record.tokens.refresh_expires_at_ms];
        for time in times.into_iter().flatten().chain(record.tokens.expires_at_ms()) {
            assert!(time.unsigned_abs() <= 2 * MAX_EXACT_MS.unsigned_abs(), "{time}");
        }
        for (wall_ms, mono_ms) in [(0, 0), (1_700_000_000_000, 5_000), (-MAX_EXACT_MS, MAX_EXACT_MS)] {
            let _ = record.tokens.expiry(&Now { wall_ms, mono_ms, noise: 7 });
        }
        if let Some(token) = &record.tokens.refresh_token
            && token.expose().len() > 32
        {
            assert!(!format!("{:?}", (&record.tokens.refresh_token, &record.key)).contains(token.expose()));
        }
    }
    if let Some(meta) = stored::read_meta::<Value>(&text) {
        let written = stored::write_meta::<Value>(&meta);
        assert!(stored::read_meta::<Value>(&written).as_ref() == Some(&meta), "{written}");
    }
    if let Some(message) = stored::read_message::<Value>(&text) {
        let written = stored::write_message::<Value>(&message);
        let again =
            stored::read_message::<Value>(&written).map(|again| stored::write_message::<Value>(&again));
        assert_eq!(again.as_deref(), Some(written.as_str()));
    }
}
