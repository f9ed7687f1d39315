//! What a caller gets: at once where that can be said, else when the attempt it joins has ended.

use super::error::{Code, Failure};
use super::io::*;
use super::refresh::{WAIT_MARGIN_MS, Waiter};
use super::session::{DISPOSED, Session};
use super::time::{Now, sum};

/// How long a caller with a still-valid token waits for a better one, ms.
const PATIENCE_MS: i64 = 3_000;

/// What a waiter waits for: a demand, or leave to replay.
#[derive(Clone, Copy)]
pub(super) enum Waits {
    For(Want),
    ToReplay,
}

impl Session {
    pub(super) fn demand(&mut self, now: &Now, waiter: WaiterId, want: Want) {
        if self.disposed {
            return self.settle(waiter, Outcome::Failed(Failure::new(Code::SignedOut, DISPOSED)));
        }
        let Some(held) = &self.held else { return self.demand_without_session(now, waiter, want) };
        let due = match want {
            Want::Refresh => true,
            Want::IfNeeded => held.due.is_some_and(|due| due.passed(now)),
            Want::Call => !held.good_for(now, held.needed_ms(&self.config, None)),
            Want::Token { min_validity_ms } => {
                !held.good_for(now, held.needed_ms(&self.config, min_validity_ms))
            }
        };
        if !due {
            let outcome = match want {
                Want::IfNeeded => Outcome::Refreshed(false),
                Want::Call | Want::Token { .. } | Want::Refresh => Outcome::Token,
            };
            return self.settle(waiter, outcome);
        }
        if !self.can_refresh(now) {
            if want == Want::Refresh {
                self.reconcile(now, "another tab may have what this one lacks");
            }
            let failure = Failure::new(Code::SignedOut, NOTHING_TO_PRESENT);
            return self.settle_failed(now, waiter, Waits::For(want), &failure);
        }
        // With a token that is still valid nobody is in need.
        if want == Want::Refresh || held.expired(now) {
            self.pace.wanted(now);
        }
        if let Some(retry_at_ms) = self.must_wait(now, want) {
            let failure = self.told_to_wait(retry_at_ms);
            return self.settle_failed(now, waiter, Waits::For(want), &failure);
        }
        self.join(now, waiter, Waits::For(want));
        let reason = if want == Want::Refresh { Reason::Manual } else { Reason::Expiry };
        self.start(now, reason);
    }

    fn demand_without_session(&mut self, now: &Now, waiter: WaiterId, want: Want) {
        match want {
            // The tokens may be where this page can't see them: in a cookie, or in a function's keeping.
            Want::Refresh if self.config.presents_nothing => {
                self.join(now, waiter, Waits::For(want));
                self.start(now, Reason::Startup);
            }
            Want::Refresh => {
                let failure = Failure::new(Code::SignedOut, "There is no session to refresh: sign in first.");
                self.settle(waiter, Outcome::Failed(failure));
            }
            Want::IfNeeded => self.settle(waiter, Outcome::Refreshed(false)),
            Want::Call | Want::Token { .. } => self.settle(waiter, Outcome::NoSession),
        }
    }

    /// A request was answered 401.
    pub(super) fn unauthorized(&mut self, now: &Now, waiter: WaiterId, sent: Epoch, challenge: Challenge401) {
        if sent == self.epoch && self.config.retry_on.covers(challenge) {
            self.breaker.refused(sent, now);
        }
        let surrender = if self.disposed {
            DISPOSED
        } else if self.held.is_none() {
            "there is no session"
        } else if !self.config.retry_on.covers(challenge) {
            "this kind of 401 is not for us to mend"
        } else if sent != self.epoch && self.held.as_ref().is_some_and(|held| !held.expired(now)) {
            self.note(now, "send again", "the token has changed since it was sent", None);
            return self.settle(waiter, Outcome::Replay);
        } else if !self.can_refresh(now) {
            "there is nothing to refresh with"
        } else if self.breaker.is_open(now) {
            "the API refuses fresh tokens"
        } else if self.must_wait_wanted(now).is_some() {
            "a refresh has failed a moment ago"
        } else {
            self.join(now, waiter, Waits::ToReplay);
            return self.start(now, Reason::Unauthorized);
        };
        self.note(now, "give back the 401", surrender, None);
        self.settle(waiter, Outcome::Surrender);
    }

