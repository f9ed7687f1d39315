//! `Retry-After` (RFC 9110 §10.2.3): seconds, or a date in any of the three forms of §5.6.7.
//!
//! The date arithmetic is our own: all three forms are the same few words in two orders, and the answer is
//! clamped anyway, which is less code than the `httpdate` crate together with the `SystemTime` it answers in.

use super::seconds;
use super::time::{difference, sum};

/// No server may silence a session for longer than this, in milliseconds: one day.
pub const MAX_AHEAD_MS: i64 = 86_400_000;

const YEAR_MS: i64 = 31_556_952_000;
const MONTHS: &[u8] = b"JanFebMarAprMayJunJulAugSepOctNovDec";

/// When to try again, epoch milliseconds, never before `now_ms` and never more than [`MAX_AHEAD_MS`] after it.
/// `None` for what is neither seconds nor a date.
pub fn parse(value: &str, now_ms: i64) -> Option<i64> {
    let ahead_ms = match seconds::parse_ms(value) {
        Some(ahead_ms) => ahead_ms,
        None => difference(http_date_ms(value, now_ms)?, now_ms),
    };
    Some(sum(now_ms, ahead_ms.clamp(0, MAX_AHEAD_MS)))
}

/// An HTTP-date as epoch milliseconds. Weekdays are not looked at, and the 31st of a shorter month is the
/// first of the next.
pub(super) fn http_date_ms(value: &str, now_ms: i64) -> Option<i64> {
    let mut words: [&[u8]; 8] = [b""; 8];
    let mut found = value.as_bytes().split(|byte| !byte.is_ascii_alphanumeric());
    for word in &mut words {
        *word = found.find(|word| !word.is_empty()).unwrap_or_default();
    }
    let (day, month, year, hour, minute, second) = match words {
        // IMF-fixdate "Sun, 06 Nov 1994 08:49:37 GMT" and RFC 850 "Sunday, 06-Nov-94 08:49:37 GMT".
        [_, day, month, year, hour, minute, second, b"GMT"] => (day, month, year, hour, minute, second),
        // asctime "Sun Nov  6 08:49:37 1994".
        [_, month, day, hour, minute, second, year, b""] => (day, month, year, hour, minute, second),
        _ => return None,
    };
    let month = 1 + MONTHS.chunks(3).position(|name| name == month)? as i64;
    let year = match (year.len(), seconds::digits(year)?) {
        (2, year) => century(year, 1970 + now_ms / YEAR_MS),
        (4, year) => year,
        _ => return None,
    };
    let day = at_most(31, day).filter(|day| *day > 0)?;
    let hours = days_since_epoch(year, month, day) * 24 + at_most(23, hour)?;
    // A leap second is the next minute's first.
    Some(((hours * 60 + at_most(59, minute)?) * 60 + at_most(60, second)?) * 1000)
}

fn at_most(most: i64, digits: &[u8]) -> Option<i64> {
    seconds::digits(digits).filter(|number| *number <= most)
}

/// The full year of two digits: never more than 50 years ahead (RFC 9110 §5.6.7), else the nearest.
fn century(two_digits: i64, this_year: i64) -> i64 {
    let year = this_year - this_year % 100 + two_digits;
    if year > this_year + 50 {
        year - 100
    } else if year <= this_year - 50 {
        year + 100
    } else {
        year
    }
}

/// Days from 1970-01-01 to a date of the Gregorian calendar, for years from 0 on. Years are counted from
/// March, so that the leap day is the last of its year.
fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    let year = if month > 2 { year } else { year - 1 };
    let months_since_march = (month + 9) % 12;
    let day_of_year = (153 * months_since_march + 2) / 5 + day - 1;
    // 400 years later, where no year is negative; ends on the day before 1970-01-01 in this way of counting.
    let year = year + 400;
    year * 365 + year / 4 - year / 100 + year / 400 + day_of_year - 719_468 - 146_097
}

#[cfg(test)]
#[cfg(not(target_family = "wasm"))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// 1994-11-06T08:49:37Z, the RFC's example.
    const EXAMPLE_MS: i64 = 784_111_777_000;

    #[test]
    fn seconds_count_from_now() {
        assert_eq!(parse("120", 1_000), Some(121_000));
        assert_eq!(parse(" 0 ", 1_000), Some(1_000));
    }

    #[test]
    fn all_three_forms_of_the_date_are_read() {
        let now_ms = EXAMPLE_MS - 60_000;
        for date in
            ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"]
        {
            assert_eq!(parse(date, now_ms), Some(EXAMPLE_MS), "{date}");
        }
    }

    #[test]
    fn the_past_is_now_and_the_far_future_is_tomorrow() {
        assert_eq!(parse("Sun, 06 Nov 1994 08:49:37 GMT", EXAMPLE_MS + 1), Some(EXAMPLE_MS + 1));
        assert_eq!(parse("Fri, 31 Dec 9999 23:59:59 GMT", 0), Some(MAX_AHEAD_MS));
        assert_eq!(parse(&"9".repeat(99), 5), Some(5 + MAX_AHEAD_MS));
    }

    #[test]
    fn two_digit_years_are_never_more_than_fifty_ahead() {
        assert_eq!(century(94, 1994), 1994);
        assert_eq!(century(5, 1998), 2005);
        assert_eq!(century(76, 2026), 2076);
        assert_eq!(century(77, 2026), 1977);
    }

    #[test]
    fn what_is_neither_is_none() {
        for value in [
            "",
            "-1",
            "soon",
            "1h",
            "Sun, 06 Nov 1994 08:49:37 +0100",
            "Sun, 00 Nov 1994 08:49:37 GMT",
            "Sun, 06 ovD 1994 08:49:37 GMT",
            "Sun, 06 Nov 199 08:49:37 GMT",
            "Sun, 06 Nov 1994 24:49:37 GMT",
            "Sun, 06 Nov 1994 08:60:37 GMT",
            "Sun, 06 Nov 1994 08:49 GMT",
        ] {
            assert_eq!(parse(value, 0), None, "{value}");
        }
    }

    proptest! {
        #[test]
        fn every_day_of_four_centuries_is_one_after_the_other(year in 1970_i64..2370, month in 1_i64..=12) {
            let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            let length = match month {
                2 => if is_leap { 29 } else { 28 },
                4 | 6 | 9 | 11 => 30,
                _ => 31,
            };
            let (next_year, next_month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
            let first = days_since_epoch(year, month, 1);
            prop_assert_eq!(days_since_epoch(year, month, length), first + length - 1);
            prop_assert_eq!(days_since_epoch(next_year, next_month, 1), first + length);
        }

        #[test]
        fn any_text_gives_a_time_within_bounds(text in any::<String>(), now_ms in 0_i64..4_000_000_000_000) {
            let at_ms = parse(&text, now_ms);
            prop_assert!(at_ms.is_none_or(|at_ms| (now_ms..=now_ms + MAX_AHEAD_MS).contains(&at_ms)));
        }

        #[test]
        fn anything_like_a_date_gives_a_time_within_bounds(
            text in "(Sun|Nov|Dec|[0-9]{1,20}|GMT|[ ,:-]){0,12}", now_ms in 0_i64..4_000_000_000_000,
        ) {
            let at_ms = parse(&text, now_ms);
            prop_assert!(at_ms.is_none_or(|at_ms| (now_ms..=now_ms + MAX_AHEAD_MS).contains(&at_ms)));
        }
    }
}
