//! One attempt to refresh: from its start to the new token set, or to the failure that callers are told.
//!
//! ```text
//! start → (rate) → lock → look ─┬─ newer set of another tab: adopt
//!                               └─ claim → present → answer ─┬─ granted: store, commit, tell, unlock
//!                                                            ├─ ended: mark as ended, unless overtaken
//!                                                            └─ anything else: share the cool-down
//! ```
//! Alone, the steps in the shared place fall away.

use super::answer::{Grant, Meaning, Refused};
use super::config::Coordination;
use super::demand::Waits;
use super::error::{Code, Failure};
use super::io::*;
use super::record::Record;
use super::session::{Because, Late, Session};
use super::time::Now;

/// How much longer than an attempt's own timeout others wait for it: shorter, and a slow answer would look
/// like a dead tab (auth0-spa-js#706).
pub(super) const LOCK_MARGIN_MS: i64 = 5_000;
/// The shared place answers in a few ms or, in some browsers on some days, never.
pub(super) const PLACE_TIMEOUT_MS: i64 = 5_000;
/// A timer this late tells that the page stood still: what it waited for may be just behind it.
const LATE_TIMER_MS: i64 = 1_000;
/// An answer is waited for this many timeouts before it counts as lost: presenting the token again while it
/// can still come would look like theft to the server.
const TIMEOUTS_TILL_LOST: i64 = 4;

/// A caller that waits for the attempt.
pub(super) struct Waiter {
    pub(super) id: WaiterId,
    pub(super) waits: Waits,
    pub(super) since_mono_ms: i64,
}

/// Where an attempt is.
pub(super) enum Phase {
    /// Held back by the rate bound.
    Pacing,
    /// Waits for the lock.
    Locking,
    /// Another tab is refreshing and there is no lock to wait for: looks now and then.
    Waiting,
    /// Reads the shared entry.
    Looking,
    /// Writes its claim.
    Claiming,
    /// Asks the other tabs, where there is no shared entry; with a refusal at hand, for the last time.
    Asking {
        /// What the server said, if it refused.
        refused: Option<Refused>,
    },
    /// The request is on its way. `told`: it has taken too long, callers have gone on without it.
    Presenting { told: bool },
    /// Writes the new set.
    Committing(Record),
    /// Writes that the server ended the session.
    Ending(Refused),
    /// Writes the failure; callers have been told.
    Resolving,
}

/// One attempt.
pub(super) struct Attempt {
    pub(super) id: AttemptId,
    pub(super) reason: Reason,
    pub(super) phase: Phase,
    /// When the phase has taken too long, or is over, monotonic ms.
    pub(super) deadline_mono_ms: i64,
    /// The lock was asked for and must be given back.
    pub(super) asked_lock: bool,
    /// The lock is held.
    pub(super) locked: bool,
    /// Identifies this attempt to other tabs.
    pub(super) claim: u32,
    /// The entry as last seen.
    pub(super) version: Option<u32>,
    /// Generation of the set whose refresh token this attempt presents.
    pub(super) generation: u32,
    /// Until when callers wait for other tabs, monotonic ms.
    pub(super) until_mono_ms: i64,
    /// What its token request is marked with in its claim.
    pub(super) request_mark: Option<i64>,
    /// How often the entry changed under us.
    pub(super) conflicts: u32,
}

impl Attempt {
    /// Whether it still may give its callers something.
    pub(super) fn under_way(&self) -> bool {
        !matches!(self.phase, Phase::Presenting { told: true } | Phase::Resolving)
    }

    /// When callers of a given-up attempt may come again, epoch ms.
    pub(super) fn given_up_until_ms(&self, now: Now) -> Option<i64> {
        (!self.under_way()).then(|| now.wall_ms.saturating_add((self.deadline_mono_ms - now.mono_ms).max(0)))
    }
}

