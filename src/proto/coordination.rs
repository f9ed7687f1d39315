//! Across tabs: lock → look → adopt or claim → (present) → commit → tell → unlock.
//!
//! What keeps a refresh token from being presented twice is not the lock but the compare-and-swap of the
//! shared entry: only one tab can write its claim over a given version. The lock adds what a database can't
//! give, an orderly queue and the knowledge that a holder lives: it is released when its tab dies. So a claim
//! found unresolved under a free lock was left by the dead, and one found under a held lock may still be
//! redeemed.

use super::answer::Refused;
use super::config::Coordination;
use super::error::{Code, Failure};
use super::io::*;
use super::record::{Claim, Entry, Meta, Record};
use super::refresh::{LOCK_MARGIN_MS, PLACE_TIMEOUT_MS, Phase};
use super::session::{Because, Session};
use super::time::Now;

/// How often to look when another tab is refreshing and there is no lock to wait for, ms.
const LOOK_AGAIN_MS: i64 = 400;
/// How long the other tabs have to answer, ms.
const ASK_MS: i64 = 150;
/// The same, when the server has refused the token and only another tab can save the session, ms.
const ASK_LAST_MS: i64 = 600;
/// A claim left by the dead is tried again at once, one time; then at the pace of failures.
const TRIES_AT_ONCE: u32 = 2;
/// The entry changes under a tab only when another makes progress, so this is never reached by honest means.
const MOST_CONFLICTS: u32 = 16;

impl Session {
    /// Enters the queue of tabs.
    pub(super) fn coordinate(&mut self, now: Now) {
        let (Some(attempt), Some(held)) = (&mut self.attempt, &self.held) else { return self.present(now) };
        attempt.generation = held.record.generation;
        if self.config.coordination == Coordination::Alone {
            return self.present(now);
        }
        attempt.until_mono_ms = now.mono_ms.saturating_add(self.config.timeout_ms + LOCK_MARGIN_MS);
        if self.no_locks || attempt.locked {
            return self.look(now);
        }
        let (until, id) = (attempt.until_mono_ms, attempt.id);
        attempt.asked_lock = true;
        let sign_in = held.record.id.clone();
        self.enter(Phase::Locking, until);
        self.effect(Effect::Lock { id: sign_in, attempt: id, steal: false });
    }

    pub(super) fn locked(&mut self, now: Now, id: AttemptId) {
        let Some(attempt) = self.attempt.as_mut().filter(|a| a.id == id) else { return };
        attempt.locked = true;
        if matches!(attempt.phase, Phase::Locking) {
            self.look(now);
        }
    }

    /// Stolen. Whoever did has waited long; what we do from here on, compare-and-swap judges.
    pub(super) fn lock_lost(&mut self, now: Now, id: AttemptId) {
        if let Some(attempt) = self.attempt.as_mut().filter(|a| a.id == id) {
            attempt.locked = false;
            attempt.asked_lock = false;
            self.note(now, "go on without the lock", "another tab took it", None);
        }
    }

    pub(super) fn lock_unavailable(&mut self, now: Now, id: AttemptId) {
        self.no_locks = true;
        let Some(attempt) = self.attempt.as_mut().filter(|a| a.id == id) else { return };
        attempt.asked_lock = false;
        if matches!(attempt.phase, Phase::Locking) {
            self.look(now);
        }
    }

    pub(super) fn give_back_lock(&mut self) {
        if let Some(attempt) = self.attempt.as_mut().filter(|a| a.asked_lock) {
            attempt.asked_lock = false;
            attempt.locked = false;
            let id = attempt.id;
            self.effect(Effect::Unlock(id));
        }
    }

    /// Looks what the others did.
    fn look(&mut self, now: Now) {
        if self.config.coordination == Coordination::Channel {
            return self.ask(now, None);
        }
        let (Some(attempt), Some(held)) = (&self.attempt, &self.held) else { return };
        let (id, key) = (held.record.id.clone(), held.record.key.clone());
        let effect = Effect::Look { id, key, attempt: Some(attempt.id) };
        self.enter(Phase::Looking, now.mono_ms.saturating_add(PLACE_TIMEOUT_MS));
        self.effect(effect);
    }

