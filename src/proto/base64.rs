//! Base64 (RFC 4648), by the smallest crate that is well kept: `base64ct` has no engines and no tables. The tests
//! hold our use of it against the `base64` crate.

use base64ct::{Base64, Base64UrlUnpadded, Encoding};

/// Decodes base64url (§5), with padding or without. `None` for anything that is not base64url.
pub fn decode_url(text: &str) -> Option<Vec<u8>> {
    let bare = text.trim_end_matches('=');
    // Padding fills the last four characters, where there is any.
    let fits = bare.len() == text.len() || (text.len().is_multiple_of(4) && text.len() - bare.len() < 3);
    Base64UrlUnpadded::decode_vec(bare).ok().filter(|_| fits)
}

/// The base64 (§4) of these bytes, padded.
pub fn encode(bytes: &[u8]) -> String {
    Base64::encode_string(bytes)
}

/// The base64url (§5) of these bytes, without padding.
pub fn encode_url(bytes: &[u8]) -> String {
    Base64UrlUnpadded::encode_string(bytes)
}

#[cfg(test)]
#[cfg(not(target_family = "wasm"))]
mod tests {
    use super::*;
    use ::base64::Engine;
    use ::base64::engine::general_purpose::{STANDARD, URL_SAFE as PADDED, URL_SAFE_NO_PAD as UNPADDED};
    use proptest::prelude::*;

    #[test]
    fn what_is_not_base64url_is_none() {
        for text in ["a", "aaaaa", "a b", "a+b/", "=a", "ab=c", "aa===", "é", "ab\n"] {
            assert_eq!(decode_url(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn decodes_what_the_crate_encodes(bytes in any::<Vec<u8>>()) {
            for text in [PADDED.encode(&bytes), UNPADDED.encode(&bytes)] {
                prop_assert_eq!(decode_url(&text), Some(bytes.clone()));
            }
        }

        #[test]
        fn decodes_nothing_that_the_crate_refuses(text in "[A-Za-z0-9+/_=-]{0,9}") {
            if let Some(bytes) = decode_url(&text) {
                prop_assert_eq!(UNPADDED.encode(&bytes), text.trim_end_matches('='));
            }
        }

        #[test]
        fn encodes_as_the_crate_does(bytes in any::<Vec<u8>>()) {
            prop_assert_eq!(encode(&bytes), STANDARD.encode(&bytes));
            prop_assert_eq!(encode_url(&bytes), UNPADDED.encode(&bytes));
        }
    }
}
