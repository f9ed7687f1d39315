//! Across tabs: look → adopt, or lock and claim → (present) → commit → tell → unlock.
//!
//! What keeps a refresh token from being presented twice is the compare-and-swap of the shared entry: only one
//! tab can write its claim over a given version. What a database can't give is the knowledge whether a claim's
//! tab still lives: that is a lock of the claim's own, taken before the claim is written, released by the
//! platform when the tab dies, and never taken from it. A claim whose lock is held may still be redeemed; a
//! claim whose lock is free was left by the dead.

use super::answer::{Grant, Refused};
use super::config::Coordination;
use super::error::{Code, Failure};
use super::io::*;
use super::record::{Claim, Entry, Meta, Record};
use super::refresh::{Phase, WAIT_MARGIN_MS};
use super::session::{Because, Late, Session};
use super::time::Now;

/// The shared place and the locks answer in a few ms or, in some browsers on some days, never.
const PLACE_TIMEOUT_MS: i64 = 5_000;
/// After so many time-outs in a row the shared place counts as broken.
const PLACE_BROKEN: u32 = 3;
/// A claim that took this long to write, ms, was written by a page that stood still.
const STOOD_STILL_MS: i64 = 1_000;
/// How soon to try it again after it refused, ms.
const PLACE_AGAIN_MS: i64 = 100;
/// How often to look when another tab is refreshing and there is no lock to wait for, ms.
const LOOK_AGAIN_MS: i64 = 400;
/// How long the other tabs have to answer, ms: when none was ever heard of, …
const ASK_STRANGERS_MS: i64 = 150;
/// … when there are some, …
const ASK_SIBLINGS_MS: i64 = 1_000;
/// … and when one of them was refreshing a moment ago, or only one of them can save the session.
const ASK_LAST_MS: i64 = 2_000;
/// A claim left by the dead is tried again at once, one time; then at the pace of failures.
const TRIES_AT_ONCE: u32 = 2;
/// The entry changes under a tab only when another makes progress, so this is never reached by honest means.
const MOST_CONFLICTS: u32 = 16;
/// Asked with this, a question is one only: its tab is not about to present.
const NO_CLAIM: u32 = u32::MAX;
/// The lock that stands for the queue of tabs that share no place.
const QUEUE: u32 = 0;

impl Session {
    /// Finds out what the other tabs are doing.
    pub(super) fn coordinate(&mut self, now: Now) {
        let (Some(attempt), Some(held)) = (&mut self.attempt, &self.held) else { return self.present(now) };
        attempt.generation = held.record.generation;
        if self.config.coordination == Coordination::Alone {
            return self.present(now);
        }
        attempt.until_mono_ms = now.mono_ms.saturating_add(self.config.timeout_ms + WAIT_MARGIN_MS);
        if attempt.talks { self.queue(now) } else { self.look(now) }
    }

    /// Where tabs share no place: gets in line, then asks.
    fn queue(&mut self, now: Now) {
        if self.no_locks {
            return self.ask(now, None);
        }
        let until = self.attempt.as_ref().map_or(now.mono_ms, |a| a.until_mono_ms);
        self.hold_lock(now, QUEUE, until);
    }

    fn hold_lock(&mut self, now: Now, claim: u32, until_mono_ms: i64) {
        let (Some(attempt), Some(held)) = (&mut self.attempt, &self.held) else { return };
        attempt.asked_lock = true;
        attempt.asked_mono_ms = now.mono_ms;
        let effect = Effect::Hold { id: held.record.id.clone(), claim, attempt: attempt.id };
        self.enter(Phase::Locking, until_mono_ms);
        self.effect(effect);
    }

    /// The queue's head is slow, or hung with its request under way: others are told so, until its answer
    /// counts as lost.
    fn queue_is_slow(&mut self, now: Now) {
        let since = *self.queue_seen.get_or_insert(now.mono_ms - self.config.timeout_ms);
        if now.mono_ms.saturating_sub(since) >= self.lost_after_ms() {
            return self.ask(now, None);
        }
        self.leave_it_to_other(now);
    }