    /// Looks between attempts, after messages may have been missed.
    pub(super) fn reconcile(&mut self, now: Now, why: &'static str) {
        let Some(held) = &self.held else { return };
        let (id, key, generation) = (held.record.id.clone(), held.record.key.clone(), held.record.generation);
        match self.config.coordination {
            Coordination::Alone => return,
            Coordination::Channel => self.effect(Effect::Tell(Message::Ask { generation, claim: u32::MAX })),
            Coordination::Vault if self.looking => return,
            Coordination::Vault => {
                self.looking = true;
                self.effect(Effect::Look { id, key, attempt: None });
            }
        }
        self.note(now, "look what other tabs did", why, None);
    }

    pub(super) fn looked(&mut self, now: Now, id: Option<AttemptId>, found: Found) {
        let Some(id) = id else { return self.reconciled(now, found) };
        if self.attempt.as_ref().is_some_and(|a| a.id == id && matches!(a.phase, Phase::Looking)) {
            self.inspect(now, found);
        }
    }

    fn reconciled(&mut self, now: Now, found: Found) {
        self.looking = false;
        let lost = std::mem::take(&mut self.storage_lost);
        if let Found::Entry(entry) = found {
            if let Some(how) = entry.meta.ended {
                return self.ended_elsewhere(now, how);
            }
            self.pace.merge(&entry.meta, now);
            if let Some(record) = entry.record {
                self.adopt(now, record);
            }
        }
        if lost {
            self.storage_failed(now, STORAGE_LOST);
        }
    }

    /// Decides by what is in the shared entry.
    fn inspect(&mut self, now: Now, found: Found) {
        let Some(attempt) = &mut self.attempt else { return };
        let entry = match found {
            Found::Unavailable => return self.do_without_place(now),
            Found::Nothing => {
                attempt.version = None;
                return self.claim(now, 1, true);
            }
            Found::Entry(entry) => *entry,
        };
        attempt.version = Some(entry.version);
        if let Some(how) = entry.meta.ended {
            return self.ended_elsewhere(now, how);
        }
        let sealed_generation = entry.record.as_ref().map_or(0, |r| r.generation);
        if let Some(record) = entry.record
            && self.adopt(now, record)
            && self.attempt.is_none()
        {
            return;
        }
        self.pace.merge(&entry.meta, now);
        let (Some(attempt), Some(held)) = (&mut self.attempt, &self.held) else { return };
        attempt.generation = held.record.generation;
        let behind = sealed_generation < attempt.generation;
        let manual = attempt.reason == Reason::Manual && !self.pace.by_server();
        if let Some(until) = self.pace.cooling(now).filter(|_| !manual) {
            let mut failure = Failure::new(Code::RefreshUnavailable, COOLING_ELSEWHERE);
            failure.retry_at_ms = Some(now.wall_ms.saturating_add(until.remaining_ms(now)));
            self.tell_failure(now, failure);
            return self.finish();
        }
        match entry.meta.claim.filter(|_| entry.meta.generation == attempt.generation) {
            Some(claim) if attempt.locked => self.after_the_dead(now, claim, behind),
            Some(claim) => self.beside_the_living(now, claim, behind),
            None => {
                self.steal_if_waited();
                self.claim(now, 1, behind);
            }
        }
    }

    /// The lock is ours and a claim stands: its tab died between claim and commit. Whether the server has
    /// rotated is unknown and the answer is lost, so one more try is all there is.
    fn after_the_dead(&mut self, now: Now, claim: Claim, behind: bool) {
        let tries = claim.tries.saturating_add(1);
        self.note(now, "present again", "the tab that did has died", Some(("try", i64::from(tries))));
        if tries > TRIES_AT_ONCE && self.pace.retry().is_none() {
            return self.fail(now, Code::RefreshUnavailable, OUTCOME_UNKNOWN, Refused::default(), None);
        }
        self.claim(now, tries, behind);
    }

    /// A claim stands and its tab may live: its answer can still come.
    fn beside_the_living(&mut self, now: Now, claim: Claim, behind: bool) {
        let since = match self.claim_seen {
            Some((id, since)) if id == claim.id => since,
            _ => now.mono_ms,
        };
        self.claim_seen = Some((claim.id, since));
        if now.mono_ms.saturating_sub(since) >= self.lost_after_ms() {
            self.steal_if_waited();
            return self.after_the_dead(now, claim, behind);
        }
        self.wait_for_other(now);
    }

