//! Reading a JWT without verifying it: when it expires and what it claims.
//!
//! The page cannot check the signature and has no need to: the token is the API's to judge. What is read
//! here only decides *when* to refresh.

use super::base64;
use super::json::Json;
use super::seconds;

/// The two times that matter here, epoch milliseconds (RFC 7519 §4.1.4, §4.1.6).
#[derive(Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(not(target_family = "wasm"), derive(Debug))]
pub struct Times {
    /// `exp`: not good from here on.
    pub exp_ms: Option<i64>,
    /// `iat`: when it was made, by the server's clock.
    pub iat_ms: Option<i64>,
}

/// The JSON text of a token's payload; `None` for anything but a compact JWS (RFC 7515 §7.1) of UTF-8 text.
pub fn payload(token: &str) -> Option<String> {
    let token = token.as_bytes();
    // The signature is not read, so it need not decode: people's fixtures end in ".signature".
    let signature_at = token.iter().rposition(|byte| !base64::is_url(*byte) && *byte != b'=')?;
    let (signed, [b'.', ..]) = token.split_at_checked(signature_at)? else { return None };
    let (header, [_, payload @ ..]) =
        signed.split_at_checked(signed.iter().position(|byte| *byte == b'.')?)?
    else {
        return None;
    };
    if base64::decode_url(header)?.is_empty() {
        return None;
    }
    // Five parts are a JWE (RFC 7516), whose payload is not for us to read: with points in it, this is no base64url.
    String::from_utf8(base64::decode_url(payload)?).ok().filter(|text| !text.is_empty())
}

/// The claims of a token; `None` if it is no JWT, whose payload is always a JSON object (RFC 7519 §7.2).
pub fn claims<J: Json>(token: &str) -> Option<J> {
    J::parse(&payload(token)?).filter(J::is_object)
}

/// `exp` and `iat` of a payload. What is absent, negative, past 2^53 ms or no number is `None`.
pub fn times<J: Json>(payload: &J) -> Times {
    let read = |name| {
        let time_ms = seconds::read_ms(&payload.get(name)?)?;
        (time_ms <= seconds::MAX_EXACT_MS).then_some(time_ms)
    };
    Times { exp_ms: read("exp"), iat_ms: read("iat") }
}

/// `exp` and `iat` of a token; `None` if it is no JWT.
pub fn times_of<J: Json>(token: &str) -> Option<Times> {
    claims::<J>(token).map(|claims| times(&claims))
}

#[cfg(test)]
#[cfg(not(target_family = "wasm"))]
mod tests {
    use super::*;
    use crate::proto::testing::Value;
    use ::base64::Engine;
    use ::base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};
    use proptest::prelude::*;

    fn token(claims: &str) -> String {
        format!("{}.{}.c2ln", URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#), URL_SAFE_NO_PAD.encode(claims))
    }

    fn exp_ms(value: &str) -> Option<i64> {
        times_of::<Value>(&token(&format!(r#"{{"exp":{value}}}"#))).unwrap().exp_ms
    }

    #[test]
    fn reads_the_example_of_the_rfc() {
        // RFC 7519 §3.1; its payload has line breaks in it.
        let token = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.\
            eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.\
            dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert_eq!(times_of::<Value>(token).unwrap().exp_ms, Some(1_300_819_380_000));
        assert_eq!(claims::<Value>(token).unwrap().get("iss").unwrap().as_str().unwrap(), "joe");
    }

    #[test]
    fn reads_what_atob_cannot() {
        // "-" and "_" of base64url, and UTF-8.
        let claims = r#"{"name":"Zoë ÿþ 🗝️???>>>"}"#;
        assert!(token(claims).contains(['-', '_']));
        assert_eq!(payload(&token(claims)).unwrap(), claims);
    }

    #[test]
    fn a_signature_may_be_empty_or_a_fixture_but_not_nonsense() {
        assert!(payload("e30.e30.").is_some());
        assert!(payload("e30.e30.signature").is_some());
        assert!(payload("e30.e30.a b").is_none());
    }

    #[test]
    fn what_is_no_jws_is_none() {
        // Opaque, two parts, JWE, empty parts, not base64url, not UTF-8, and a payload that is no object.
        for token in [
            "",
            ".",
            "..",
            "abc",
            "e30.e30",
            "e30.e30.e30.e30.e30",
            ".e30.x",
            "e30..x",
            "e30.e+/.x",
            "e30.{}.x",
        ] {
            assert!(payload(token).is_none(), "{token}");
        }
        assert!(payload(&format!("e30.{}.x", URL_SAFE_NO_PAD.encode(b"\"\xff\""))).is_none());
        for text in ["[]", "null", "1", "\"text\"", "{", "\u{1}"] {
            assert!(claims::<Value>(&token(text)).is_none(), "{text}");
        }
    }

    #[test]
    fn numeric_dates_are_read_as_servers_write_them() {
        assert_eq!(exp_ms("1700000000"), Some(1_700_000_000_000));
        assert_eq!(exp_ms("1700000000.5"), Some(1_700_000_000_500));
        assert_eq!(exp_ms("1.7e9"), Some(1_700_000_000_000));
        assert_eq!(exp_ms("\"1700000000\""), Some(1_700_000_000_000));
        assert_eq!(exp_ms("0"), Some(0));
    }

    #[test]
    fn absurd_dates_are_absent() {
        for value in ["-1", "1e300", "9007199254741", "null", "\"soon\"", "\"\"", "[]", "{}", "true"] {
            assert_eq!(exp_ms(value), None, "{value}");
        }
        assert_eq!(times_of::<Value>(&token("{}")), Some(Times::default()));
    }

    proptest! {
        #[test]
        fn any_payload_comes_back_with_or_without_padding(text in ".+") {
            for encoded in [URL_SAFE.encode(&text), URL_SAFE_NO_PAD.encode(&text)] {
                let read = payload(&format!("e30.{encoded}."));
                prop_assert_eq!(read.as_deref(), Some(text.as_str()));
            }
        }

        #[test]
        fn any_text_is_read_without_panic(text in any::<String>(), parts in "[A-Za-z0-9_=-]{0,9}(\\.[A-Za-z0-9_=-]{0,9}){0,4}") {
            let _ = times_of::<Value>(&text);
            let read = payload(&parts);
            prop_assert!(read.is_none() || parts.matches('.').count() == 2);
        }
    }
}
