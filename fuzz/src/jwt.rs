//! Reading a JWT: against the `data-encoding` crate, and a claims object that was put in comes out.

use data_encoding::BASE64URL_NOPAD;
use serde_json::Value as Plain;
use tokenwell::proto::json::Json;
use tokenwell::proto::jwt;
use tokenwell::proto::seconds::MAX_EXACT_MS;

use crate::testing::Value;

/// The bytes as a token, and as the payload of one.
pub fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let read = jwt::payload(&text);
    let parts: Vec<&str> = text.split('.').collect();
    if let Some(read) = &read {
        let [_, payload, _] = parts[..] else { panic!("a JWS has three parts: {text}") };
        let expected = BASE64URL_NOPAD.decode(payload.trim_end_matches('=').as_bytes());
        assert_eq!(expected.as_deref().ok(), Some(read.as_bytes()), "{text}");
    }
    times(&text);

    let token = format!("e30.{}.", BASE64URL_NOPAD.encode(data));
    let whole = std::str::from_utf8(data).ok().filter(|text| !text.is_empty());
    assert_eq!(jwt::payload(&token).as_deref(), whole);
    times(&token);
    let claims = jwt::claims::<Value>(&token);
    let expected = whole.and_then(|text| serde_json::from_str::<Plain>(text).ok()).filter(Plain::is_object);
    assert_eq!(claims.map(|claims| claims.text()), expected.map(|claims| claims.to_string()));
}

fn times(token: &str) {
    let Some(times) = jwt::times_of::<Value>(token) else { return };
    for time in [times.exp_ms, times.iat_ms].into_iter().flatten() {
        assert!((0..=MAX_EXACT_MS).contains(&time), "{time}");
    }
}
