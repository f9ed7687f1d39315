//! Across tabs: look → adopt, or lock and claim → (present) → commit → tell → unlock.
//!
//! What keeps a refresh token from being presented twice is the compare-and-swap of the shared entry: only one
//! tab can write its claim over a given version. What a database can't give is the knowledge whether a claim's
//! tab still lives: that is a lock of the claim's own, taken before the claim is written, released by the
//! platform when the tab dies, and never taken from it. A claim whose lock is held may still be redeemed; a
//! claim whose lock is free was left by the dead.
//!
//! Whoever presents also stands in line for a lock of fixed name, at its head unless the head is given up: so tabs
//! that have lost the entry, or can't see what is in it, know that somebody is at it.

use super::config::Coordination;
use super::error::Failure;
use super::io::*;
use super::record::{Claim, Meta};
use super::refresh::{Phase, WAIT_MARGIN_MS};
use super::session::Session;
use super::talk::{NO_CLAIM, QUEUE};
use super::time::Now;

/// The shared place and the locks answer in a few ms or, in some browsers on some days, never.
pub(super) const PLACE_TIMEOUT_MS: i64 = 5_000;
/// After so many time-outs in a row the shared place counts as broken.
pub(super) const PLACE_BROKEN: u32 = 3;
/// A claim that took this long to write, ms, was written by a page that stood still.
const STOOD_STILL_MS: i64 = 1_000;
/// Where nobody is presenting, locks are there in a few ms.
const IN_LINE_MS: i64 = 200;
/// How soon to try it again after it refused, ms.
const PLACE_AGAIN_MS: i64 = 100;
/// How often to look when another tab is refreshing and there is no lock to wait for, ms.
const LOOK_AGAIN_MS: i64 = 400;
/// A claim left by the dead is tried again at once, one time; then at the pace of failures.
const TRIES_AT_ONCE: u32 = 2;

impl Session {
    /// Finds out what the other tabs are doing.
    pub(super) fn coordinate(&mut self, now: &Now) {
        let (Some(attempt), Some(held)) = (&mut self.attempt, &self.held) else { return self.present(now) };
        attempt.generation = held.record.generation;
        if self.config.coordination == Coordination::Alone {
            return self.present(now);
        }
        attempt.until_mono_ms = now.mono_in(self.config.timeout_ms + WAIT_MARGIN_MS);
        if attempt.talks { self.queue(now) } else { self.look(now) }
    }

    /// Takes the queue's lock, and the claim's own if it is to be written.
    pub(super) fn hold_locks(&mut self, now: &Now, claim: Option<u32>, until_mono_ms: i64) {
        let (Some(attempt), Some(held)) = (&mut self.attempt, &self.held) else { return };
        attempt.asked_lock = true;
        attempt.asked_mono_ms = now.mono_ms;
        attempt.locks_missing = 1 + u32::from(claim.is_some());
        let (id, attempt) = (held.record.id.clone(), attempt.id);
        self.enter(Phase::Locking, until_mono_ms);
        if let Some(claim) = claim {
            self.effect(Effect::Hold { id: id.clone(), claim, attempt });
        }
        self.effect(Effect::Hold { id, claim: QUEUE, attempt });
    }

    pub(super) fn locked(&mut self, now: &Now, id: AttemptId) {
        let Some(attempt) = self.attempt.as_mut().filter(|a| a.id == id) else { return };
        attempt.locks_missing = attempt.locks_missing.saturating_sub(1);
        if attempt.locks_missing > 0 {
            return;
        }
        self.queue_seen = None;
        attempt.locked = true;
        attempt.queued = now.mono_since(attempt.asked_mono_ms) > 50;
        if attempt.talks {
            // Whoever said to be first stood before this tab in the line, and has finished or died.
            self.talker_until_mono_ms = i64::MIN;
        }
        self.go_on_from_lock(now);
    }

