//! Answers that come late: with tokens that have expired on the way, or when nobody waits for them any more. They may
//! hold the only tokens there are.

use super::answer::{Grant, Meaning};
use super::io::*;
use super::record::{Meta, Record, Request};
use super::refresh::Phase;
use super::session::Session;
use super::time::{Now, difference};
use super::token::TokenSet;

/// A request whose attempt is over and whose answer may still come.
pub(super) struct Late {
    pub(super) attempt: AttemptId,
    /// The set whose refresh token it presents.
    pub(super) record: Record,
    /// The last requests of its sign-in.
    pub(super) requests: Vec<Request>,
    /// When it left.
    pub(super) sent: Option<Request>,
    /// The version of the shared entry that holds its claim.
    pub(super) version: Option<u32>,
    /// Until when it holds its attempt's locks, if it does, monotonic ms: then its answer counts as lost.
    pub(super) locked_until_mono_ms: Option<i64>,
}

impl Session {
    /// Nobody knows when, between the request and this answer, the token was made. Where all its life has passed since
    /// the request left (the machine slept), it counts as expired: callers would only hear 401. The refresh goes on from
    /// it, once: of a route that always takes longer than its tokens live, the next one is taken at its word.
    pub(super) fn count_the_way(&mut self, now: &Now, tokens: &mut TokenSet, sent: Option<Request>) {
        // The later of two clocks: one may not count sleep, the other may have been set.
        let way_ms = sent.map_or(0, |sent| now.mono_since(sent.mono_ms).max(now.wall_since(sent.wall_ms)));
        let over = tokens.lifetime_ms.is_some_and(|life_ms| way_ms >= life_ms);
        self.came_expired = over && !self.came_expired && self.config.cookie_interval_ms.is_none();
        if self.came_expired {
            tokens.obtained_ms = difference(tokens.obtained_ms, way_ms);
        }
    }

    /// Drops the attempt, whatever it is doing. Where its request is under way it keeps the lock, for its
    /// answer may matter to other tabs.
    pub(super) fn abandon(&mut self, now: &Now) {
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
    pub(super) fn give_up(&mut self, now: &Now, holds_lock: bool) {
        let lost_after_ms = self.lost_after_ms();
        let (Some(attempt), Some(held)) = (&self.attempt, &self.held) else { return };
        let mut meta = Meta::default();
        self.pace.share_requests(&mut meta);
        self.late = Some(Late {
            requests: meta.requests,
            attempt: attempt.id,
            record: held.record.clone(),
            sent: attempt.request_mark,
            version: attempt.version,
            locked_until_mono_ms: holds_lock.then(|| now.mono_in(lost_after_ms)),
        });
        self.note(now, "give the request up", "its answer is welcome all the same", None);
    }

    /// The answer of an attempt that was given up or abandoned. What it granted still counts if nothing newer is there;
    /// what it granted to a session that has ended must not live on.
    pub(super) fn answered_late(&mut self, now: &Now, id: AttemptId, meaning: Option<Meaning>) {
        let Some(late) = self.late.take_if(|late| late.attempt == id) else { return };
        if self.held.as_ref().is_some_and(|held| held.record.id == late.record.id) {
            self.heed(now, &meaning);
        }
        if let Some(Meaning::Granted(grant)) = meaning {
            self.granted_late(now, &late, grant);
        }
        if late.locked_until_mono_ms.is_some() {
            self.effect(Effect::Unlock(late.attempt));
        }
    }

    /// An answer that is of no use otherwise may still ask for silence.
    pub(super) fn heed(&mut self, now: &Now, meaning: &Option<Meaning>) {
        if let Some(Meaning::Unavailable { retry_at_ms: Some(at), .. }) = meaning {
            let idle_ms = self.idle_ms(now);
            self.pace.failed(now, Some(*at), false, idle_ms);
            self.tell_pace();
        }
    }

    /// Other tabs wait no longer for an answer that counts as lost.
    pub(super) fn let_others_go_on(&mut self, now: &Now) {
        let lost = |late: &&mut Late| late.locked_until_mono_ms.is_some_and(|until| now.mono_ms >= until);
        if let Some(late) = self.late.as_mut().filter(lost) {
            late.locked_until_mono_ms = None;
            let attempt = late.attempt;
            self.effect(Effect::Unlock(attempt));
        }
    }

    fn granted_late(&mut self, now: &Now, late: &Late, grant: Grant) {
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
        let Some(record) = self.next_record(now, &grant, late.sent) else { return };
        // An attempt of its own: what another has still to hear of the entry is about another set.
        self.finish();
        self.new_attempt(now, Reason::Expiry);
        self.commit(now, record);
    }
}