    /// Waits for another tab's result while callers may wait, then tells them.
    fn wait_for_other(&mut self, now: Now) {
        let Some(attempt) = &self.attempt else { return };
        if now.mono_ms < attempt.until_mono_ms {
            return self.enter(Phase::Waiting, now.mono_ms.saturating_add(LOOK_AGAIN_MS));
        }
        self.fail(now, Code::RefreshUnavailable, OTHER_TAB_SLOW, Refused::default(), None);
    }

    /// The holder had its time and has not claimed: take the lock. It may still think it holds it; its claim
    /// will not be written.
    fn steal_if_waited(&mut self) {
        let (Some(attempt), Some(held)) = (&mut self.attempt, &self.held) else { return };
        if attempt.asked_lock && !attempt.locked {
            let effect = Effect::Lock { id: held.record.id.clone(), attempt: attempt.id, steal: true };
            self.effect(effect);
        }
    }

    /// Writes this tab's claim to present the token. `whole`: with the token set, where the entry has none
    /// or an older one.
    fn claim(&mut self, now: Now, tries: u32, whole: bool) {
        if self.pace.slot(now).is_some() {
            return self.pace_then_coordinate(now);
        }
        let (Some(attempt), Some(held)) = (&mut self.attempt, &self.held) else { return };
        let mark = self.pace.mark(now);
        attempt.request_mark = Some(mark);
        let mut meta = Meta {
            generation: attempt.generation,
            claim: Some(Claim { id: attempt.claim, tries }),
            ..Meta::default()
        };
        self.pace.share(&mut meta);
        meta.requests_mono_ms.push(mark);
        let sealed = if whole { Sealed::Put(held.record.clone()) } else { Sealed::Keep };
        self.enter(Phase::Claiming, now.mono_ms.saturating_add(PLACE_TIMEOUT_MS));
        self.swap(meta, sealed);
    }

    /// Writes a granted set: this tab's storage first, which survives a reload at this very moment, then the
    /// shared entry, whose version says whether the session is still what it was.
    pub(super) fn commit(&mut self, now: Now, record: Record) {
        self.effect(Effect::Store { record: record.clone(), fresh: false });
        if self.config.coordination != Coordination::Vault {
            return self.committed(now, record);
        }
        self.swap_committed(now, record);
    }

    fn swap_committed(&mut self, now: Now, record: Record) {
        let mut meta = Meta { generation: record.generation, ..Meta::default() };
        self.pace.share_requests(&mut meta);
        let sealed = Sealed::Put(record.clone());
        self.enter(Phase::Committing(record), now.mono_ms.saturating_add(PLACE_TIMEOUT_MS));
        self.swap(meta, sealed);
    }

    fn committed(&mut self, now: Now, record: Record) {
        let carried = (self.config.coordination == Coordination::Channel).then(|| record.clone());
        let generation = record.generation;
        self.apply(now, record, false);
        if self.config.coordination != Coordination::Alone {
            self.effect(Effect::Tell(Message::Refreshed { generation, record: carried }));
        }
        self.finish();
    }

    /// Shares a failure, so that the others don't run into it too.
    pub(super) fn resolve(&mut self, now: Now) {
        let written = self.config.coordination == Coordination::Vault;
        let Some(attempt) = self.attempt.as_ref().filter(|a| written && a.request_mark.is_some()) else {
            return self.finish();
        };
        let mut meta = Meta { generation: attempt.generation, ..Meta::default() };
        self.pace.share(&mut meta);
        self.enter(Phase::Resolving, now.mono_ms.saturating_add(PLACE_TIMEOUT_MS));
        self.swap(meta, Sealed::Keep);
    }

    pub(super) fn mark_ended(&mut self, now: Now, refused: Refused) {
        let Some(attempt) = &self.attempt else { return };
        let meta = Meta { generation: attempt.generation, ended: Some(Ended::Rejected), ..Meta::default() };
        self.enter(Phase::Ending(refused), now.mono_ms.saturating_add(PLACE_TIMEOUT_MS));
        self.swap(meta, Sealed::Clear);
    }