    /// A claim's tab has finished, or died.
    pub(super) fn freed(&mut self, now: &Now, id: AttemptId, claim: u32) {
        let Some(attempt) = self.attempt.as_mut().filter(|a| a.id == id) else { return };
        if claim == NO_CLAIM {
            return self.heard_out(now);
        }
        attempt.freed = Some(claim);
        if matches!(attempt.phase, Phase::Waiting) {
            self.look(now);
        }
    }

    pub(super) fn lock_unavailable(&mut self, now: &Now, id: AttemptId) {
        self.no_locks = true;
        let Some(attempt) = self.attempt.as_mut().filter(|a| a.id == id) else { return };
        attempt.asked_lock = false;
        match attempt.phase {
            Phase::Locking => self.go_on_from_lock(now),
            Phase::Waiting => {
                self.ask_who_is_ahead();
                self.wait_for_other(now, None);
            }
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

    fn go_on_from_lock(&mut self, now: &Now) {
        match self.attempt.as_ref().filter(|a| matches!(a.phase, Phase::Locking)).map(|a| a.talks) {
            Some(true) => self.ask(now, None),
            // Whoever was before in the line said so, if it did without the entry.
            Some(false) if now.mono_ms < self.talker_until_mono_ms => self.look(now),
            Some(false) => self.write_claim(now),
            None => {}
        }
    }

    pub(super) fn give_back_lock(&mut self) {
        if let Some(attempt) = self.attempt.as_mut().filter(|a| a.asked_lock) {
            attempt.asked_lock = false;
            attempt.locked = false;
            attempt.locks_missing = 0;
            let id = attempt.id;
            self.effect(Effect::Unlock(id));
        }
    }

    /// Looks what the others did.
    pub(super) fn look(&mut self, now: &Now) {
        let (Some(attempt), Some(held)) = (&self.attempt, &self.held) else { return };
        if attempt.talks {
            return self.ask(now, None);
        }
        let (id, key) = (held.record.id.clone(), held.record.key.clone());
        let effect = Effect::Look { id, key, attempt: Some(attempt.id) };
        self.enter(Phase::Looking, now.mono_in(PLACE_TIMEOUT_MS));
        self.effect(effect);
    }

    pub(super) fn looked(&mut self, now: &Now, attempt: Option<AttemptId>, id: &str, found: Found) {
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

    /// Decides by what is in the shared entry.
    pub(super) fn inspect(&mut self, now: &Now, found: Found) {
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
        self.learn_pace(now, &entry.meta);
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
            // Ours, which this page slept over: others may have done without the entry meanwhile.
            Some(claim) if claim.id == attempt.claim && unseen && !attempt.asked => self.ask(now, None),
            Some(claim) if claim.id == attempt.claim => self.take(now, claim.tries, behind),
            Some(claim) if attempt.freed == Some(claim.id) => self.after_the_dead(now, claim, behind),
            Some(claim) => self.beside_the_living(now, claim, behind),
        }
    }

    /// A cool-down that began elsewhere holds here too; who asked for a refresh by hand need not heed one that
    /// nobody but we asked for.
    pub(super) fn cools_down(&mut self, now: &Now) -> bool {
        let manual = self.attempt.as_ref().is_some_and(|a| a.reason == Reason::Manual);
        let Some(until) = self.pace.cooling(now).filter(|_| !manual || self.pace.by_server()) else {
            return false;
        };
        let retry_at_ms = now.wall_in(until.remaining_ms(now));
        self.tell_failure(now, Failure::unavailable(COOLING_ELSEWHERE, retry_at_ms));
        self.finish();
        true
    }

    /// A claim stands and its lock is free: its tab died between claim and commit. Whether the server has
    /// rotated is unknown and the answer is lost, so one more try is all there is.
    fn after_the_dead(&mut self, now: &Now, claim: Claim, behind: bool) {
        let tries = claim.tries.saturating_add(1);
        if let Some(attempt) = self.attempt.as_mut().filter(|a| !a.asked) {
            // It may just have been reloaded, with the answer in its storage.
            attempt.queued = true;
            return self.ask(now, None);
        }
        self.note(now, "present again", "the tab that did has died", Some(("try", i64::from(tries))));
        if tries > TRIES_AT_ONCE && self.pace.retry().is_none() {
            return self.fail_unheard(now, OUTCOME_UNKNOWN);
        }
        self.take(now, tries, behind);
    }

    /// A claim stands and its tab lives, or there is no telling: its answer can still come.
    fn beside_the_living(&mut self, now: &Now, claim: Claim, behind: bool) {
        self.siblings = true;
        let since = match self.claim_seen {
            Some((id, since)) if id == claim.id => since,
            _ => {
                // The line has moved.
                self.queue_seen = None;
                if self.no_locks {
                    self.ask_who_is_ahead();
                }
                now.mono_ms
            }
        };
        self.claim_seen = Some((claim.id, since));
        // Its request may have left as late as its page's own patience with the database allows.
        if now.mono_since(since) >= self.lost_after_ms() + PLACE_TIMEOUT_MS {
            // It still heads the line, but no longer counts there.
            self.queue_seen = Some(since);
            return self.after_the_dead(now, claim, behind);
        }
        self.wait_for_other(now, Some(claim.id));
    }

    /// Waits for another tab's result while callers may wait, then tells them.
    pub(super) fn wait_for_other(&mut self, now: &Now, claim: Option<u32>) {
        let Some(attempt) = &mut self.attempt else { return };
        attempt.asked = false;
        let until = attempt.until_mono_ms;
        if !attempt.talks {
            // Who waits does not keep others waiting.
            self.give_back_lock();
        }
        if now.mono_ms >= until {
            return self.leave_it_to_other(now);
        }
        let (Some(attempt), Some(held)) = (&mut self.attempt, &self.held) else { return };
        let Some(claim) = claim.filter(|_| !self.no_locks) else {
            return self.enter(Phase::Waiting, now.mono_in(LOOK_AGAIN_MS));
        };
        attempt.asked_lock = true;
        let effect = Effect::Await { id: held.record.id.clone(), claim, attempt: attempt.id };
        self.enter(Phase::Waiting, until);
        self.effect(effect);
    }

    /// Whoever has a newer set, or knows that it is over, says so: it may have been unable to write that down.
    pub(super) fn ask_who_is_ahead(&mut self) {
        let generation = self.generation();
        self.tell(Message::Ask { generation, claim: NO_CLAIM });
    }

    /// Tells the callers and ends the attempt; that another tab takes long is no failure of the route.
    pub(super) fn leave_it_to_other(&mut self, now: &Now) {
        self.ask_who_is_ahead();
        self.tell_failure(now, Failure::unavailable(OTHER_TAB_SLOW, now.wall_in(LOOK_AGAIN_MS)));
        self.finish();
    }

    /// Makes ready to claim. `whole`: with the token set, where the entry has none or an older one.
    fn take(&mut self, now: &Now, tries: u32, whole: bool) {
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
        if attempt.locks_missing > 0 {
            // Still in line.
            return self.enter(Phase::Locking, now.mono_in(LOOK_AGAIN_MS));
        }
        self.hold_locks(now, Some(claim), now.mono_in(IN_LINE_MS));
    }

    /// Somebody is presenting, or about to. That shows in the entry, unless it was cleared or that tab could not
    /// write; or the tab hangs, and counts as lost in the end as its answer does.
    fn line_is_slow(&mut self, now: &Now) {
        let since = *self.queue_seen.get_or_insert(now.mono_ms);
        let Some(attempt) = &self.attempt else { return };
        // Not even a lock that nobody else can have: it is the platform.
        let broken = attempt.locks_missing > 1 && now.mono_since(attempt.asked_mono_ms) >= PLACE_TIMEOUT_MS;
        if broken || now.mono_since(since) >= self.lost_after_ms() + PLACE_TIMEOUT_MS {
            return self.write_claim(now);
        }
        if now.mono_ms >= attempt.until_mono_ms {
            return self.leave_it_to_other(now);
        }
        self.look(now);
    }

    /// Writes this tab's claim to present the token.
    fn write_claim(&mut self, now: &Now) {
        // What was heard in line counts too.
        if self.cools_down(now) {
            return;
        }
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
        self.enter(Phase::Claiming, now.mono_in(PLACE_TIMEOUT_MS));
        self.swap(meta, sealed);
    }

    /// The claim is written. A page that stood still meanwhile must look again: others may have given it up. So
    /// must one that has heard of a newer set.
    pub(super) fn claimed(&mut self, now: &Now) {
        self.place_slow = 0;
        let mark = self.attempt.as_ref().and_then(|a| a.request_mark);
        let late = mark.is_none_or(|mark| now.mono_since(mark.mono_ms) > STOOD_STILL_MS);
        let claimed = self.attempt.as_ref().map(|a| a.generation);
        let overtaken = claimed != self.held.as_ref().map(|held| held.record.generation);
        if late || overtaken { self.look(now) } else { self.present(now) }
    }

    /// The shared place doesn't work, for this attempt: talk instead.
    fn do_without_place(&mut self, now: &Now) {
        self.note(now, "ask the other tabs", "the place to share state can't be used", None);
        self.give_back_lock();
        // What it has seen of the line it saw in the entry.
        self.queue_seen = None;
        if let Some(attempt) = &mut self.attempt {
            attempt.talks = true;
            attempt.request_mark = None;
        }
        self.queue(now);
    }

    /// The shared place refused. Once or twice in a row may be chance, and whoever goes on without it can't be
    /// seen by those who don't.
    pub(super) fn place_failed(&mut self, now: &Now) {
        let Some(attempt) = &mut self.attempt else { return };
        attempt.place_failures += 1;
        attempt.request_mark = None;
        if attempt.place_failures < PLACE_BROKEN {
            return self.enter(Phase::Waiting, now.mono_in(PLACE_AGAIN_MS));
        }
        self.do_without_place(now);
    }

    /// The shared place did not answer in time. Whoever goes on without it can't be seen by those who don't,
    /// so once or twice is a reason to try again and no more.
    fn place_was_slow(&mut self, now: &Now) {
        self.place_slow = self.place_slow.saturating_add(1);
        if self.place_slow >= PLACE_BROKEN {
            return self.do_without_place(now);
        }
        if let Some(attempt) = &mut self.attempt {
            attempt.request_mark = None;
        }
        self.fail_unheard(now, PLACE_SLOW);
    }

    /// A phase that depends on others has taken too long.
    pub(super) fn coordination_deadline(&mut self, now: &Now) {
        let Some(attempt) = &mut self.attempt else { return };
        match std::mem::replace(&mut attempt.phase, Phase::Resolving) {
            Phase::Locking if attempt.talks => self.queue_is_slow(now),
            Phase::Locking => self.line_is_slow(now),
            // The other is slow, or hung; what it did can be seen all the same.
            Phase::Waiting => self.look(now),
            Phase::Looking | Phase::Claiming => self.place_was_slow(now),
            Phase::Asking { refused: None } => self.nobody_objected(now),
            Phase::Ending(refused) => self.ask(now, Some(refused)),
            Phase::Asking { refused: Some(refused) } => {
                self.tell(Message::Ended { rejected: true });
                self.end_rejected(now, refused);
            }
            Phase::Committing(record) => self.committed(now, record, true),
            Phase::Resolving => self.finish(),
            phase @ (Phase::Pacing | Phase::Presenting { .. }) => attempt.phase = phase,
        }
    }
}

/// A random number that is neither of the special ones.
pub(super) fn claim_id(now: &Now) -> u32 {
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
