//! `Retry-After` (RFC 9110 §10.2.3): seconds, or a date in any of the three forms of §5.6.7.
//!
//! The date arithmetic is our own: all three forms are the same few words in two orders, and the answer is
//! clamped anyway, which is less code than the `httpdate` crate together with the `SystemTime` it answers in.

use super::seconds;

/// No server may silence a session for longer than this, in milliseconds: one day.
pub const MAX_AHEAD_MS: i64 = 86_400_000;

const DAY_MS: i64 = 86_400_000;
const YEAR_MS: i64 = 31_556_952_000;
const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";

/// When to try again, epoch milliseconds, never before `now_ms` and never more than [`MAX_AHEAD_MS`] after it.
/// `None` for what is neither seconds nor a date.
pub fn parse(value: &str, now_ms: i64) -> Option<i64> {
    let value = value.trim_ascii();
    let ahead_ms = match seconds::parse_ms(value) {
        Some(ahead_ms) => ahead_ms,
        None => http_date_ms(value, now_ms)?.saturating_sub(now_ms),
    };
    Some(now_ms.saturating_add(ahead_ms.clamp(0, MAX_AHEAD_MS)))
}

/// An HTTP-date as epoch milliseconds. Weekdays are not looked at, and the 31st of a shorter month is the
/// first of the next.
fn http_date_ms(value: &str, now_ms: i64) -> Option<i64> {
    let mut words = value.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let mut word = || words.next();
    let (_weekday, first, second) = (word()?, word()?, word()?);
    let (third, fourth, fifth, sixth) = (word()?, word()?, word()?, word()?);
    let date = match word() {
        // IMF-fixdate "Sun, 06 Nov 1994 08:49:37 GMT" and RFC 850 "Sunday, 06-Nov-94 08:49:37 GMT".
        Some("GMT") => [first, second, third, fourth, fifth, sixth],
        // asctime "Sun Nov  6 08:49:37 1994".
        None => [second, first, sixth, third, fourth, fifth],
        Some(_) => return None,
    };
    let [day, month, year, hour, minute, second] = date;
    let at = MONTHS.find(month).filter(|at| month.len() == 3 && at % 3 == 0)?;
    let month = i64::try_from(at / 3).ok()? + 1;
    let year = match (year.len(), seconds::digits(year)?) {
        (2, year) => century(year, 1970 + now_ms / YEAR_MS),
        (4, year) => year,
        _ => return None,
    };
    // A leap second is the next minute's first.
    let (day, hour) = (below(day, 32)?, below(hour, 24)?);
    let (minute, second) = (below(minute, 60)?, below(second, 61)?);
    if day == 0 {
        return None;
    }
    Some(days_since_epoch(year, month, day) * DAY_MS + ((hour * 60 + minute) * 60 + second) * 1000)
}

fn below(text: &str, bound: i64) -> Option<i64> {
    seconds::digits(text).filter(|number| *number < bound)
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
    // Ends on the day before 1970-01-01 in this way of counting.
    year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + day_of_year - 719_468
}
