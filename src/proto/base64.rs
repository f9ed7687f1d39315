//! Base64 (RFC 4648), by the `base64` crate: fast enough that reading a JWT is not mostly that, as it was with crates
//! that take the same time for all input.

use ::base64::engine::general_purpose::STANDARD;
use ::base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use ::base64::{Engine, alphabet};

const URL: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Decodes base64url (§5), with padding or without. `None` for anything that is not base64url.
pub fn decode_url(text: impl AsRef<[u8]>) -> Option<Vec<u8>> {
    URL.decode(text).ok()
}

/// Whether that is a character of base64url.
pub fn is_url(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

/// The base64 (§4) of these bytes, padded.
pub fn encode(bytes: &[u8]) -> String {
    encoded(&STANDARD, bytes)
}

/// The base64url (§5) of these bytes, without padding.
pub fn encode_url(bytes: &[u8]) -> String {
    encoded(&URL, bytes)
}

/// By hand what `Engine::encode` does, whose way to say that its own text is no UTF-8 would be 1 KB of code.
fn encoded(engine: &GeneralPurpose, bytes: &[u8]) -> String {
    let mut text = vec![0; bytes.len().div_ceil(3) * 4];
    let length = engine.encode_slice(bytes, &mut text).unwrap_or(0);
    text.truncate(length);
    String::from_utf8(text).unwrap_or_default()
}

#[cfg(test)]
#[cfg(not(target_family = "wasm"))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_not_base64url_is_none() {
        for text in ["a", "aaaaa", "a b", "a+b/", "=a", "ab=c", "aa===", "ab", "é", "ab\n"] {
            assert_eq!(decode_url(text), None, "{text}");
        }
    }

    /// RFC 4648 §10, and what tells the alphabets apart.
    #[test]
    fn writes_and_reads_the_vectors_of_the_rfc() {
        for (bytes, padded, bare) in [
            (&b""[..], "", ""),
            (b"f", "Zg==", "Zg"),
            (b"fo", "Zm8=", "Zm8"),
            (b"foo", "Zm9v", "Zm9v"),
            (b"foob", "Zm9vYg==", "Zm9vYg"),
            (b"fooba", "Zm9vYmE=", "Zm9vYmE"),
            (b"foobar", "Zm9vYmFy", "Zm9vYmFy"),
            (&[0xfb, 0xef, 0xff], "++//", "--__"),
        ] {
            assert_eq!((encode(bytes).as_str(), encode_url(bytes).as_str()), (padded, bare));
            assert_eq!(decode_url(bare).as_deref(), Some(bytes));
        }
    }

    proptest! {
        #[test]
        fn reads_what_it_wrote_with_padding_and_without(bytes in any::<Vec<u8>>()) {
            let bare = encode_url(&bytes);
            let padding = "=".repeat((4 - bare.len() % 4) % 4);
            prop_assert_eq!(decode_url([bare.as_str(), &padding].concat()), Some(bytes.clone()));
            prop_assert_eq!(decode_url(&bare), Some(bytes));
        }

        #[test]
        fn one_text_for_each_value(text in "[A-Za-z0-9+/_=-]{0,9}") {
            if let Some(bytes) = decode_url(&text) {
                prop_assert_eq!(encode_url(&bytes), text.trim_end_matches('='));
            }
        }
    }
}
