//! Reading `WWW-Authenticate` and `Retry-After`: bounded, and what was read is read again from its canonical form.

use tokenwell::proto::challenge::{self, Challenge, MAX_CHALLENGES, MAX_HEADER_LEN, Refusal};
use tokenwell::proto::retry_after;

/// The bytes as a header's value.
pub fn run(data: &[u8]) {
    let header = String::from_utf8_lossy(data);
    let found = challenge::parse(&header);
    assert!(found.len() <= MAX_CHALLENGES);
    assert!(found.is_empty() || header.len() <= MAX_HEADER_LEN);
    for Challenge { scheme, params, .. } in &found {
        assert!(!scheme.is_empty());
        for (name, _) in params {
            assert!(!name.is_empty() && !name.bytes().any(|byte| byte.is_ascii_uppercase()), "{name}");
        }
    }
    for scheme in ["Bearer", "bearer", "JWT", "DPoP", ""] {
        if let Refusal::StepUp { max_age_s: Some(age), .. } = challenge::refusal(&found, scheme) {
            assert!(age >= 0);
        }
    }
    let canonical = written(&found);
    if canonical.len() <= MAX_HEADER_LEN {
        assert_eq!(challenge::parse(&canonical), found, "{canonical}");
    }
    for now_ms in [0, 1_700_000_000_000, 8_640_000_000_000_000, -8_640_000_000_000_000] {
        if let Some(at) = retry_after::parse(&header, now_ms) {
            assert!(at >= now_ms && at - now_ms <= retry_after::MAX_AHEAD_MS);
        }
    }
}

/// RFC 9110 §11.6.1, every value quoted.
fn written(challenges: &[Challenge]) -> String {
    let mut items = Vec::new();
    for Challenge { scheme, params, token68 } in challenges {
        let mut params = params
            .iter()
            .map(|(name, value)| format!("{name}=\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"")));
        let first = token68.clone().or_else(|| params.next()).unwrap_or_default();
        items.push(format!("{scheme} {first}"));
        items.extend(params);
    }
    items.join(", ")
}
