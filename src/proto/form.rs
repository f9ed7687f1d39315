//! `application/x-www-form-urlencoded`, in which OAuth speaks (RFC 6749 Appendix B).
//!
//! Our own few lines: the core writes form bodies and never reads them.

/// A form body, byte for byte as `URLSearchParams` writes it.
pub fn body(members: &[(&str, &str)]) -> String {
    let mut body = String::new();
    for (name, value) in members {
        if !body.is_empty() {
            body.push('&');
        }
        encode(&mut body, name);
        body.push('=');
        encode(&mut body, value);
    }
    body
}

/// Appends a text, encoded as `application/x-www-form-urlencoded` has it (URL Standard §5.2).
pub fn encode(out: &mut String, text: &str) {
    for byte in text.bytes() {
        match byte {
            b' ' => out.push('+'),
            b'*' | b'-' | b'.' | b'_' => out.push(byte.into()),
            _ if byte.is_ascii_alphanumeric() => out.push(byte.into()),
            _ => {
                out.push('%');
                for digit in [byte >> 4, byte & 15] {
                    out.push(char::from(digit + if digit < 10 { b'0' } else { b'A' - 10 }));
                }
            }
        }
    }
}

#[cfg(test)]
#[cfg(not(target_family = "wasm"))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn encodes_as_urlsearchparams_does() {
        // new URLSearchParams({ "a&b": " *-._~!'()=+%/é€\n" }).toString()
        let encoded = "a%26b=+*-._%7E%21%27%28%29%3D%2B%25%2F%C3%A9%E2%82%AC%0A";
        assert_eq!(body(&[("a&b", " *-._~!'()=+%/é€\n")]), encoded);
    }

    proptest! {
        #[test]
        fn any_text_is_encoded_so_that_it_decodes_to_itself(text in any::<String>()) {
            let mut encoded = String::new();
            encode(&mut encoded, &text);
            prop_assert!(encoded.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+*-._%".contains(&byte)));
            let mut decoded = Vec::new();
            let mut bytes = encoded.bytes();
            while let Some(byte) = bytes.next() {
                decoded.push(match byte {
                    b'+' => b' ',
                    b'%' => {
                        let pair = [bytes.next().unwrap(), bytes.next().unwrap()];
                        u8::from_str_radix(std::str::from_utf8(&pair).unwrap(), 16).unwrap()
                    }
                    byte => byte,
                });
            }
            prop_assert_eq!(decoded, text.as_bytes());
        }
    }
}
