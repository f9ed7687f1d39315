//! A refresh token leaves, or a session is lost: whether that had to be.

use tokenwell::proto::config::Coordination;

use super::{Invariant, Sent, TIMEOUTS_TILL_LOST};
use crate::excuses;
use crate::names;
use crate::plan::Rotation;
use crate::tab::{Runs, Tab};
use crate::token_request::{Fate, TokenRequest};
use crate::world::World;

/// For so long tabs are asked and given time to answer.
const ASKING_MS: i64 = 3_000;
/// So long after an outage attempts may go on that began in it.
const OUTAGE_LINGERS_MS: i64 = 20_000;
/// So long before its request a claim may have been written: the core's own bound.
const CLAIMING_MS: i64 = 1_000;
/// So long it takes at most to tell or write what came.
const TELLING_MS: i64 = 500;
const RATE_REQUESTS: usize = 3;
const RATE_WINDOW_MS: i64 = 5_000;

impl World<'_> {
    /// A page has lost its session: somebody must have ended it.
    pub(super) fn check_loss(&mut self, slot: usize, sign_in: usize, refresh: Option<usize>) {
        let ledger = &mut self.ledger.sign_ins[sign_in];
        if ledger.ended_by_user() || ledger.given_up || !self.server.families[sign_in].alive {
            return;
        }
        let now = self.now();
        let own = refresh.is_some_and(|token| self.server.takes(token, now));
        let of_others = self.had_by_others(sign_in, None, 0).is_some_and(|t| self.server.takes(t, now));
        if own || of_others {
            self.violate(Invariant::SessionKept, || {
                let whose = if own { "its own" } else { "another tab's" };
                format!("tab {slot} gave s{sign_in} up, but {whose} refresh token is good")
            });
        } else {
            self.ledger.sign_ins[sign_in].given_up = true;
        }
    }

    /// The newest refresh token of a sign-in that the shared place has, or a tab that has been running for so long:
    /// one that has just woken, started or been told itself cannot have told.
    pub(crate) fn had_by_others(
        &self,
        sign_in: usize,
        newer_than: Option<usize>,
        running_ms: i64,
    ) -> Option<usize> {
        let in_vault = self.in_vault(sign_in).and_then(|record| names::of(record).2);
        self.had_in_tabs(sign_in, running_ms)
            .filter_map(|tab| tab.seen.refresh)
            .chain(in_vault)
            .filter(|t| Some(*t) > newer_than)
            .max()
    }

    /// The tabs that have a sign-in and have been running for so long.
    fn had_in_tabs(&self, sign_in: usize, running_ms: i64) -> impl Iterator<Item = &Tab> {
        let now = self.now();
        let since = |tab: &Tab| tab.went_on_at.max(tab.started_at).max(tab.seen.adopted_at);
        let tells = move |tab: &&Tab| tab.runs == Runs::Yes && now - since(tab) >= running_ms;
        let tabs = self.tabs.iter().filter_map(|tab| tab.as_deref()).filter(tells);
        tabs.filter(move |tab| tab.seen.sign_in == Some(sign_in))
    }

    /// Just before a refresh token leaves.
    pub(crate) fn check_presented(&mut self, slot: usize, token: usize) {
        let now = self.now();
        let Some(sign_in) = self.server.family_of_refresh(token) else {
            return self.violate(Invariant::NeverAnothers, || format!("tab {slot} presents no token"));
        };
        self.check_need(slot, sign_in, token);

        let Some(tab) = self.tabs[slot].as_ref() else { return };
        let (life, time_origin_ms) = (tab.life, tab.time_origin_ms);
        // A page whose process counts from elsewhere has only the wall clock to tell how old its requests are by.
        let stepped_at = self.clock.stepped_at;
        let unknowable = |sent: &Sent| {
            excuses::RATE_ABOUT_A_CLOCK_STEP
                && sent.time_origin_ms != time_origin_ms
                && sent.at - CLAIMING_MS <= stepped_at
        };
        // Without a shared place only those who live and run can tell what they did: the app's or the platform's
        // choice.
        let shared =
            self.setup.coordination == Coordination::Vault || !excuses::RATE_OF_THOSE_WHO_CANNOT_TELL;
        // And that place may have been cleared since, or have failed them.
        let trouble_at = self.vault.trouble_at;
        let works = shared && !self.vault.down;
        let got_up = tab.went_on_at.max(tab.started_at);
        let hears = now - got_up >= TELLING_MS || !excuses::RATE_OF_THOSE_WHO_CANNOT_TELL;
        let tells = |sent: &Sent| {
            sent.by == life
                || works && trouble_at.is_none_or(|trouble| trouble < sent.at)
                || hears
                    && self
                        .living(sent.by)
                        .is_some_and(|tab| tab.runs == Runs::Yes && tab.seen.sign_in == Some(sign_in))
        };
        let recent = |sent: &Sent| now - sent.at < RATE_WINDOW_MS;
        let counts = |sent: &&Sent| recent(sent) && tells(sent) && !unknowable(sent);
        let requests = &self.ledger.sign_ins[sign_in].requests;
        let too_soon = requests.iter().filter(counts).count() >= RATE_REQUESTS;
        let ledger = &mut self.ledger.sign_ins[sign_in];
        ledger.requests.retain(recent);
        ledger.requests.push(Sent { at: now, by: life, time_origin_ms });
        let silenced = ledger.cooling.is_some_and(|cooling| {
            (cooling.since..cooling.until).contains(&now)
                && stepped_at < cooling.since
                && (cooling.shared || cooling.told == life)
        });
        if too_soon {
            self.violate(Invariant::RateBound, || format!("the fourth for s{sign_in}, by tab {slot}"));
        }
        if silenced {
            self.violate(Invariant::RetryAfterHonoured, || format!("tab {slot} did not wait, s{sign_in}"));
        }
    }

    /// Whether a token that was presented before must be presented again.
    fn check_need(&mut self, slot: usize, sign_in: usize, token: usize) {
        let lost_after_ms = TIMEOUTS_TILL_LOST * self.setup.timeout_ms;
        let machine_ms = self.clock.machine_ms();
        let mut again = false;
        let mut flying = None;
        let generation = self.tabs[slot].as_ref().map_or(0, |tab| tab.seen.generation);
        // Where nothing rotates, a token lives through many generations.
        let same = |request: &&TokenRequest| request.token == token && request.generation == generation;
        let now = self.now();
        let stands_still = |life| {
            let tab = self.living(life);
            tab.is_some_and(|tab| tab.runs != Runs::Yes || now - tab.went_on_at < ASKING_MS)
        };
        let got_up = self.tabs[slot].as_ref().map_or(now, |tab| tab.went_on_at.max(tab.started_at));
        let just_woke = self.tabs[slot].as_ref().is_some_and(|tab| now - tab.went_on_at < ASKING_MS);
        // What a running page has had since the question was put it has told, and all ask that get up. And what
        // the shared place holds can be read, once it has been back for a while.
        let up = now - got_up >= TELLING_MS;
        let place_works = self.vault.outage_at.is_none_or(|at| now - at >= OUTAGE_LINGERS_MS);
        let in_place = self.in_vault(sign_in).and_then(|record| names::of(record).2).filter(|_| place_works);
        let told = up && {
            let had = |tab: &&Tab| now - tab.seen.got_at >= ASKING_MS;
            let in_tabs =
                self.had_in_tabs(sign_in, TELLING_MS).filter(had).filter_map(|tab| tab.seen.refresh);
            in_tabs.chain(in_place).any(|newer| newer > token)
        };
        let unheard = |request: &TokenRequest| {
            let moved_on = || self.sign_in_of(request.life.slot) != Some(sign_in);
            let silent = || stands_still(request.life) || moved_on();
            let after = |at: Option<i64>, linger_ms| at.is_some_and(|at| at + linger_ms >= request.sent_at);
            // With it went the claim, which was written a moment before.
            let cleared = after(self.vault.cleared_at, CLAIMING_MS);
            let outage = after(self.vault.outage_at, OUTAGE_LINGERS_MS);
            let refused = after(self.vault.refused_at, 0);
            let no_place =
                self.setup.coordination == Coordination::Channel || self.vault.down || outage || refused;
            // With locks, the line shows that somebody is presenting; what came of it is what may not be known.
            let shown = self.setup.locks && request.fate == Fate::Flying;
            let by_talk_alone = no_place && !self.setup.locks;
            let unknown = (excuses::TALK_WITH_ONE_THAT_STANDS_STILL && by_talk_alone && silent())
                || (excuses::CLEARED_WHILE_NOBODY_CAN_TELL && !shown && cleared && (silent() || just_woke))
                || (excuses::OUTAGES_OF_THE_SHARED_PLACE && !shown && outage);
            // So does a page that is presenting, if it runs.
            let says_so = request.fate == Fate::Flying && now - request.sent_at >= TELLING_MS && !silent();
            unknown && !told && !(up && says_so)
        };
        let mut excused = false;
        for request in self.requests.iter().filter(same) {
            if unheard(request) {
                excused = true;
                continue;
            }
            again = true;
            if request.fate == Fate::Flying && machine_ms - request.sent_machine_ms < lost_after_ms {
                flying = Some(request.life.slot);
            }
        }
        if self.ledger.sign_ins[sign_in].given_up {
            return;
        }
        if let Some(other) = flying {
            return self.violate(Invariant::PresentedOnce, || {
                format!("tab {slot} presents r{token} while the answer to tab {other} can still come")
            });
        }
        // An answer that had counted as lost stops nobody who is already on the way.
        let late_at = self.ledger.sign_ins[sign_in].late_at;
        if again
            && !excused
            && late_at.is_none_or(|at| now - at > TELLING_MS)
            && self.setup.rotation != Rotation::None
            && let Some(newer) = self.had_by_others(sign_in, Some(token), TELLING_MS)
        {
            self.violate(Invariant::PresentedOnce, || {
                format!("tab {slot} presents r{token} again, but r{newer} is there to be taken over")
            });
        }
    }
}