impl Session {
    /// Starts a refresh, or joins the one under way.
    pub(super) fn start(&mut self, now: Now, reason: Reason) {
        if self.attempt.is_some() {
            return;
        }
        let why = match reason {
            Reason::Expiry => "the token is due",
            Reason::Unauthorized => "the API refused the token",
            Reason::Manual => "it was asked for",
            Reason::Startup => "there is no token yet",
        };
        self.new_attempt(now, reason);
        self.note(now, "refresh", why, Some(("attempt", i64::from(self.attempts_made))));
        self.changed = true;
        self.pace_then_coordinate(now);
    }

    fn new_attempt(&mut self, now: Now, reason: Reason) {
        self.attempts_made = self.attempts_made.wrapping_add(1);
        self.attempt = Some(Attempt {
            id: AttemptId(self.attempts_made),
            reason,
            phase: Phase::Pacing,
            deadline_mono_ms: now.mono_ms,
            asked_lock: false,
            locked: false,
            claim: now.noise,
            generation: self.held.as_ref().map_or(0, |held| held.record.generation),
            version: None,
            until_mono_ms: now.mono_ms,
            request_mark: None,
            conflicts: 0,
        });
    }

    /// Waits for the rate bound, then goes on to the other tabs.
    pub(super) fn pace_then_coordinate(&mut self, now: Now) {
        let slot = self.pace.slot(now);
        if let Some(at) = slot {
            self.give_back_lock();
            self.note(
                now,
                "wait",
                "three token requests in a row are enough",
                Some(("ms", at - now.mono_ms)),
            );
            return self.enter(Phase::Pacing, at);
        }
        self.coordinate(now);
    }

    /// Presents the refresh token. The claim, where there is one, is written.
    pub(super) fn present(&mut self, now: Now) {
        let Some(attempt) = &mut self.attempt else { return };
        if attempt.request_mark.is_none() && self.pace.slot(now).is_some() {
            return self.pace_then_coordinate(now);
        }
        let mark = attempt.request_mark.unwrap_or_else(|| self.pace.mark(now));
        self.pace.request(mark, now);
        attempt.phase = Phase::Presenting { told: false };
        attempt.deadline_mono_ms = now.mono_ms.saturating_add(self.config.timeout_ms);
        let tokens = self.held.as_ref().map(|h| &h.record.tokens);
        let effect = Effect::Present {
            attempt: attempt.id,
            refresh_token: tokens.and_then(|t| t.refresh_token.clone()),
            access_token: tokens.and_then(|t| t.access_token.clone()),
            reason: attempt.reason,
        };
        self.effect(effect);
    }

    /// The route has answered, or can't any more.
    pub(super) fn answered(&mut self, now: Now, id: AttemptId, meaning: Option<Meaning>) {
        let presenting =
            self.attempt.as_ref().is_some_and(|a| a.id == id && matches!(a.phase, Phase::Presenting { .. }));
        if !presenting {
            return self.answered_late(now, id, meaning);
        }
        let generation = self.held.as_ref().map_or(0, |held| held.record.generation);
        if self.attempt.as_ref().is_some_and(|a| a.generation != generation) {
            self.note(now, "drop the answer", "another tab's newer set has been adopted", None);
            return self.finish();
        }
        match meaning {
            None => self.fail(now, Code::RefreshUnavailable, UNANSWERED, Refused::default(), None),
            Some(Meaning::Granted(grant)) => match self.next_record(now, &grant) {
                Some(record) => self.commit(now, record),
                None => self.effect(Effect::Begin(grant)),
            },
            Some(Meaning::Ended(refused)) => self.refused(now, refused),
            Some(Meaning::Unavailable { said, retry_at_ms }) => {
                self.fail(now, Code::RefreshUnavailable, UNAVAILABLE, said, retry_at_ms);
            }
            Some(Meaning::Invalid(said)) => self.fail(now, Code::InvalidResponse, INVALID, said, None),
        }
    }

