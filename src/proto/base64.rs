//! Base64 (RFC 4648). Encoding is by the smallest crate that is well kept: `base64ct` has no engines and no tables.
//! Decoding is our own: that crate's takes the same time for whatever it reads, as keys need it and JWTs do not, and
//! was half of what reading a JWT cost. The tests hold both against the `base64` crate.

use base64ct::{Base64, Base64UrlUnpadded, Encoding};

/// Decodes base64url (§5), with padding or without. `None` for anything that is not base64url.
pub fn decode_url(text: &str) -> Option<Vec<u8>> {
    let bare = text.trim_end_matches('=');
    // Padding fills the last four characters, where there is any.
    let fits = bare.len() == text.len() || (text.len().is_multiple_of(4) && text.len() - bare.len() < 3);
    let mut bytes = vec![0; bare.len() * 3 / 4];
    let (mut all, mut spare) = (0, 0);
    for (four, three) in bare.as_bytes().chunks(4).zip(bytes.chunks_mut(3)) {
        let mut held = 0;
        for byte in four {
            let sextet = sextet(*byte);
            all |= sextet;
            held = held << 6 | sextet;
        }
        held <<= 8 + 6 * (4 - four.len());
        for byte in three {
            *byte = (held >> 24) as u8;
            held <<= 8;
        }
        spare |= held;
    }
    // No character may be left alone, and what the last one has to spare must be zero (§3.5).
    (fits && all < NONE && spare == 0 && bare.len() % 4 != 1).then_some(bytes)
}

/// Whether that is a character of base64url.
#[inline(always)]
pub fn is_url(byte: u8) -> bool {
    sextet(byte) < NONE
}

/// What a character stands for. Without branches, and in place: that is three times as fast at the release profile.
#[inline(always)]
fn sextet(byte: u8) -> u32 {
    match SEXTETS.get(byte as usize) {
        Some(sextet) => *sextet as u32,
        None => NONE,
    }
}

/// What is no character of base64url.
const NONE: u32 = 64;

/// What each ASCII character stands for.
const SEXTETS: [u8; 128] = {
    let mut sextets = [NONE as u8; 128];
    let mut rest: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut value = 0;
    while let [first, others @ ..] = rest {
        if let Some((_, [place, ..])) = sextets.split_at_mut_checked(*first as usize) {
            *place = value;
        }
        value += 1;
        rest = others;
    }
    sextets
};

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
