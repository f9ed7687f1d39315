//! Writing what came of a request: a new set, the end of the session, or a failure to share. The shared entry's
//! version says whether anything has happened since the claim.

use super::answer::{Grant, Refused};
use super::config::Coordination;
use super::coordination::PLACE_TIMEOUT_MS;
use super::io::*;
use super::late::Late;
use super::record::{Entry, Meta, Record};
use super::refresh::Phase;
use super::session::{Because, Session};
use super::time::Now;

/// The entry changes under a tab only when another makes progress, so this is never reached by honest means.
const MOST_CONFLICTS: u32 = 16;

impl Session {
    /// Writes a granted set: this tab's storage first, which survives a reload at this very moment, then the
    /// shared entry, whose version says whether the session is still what it was.
    pub(super) fn commit(&mut self, now: &Now, record: Record) {
        self.pace.granted();
        self.effect(Effect::Store { record: record.clone(), fresh: false });
        let talks = self.attempt.as_ref().is_none_or(|a| a.talks);
        if self.config.coordination != Coordination::Vault || talks {
            return self.committed(now, record, talks);
        }
        self.swap_committed(now, record);
    }

    /// Writes a set that came too late for this tab, which has signed in anew, but not for the others.
    pub(super) fn commit_for_others(&mut self, now: &Now, late: &Late, grant: &Grant) {
        if self.config.coordination != Coordination::Vault {
            return;
        }
        let record = self.follow(now, &late.record, grant, late.sent);
        let effect = Effect::Swap {
            id: record.id.clone(),
            key: record.key.clone(),
            attempt: None,
            expect: Expect::Version(late.version),
            meta: Meta { generation: record.generation, requests: late.requests.clone(), ..Meta::default() },
            sealed: Sealed::Put(record),
        };
        self.effect(effect);
    }

    fn swap_committed(&mut self, now: &Now, record: Record) {
        let mut meta = Meta { generation: record.generation, ..Meta::default() };
        self.pace.share_requests(&mut meta);
        let sealed = Sealed::Put(record.clone());
        self.enter(Phase::Committing(record), now.mono_in(PLACE_TIMEOUT_MS));
        self.swap(meta, sealed);
    }

    /// `carry`: the others can't look, or would not find it.
    pub(super) fn committed(&mut self, now: &Now, record: Record, carry: bool) {
        let carried = carry.then(|| record.clone());
        let generation = record.generation;
        self.apply(now, record, false);
        if self.config.coordination != Coordination::Alone {
            self.tell(Message::Refreshed { generation, record: carried });
        }
        if carry && self.config.coordination == Coordination::Vault {
            self.owe(now);
        }
        self.finish();
        if !self.waiters.is_empty() {
            self.start(now, Reason::Expiry);
        }
    }

    /// Shares the failure of a request, so that the others don't run into it too.
    pub(super) fn resolve(&mut self, now: &Now) {
        if self.config.coordination == Coordination::Alone || self.held.is_none() {
            return self.finish();
        }
        let presented = |phase: &Phase| matches!(phase, Phase::Presenting { .. });
        let Some(attempt) = self.attempt.as_ref().filter(|a| presented(&a.phase) && !a.talks) else {
            if self.attempt.as_ref().is_some_and(|a| a.talks) {
                self.tell_state(false);
            }
            return self.finish();
        };
        let mut meta = Meta { generation: attempt.generation, ..Meta::default() };
        self.pace.share(&mut meta);
        self.enter(Phase::Resolving, now.mono_in(PLACE_TIMEOUT_MS));
        self.swap(meta, Sealed::Keep);
    }

    pub(super) fn mark_ended(&mut self, now: &Now, refused: Refused) {
        let Some(attempt) = &self.attempt else { return };
        let meta = Meta { generation: attempt.generation, ended: Some(Ended::Rejected), ..Meta::default() };
        self.enter(Phase::Ending(refused), now.mono_in(PLACE_TIMEOUT_MS));
        self.swap(meta, Sealed::Clear);
    }

    pub(super) fn swap(&mut self, meta: Meta, sealed: Sealed) {
        let (Some(attempt), Some(held)) = (&self.attempt, &self.held) else { return };
        let effect = Effect::Swap {
            id: held.record.id.clone(),
            key: held.record.key.clone(),
            attempt: Some(attempt.id),
            expect: Expect::Version(attempt.version),
            meta,
            sealed,
        };
        self.effect(effect);
    }