    /// The answer of an attempt that was given up. What it granted still counts if nothing newer is there;
    /// what it granted to a session that has ended must not live on.
    fn answered_late(&mut self, now: Now, id: AttemptId, meaning: Option<Meaning>) {
        let Some(late) = self.late.take_if(|late| late.attempt == id) else { return };
        let Some(Meaning::Granted(grant)) = meaning else { return };
        let current = self
            .held
            .as_ref()
            .is_some_and(|held| held.record.id == late.id && held.record.generation == late.generation);
        if !current {
            self.note(now, "drop the late tokens", "the session has moved on", None);
            if self.over.as_ref() == Some(&late.id) {
                self.effect(Effect::Revoke {
                    refresh_token: grant.refresh_token,
                    access_token: grant.access_token,
                });
            }
            return;
        }
        if self.attempt.as_ref().is_some_and(|a| matches!(a.phase, Phase::Presenting { .. })) {
            // The token has been presented again meanwhile; that answer decides.
            return;
        }
        self.note(now, "take the late tokens", "nothing newer is there", None);
        let Some(record) = self.next_record(now, &grant) else { return };
        if self.attempt.is_none() {
            self.new_attempt(now, Reason::Expiry);
        }
        self.commit(now, record);
    }

    /// What follows on the set this tab holds.
    fn next_record(&self, now: Now, grant: &Grant) -> Option<Record> {
        let held = self.held.as_ref()?;
        Some(Record {
            tokens: self.token_set(now, grant, Some(&held.record.tokens)),
            generation: held.record.generation.saturating_add(1),
            id: held.record.id.clone(),
            key: held.record.key.clone(),
        })
    }

    /// The new set is this tab's. Everyone who waited goes on.
    pub(super) fn apply(&mut self, now: Now, record: Record, by_other_tab: bool) {
        let attempts = self.pace.failures().saturating_add(1);
        let generation = record.generation;
        self.pace.succeeded();
        self.claim_seen = None;
        self.hold(now, record, if by_other_tab { Because::Adopted } else { Because::Refreshed });
        let why = if by_other_tab { "another tab had refreshed" } else { "the route granted it" };
        self.note(now, "new token", why, Some(("generation", i64::from(generation))));
        self.event(Event::Refreshed { attempts, by_other_tab });
        if self.held.as_ref().is_some_and(|held| held.expired(now)) && by_other_tab && self.can_refresh(now) {
            // That one is of no use to anyone who waits: the attempt goes on from it.
            return;
        }
        self.settle_all(|waits| match waits {
            Waits::ToReplay => Outcome::Replay,
            Waits::For(Want::IfNeeded) => Outcome::Refreshed(true),
            Waits::For(Want::Call | Want::Token { .. } | Want::Refresh) => Outcome::Token,
        });
    }

    /// The attempt has failed; the session is kept. Callers are told at once, the rest is tidying up.
    pub(super) fn fail(
        &mut self,
        now: Now,
        code: Code,
        message: &'static str,
        said: Refused,
        retry_at_ms: Option<i64>,
    ) {
        let wanted = self.held.as_ref().is_none_or(|held| held.expired(now)) && !self.waiters.is_empty();
        self.pace.failed(now, retry_at_ms, wanted);
        let mut failure = Failure::said(code, message, said);
        failure.retry_at_ms =
            self.pace.cooling(now).map(|until| now.wall_ms.saturating_add(until.remaining_ms(now)));
        self.tell_failure(now, failure);
        self.resolve(now);
    }

    /// Tells callers and listeners that the attempt has failed.
    pub(super) fn tell_failure(&mut self, now: Now, failure: Failure) {
        let detail = failure.status.map(|status| ("status", i64::from(status)));
        self.note(now, "refresh failed, session kept", failure.message, detail);
        for waiter in std::mem::take(&mut self.waiters) {
            self.settle_failed(now, waiter.id, waiter.waits, &failure);
        }
        let retry_at_ms = failure.retry_at_ms;
        self.failure = Some(failure.clone());
        self.changed = true;
        self.event(Event::RefreshFailed { failure, retry_at_ms });
    }