    pub(super) fn locked(&mut self, now: Now, id: AttemptId) {
        self.queue_seen = None;
        let Some(attempt) = self.attempt.as_mut().filter(|a| a.id == id) else { return };
        attempt.locked = true;
        attempt.queued = now.mono_ms.saturating_sub(attempt.asked_mono_ms) > 50;
        self.go_on_from_lock(now);
    }

    /// A claim's tab has finished, or died.
    pub(super) fn freed(&mut self, now: Now, id: AttemptId, claim: u32) {
        let Some(attempt) = self.attempt.as_mut().filter(|a| a.id == id) else { return };
        attempt.freed = Some(claim);
        if matches!(attempt.phase, Phase::Waiting) {
            self.look(now);
        }
    }

    pub(super) fn lock_unavailable(&mut self, now: Now, id: AttemptId) {
        self.no_locks = true;
        let Some(attempt) = self.attempt.as_mut().filter(|a| a.id == id) else { return };
        attempt.asked_lock = false;
        match attempt.phase {
            Phase::Locking => self.go_on_from_lock(now),
            Phase::Waiting => self.wait_for_other(now, None),
            Phase::Pacing
            | Phase::Looking
            | Phase::Claiming
            | Phase::Asking { .. }
            | Phase::Presenting { .. }
            | Phase::Committing(_)
            | Phase::Ending(_)
            | Phase::Resolving => {}
        }
    }