    /// During a cool-down callers are told at once; gives when to come again, epoch ms. Who says "now"
    /// need not heed a wait that nobody but we asked for.
    fn must_wait(&self, now: &Now, want: Want) -> Option<i64> {
        if let Some(attempt) = &self.attempt {
            return attempt.given_up_until_ms(now);
        }
        let until = self.pace.cooling(now)?;
        (want != Want::Refresh || self.pace.by_server()).then(|| now.wall_in(until.remaining_ms(now)))
    }

    /// The same for somebody whose token is of no use.
    fn must_wait_wanted(&mut self, now: &Now) -> Option<i64> {
        self.pace.wanted(now);
        self.must_wait(now, Want::Call)
    }

    fn told_to_wait(&self, retry_at_ms: i64) -> Failure {
        let mut failure = match &self.failure {
            Some(failure) if failure.code.retryable() => failure.clone(),
            _ => Failure::new(Code::RefreshUnavailable, COOLING),
        };
        failure.retry_at_ms = Some(retry_at_ms);
        failure
    }

    fn join(&mut self, now: &Now, id: WaiterId, waits: Waits) {
        self.waiters.push(Waiter { id, waits, since_mono_ms: now.mono_ms });
    }

    /// Settles one caller whose refresh did not come about: with the token it has while that is valid.
    pub(super) fn settle_failed(&mut self, now: &Now, waiter: WaiterId, waits: Waits, failure: &Failure) {
        let over = self.held.is_none();
        let valid = self.held.as_ref().is_some_and(|held| !held.expired(now));
        let outcome = match waits {
            Waits::ToReplay => Outcome::Surrender,
            Waits::For(Want::Call | Want::Token { .. }) if valid => Outcome::Token,
            Waits::For(Want::IfNeeded) if valid || over => Outcome::Refreshed(false),
            Waits::For(_) => Outcome::Failed(failure.clone()),
        };
        self.settle(waiter, outcome);
    }

    /// Settles everyone who waits.
    pub(super) fn settle_all(&mut self, outcome: &dyn Fn(Waits) -> Outcome) {
        for waiter in std::mem::take(&mut self.waiters) {
            self.settle(waiter.id, outcome(waiter.waits));
        }
    }

    /// Nobody waits for ever, whatever the attempt is doing; with a token that is still valid, not even long.
    pub(super) fn be_patient(&mut self, now: &Now) {
        if self.patience_ends_mono_ms(now).is_none_or(|ends| now.mono_ms < ends) {
            return;
        }
        let patience = self.patience(now);
        let gone: Vec<Waiter>;
        (gone, self.waiters) = std::mem::take(&mut self.waiters)
            .into_iter()
            .partition(|w| now.mono_since(w.since_mono_ms) >= patience(w.waits));
        for waiter in gone {
            let failure = Failure::unavailable(TOOK_LONG, now.wall_in(PATIENCE_MS));
            self.settle_failed(now, waiter.id, waiter.waits, &failure);
        }
    }

    /// When patience ends next, or before that, monotonic ms. Ten thousand may wait, each of whom asks this: who came first
    /// is first, and nobody's ends before the shortest there is from then on.
    pub(super) fn patience_ends_mono_ms(&self, now: &Now) -> Option<i64> {
        let first = self.waiters.first()?;
        let patience = self.patience(now);
        let least = sum(first.since_mono_ms, patience(Waits::For(Want::Call)));
        if now.mono_ms < least {
            return Some(least);
        }
        self.waiters.iter().map(|w| sum(w.since_mono_ms, patience(w.waits))).min()
    }

    /// How long a caller waits, ms.
    fn patience(&self, now: &Now) -> impl Fn(Waits) -> i64 + use<> {
        let valid = self.held.as_ref().is_some_and(|held| !held.expired(now));
        let whole = sum(self.config.timeout_ms, WAIT_MARGIN_MS);
        move |waits| match waits {
            Waits::For(Want::Call | Want::Token { .. }) if valid => PATIENCE_MS.min(whole),
            Waits::For(_) | Waits::ToReplay => whole,
        }
    }
}

const NOTHING_TO_PRESENT: &str = "There is no refresh token to get a new access token with: sign in again.";
const TOOK_LONG: &str =
    "The refresh takes longer than a caller should wait; the session is kept and the refresh goes on.";
const COOLING: &str = "The last refresh failed a moment ago; the session is kept and will be tried again.";