    fn swap(&mut self, meta: Meta, sealed: Sealed) {
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

    pub(super) fn swapped(&mut self, now: Now, id: Option<AttemptId>, result: Swapped) {
        let Some(attempt) = self.attempt.as_mut().filter(|a| Some(a.id) == id) else { return };
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
            (Phase::Claiming, Swapped::Done { .. }) => self.present(now),
            (Phase::Claiming, Swapped::Conflict(found)) if !too_often => {
                attempt.request_mark = None;
                self.inspect(now, found);
            }
            (Phase::Claiming, _) => self.do_without_place(now),
            (Phase::Committing(record), Swapped::Conflict(found)) if !too_often => {
                self.commit_overtaken(now, record, found);
            }
            (Phase::Committing(record), Swapped::Done { .. }) => self.committed(now, record),
            (Phase::Committing(record), _) => {
                self.config.coordination = Coordination::Channel;
                self.committed(now, record);
            }
            (Phase::Ending(refused), Swapped::Conflict(Found::Entry(entry))) => {
                self.end_overtaken(now, refused, *entry);
            }
            (Phase::Ending(refused), _) => {
                self.effect(Effect::Tell(Message::Ended { rejected: true }));
                self.end_rejected(now, refused);
            }
            (Phase::Resolving, _) => self.finish(),
            // A result of a phase that has passed.
            (phase, _) => attempt.phase = phase,
        }
    }

    /// The entry changed between claim and commit.
    fn commit_overtaken(&mut self, now: Now, record: Record, found: Found) {
        let Found::Entry(entry) = found else { return self.swap_committed(now, record) };
        if let Some(how) = entry.meta.ended {
            self.note(now, "drop the new tokens", "the session ended while they were on their way", None);
            self.effect(Effect::Revoke {
                refresh_token: record.tokens.refresh_token,
                access_token: record.tokens.access_token,
            });
            return self.ended_elsewhere(now, how);
        }
        match entry.record {
            Some(theirs) if theirs.generation >= record.generation => {
                self.enter(Phase::Looking, now.mono_ms);
                self.adopt(now, theirs);
            }
            _ => self.swap_committed(now, record),
        }
    }

    /// The server refused the token, but the entry has changed since our claim.
    fn end_overtaken(&mut self, now: Now, refused: Refused, entry: Entry) {
        if let Some(how) = entry.meta.ended {
            return self.ended_elsewhere(now, how);
        }
        self.enter(Phase::Looking, now.mono_ms);
        let adopted = entry.record.is_some_and(|record| self.adopt(now, record));
        if !adopted {
            // Another tab is presenting the same token; it will know.
            self.fail(now, Code::RefreshUnavailable, OTHER_TAB_SLOW, refused, None);
        }
    }

    /// Takes over a set that another tab got, if it is of this sign-in and newer. Callers that wait go on,
    /// unless that set has expired too.
    pub(super) fn adopt(&mut self, now: Now, record: Record) -> bool {
        let newer = self
            .held
            .as_ref()
            .is_some_and(|held| held.record.id == record.id && held.record.generation < record.generation);
        if !newer {
            return false;
        }
        self.effect(Effect::Store { record: record.clone(), fresh: false });
        self.apply(now, record, true);
        let ours_on_its_way = self.attempt.as_ref().is_some_and(|a| {
            matches!(a.phase, Phase::Presenting { .. } | Phase::Committing(_) | Phase::Ending(_))
        });
        if !ours_on_its_way && self.waiters.is_empty() {
            self.finish();
        }
        true
    }

    pub(super) fn storage_changed(&mut self, now: Now, record: Option<Record>) {
        match (record, &self.held) {
            (Some(record), Some(_)) => {
                self.adopt(now, record);
            }
            (Some(record), None) if self.over.as_ref() != Some(&record.id) => {
                self.hold(now, record, Because::Adopted);
                self.note(now, "signed in", "another tab signed in", None);
                self.listen();
                self.reconcile(now, "that tab may be ahead already");
            }
            // Signed out by another tab, or cleared by the user: the shared entry knows.
            (None, Some(_)) if self.config.coordination == Coordination::Vault => {
                self.storage_lost = true;
                self.reconcile(now, STORAGE_LOST);
            }
            (None, Some(_)) => self.storage_failed(now, STORAGE_LOST),
            (_, None) => {}
        }
    }

