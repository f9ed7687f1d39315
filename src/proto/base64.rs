//! Base64 (RFC 4648), just as much as tokens need.
//!
//! Our own few lines: with the `base64` crate, whose engines can do all there is, this costs two kilobytes more
//! of every download. The tests hold it against that crate.

/// Decodes base64url (§5), with padding or without, whatever the unused bits at the end are. `None` for anything
/// that is not base64url.
pub fn decode_url(text: &[u8]) -> Option<Vec<u8>> {
    let mut decoded = Vec::new();
    let (mut bits, mut count) = (0_u32, 0);
    let mut padding = 0;
    for byte in text {
        let six = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'-' => 62,
            b'_' => 63,
            b'=' => {
                padding += 1;
                continue;
            }
            _ => return None,
        };
        if padding > 0 {
            return None;
        }
        bits = bits << 6 | u32::from(six);
        count += 6;
        if count >= 8 {
            count -= 8;
            decoded.push((bits >> count) as u8);
        }
    }
    // Six bits left over are a character that is part of no byte.
    (count < 6 && padding < 3).then_some(decoded)
}

/// Appends the base64 (§4) of these bytes, padded.
pub fn encode(out: &mut String, bytes: &[u8]) {
    for three in bytes.chunks(3) {
        let mut bits = 0;
        for at in 0..3 {
            bits = bits << 8 | u32::from(three.get(at).copied().unwrap_or_default());
        }
        for at in 0..4 {
            let six = (bits >> (18 - 6 * at)) as u8 & 63;
            out.push(if at > three.len() { '=' } else { character(six) });
        }
    }
}

fn character(six: u8) -> char {
    char::from(match six {
        0..26 => six + b'A',
        26..52 => six - 26 + b'a',
        52..62 => six - 52 + b'0',
        62 => b'+',
        _ => b'/',
    })
}

#[cfg(test)]
#[cfg(not(target_family = "wasm"))]
mod tests {
    use super::*;
    use ::base64::Engine;
    use ::base64::alphabet::URL_SAFE;
    use ::base64::engine::general_purpose::{STANDARD, URL_SAFE as PADDED, URL_SAFE_NO_PAD as UNPADDED};
    use ::base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
    use proptest::prelude::*;

    const TOLERANT: GeneralPurpose = GeneralPurpose::new(
        &URL_SAFE,
        GeneralPurposeConfig::new()
            .with_decode_padding_mode(DecodePaddingMode::Indifferent)
            .with_decode_allow_trailing_bits(true),
    );

    #[test]
    fn what_is_not_base64url_is_none() {
        for text in ["a", "aaaaa", "a b", "a+b/", "=a", "ab=c", "aa===", "é", "ab\n"] {
            assert_eq!(decode_url(text.as_bytes()), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn decodes_what_the_crate_encodes(bytes in any::<Vec<u8>>()) {
            for text in [PADDED.encode(&bytes), UNPADDED.encode(&bytes)] {
                prop_assert_eq!(decode_url(text.as_bytes()), Some(bytes.clone()));
            }
        }

        #[test]
        fn decodes_as_the_crate_does(text in "[A-Za-z0-9+/_-]{0,9}") {
            prop_assert_eq!(decode_url(text.as_bytes()), TOLERANT.decode(&text).ok());
        }

        #[test]
        fn encodes_as_the_crate_does(bytes in any::<Vec<u8>>()) {
            let mut text = String::new();
            encode(&mut text, &bytes);
            prop_assert_eq!(text, STANDARD.encode(&bytes));
        }
    }
}
