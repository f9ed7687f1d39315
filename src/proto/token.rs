//! The token set and the arithmetic of its expiry.

use super::answer::Grant;
use super::json::Json;
use super::jwt;
use super::secret::Secret;
use super::time::{Deadline, Now, difference, sum};

/// What one answer of the route left us with.
#[derive(Clone, Default, PartialEq)]
#[cfg_attr(not(target_family = "wasm"), derive(Debug))]
pub struct TokenSet {
    /// `None` in cookie mode: the page never sees it.
    pub access_token: Option<Secret>,
    /// `None` where the refresh token is in a cookie, or there is none.
    pub refresh_token: Option<Secret>,
    /// When it was received, epoch ms.
    pub obtained_ms: i64,
    /// How long the access token lives from receipt, in ms; `None`: nobody said.
    pub lifetime_ms: Option<i64>,
    /// When the refresh token ends, epoch ms; `None`: nobody said.
    pub refresh_expires_at_ms: Option<i64>,
    /// RFC 6749 §3.3.
    pub scope: Option<String>,
    /// User data, as JSON text.
    pub user: Option<String>,
}

impl TokenSet {
    /// When the access token expires, epoch ms.
    pub fn expires_at_ms(&self) -> Option<i64> {
        self.lifetime_ms.map(|lifetime| sum(self.obtained_ms, lifetime))
    }

    /// When it expires on both clocks, as seen from now.
    ///
    /// A set that was obtained in the future was obtained before a clock step. How old it is can't be known;
    /// a small step is rounding between processes, after a large one the set counts as expired: one refresh
    /// puts it right, and no expired token is sent on a guess.
    pub fn expiry(&self, now: &Now) -> Option<Deadline> {
        let lifetime = self.lifetime_ms?;
        let age = now.wall_since(self.obtained_ms);
        let left = if age >= 0 {
            difference(lifetime, age)
        } else if age > -ROUNDING_MS {
            lifetime
        } else {
            0
        };
        Some(Deadline::after(now, left))
    }
}

/// Clocks of two processes may be read in another order than they were written, and Firefox rounds.
const ROUNDING_MS: i64 = 5_000;

/// Contract: `leeway`.
#[derive(Clone, Copy, PartialEq)]
#[cfg_attr(not(target_family = "wasm"), derive(Debug))]
pub struct Leeway {
    /// At most this long before expiry, ms.
    pub seconds_ms: i64,
    /// At most this part of the token's life, in thousandths. A leeway can so never be longer than the life
    /// and make every token due at birth.
    pub fraction_permille: i64,
}

impl Default for Leeway {
    fn default() -> Self {
        Self { seconds_ms: 300_000, fraction_permille: 200 }
    }
}

impl Leeway {
    /// The leeway of a token with that lifetime, ms: whichever of the two is shorter.
    pub fn of(self, lifetime_ms: i64) -> i64 {
        self.seconds_ms.clamp(0, part(lifetime_ms, self.fraction_permille.min(MOST_OF_LIFE_PERMILLE)))
    }
}

/// How much longer a token must live to serve a caller that asks for `min_validity_ms`, in ms. What no fresh
/// token could give isn't asked for: it would refresh at every call.
pub fn needed_ms(leeway: Leeway, lifetime_ms: i64, min_validity_ms: Option<i64>) -> i64 {
    match min_validity_ms {
        None => leeway.of(lifetime_ms),
        Some(wanted) => wanted.clamp(0, part(lifetime_ms, MOST_OF_LIFE_PERMILLE)),
    }
}

const MOST_OF_LIFE_PERMILLE: i64 = 800;

/// That many thousandths of a duration.
fn part(duration_ms: i64, permille: i64) -> i64 {
    duration_ms.max(0).saturating_mul(permille.clamp(0, 1000)) / 1000
}

/// How long the access token of an answer lives from its receipt, in ms: `expires_in`, else the JWT's own
/// `exp − iat` (its server's clock cancels out), else `exp` against our clock. A token that looks expired at
/// birth tells nothing but that the clocks differ: unknown.
pub fn lifetime_ms(
    expires_in_ms: Option<i64>,
    exp_ms: Option<i64>,
    iat_ms: Option<i64>,
    received_ms: i64,
) -> Option<i64> {
    let positive = |ms: i64| (ms > 0).then_some(ms.min(MAX_LIFETIME_MS));
    if let Some(said) = expires_in_ms.and_then(positive) {
        return Some(said);
    }
    let exp = exp_ms?;
    positive(difference(exp, iat_ms.unwrap_or(received_ms)))
}