    /// The server refused the refresh token: the session is over, unless another tab was first.
    fn refused(&mut self, now: Now, refused: Refused) {
        match self.config.coordination {
            Coordination::Alone => self.end_rejected(now, refused),
            Coordination::Vault => self.mark_ended(now, refused),
            Coordination::Channel => self.ask(now, Some(refused)),
        }
    }

    pub(super) fn end_rejected(&mut self, now: Now, refused: Refused) {
        let failure = Failure::said(Code::InvalidGrant, REJECTED, refused);
        self.end(now, Ended::Rejected, Some(failure), REJECTED);
    }

    /// Deadlines of the attempt.
    pub(super) fn attempt_deadlines(&mut self, now: Now) {
        let Some(attempt) = &mut self.attempt else { return };
        let over = now.mono_ms.saturating_sub(attempt.deadline_mono_ms);
        if over < 0 {
            return;
        }
        let stood_still = over > LATE_TIMER_MS && !matches!(attempt.phase, Phase::Pacing);
        if stood_still {
            attempt.deadline_mono_ms = now.mono_ms.saturating_add(LATE_TIMER_MS);
            return;
        }
        match attempt.phase {
            Phase::Pacing => self.pace_then_coordinate(now),
            Phase::Presenting { told: false } => self.unanswered_so_far(now),
            Phase::Presenting { told: true } => {
                self.give_up(now);
                let (code, said) = (Code::RefreshUnavailable, Refused::default());
                self.fail(now, code, "No answer came; the session is kept.", said, None);
            }
            Phase::Locking
            | Phase::Waiting
            | Phase::Looking
            | Phase::Claiming
            | Phase::Asking { .. }
            | Phase::Committing(_)
            | Phase::Ending(_)
            | Phase::Resolving => self.coordination_deadline(now),
        }
    }

    /// The timeout has passed. The request goes on: its outcome is unknown, and its answer still welcome.
    fn unanswered_so_far(&mut self, now: Now) {
        let more = self.lost_after_ms() - self.config.timeout_ms;
        self.enter(Phase::Presenting { told: true }, now.mono_ms.saturating_add(more));
        let mut failure = Failure::new(Code::RefreshUnavailable, UNANSWERED_SO_FAR);
        failure.retry_at_ms = Some(now.wall_ms.saturating_add(more));
        self.tell_failure(now, failure);
    }

    /// Remembers the attempt's request, should its answer still come.
    pub(super) fn give_up(&mut self, now: Now) {
        let (Some(attempt), Some(held)) = (&self.attempt, &self.held) else { return };
        if matches!(attempt.phase, Phase::Presenting { .. }) {
            self.late = Some(Late {
                attempt: attempt.id,
                id: held.record.id.clone(),
                generation: held.record.generation,
            });
            self.note(now, "give the request up", "its answer is welcome all the same", None);
        }
    }

    /// How long a claim may stand before its answer counts as lost, ms.
    pub(super) fn lost_after_ms(&self) -> i64 {
        self.config.timeout_ms.saturating_mul(TIMEOUTS_TILL_LOST)
    }

    /// The attempt is over.
    pub(super) fn finish(&mut self) {
        self.give_back_lock();
        self.attempt = None;
        self.changed = true;
    }

    /// Drops the attempt, whatever it is doing; a late answer is known for what it is.
    pub(super) fn abandon(&mut self, now: Now) {
        self.give_up(now);
        self.finish();
    }

    pub(super) fn enter(&mut self, phase: Phase, deadline_mono_ms: i64) {
        if let Some(attempt) = &mut self.attempt {
            attempt.phase = phase;
            attempt.deadline_mono_ms = deadline_mono_ms;
        }
    }
}

const UNAVAILABLE: &str =
    "The refresh route is not available; the session is kept and the refresh will be tried again.";
const UNANSWERED: &str =
    "The refresh route could not be reached; the session is kept and the refresh will be tried again.";
const UNANSWERED_SO_FAR: &str = "The refresh route has not answered in time; its answer still counts.";
const INVALID: &str = "The refresh route answered something that is no token answer; the session is kept.";
const REJECTED: &str = "The refresh route refused the refresh token: the session is over.";
