//! Seconds as servers write them, read into milliseconds.
//!
//! RFC 6749 §5.1 and RFC 7519 §2 mean JSON numbers, and many servers send strings (`"3600"`, `"3600.0"`).
//! Digits are read by hand: `str::parse::<f64>` would cost more bytes than this whole crate should.

use super::json::Json;

/// 2^53, up to which a JavaScript number holds every integer: more milliseconds than that are absurd.
pub const MAX_EXACT_MS: i64 = 1 << 53;

/// Seconds in a JSON number or numeric string, as milliseconds. Saturates beyond [`MAX_EXACT_MS`]; `None` if negative
/// or no number.
pub fn read_ms<J: Json>(value: &J) -> Option<i64> {
    match value.as_f64() {
        // `as` saturates, and there is no NaN to meet here.
        Some(seconds) => (seconds >= 0.0).then_some((seconds * 1000.0 + 0.5) as i64),
        None => parse_ms(&value.as_str()?),
    }
}

/// Seconds in decimal digits with an optional fraction, as milliseconds. Saturates beyond [`MAX_EXACT_MS`]; `None`
/// for anything else.
pub fn parse_ms(text: &str) -> Option<i64> {
    let mut parts = text.trim_ascii().as_bytes().split(|byte| *byte == b'.');
    let whole_s = digits(parts.next()?)?;
    let mut fraction_ms = 0;
    if let Some(fraction) = parts.next() {
        digits(fraction)?;
        // The first three places are the milliseconds, whether written or not.
        for place in 0..3 {
            fraction_ms = fraction_ms * 10 + fraction.get(place).map_or(0, |digit| i64::from(digit - b'0'));
        }
    }
    parts.next().is_none().then(|| whole_s * 1000 + fraction_ms)
}

/// One or more decimal digits and nothing else, or [`MAX_EXACT_MS`] if they are more than that.
pub fn digits(text: &[u8]) -> Option<i64> {
    let mut number = 0;
    for byte in text {
        if !byte.is_ascii_digit() {
            return None;
        }
        number = MAX_EXACT_MS.min(number * 10 + i64::from(byte - b'0'));
    }
    (!text.is_empty()).then_some(number)
}

#[cfg(test)]
#[cfg(not(target_family = "wasm"))]
mod tests {
    use super::*;
    use crate::proto::testing::Value;
    use proptest::prelude::*;

    fn read(json: &str) -> Option<i64> {
        read_ms(&Value::parse(json).unwrap())
    }

    #[test]
    fn reads_numbers_and_numeric_strings() {
        assert_eq!(read("3600"), Some(3_600_000));
        assert_eq!(read("\"3600\""), Some(3_600_000));
        assert_eq!(read("\" 3600.0 \""), Some(3_600_000));
        assert_eq!(read("\"0.25\""), Some(250));
        assert_eq!(read("1700000000.123"), Some(1_700_000_000_123));
    }

    #[test]
    fn saturates_rather_than_wraps() {
        assert_eq!(read("1e300"), Some(i64::MAX));
        assert_eq!(read(&format!("\"{}.9\"", "9".repeat(400))), Some(MAX_EXACT_MS * 1000 + 900));
    }

    #[test]
    fn refuses_what_is_no_number_of_seconds() {
        for json in [
            "-1", "\"-1\"", "\"\"", "\".\"", "\"1.\"", "\".5\"", "\"1e3\"", "\"1h\"", "null", "true", "[1]",
            "{}",
        ] {
            assert_eq!(read(json), None, "{json}");
        }
    }

    proptest! {
        #[test]
        fn every_whole_number_reads_the_same_written_either_way(seconds in 0..9_000_000_000_000_i64) {
            prop_assert_eq!(read(&seconds.to_string()), Some(seconds * 1000));
            prop_assert_eq!(read(&format!("\"{seconds}\"")), Some(seconds * 1000));
        }

        #[test]
        fn any_text_is_read_without_panic(text in any::<String>()) {
            let read = parse_ms(&text);
            prop_assert!(read.is_none_or(|ms| ms >= 0));
        }
    }
}
