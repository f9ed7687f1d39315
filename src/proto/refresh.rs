//! One attempt to refresh: from its start to the new token set, or to the failure that callers are told.
//!
//! ```text
//! start → (rate) → look ─┬─ newer set of another tab: adopt
//!                        └─ lock, claim → present → answer ─┬─ granted: store, commit, tell, unlock
//!                                                           ├─ ended: mark as ended, unless overtaken
//!                                                           └─ anything else: share the cool-down
//! ```
//! Alone, the steps in the shared place fall away.

use super::answer::{Grant, Meaning, Refused};
use super::config::Coordination;
use super::coordination::claim_id;
use super::demand::Waits;
use super::error::{Code, Failure};
use super::io::*;
use super::record::{Record, Request};
use super::session::{Because, Session};
use super::time::Now;

/// How much longer than an attempt's own timeout its callers, and other tabs, wait for it: shorter, and a slow
/// answer would look like a dead tab (auth0-spa-js#706).
pub(super) const WAIT_MARGIN_MS: i64 = 5_000;
/// A timer this late tells that the page stood still: what it waited for may be just behind it.
const LATE_TIMER_MS: i64 = 1_000;
/// The same where a few messages are waited for.
pub(super) const LATE_ANSWERS_MS: i64 = 20;
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
    /// Takes the lock that tells others that it lives.
    Locking,
    /// Another tab is refreshing: waits until that tab's lock is free or, without locks, looks now and then.
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
    /// That deadline was put off once because the page had stood still.
    pub(super) put_off: bool,
    /// A lock was asked for or waited for, and must be given back.
    pub(super) asked_lock: bool,
    /// When it was asked for, monotonic ms.
    pub(super) asked_mono_ms: i64,
    /// Its locks are held.
    pub(super) locked: bool,
    /// How many of them are not.
    pub(super) locks_missing: u32,
    /// It had to wait for the queue lock: somebody was refreshing a moment ago.
    pub(super) queued: bool,
    /// Identifies this attempt to other tabs; not 0.
    pub(super) claim: u32,
    /// Its claim's number of tries, and whether it is to be written with the token set.
    pub(super) tries: u32,
    pub(super) whole: bool,
    /// How often the shared place refused.
    pub(super) place_failures: u32,
    /// They were asked again after the page stood still.
    pub(super) asked_again: bool,
    /// The other tabs were asked.
    pub(super) asked: bool,
    /// A claim whose lock nobody holds any more.
    pub(super) freed: Option<u32>,
    /// This attempt asks the other tabs, because the shared place does not work.
    pub(super) talks: bool,
    /// The entry as last seen.
    pub(super) version: Option<u32>,
    /// Generation of the set whose refresh token this attempt presents.
    pub(super) generation: u32,
    /// Until when callers wait for other tabs, monotonic ms.
    pub(super) until_mono_ms: i64,
    /// What its token request is marked with in its claim.
    pub(super) request_mark: Option<Request>,
    /// How often the entry changed under us.
    pub(super) conflicts: u32,
}

impl Attempt {
    /// Whether it still may give its callers something.
    pub(super) fn under_way(&self) -> bool {
        !matches!(self.phase, Phase::Presenting { told: true } | Phase::Resolving)
    }

    /// Whether its request has left.
    pub(super) fn has_presented(&self) -> bool {
        matches!(
            self.phase,
            Phase::Presenting { .. } | Phase::Committing(_) | Phase::Ending(_) | Phase::Resolving
        )
    }

    /// When callers of a given-up attempt may come again, epoch ms.
    pub(super) fn given_up_until_ms(&self, now: &Now) -> Option<i64> {
        (!self.under_way()).then(|| now.wall_in((self.deadline_mono_ms - now.mono_ms).max(0)))
    }
}

