//! Reading a JWT without verifying it: when it expires and what it claims.
//!
//! The page cannot check the signature and has no need to: the token is the API's to judge. What is read
//! here only decides *when* to refresh.

use base64::Engine;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::json::Json;
use super::seconds;

/// base64url (RFC 7515 §2) as it is met: with padding or without, and with whatever the unused last bits are.
const BASE64URL: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

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
    let mut parts = token.split('.');
    let (header, payload, signature) = (parts.next()?, parts.next()?, parts.next()?);
    // Five parts are a JWE (RFC 7516): its payload is not for us to read.
    if parts.next().is_some() || decode(header)?.is_empty() {
        return None;
    }
    // The signature is not read, so it need not decode: people's fixtures end in ".signature".
    if !signature.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'=')) {
        return None;
    }
    String::from_utf8(decode(payload)?).ok().filter(|text| !text.is_empty())
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

fn decode(part: &str) -> Option<Vec<u8>> {
    BASE64URL.decode(part).ok()
}