/// Completes a grant whose answer did not say how long its access token lives.
pub fn settle_lifetime<J: Json>(grant: &mut Grant, received_ms: i64) {
    let token = grant.access_token.as_ref().map_or("", |token| token.expose());
    let times = match grant.expires_in_ms {
        Some(_) => None,
        None => jwt::times_of::<J>(token),
    };
    let (exp_ms, iat_ms) = times.map_or((None, None), |times| (times.exp_ms, times.iat_ms));
    grant.expires_in_ms = lifetime_ms(grant.expires_in_ms, exp_ms, iat_ms, received_ms);
}

/// Ten years: longer is as good as for ever, and sums stay far from overflow.
pub const MAX_LIFETIME_MS: i64 = 10 * 366 * 86_400_000;

#[cfg(test)]
#[cfg(not(target_family = "wasm"))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(wall_ms: i64) -> Now {
        Now { wall_ms, mono_ms: 1_000, noise: 0 }
    }

    fn set(obtained_ms: i64, lifetime_ms: i64) -> TokenSet {
        TokenSet { obtained_ms, lifetime_ms: Some(lifetime_ms), ..TokenSet::default() }
    }

    #[test]
    fn the_shorter_of_seconds_and_fraction_is_the_leeway() {
        let leeway = Leeway::default();
        assert_eq!(leeway.of(3_600_000), 300_000);
        assert_eq!(leeway.of(20_000), 4_000);
        assert_eq!(leeway.of(0), 0);
    }

    #[test]
    fn a_set_obtained_in_the_future_counts_as_expired_unless_it_is_rounding() {
        assert!(set(3_700_000, 60_000).expiry(&at(100_000)).unwrap().passed(&at(100_000)));
        assert!(!set(100_900, 60_000).expiry(&at(100_000)).unwrap().passed(&at(100_000)));
    }

    #[test]
    fn a_token_that_looks_expired_on_arrival_has_an_unknown_life_unless_the_answer_says_it() {
        assert_eq!(lifetime_ms(None, Some(5_000), None, 10_000), None);
        assert_eq!(lifetime_ms(None, Some(5_000), Some(2_000), 10_000), Some(3_000));
        assert_eq!(lifetime_ms(Some(60_000), Some(5_000), None, 10_000), Some(60_000));
    }

    #[test]
    fn an_absurd_expires_in_gives_way_to_the_tokens_own_claims() {
        assert_eq!(lifetime_ms(Some(0), Some(70_000), Some(10_000), 0), Some(60_000));
        assert_eq!(lifetime_ms(Some(i64::MAX), None, None, 0), Some(MAX_LIFETIME_MS));
    }

    proptest! {
        #[test]
        fn a_fresh_token_is_never_due(
            lifetime in 2i64..MAX_LIFETIME_MS,
            seconds_ms in 0i64..i64::MAX,
            fraction_permille in any::<i64>(),
            wall in 0i64..4_000_000_000_000,
        ) {
            let leeway = Leeway { seconds_ms, fraction_permille };
            let left = set(wall, lifetime).expiry(&at(wall)).unwrap().remaining_ms(&at(wall));
            prop_assert!(left > leeway.of(lifetime));
        }

        #[test]
        fn no_min_validity_makes_a_fresh_token_due(
            lifetime in 2i64..MAX_LIFETIME_MS,
            wanted in any::<i64>(),
        ) {
            prop_assert!(needed_ms(Leeway::default(), lifetime, Some(wanted)) < lifetime);
        }

        #[test]
        fn expiry_arithmetic_never_overflows(
            obtained in any::<i64>(), lifetime in any::<i64>(), wall in any::<i64>(), mono in any::<i64>(),
        ) {
            let now = &Now { wall_ms: wall, mono_ms: mono, noise: 7 };
            if let Some(expiry) = set(obtained, lifetime).expiry(now) {
                let _ = (expiry.passed(now), expiry.remaining_ms(now));
            }
            let _ = lifetime_ms(Some(lifetime), Some(obtained), Some(wall), mono);
        }

        #[test]
        fn of_two_sets_received_together_the_longer_lived_never_expires_first(
            a in 1i64..MAX_LIFETIME_MS, b in 1i64..MAX_LIFETIME_MS, later in 0i64..MAX_LIFETIME_MS,
        ) {
            let now = &at(1_000_000 + later);
            let passed = |life: i64| set(1_000_000, life).expiry(now).unwrap().passed(now);
            prop_assert!(!passed(a.max(b)) || passed(a.min(b)));
        }
    }
}