    pub(super) fn heard(&mut self, now: Now, message: Message) {
        let Some(held) = &self.held else { return };
        let mine = held.record.generation;
        match message {
            Message::Refreshed { generation, .. } if generation <= mine => {}
            Message::Refreshed { record: Some(record), .. } => {
                self.adopt(now, record);
            }
            Message::Refreshed { record: None, .. } => self.reconcile(now, "another tab has refreshed"),
            Message::Ended { rejected } => {
                self.ended_elsewhere(now, if rejected { Ended::Rejected } else { Ended::SignedOut });
            }
            Message::Ask { generation, .. } if generation < mine => {
                let record = Some(held.record.clone());
                self.effect(Effect::Tell(Message::Refreshed { generation: mine, record }));
            }
            Message::Ask { generation, claim } if generation == mine => {
                let busy = self.attempt.as_ref().is_some_and(|a| match a.phase {
                    Phase::Presenting { .. } | Phase::Committing(_) => true,
                    Phase::Asking { refused: None } => a.claim < claim,
                    Phase::Pacing
                    | Phase::Locking
                    | Phase::Waiting
                    | Phase::Looking
                    | Phase::Claiming
                    | Phase::Asking { .. }
                    | Phase::Ending(_)
                    | Phase::Resolving => false,
                });
                if busy {
                    self.effect(Effect::Tell(Message::Busy { generation }));
                }
            }
            Message::Ask { .. } => {}
            Message::Busy { generation } => {
                let asking =
                    self.attempt.as_ref().is_some_and(|a| matches!(a.phase, Phase::Asking { refused: None }));
                if asking && generation == mine {
                    self.wait_for_other(now);
                }
            }
        }
    }

    /// Asks the other tabs for a newer set.
    pub(super) fn ask(&mut self, now: Now, refused: Option<Refused>) {
        let (Some(attempt), Some(held)) = (&self.attempt, &self.held) else { return };
        let wait = if refused.is_some() { ASK_LAST_MS } else { ASK_MS };
        let message = Message::Ask { generation: held.record.generation, claim: attempt.claim };
        self.enter(Phase::Asking { refused }, now.mono_ms.saturating_add(wait));
        self.effect(Effect::Tell(message));
    }

    /// The shared place doesn't work (any more): talk instead.
    fn do_without_place(&mut self, now: Now) {
        self.config.coordination = Coordination::Channel;
        self.note(now, "ask the other tabs", "the place to share state can't be used", None);
        self.ask(now, None);
    }

    /// A phase that depends on others has taken too long.
    pub(super) fn coordination_deadline(&mut self, now: Now) {
        let Some(attempt) = &mut self.attempt else { return };
        match std::mem::replace(&mut attempt.phase, Phase::Resolving) {
            // The holder is slow or hung; what it did can be seen without the lock.
            Phase::Locking | Phase::Waiting => self.look(now),
            Phase::Looking | Phase::Claiming => self.do_without_place(now),
            Phase::Asking { refused: None } => self.present(now),
            Phase::Asking { refused: Some(refused) } | Phase::Ending(refused) => {
                self.end_rejected(now, refused);
            }
            Phase::Committing(record) => {
                self.config.coordination = Coordination::Channel;
                self.committed(now, record);
            }
            Phase::Resolving => self.finish(),
            phase @ (Phase::Pacing | Phase::Presenting { .. }) => attempt.phase = phase,
        }
    }
}

const COOLING_ELSEWHERE: &str =
    "A refresh in another tab failed a moment ago; the session is kept and will be tried again.";
const OTHER_TAB_SLOW: &str =
    "Another tab is refreshing and has not finished; the session is kept and will be tried again.";
const OUTCOME_UNKNOWN: &str =
    "Refreshes were cut off more than once before their answer came; the session is kept.";
const STORAGE_LOST: &str = "The stored state was removed by something else; the session goes on in memory.";
