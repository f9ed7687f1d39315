//! What a 401 of the API means.

use super::io::{Challenge401, Epoch};
use super::time::Now;

/// Contract: `retryOn`.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(not(target_family = "wasm"), derive(Debug))]
pub enum RetryOn {
    /// Any 401 but those that a new token of the same login can't mend.
    #[default]
    Any,
    /// Only `error="invalid_token"`.
    InvalidToken,
    /// None.
    Never,
}

impl RetryOn {
    /// Whether that 401 may lead to a refresh and a replay.
    pub fn covers(self, challenge: Challenge401) -> bool {
        match (self, challenge) {
            (Self::Never, _)
            | (_, Challenge401::InsufficientScope | Challenge401::StepUp | Challenge401::Proof) => false,
            (_, Challenge401::InvalidToken) | (Self::Any, Challenge401::Other) => true,
            (Self::InvalidToken, Challenge401::Other) => false,
        }
    }
}

/// Stops refreshing for an API that refuses even fresh tokens. Shared by all requests of a session.
#[derive(Default)]
pub(super) struct Breaker {
    /// Fresh tokens refused in a row.
    refused: u32,
    /// The last token counted: a hundred requests that meet one bad token are one refusal.
    counted: Option<Epoch>,
    /// No refresh because of a 401 before this, monotonic ms.
    open_until_mono_ms: i64,
    /// The last token that a 401 led to, and when it came, monotonic ms.
    renewed: Option<(Epoch, i64)>,
}

const OPEN_FIRST_MS: i64 = 30_000;
const OPEN_MOST_MS: i64 = 600_000;

impl Breaker {
    /// A request that was sent again, with a fresh token, was answered.
    pub(super) fn replayed(&mut self, sent: Epoch, refused: bool, now: &Now) {
        if self.counted == Some(sent) && refused {
            return;
        }
        if !refused {
            if self.counted != Some(sent) {
                *self = Self::default();
            }
            return;
        }
        self.counted = Some(sent);
        let wait = (OPEN_FIRST_MS << self.refused.min(10)).min(OPEN_MOST_MS);
        self.refused = self.refused.saturating_add(1);
        self.open_until_mono_ms = now.mono_in(wait);
    }

    /// A 401 has led to this token.
    pub(super) fn renewed(&mut self, epoch: Epoch, now: &Now) {
        self.renewed = Some((epoch, now.mono_ms));
    }

    /// A request was answered 401 that was sent with the current token. If a 401 led to that token just now it is as
    /// good as a replay: the replay itself may be slow, or nobody waited for it any more.
    pub(super) fn refused(&mut self, sent: Epoch, now: &Now) {
        let fresh = |at: i64| now.mono_since(at) < OPEN_FIRST_MS;
        if self.renewed.is_some_and(|(epoch, at)| epoch == sent && fresh(at)) {
            self.replayed(sent, true, now);
        }
    }

    /// Whether a 401 may not lead to a refresh now.
    pub(super) fn is_open(&self, now: &Now) -> bool {
        now.mono_ms < self.open_until_mono_ms
    }

    /// A new sign-in: nothing is known of its tokens.
    pub(super) fn reset(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
#[cfg(not(target_family = "wasm"))]
mod tests {
    use super::*;

    fn at(mono_ms: i64) -> Now {
        Now { wall_ms: 0, mono_ms, noise: 0 }
    }

    #[test]
    fn many_refusals_of_one_token_count_once() {
        let mut breaker = Breaker::default();
        for _ in 0..50 {
            breaker.replayed(Epoch(2), true, &at(0));
        }
        assert!(breaker.is_open(&at(OPEN_FIRST_MS - 1)));
        assert!(!breaker.is_open(&at(OPEN_FIRST_MS)));
    }

    #[test]
    fn each_further_refusal_waits_longer_up_to_a_limit() {
        let mut breaker = Breaker::default();
        let mut now = 0;
        for epoch in 0..40 {
            breaker.replayed(Epoch(epoch), true, &at(now));
            assert!(breaker.open_until_mono_ms - now <= OPEN_MOST_MS);
            now = breaker.open_until_mono_ms;
        }
        breaker.replayed(Epoch(40), false, &at(now));
        assert_eq!(breaker.refused, 0);
    }

    #[test]
    fn a_401_that_a_new_token_cannot_mend_is_never_retried() {
        for policy in [RetryOn::Any, RetryOn::InvalidToken, RetryOn::Never] {
            assert!(!policy.covers(Challenge401::InsufficientScope));
            assert!(!policy.covers(Challenge401::StepUp));
            assert!(!policy.covers(Challenge401::Proof));
        }
        assert!(RetryOn::Any.covers(Challenge401::Other));
        assert!(!RetryOn::InvalidToken.covers(Challenge401::Other));
    }
}