impl Session {
    /// Starts a refresh, or joins the one under way.
    pub(super) fn start(&mut self, now: &Now, reason: Reason) {
        if self.attempt.is_some() || self.disposed {
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

    pub(super) fn new_attempt(&mut self, now: &Now, reason: Reason) {
        self.attempts_made = self.attempts_made.wrapping_add(1);
        self.attempt = Some(Attempt {
            id: AttemptId(self.attempts_made),
            reason,
            phase: Phase::Pacing,
            deadline_mono_ms: now.mono_ms,
            put_off: false,
            asked_lock: false,
            asked_mono_ms: now.mono_ms,
            locked: false,
            locks_missing: 0,
            queued: false,
            claim: claim_id(now),
            tries: 1,
            whole: false,
            place_failures: 0,
            asked_again: false,
            asked: false,
            freed: None,
            talks: self.config.coordination == Coordination::Channel,
            generation: self.generation(),
            version: None,
            until_mono_ms: now.mono_ms,
            request_mark: None,
            conflicts: 0,
        });
    }

    /// Waits for the rate bound, then goes on to the other tabs.
    pub(super) fn pace_then_coordinate(&mut self, now: &Now) {
        if let Some(at) = self.pace.slot(now) {
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
    pub(super) fn present(&mut self, now: &Now) {
        let Some(attempt) = &mut self.attempt else { return };
        if attempt.request_mark.is_none() && self.pace.slot(now).is_some() {
            return self.pace_then_coordinate(now);
        }
        // The claim's mark, unless the page stood still since.
        let mark = attempt.request_mark.filter(|mark| now.mono_since(mark.mono_ms) < 1_000);
        let mark = mark.unwrap_or_else(|| self.pace.mark(now));
        attempt.request_mark = Some(mark);
        self.pace.request(mark, now);
        attempt.generation = self.held.as_ref().map_or(0, |held| held.record.generation);
        let (id, reason, talks) = (attempt.id, attempt.reason, attempt.talks);
        self.enter(Phase::Presenting { told: false }, now.mono_in(self.config.timeout_ms));
        let tokens = self.held.as_ref().map(|h| &h.record.tokens);
        let effect = Effect::Present {
            attempt: id,
            refresh_token: tokens.and_then(|t| t.refresh_token.clone()),
            access_token: tokens.and_then(|t| t.access_token.clone()),
            reason,
        };
        if talks {
            self.tell_state(true);
        }
        self.effect(effect);
    }

    /// The route has answered, or can't any more.
    pub(super) fn answered(&mut self, now: &Now, id: AttemptId, meaning: Option<Meaning>) {
        let presenting =
            self.attempt.as_ref().is_some_and(|a| a.id == id && matches!(a.phase, Phase::Presenting { .. }));
        if !presenting {
            return self.answered_late(now, id, meaning);
        }
        let generation = self.generation();
        let sent = self.attempt.as_ref().and_then(|a| a.request_mark);
        if self.attempt.as_ref().is_some_and(|a| a.generation != generation) {
            self.note(now, "drop the answer", "another tab's newer set has been adopted", None);
            self.heed(now, &meaning);
            return self.finish();
        }
        match meaning {
            None => {
                self.pace.lost_answer();
                self.fail_unheard(now, UNANSWERED);
            }
            Some(Meaning::Granted(grant)) => match self.next_record(now, &grant, sent) {
                Some(record) => self.commit(now, record),
                None => self.effect(Effect::Begin { attempt: id, grant }),
            },
            Some(Meaning::Ended(refused)) => self.refused(now, refused),
            Some(Meaning::Unavailable { said, retry_at_ms }) => {
                self.fail(now, Code::RefreshUnavailable, UNAVAILABLE, said, retry_at_ms);
            }
            Some(Meaning::Invalid(said)) => self.fail(now, Code::InvalidResponse, INVALID, said, None),
        }
    }

    /// What follows on the set this tab holds, by the answer to a request that left then.
    pub(super) fn next_record(&mut self, now: &Now, grant: &Grant, sent: Option<Request>) -> Option<Record> {
        let record = self.held.as_ref().map(|held| held.record.clone())?;
        Some(self.follow(now, &record, grant, sent))
    }

    /// What follows on a set.
    pub(super) fn follow(
        &mut self,
        now: &Now,
        before: &Record,
        grant: &Grant,
        sent: Option<Request>,
    ) -> Record {
        let mut tokens = self.token_set(now, grant, Some(&before.tokens));
        self.count_the_way(now, &mut tokens, sent);
        Record {
            tokens,
            generation: before.generation.saturating_add(1),
            id: before.id.clone(),
            key: before.key.clone(),
        }
    }

    /// The new set is this tab's. Everyone who waited goes on.
    pub(super) fn apply(&mut self, now: &Now, record: Record, by_other_tab: bool) {
        let attempts = self.pace.failures().saturating_add(1);
        let generation = record.generation;
        self.pace.succeeded();
        self.hold(now, record, if by_other_tab { Because::Adopted } else { Because::Refreshed });
        if !by_other_tab && self.attempt.as_ref().is_some_and(|a| a.reason == Reason::Unauthorized) {
            self.breaker.renewed(self.epoch, now);
        }
        let why = if by_other_tab { "another tab had refreshed" } else { "the route granted it" };
        self.note(now, "new token", why, Some(("generation", i64::from(generation))));
        self.event(Event::Refreshed { attempts, by_other_tab });
        if self.held.as_ref().is_some_and(|held| held.expired(now)) && self.can_refresh(now) {
            // That one is of no use to anyone who waits (it was long on its way): the refresh goes on from it.
            return;
        }
        self.settle_all(&|waits| match waits {
            Waits::ToReplay => Outcome::Replay,
            Waits::For(Want::IfNeeded) => Outcome::Refreshed(true),
            Waits::For(Want::Call | Want::Token { .. } | Want::Refresh) => Outcome::Token,
        });
    }

    /// The attempt has failed; the session is kept. Callers are told at once, the rest is tidying up.
    pub(super) fn fail(
        &mut self,
        now: &Now,
        code: Code,
        message: &'static str,
        said: Refused,
        retry_at_ms: Option<i64>,
    ) {
        let wanted = self.held.as_ref().is_none_or(|held| held.expired(now)) && !self.waiters.is_empty();
        let idle_ms = self.idle_ms(now);
        self.pace.failed(now, retry_at_ms, wanted, idle_ms);
        let mut failure = Failure::said(code, message, said);
        failure.attempt = self.attempt_id();
        failure.retry_at_ms = self.pace.cooling(now).map(|until| now.wall_in(until.remaining_ms(now)));
        self.tell_failure(now, failure);
        if retry_at_ms.is_some() {
            self.tell_pace();
        }
        self.resolve(now);
    }

    /// The same where no server said anything.
    pub(super) fn fail_unheard(&mut self, now: &Now, message: &'static str) {
        self.fail(now, Code::RefreshUnavailable, message, Refused::default(), None);
    }

    /// Tells callers and listeners that the attempt has failed.
    pub(super) fn tell_failure(&mut self, now: &Now, failure: Failure) {
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
    fn refused(&mut self, now: &Now, refused: Refused) {
        let talks = self.attempt.as_ref().is_some_and(|a| a.talks);
        match self.config.coordination {
            _ if self.held.is_none() => self.end_rejected(now, refused),
            Coordination::Alone => self.end_rejected(now, refused),
            Coordination::Vault | Coordination::Channel if talks => self.ask(now, Some(refused)),
            Coordination::Vault | Coordination::Channel => self.mark_ended(now, refused),
        }
    }

    pub(super) fn end_rejected(&mut self, now: &Now, refused: Refused) {
        let mut failure = Failure::said(Code::InvalidGrant, REJECTED, refused);
        failure.attempt = self.attempt_id();
        if self.held.is_none() {
            // There was no session to end: the visitor has no cookie.
            self.pace.granted();
            self.pace.succeeded();
            self.note(now, "no session", "the route knows of none", None);
            self.settle_all(&|_| Outcome::Failed(failure.clone()));
            self.failure = Some(failure);
            return self.finish();
        }
        self.end(now, Ended::Rejected, Some(failure), REJECTED);
    }

    fn attempt_id(&self) -> Option<AttemptId> {
        self.attempt.as_ref().map(|attempt| attempt.id)
    }

    /// Deadlines of the attempt.
    pub(super) fn attempt_deadlines(&mut self, now: &Now) {
        let Some(attempt) = &mut self.attempt else { return };
        let over = now.mono_since(attempt.deadline_mono_ms);
        if over < 0 {
            return;
        }
        let stood_still = over > LATE_TIMER_MS && !matches!(attempt.phase, Phase::Pacing);
        let asking = matches!(attempt.phase, Phase::Asking { refused: None });
        if stood_still && asking && !std::mem::replace(&mut attempt.asked_again, true) {
            return self.ask_again(now);
        }
        let first = !attempt.put_off || (stood_still && !self.no_locks);
        if asking && over > LATE_ANSWERS_MS && first {
            attempt.put_off = true;
            return self.hear_out(now);
        }
        if stood_still && !std::mem::replace(&mut attempt.put_off, true) {
            attempt.deadline_mono_ms = now.mono_in(LATE_TIMER_MS);
            return;
        }
        match attempt.phase {
            Phase::Pacing => self.pace_then_coordinate(now),
            Phase::Presenting { told: false } => self.unanswered_so_far(now),
            Phase::Presenting { told: true } => {
                self.give_up(now, false);
                self.fail_unheard(now, "No answer came; the session is kept.");
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
    fn unanswered_so_far(&mut self, now: &Now) {
        let more = self.lost_after_ms() - self.config.timeout_ms;
        self.enter(Phase::Presenting { told: true }, now.mono_in(more));
        self.tell_failure(now, Failure::unavailable(UNANSWERED_SO_FAR, now.wall_in(more)));
    }

    /// How long a claim may stand before its answer counts as lost, ms.
    pub(super) fn lost_after_ms(&self) -> i64 {
        self.config.timeout_ms.saturating_mul(TIMEOUTS_TILL_LOST)
    }

    /// The attempt is over.
    pub(super) fn finish(&mut self) {
        if self.attempt.is_some() {
            self.give_back_lock();
            self.attempt = None;
            self.changed = true;
        }
        if self.disposed {
            self.effect(Effect::Listen(None));
        }
    }

    pub(super) fn enter(&mut self, phase: Phase, deadline_mono_ms: i64) {
        if let Some(attempt) = &mut self.attempt {
            attempt.phase = phase;
            attempt.deadline_mono_ms = deadline_mono_ms;
            attempt.put_off = false;
        }
    }
}

const UNAVAILABLE: &str =
    "The refresh route is not available; the session is kept and the refresh will be tried again.";
const UNANSWERED: &str = "The refresh route could not be reached, or the refresh function failed; the session is kept and the refresh will be \
     tried again.";
const UNANSWERED_SO_FAR: &str = "The refresh route has not answered in time; its answer still counts.";
const INVALID: &str = "The refresh route answered something that is no token answer (refresh.fields names other fields); the session is kept.";
const REJECTED: &str = "The refresh route refused the refresh token: the session is over.";
