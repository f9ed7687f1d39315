//! Answers that come when nobody waits for them any more. They may hold the only tokens there are.

use super::answer::{Grant, Meaning};
use super::io::*;
use super::record::Record;
use super::refresh::Phase;
use super::session::Session;
use super::time::Now;

/// A request whose attempt is over and whose answer may still come.
pub(super) struct Late {
    pub(super) attempt: AttemptId,
    /// The set whose refresh token it presents.
    pub(super) record: Record,
    /// The version of the shared entry that holds its claim.
    pub(super) version: Option<u32>,
    /// Until when it holds its attempt's locks, if it does, monotonic ms: then its answer counts as lost.
    pub(super) locked_until_mono_ms: Option<i64>,
}

impl Session {
    /// Drops the attempt, whatever it is doing. Where its request is under way it keeps the lock, for its
    /// answer may matter to other tabs.
    pub(super) fn abandon(&mut self, now: Now) {
        let asked_lock = match &mut self.attempt {
            Some(a) if matches!(a.phase, Phase::Presenting { .. }) => Some(std::mem::take(&mut a.asked_lock)),
            Some(_) | None => None,
        };
        if let Some(holds_lock) = asked_lock {
            self.give_up(now, holds_lock);
        }
        self.finish();
    }

    /// Remembers the attempt's request, should its answer still come.
    pub(super) fn give_up(&mut self, now: Now, holds_lock: bool) {
        let lost_after_ms = self.lost_after_ms();
        let (Some(attempt), Some(held)) = (&self.attempt, &self.held) else { return };
        self.late = Some(Late {
            attempt: attempt.id,
            record: held.record.clone(),
            version: attempt.version,
            locked_until_mono_ms: holds_lock.then(|| now.mono_ms.saturating_add(lost_after_ms)),
        });
        self.note(now, "give the request up", "its answer is welcome all the same", None);
    }

    /// The answer of an attempt that was given up or abandoned. What it granted still counts if nothing newer is there;
    /// what it granted to a session that has ended must not live on.
    pub(super) fn answered_late(&mut self, now: Now, id: AttemptId, meaning: Option<Meaning>) {
        let Some(late) = self.late.take_if(|late| late.attempt == id) else { return };
        if let Some(Meaning::Granted(grant)) = meaning {
            self.granted_late(now, &late, grant);
        }
        if late.locked_until_mono_ms.is_some() {
            self.effect(Effect::Unlock(late.attempt));
        }
    }

    /// Other tabs wait no longer for an answer that counts as lost.
    pub(super) fn let_others_go_on(&mut self, now: Now) {
        let lost = |late: &&mut Late| late.locked_until_mono_ms.is_some_and(|until| now.mono_ms >= until);
        if let Some(late) = self.late.as_mut().filter(lost) {
            late.locked_until_mono_ms = None;
            let attempt = late.attempt;
            self.effect(Effect::Unlock(attempt));
        }
    }

    fn granted_late(&mut self, now: Now, late: &Late, grant: Grant) {
        if self.over.contains(&late.record.id) {
            self.note(now, "revoke the late tokens", "the session has ended", None);
            let (refresh_token, access_token) = (grant.refresh_token, grant.access_token);
            return self.effect(Effect::Revoke { refresh_token, access_token });
        }
        let held = self.held.as_ref().map(|held| (&held.record.id, held.record.generation));
        if held.is_none_or(|(id, _)| *id != late.record.id) {
            return self.commit_for_others(now, late, &grant);
        }
        if held.is_some_and(|(_, generation)| generation != late.record.generation) {
            return self.note(now, "drop the late tokens", "newer ones are there", None);
        }
        if self.attempt.as_ref().is_some_and(|a| matches!(a.phase, Phase::Presenting { .. })) {
            // The token has been presented again meanwhile; that answer decides.
            return;
        }
        self.note(now, "take the late tokens", "nothing newer is there", None);
        let Some(record) = self.next_record(now, &grant) else { return };
        // An attempt of its own: what another has still to hear of the entry is about another set.
        self.finish();
        self.new_attempt(now, Reason::Expiry);
        self.commit(now, record);
    }
}