    pub(super) fn swapped(&mut self, now: &Now, id: Option<AttemptId>, sign_in: &str, result: Swapped) {
        if let Swapped::Conflict(Found::Entry(entry)) = &result
            && let Some(how) = entry.meta.ended
            && self.held.as_ref().is_some_and(|held| held.record.id == sign_in)
            && !self.is_committing(id)
        {
            return self.ended_elsewhere(now, how);
        }
        if self.held.is_none() && self.over.iter().any(|over| over == sign_in) {
            // The tombstone stands: said once more, to tabs that have just begun to listen.
            let rejected = self.because == Because::Ended(Ended::Rejected);
            return self.tell(Message::Ended { rejected });
        }
        let Some(attempt) = self.attempt.as_mut().filter(|a| Some(a.id) == id) else {
            return self.overtaken_too_late(now, sign_in, result);
        };
        match &result {
            Swapped::Done { version } => attempt.version = Some(*version),
            Swapped::Conflict(found) => {
                attempt.conflicts += 1;
                attempt.version = match found {
                    Found::Entry(entry) => Some(entry.version),
                    Found::Nothing | Found::Unavailable => None,
                };
            }
            Swapped::Unavailable => {}
        }
        let too_often = attempt.conflicts > MOST_CONFLICTS;
        match (std::mem::replace(&mut attempt.phase, Phase::Resolving), result) {
            (Phase::Claiming, Swapped::Done { .. }) => self.claimed(now),
            (Phase::Claiming, Swapped::Conflict(found)) if !too_often => {
                attempt.request_mark = None;
                self.inspect(now, found);
            }
            (Phase::Claiming, _) => self.place_failed(now),
            (Phase::Committing(record), Swapped::Conflict(found)) if !too_often => {
                self.commit_overtaken(now, record, found);
            }
            (Phase::Committing(record), Swapped::Done { .. }) => self.committed(now, record, false),
            (Phase::Committing(record), _) => self.committed(now, record, true),
            (Phase::Ending(_), Swapped::Conflict(Found::Entry(entry))) => {
                self.end_overtaken(now, *entry);
            }
            (Phase::Ending(refused), Swapped::Done { .. }) => {
                self.tell(Message::Ended { rejected: true });
                self.end_rejected(now, refused);
            }
            // It was cleared, or fails: another tab may have a newer set.
            (Phase::Ending(refused), _) => self.ask(now, Some(refused)),
            (Phase::Resolving, _) => self.finish(),
            // A result of a phase that has passed.
            (phase, _) => attempt.phase = phase,
        }
    }

    /// A write of an attempt that has passed did not succeed: this tab's set may be in no shared place.
    fn overtaken_too_late(&mut self, now: &Now, sign_in: &str, result: Swapped) {
        let Some(held) = self.held.as_ref().filter(|held| held.record.id == sign_in) else { return };
        let mine = held.record.generation;
        match result {
            Swapped::Conflict(Found::Entry(entry)) => {
                if entry.record.is_some_and(|theirs| theirs.generation < mine) {
                    self.learn_pace(now, &entry.meta);
                    self.repair(entry.version, mine);
                }
            }
            Swapped::Unavailable => self.owe(now),
            Swapped::Conflict(Found::Nothing | Found::Unavailable) | Swapped::Done { .. } => {}
        }
    }

    /// Whether that attempt is writing a new set, which must then be revoked.
    fn is_committing(&self, id: Option<AttemptId>) -> bool {
        let attempt = self.attempt.as_ref();
        attempt.is_some_and(|a| Some(a.id) == id && matches!(a.phase, Phase::Committing(_)))
    }

    /// The entry changed between claim and commit.
    fn commit_overtaken(&mut self, now: &Now, record: Record, found: Found) {
        let Found::Entry(entry) = found else { return self.swap_committed(now, record) };
        if let Some(how) = entry.meta.ended {
            self.note(now, "drop the new tokens", "the session ended while they were on their way", None);
            self.effect(Effect::Revoke {
                refresh_token: record.tokens.refresh_token,
                access_token: record.tokens.access_token,
            });
            return self.ended_elsewhere(now, how);
        }
        self.learn_pace(now, &entry.meta);
        match entry.record {
            Some(theirs) if theirs.generation >= record.generation => {
                self.enter(Phase::Looking, now.mono_ms);
                self.adopt(now, theirs);
            }
            _ => self.swap_committed(now, record),
        }
    }

    /// The server refused the token, but the entry has changed since our claim.
    fn end_overtaken(&mut self, now: &Now, entry: Entry) {
        self.learn_pace(now, &entry.meta);
        self.enter(Phase::Looking, now.mono_ms);
        let adopted = entry.record.is_some_and(|record| self.adopt(now, record));
        if !adopted {
            // Another tab is presenting the same token; it will know.
            self.leave_it_to_other(now);
        }
    }
}
