//! The sign-in that a tab holds, and what its clocks say of it.

use super::config::Config;
use super::record::Record;
use super::time::{Deadline, Now};
use super::token::needed_ms;

/// The sign-in this tab holds.
pub(super) struct Held {
    pub(super) record: Record,
    /// When the access token expires; `None`: unknown, or a cookie.
    pub(super) expiry: Option<Deadline>,
    /// When to refresh: a leeway before expiry; in cookie mode, after the interval.
    pub(super) due: Option<Deadline>,
    /// When the refresh token ends, as far as this tab may conclude that.
    pub(super) refresh_end: Option<Deadline>,
    /// The status shown last was "expired".
    pub(super) shown_expired: bool,
    /// The last resort before giving up an expired set: when the other tabs were asked first and last, monotonic
    /// ms.
    pub(super) asked_others: Option<(i64, i64)>,
}

impl Held {
    pub(super) fn new(record: Record, config: &Config, now: Now) -> Self {
        let end = record.tokens.expiry(now);
        let mut held = Self {
            record,
            expiry: None,
            due: end,
            refresh_end: None,
            shown_expired: false,
            asked_others: None,
        };
        if config.cookie_interval_ms.is_none() {
            held.expiry = end;
            held.due = end.map(|at| at.plus(-held.needed_ms(config, None)));
        }
        held
    }

    pub(super) fn expired(&self, now: Now) -> bool {
        self.expiry.is_some_and(|at| at.passed(now))
    }

    /// Whether the token lives at least that much longer, as far as anyone knows.
    pub(super) fn good_for(&self, now: Now, needed_ms: i64) -> bool {
        self.expiry.is_none_or(|at| at.remaining_ms(now) > needed_ms)
    }

    pub(super) fn needed_ms(&self, config: &Config, min_validity_ms: Option<i64>) -> i64 {
        needed_ms(config.leeway, self.record.tokens.lifetime_ms.unwrap_or(0), min_validity_ms)
    }

    /// How long to wait after a failure if nobody waits: a twelfth of what a token lasts, five minutes of an hour; after
    /// the first one not beyond the token's end.
    pub(super) fn idle_ms(&self, config: &Config, now: Now, failures: u32) -> i64 {
        let lasts = self.record.tokens.lifetime_ms.or(config.cookie_interval_ms);
        let share = lasts.map_or(UNKNOWN_LIFETIME_IDLE_MS, |lasts| lasts / 12);
        match self.expiry.map_or(0, |at| at.remaining_ms(now)) {
            left if left > 0 && failures == 0 => share.min(left),
            _ => share,
        }
    }
}

/// [`Held::idle_ms`] where nobody says how long a token lasts.
const UNKNOWN_LIFETIME_IDLE_MS: i64 = 5_000;