    fn go_on_from_lock(&mut self, now: Now) {
        match self.attempt.as_ref().filter(|a| matches!(a.phase, Phase::Locking)).map(|a| a.talks) {
            Some(true) => self.ask(now, None),
            Some(false) => self.write_claim(now),
            None => {}
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
        let (Some(attempt), Some(held)) = (&self.attempt, &self.held) else { return };
        if attempt.talks {
            return self.ask(now, None);
        }
        let (id, key) = (held.record.id.clone(), held.record.key.clone());
        let effect = Effect::Look { id, key, attempt: Some(attempt.id) };
        self.enter(Phase::Looking, now.mono_ms.saturating_add(PLACE_TIMEOUT_MS));
        self.effect(effect);
    }

    /// Looks between attempts, after messages may have been missed.
    pub(super) fn reconcile(&mut self, now: Now, why: &'static str) {
        let Some(held) = &self.held else { return };
        if self.config.coordination == Coordination::Alone {
            return;
        }
        let (id, key, generation) = (held.record.id.clone(), held.record.key.clone(), held.record.generation);
        if self.config.coordination == Coordination::Channel {
            self.effect(Effect::Tell(Message::Ask { generation, claim: NO_CLAIM }));
        } else if self.looking.is_none_or(|since| now.mono_ms >= since.saturating_add(PLACE_TIMEOUT_MS)) {
            self.looking = Some(now.mono_ms);
            self.effect(Effect::Look { id, key, attempt: None });
        }
        self.note(now, "look what other tabs did", why, None);
    }

    pub(super) fn looked(&mut self, now: Now, attempt: Option<AttemptId>, id: &str, found: Found) {
        if self.held.as_ref().is_none_or(|held| held.record.id != id) {
            // About a sign-in that has passed.
            return;
        }
        if let Found::Entry(entry) = &found
            && let Some(how) = entry.meta.ended
        {
            return self.ended_elsewhere(now, how);
        }
        let Some(attempt) = attempt else { return self.reconciled(now, found) };
        if self.attempt.as_ref().is_some_and(|a| a.id == attempt && matches!(a.phase, Phase::Looking)) {
            self.place_slow = 0;
            self.inspect(now, found);
        }
    }

    fn reconciled(&mut self, now: Now, found: Found) {
        self.looking = None;
        let lost = std::mem::take(&mut self.storage_lost);
        let mine = self.held.as_ref().map_or(0, |held| held.record.generation);
        match found {
            Found::Entry(entry) => {
                let theirs = entry.record.as_ref().map_or(0, |record| record.generation);
                if let Some(record) = entry.record {
                    self.adopt(now, record);
                }
                self.pace.merge(&entry.meta, now);
                if theirs < mine {
                    self.repair(entry.version, mine);
                }
            }
            // Whoever is ahead, or knows that it is over, could not write that down either; but can say so.
            Found::Nothing | Found::Unavailable => {
                self.effect(Effect::Tell(Message::Ask { generation: mine, claim: NO_CLAIM }));
            }
        }
        if lost {
            self.storage_failed(now, STORAGE_LOST);
        }
    }

    /// Writes this tab's set over an older one: the page was reloaded between storing and sharing it.
    fn repair(&mut self, version: u32, generation: u32) {
        let Some(held) = self.held.as_ref().filter(|_| self.attempt.is_none()) else { return };
        let effect = Effect::Swap {
            id: held.record.id.clone(),
            key: held.record.key.clone(),
            attempt: None,
            expect: Expect::Version(Some(version)),
            meta: Meta { generation, ..Meta::default() },
            sealed: Sealed::Put(held.record.clone()),
        };
        let record = Some(held.record.clone());
        self.effect(effect);
        self.effect(Effect::Tell(Message::Refreshed { generation, record }));
    }

    /// Begins the shared entry of a sign-in, so that finding none means that it was cleared.
    pub(super) fn begin_entry(&mut self) {
        let Some(held) = &self.held else { return };
        if self.config.coordination == Coordination::Vault {
            let effect = Effect::Swap {
                id: held.record.id.clone(),
                key: held.record.key.clone(),
                attempt: None,
                expect: Expect::Version(None),
                meta: Meta { generation: held.record.generation, ..Meta::default() },
                sealed: Sealed::Put(held.record.clone()),
            };
            self.effect(effect);
        }
    }

    /// Decides by what is in the shared entry.
    fn inspect(&mut self, now: Now, found: Found) {
        let Some(attempt) = &mut self.attempt else { return };
        let entry = match found {
            Found::Unavailable => return self.place_failed(now),
            // Somebody cleared it; another tab may have a newer set.
            Found::Nothing if !attempt.asked => return self.ask(now, None),
            Found::Nothing => {
                attempt.version = None;
                return self.take(now, 1, true);
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
        let unseen = (behind && attempt.generation > 1) || now.mono_ms < self.talker_until_mono_ms;
        if self.cools_down(now) {
            return;
        }
        let Some(attempt) = &mut self.attempt else { return };
        match entry.meta.claim.filter(|_| entry.meta.generation == attempt.generation) {
            // Somebody works without the entry, and may be ahead.
            None if unseen && !attempt.asked => self.ask(now, None),
            None => self.take(now, 1, behind),
            // Ours, which this page slept over.
            Some(claim) if claim.id == attempt.claim => self.take(now, claim.tries, behind),
            Some(claim) if attempt.freed == Some(claim.id) => self.after_the_dead(now, claim, behind),
            Some(claim) => self.beside_the_living(now, claim, behind),
        }
    }

    /// A cool-down that began elsewhere holds here too; who asked for a refresh by hand need not heed one that
    /// nobody but we asked for.
    fn cools_down(&mut self, now: Now) -> bool {
        let manual = self.attempt.as_ref().is_some_and(|a| a.reason == Reason::Manual);
        let Some(until) = self.pace.cooling(now).filter(|_| !manual || self.pace.by_server()) else {
            return false;
        };
        let mut failure = Failure::new(Code::RefreshUnavailable, COOLING_ELSEWHERE);
        failure.retry_at_ms = Some(now.wall_ms.saturating_add(until.remaining_ms(now)));
        self.tell_failure(now, failure);
        self.finish();
        true
    }

    /// A claim stands and its lock is free: its tab died between claim and commit. Whether the server has
    /// rotated is unknown and the answer is lost, so one more try is all there is.
    fn after_the_dead(&mut self, now: Now, claim: Claim, behind: bool) {
        let tries = claim.tries.saturating_add(1);
        if let Some(attempt) = self.attempt.as_mut().filter(|a| !a.asked) {
            // It may just have been reloaded, with the answer in its storage.
            attempt.queued = true;
            return self.ask(now, None);
        }
        self.note(now, "present again", "the tab that did has died", Some(("try", i64::from(tries))));
        if tries > TRIES_AT_ONCE && self.pace.retry().is_none() {
            return self.fail(now, Code::RefreshUnavailable, OUTCOME_UNKNOWN, Refused::default(), None);
        }
        self.take(now, tries, behind);
    }

    /// A claim stands and its tab lives, or there is no telling: its answer can still come.
    fn beside_the_living(&mut self, now: Now, claim: Claim, behind: bool) {
        let since = match self.claim_seen {
            Some((id, since)) if id == claim.id => since,
            _ => now.mono_ms,
        };
        self.claim_seen = Some((claim.id, since));
        // Its request may have left as late as its page's own patience with the database allows.
        if now.mono_ms.saturating_sub(since) >= self.lost_after_ms() + PLACE_TIMEOUT_MS {
            return self.after_the_dead(now, claim, behind);
        }
        self.wait_for_other(now, Some(claim.id));
    }

    /// Waits for another tab's result while callers may wait, then tells them.
    fn wait_for_other(&mut self, now: Now, claim: Option<u32>) {
        let (Some(attempt), Some(held)) = (&mut self.attempt, &self.held) else { return };
        attempt.asked = false;
        let until = attempt.until_mono_ms;
        if now.mono_ms >= until {
            return self.leave_it_to_other(now);
        }
        let Some(claim) = claim.filter(|_| !self.no_locks) else {
            return self.enter(Phase::Waiting, now.mono_ms.saturating_add(LOOK_AGAIN_MS));
        };
        attempt.asked_lock = true;
        let effect = Effect::Await { id: held.record.id.clone(), claim, attempt: attempt.id };
        self.enter(Phase::Waiting, until);
        self.effect(effect);
    }

    /// Tells the callers and ends the attempt; that another tab takes long is no failure of the route.
    fn leave_it_to_other(&mut self, now: Now) {
        let mut failure = Failure::new(Code::RefreshUnavailable, OTHER_TAB_SLOW);
        failure.retry_at_ms = Some(now.wall_ms.saturating_add(LOOK_AGAIN_MS));
        self.tell_failure(now, failure);
        self.finish();
    }

    /// Makes ready to claim. `whole`: with the token set, where the entry has none or an older one.
    fn take(&mut self, now: Now, tries: u32, whole: bool) {
        if self.pace.slot(now).is_some() {
            return self.pace_then_coordinate(now);
        }
        let Some(attempt) = &mut self.attempt else { return };
        attempt.tries = tries;
        attempt.whole = whole;
        if attempt.request_mark.take().is_some() {
            // It has claimed before, and slept over it: a new claim begins the patience of others anew.
            attempt.claim = claim_id(now);
            self.give_back_lock();
        }
        let Some(attempt) = &self.attempt else { return };
        let claim = attempt.claim;
        if self.no_locks || attempt.locked {
            return self.write_claim(now);
        }
        self.hold_lock(now, claim, now.mono_ms.saturating_add(PLACE_TIMEOUT_MS));
    }

    /// Writes this tab's claim to present the token.
    fn write_claim(&mut self, now: Now) {
        let mark = self.pace.mark(now);
        let (Some(attempt), Some(held)) = (&mut self.attempt, &self.held) else { return };
        attempt.request_mark = Some(mark);
        let mut meta = Meta {
            generation: attempt.generation,
            claim: Some(Claim { id: attempt.claim, tries: attempt.tries }),
            ..Meta::default()
        };
        self.pace.share_with(mark, &mut meta);
        let sealed = if attempt.whole { Sealed::Put(held.record.clone()) } else { Sealed::Keep };
        self.enter(Phase::Claiming, now.mono_ms.saturating_add(PLACE_TIMEOUT_MS));
        self.swap(meta, sealed);
    }

    /// The claim is written. A page that stood still meanwhile must look again: others may have given it up.
    fn claimed(&mut self, now: Now) {
        self.place_slow = 0;
        let mark = self.attempt.as_ref().and_then(|a| a.request_mark);
        let late = mark.is_some_and(|mark| now.mono_ms.saturating_sub(mark.mono_ms) > STOOD_STILL_MS);
        if late { self.look(now) } else { self.present(now) }
    }

    /// Writes a granted set: this tab's storage first, which survives a reload at this very moment, then the
    /// shared entry, whose version says whether the session is still what it was.
    pub(super) fn commit(&mut self, now: Now, record: Record) {
        self.effect(Effect::Store { record: record.clone(), fresh: false });
        let talks = self.attempt.as_ref().is_none_or(|a| a.talks);
        if self.config.coordination != Coordination::Vault || talks {
            return self.committed(now, record, talks);
        }
        self.swap_committed(now, record);
    }

    /// Writes a set that came too late for this tab, which has signed in anew, but not for the others.
    pub(super) fn commit_for_others(&mut self, now: Now, late: &Late, grant: &Grant) {
        if self.config.coordination != Coordination::Vault {
            return;
        }
        let record = self.follow(now, &late.record, grant);
        let effect = Effect::Swap {
            id: record.id.clone(),
            key: record.key.clone(),
            attempt: None,
            expect: Expect::Version(late.version),
            meta: Meta { generation: record.generation, ..Meta::default() },
            sealed: Sealed::Put(record),
        };
        self.effect(effect);
    }

    fn swap_committed(&mut self, now: Now, record: Record) {
        let mut meta = Meta { generation: record.generation, ..Meta::default() };
        self.pace.share_requests(&mut meta);
        let sealed = Sealed::Put(record.clone());
        self.enter(Phase::Committing(record), now.mono_ms.saturating_add(PLACE_TIMEOUT_MS));
        self.swap(meta, sealed);
    }

    /// `carry`: the others can't look, or would not find it.
    fn committed(&mut self, now: Now, record: Record, carry: bool) {
        let carried = carry.then(|| record.clone());
        let generation = record.generation;
        self.apply(now, record, false);
        if self.config.coordination != Coordination::Alone {
            self.effect(Effect::Tell(Message::Refreshed { generation, record: carried }));
        }
        self.finish();
        if !self.waiters.is_empty() {
            self.start(now, Reason::Expiry);
        }
    }

    /// Shares the failure of a request, so that the others don't run into it too.
    pub(super) fn resolve(&mut self, now: Now) {
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
        self.enter(Phase::Resolving, now.mono_ms.saturating_add(PLACE_TIMEOUT_MS));
        self.swap(meta, Sealed::Keep);
    }

    /// Says where there is no entry for it that this tab is refreshing, or has ended that without a result.
    pub(super) fn tell_state(&mut self, busy: bool) {
        let generation = self.held.as_ref().map_or(0, |held| held.record.generation);
        self.tell_pace();
        if self.config.coordination != Coordination::Alone {
            self.effect(Effect::Tell(match busy {
                true => Message::Busy { generation },
                false => Message::Idle { generation },
            }));
        }
    }

    /// Shares rate and cool-down where there is no entry for them.
    fn tell_pace(&mut self) {
        if self.config.coordination == Coordination::Alone {
            return;
        }
        let generation = self.held.as_ref().map_or(0, |held| held.record.generation);
        let mut meta = Meta { generation, ..Meta::default() };
        self.pace.share(&mut meta);
        self.effect(Effect::Tell(Message::Paced(meta)));
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

    pub(super) fn swapped(&mut self, now: Now, id: Option<AttemptId>, sign_in: &str, result: Swapped) {
        if let Swapped::Conflict(Found::Entry(entry)) = &result
            && let Some(how) = entry.meta.ended
            && self.held.as_ref().is_some_and(|held| held.record.id == sign_in)
            && !self.is_committing(id)
        {
            return self.ended_elsewhere(now, how);
        }
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
            (Phase::Ending(refused), _) => {
                self.effect(Effect::Tell(Message::Ended { rejected: true }));
                self.end_rejected(now, refused);
            }
            (Phase::Resolving, _) => self.finish(),
            // A result of a phase that has passed.
            (phase, _) => attempt.phase = phase,
        }
    }

    /// Whether that attempt is writing a new set, which must then be revoked.
    fn is_committing(&self, id: Option<AttemptId>) -> bool {
        let attempt = self.attempt.as_ref();
        attempt.is_some_and(|a| Some(a.id) == id && matches!(a.phase, Phase::Committing(_)))
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
    fn end_overtaken(&mut self, now: Now, entry: Entry) {
        self.pace.merge(&entry.meta, now);
        self.enter(Phase::Looking, now.mono_ms);
        let adopted = entry.record.is_some_and(|record| self.adopt(now, record));
        if !adopted {
            // Another tab is presenting the same token; it will know.
            self.leave_it_to_other(now);
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
        let Some(held) = &self.held else { return self.heard_after_end(&message) };
        let mine = held.record.generation;
        self.siblings = true;
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
            Message::Ask { generation, claim } if generation == mine => self.asked(now, claim),
            Message::Ask { .. } => {
                // That tab is ahead: ask it, and present nothing meanwhile.
                self.talker_until_mono_ms = now.mono_ms.saturating_add(ASK_LAST_MS);
                self.effect(Effect::Tell(Message::Ask { generation: mine, claim: NO_CLAIM }));
                if self.is_asking(|_| true) {
                    self.wait_for_other(now, None);
                }
            }
            Message::Busy { generation } if generation == mine => {
                self.talker_until_mono_ms = now.mono_ms.saturating_add(self.lost_after_ms());
                if self.is_asking(|_| true) {
                    self.wait_for_other(now, None);
                }
            }
            Message::Idle { generation } if generation == mine => {
                self.talker_until_mono_ms = i64::MIN;
                if self.attempt.as_ref().is_some_and(|a| matches!(a.phase, Phase::Waiting)) {
                    self.look(now);
                }
            }
            Message::Busy { .. } | Message::Idle { .. } => {}
            Message::Paced(meta) => self.pace.merge(&meta, now),
        }
    }

    /// Another tab of the same generation asks. With a claim of its own it is about to present the token
    /// without a word to the shared entry, if nobody objects.
    fn asked(&mut self, now: Now, claim: u32) {
        if self.pace.is_telling(now) {
            self.tell_pace();
        }
        if claim == NO_CLAIM {
            return;
        }
        // It will say when it presents; until then it is first, unless its claim is higher.
        self.talker_until_mono_ms = self.talker_until_mono_ms.max(now.mono_ms.saturating_add(ASK_LAST_MS));
        if self.is_asking(|mine| claim < mine) {
            // The lower claim goes first.
            return self.wait_for_other(now, None);
        }
        let (Some(attempt), Some(held)) = (&self.attempt, &self.held) else { return };
        let generation = held.record.generation;
        if self.is_asking(|_| true) {
            // Said again for those who have just begun to listen.
            let message = Message::Ask { generation, claim: attempt.claim };
            return self.effect(Effect::Tell(message));
        }
        let busy = match attempt.phase {
            Phase::Presenting { .. } | Phase::Committing(_) | Phase::Ending(_) | Phase::Asking { .. } => true,
            Phase::Locking | Phase::Claiming => !attempt.talks,
            Phase::Pacing | Phase::Waiting | Phase::Looking | Phase::Resolving => false,
        };
        if busy {
            self.effect(Effect::Tell(Message::Busy { generation }));
        }
    }

    /// A tab that asks has missed that the sign-in is over.
    fn heard_after_end(&mut self, message: &Message) {
        if let (Message::Ask { .. }, Because::Ended(how)) = (message, self.because) {
            self.effect(Effect::Tell(Message::Ended { rejected: how == Ended::Rejected }));
        }
    }

    /// Whether this tab asks before it presents, with a claim of that kind.
    fn is_asking(&self, claim: impl Fn(u32) -> bool) -> bool {
        let attempt = self.attempt.as_ref();
        attempt.is_some_and(|a| matches!(a.phase, Phase::Asking { refused: None }) && claim(a.claim))
    }

    /// Asks the other tabs for a newer set.
    pub(super) fn ask(&mut self, now: Now, refused: Option<Refused>) {
        if refused.is_none() && now.mono_ms < self.talker_until_mono_ms {
            // Somebody was first.
            return self.wait_for_other(now, None);
        }
        let (Some(attempt), Some(held)) = (&mut self.attempt, &self.held) else { return };
        attempt.asked = true;
        // A stored set may be any number of generations old; one that this page was given is the newest.
        let may_be_old = self.siblings || self.because == Because::Stored;
        let wait = match (&refused, attempt.queued, may_be_old) {
            (Some(_), _, _) | (_, true, _) => ASK_LAST_MS,
            (None, false, true) => ASK_SIBLINGS_MS,
            (None, false, false) => ASK_STRANGERS_MS,
        };
        let message = Message::Ask { generation: held.record.generation, claim: attempt.claim };
        self.enter(Phase::Asking { refused }, now.mono_ms.saturating_add(wait));
        self.effect(Effect::Tell(message));
    }

    /// Asked, and heard nothing against it.
    fn nobody_objected(&mut self, now: Now) {
        if self.cools_down(now) {
            return;
        }
        let talks = self.attempt.as_ref().is_some_and(|a| a.talks);
        if talks { self.present(now) } else { self.look(now) }
    }

    /// The shared place doesn't work, for this attempt: talk instead.
    fn do_without_place(&mut self, now: Now) {
        self.note(now, "ask the other tabs", "the place to share state can't be used", None);
        self.give_back_lock();
        if let Some(attempt) = &mut self.attempt {
            attempt.talks = true;
            attempt.request_mark = None;
        }
        self.queue(now);
    }

    /// The shared place refused. Once or twice in a row may be chance, and whoever goes on without it can't be
    /// seen by those who don't.
    fn place_failed(&mut self, now: Now) {
        let Some(attempt) = &mut self.attempt else { return };
        attempt.place_failures += 1;
        attempt.request_mark = None;
        if attempt.place_failures < PLACE_BROKEN {
            return self.enter(Phase::Waiting, now.mono_ms.saturating_add(PLACE_AGAIN_MS));
        }
        self.do_without_place(now);
    }

    /// The shared place did not answer in time. Whoever goes on without it can't be seen by those who don't,
    /// so once or twice is a reason to try again and no more.
    fn place_was_slow(&mut self, now: Now) {
        self.place_slow = self.place_slow.saturating_add(1);
        if self.place_slow >= PLACE_BROKEN {
            return self.do_without_place(now);
        }
        if let Some(attempt) = &mut self.attempt {
            attempt.request_mark = None;
        }
        self.fail(now, Code::RefreshUnavailable, PLACE_SLOW, Refused::default(), None);
    }

    /// A phase that depends on others has taken too long.
    pub(super) fn coordination_deadline(&mut self, now: Now) {
        let Some(attempt) = &mut self.attempt else { return };
        match std::mem::replace(&mut attempt.phase, Phase::Resolving) {
            Phase::Locking if attempt.talks => self.queue_is_slow(now),
            Phase::Locking => self.write_claim(now),
            // The other is slow, or hung; what it did can be seen all the same.
            Phase::Waiting => self.look(now),
            Phase::Looking | Phase::Claiming => self.place_was_slow(now),
            Phase::Asking { refused: None } => self.nobody_objected(now),
            Phase::Asking { refused: Some(refused) } | Phase::Ending(refused) => {
                self.effect(Effect::Tell(Message::Ended { rejected: true }));
                self.end_rejected(now, refused);
            }
            Phase::Committing(record) => self.committed(now, record, true),
            Phase::Resolving => self.finish(),
            phase @ (Phase::Pacing | Phase::Presenting { .. }) => attempt.phase = phase,
        }
    }
}

/// A random number that is neither of the special ones.
pub(super) fn claim_id(now: Now) -> u32 {
    now.noise.clamp(QUEUE + 1, NO_CLAIM - 1)
}

const COOLING_ELSEWHERE: &str =
    "A refresh in another tab failed a moment ago; the session is kept and will be tried again.";
const OTHER_TAB_SLOW: &str =
    "Another tab is refreshing and has not finished; the session is kept and will be tried again.";
const OUTCOME_UNKNOWN: &str =
    "Refreshes were cut off more than once before their answer came; the session is kept.";
const PLACE_SLOW: &str =
    "The browser's database did not answer; the session is kept and the refresh will be tried again.";
const STORAGE_LOST: &str = "The stored state was removed by something else; the session goes on in memory.";
