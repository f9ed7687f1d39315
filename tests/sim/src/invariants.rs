//! What must be true after every step, and what is remembered to know it.

use tokenwell::proto::config::Coordination;
use tokenwell::proto::io::{Reason, WaiterId};
use tokenwell::proto::session::Because;
use tokenwell::proto::time::Now;

use crate::excuses;
use crate::names;
use crate::plan::{Rotation, SLOTS};
use crate::tab::{Life, Runs, Tab, Talk, Waiter, Wakes};
use crate::token_request::{Fate, TokenRequest};
use crate::world::World;

/// The promises, each by its sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Invariant {
    PresentedOnce,
    SessionKept,
    NobodyWaits,
    SettledOnce,
    NeverAnothers,
    RateBound,
    SignOutStays,
    NoExpiredToken,
    Recovers,
    TimersRest,
    RetryAfterHonoured,
    BreakerHolds,
    Quiet,
    Ends,
}

impl Invariant {
    pub(crate) fn sentence(self) -> &'static str {
        match self {
            Self::PresentedOnce => "no refresh token is presented twice without need",
            Self::SessionKept => "a session is lost only if the server or the user ended it",
            Self::NobodyWaits => "no caller is left waiting",
            Self::SettledOnce => "a caller has one outcome, and a request at most one replay",
            Self::NeverAnothers => "no tab takes over what belongs to another sign-in",
            Self::RateBound => "at most three token requests in any five seconds for one session",
            Self::SignOutStays => "after a sign-out no tab that knows of it has tokens",
            Self::NoExpiredToken => "no expired token is handed out knowingly",
            Self::Recovers => "once faults stop, every tab has a valid token, and all the same",
            Self::TimersRest => "no timer runs in circles",
            Self::RetryAfterHonoured => "Retry-After is honoured by all tabs that can know it",
            Self::BreakerHolds => "an API that always says 401 causes no storm of token requests",
            Self::Quiet => "messages between tabs do not multiply",
            Self::Ends => "every schedule comes to rest",
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Violation {
    pub(crate) invariant: Invariant,
    pub(crate) what: String,
    pub(crate) at: i64,
}

/// What the checks remember.
#[derive(Default)]
pub(crate) struct Ledger {
    /// By number, which is also the number of the family at the server.
    pub(crate) sign_ins: Vec<SignIn>,
    /// How the closing call of each tab went.
    pub(crate) closed: [Option<bool>; SLOTS],
    pub(crate) storm: Option<i64>,
    pub(crate) stormed: bool,
}

#[derive(Default)]
pub(crate) struct SignIn {
    /// The user has signed out; these pages listened then.
    pub(crate) ended_before: Option<Vec<Life>>,
    /// It is written in the shared place that it is over: a page that dies as it signs out may not get so far.
    pub(crate) end_written: bool,
    /// The server refused the only token that anyone had: it is over for all, also for one whose answer comes
    /// later than late.
    given_up: bool,
    /// Its last token requests, oldest first.
    requests: Vec<Sent>,
    cooling: Option<Cooling>,
    /// When a set last came by an answer that had counted as lost.
    late_at: Option<i64>,
    /// Refreshes because of a 401 since the API began to refuse everything.
    for_401: u32,
}

impl SignIn {
    pub(crate) fn ended_by_user(&self) -> bool {
        self.ended_before.is_some()
    }
}

/// A token request: when it left, whose it was, and from where that page's process counts.
#[derive(Clone, Copy)]
struct Sent {
    at: i64,
    by: Life,
    time_origin_ms: i64,
}

/// The server has asked for silence.
#[derive(Clone, Copy)]
pub(crate) struct Cooling {
    pub(crate) until: i64,
    /// As the server said it.
    until_wall_ms: i64,
    told: Life,
    /// It is written where all tabs see it.
    shared: bool,
    /// When it began: after a clock step the tabs reckon otherwise.
    since: i64,
}

/// More than the bound on a caller's wait that messages between processes may take.
const SMALL_MS: i64 = 2_000;
/// As the core's own.
const LOCK_MARGIN_MS: i64 = 5_000;
/// An answer later than this many timeouts counts as lost.
const TIMEOUTS_TILL_LOST: i64 = 4;
/// For so long tabs are asked and given time to answer.
const ASKING_MS: i64 = 3_000;
/// So long after an outage attempts may go on that began in it.
const OUTAGE_LINGERS_MS: i64 = 20_000;
/// So long before its request a claim may have been written: the core's own bound.
const CLAIMING_MS: i64 = 1_000;
/// So long it takes at most to tell or write what came.
const TELLING_MS: i64 = 500;
/// So long it takes at most until it is written.
const WRITING_MS: i64 = 20_000;
/// So much longer than it was asked a page stays silent: the core's own bound.
const MOST_SPREAD_MS: i64 = 28_000;
const RATE_REQUESTS: usize = 3;
const RATE_WINDOW_MS: i64 = 5_000;
/// Timers of one page in one second: each of many callers may have its own.
const MOST_WAKES: u32 = 100;
const MOST_IDLE_WAKES: u32 = 15;
/// Messages of one page in one second, besides an answer to each that it hears.
const MOST_MESSAGES: u32 = 30;

impl World<'_> {
    pub(crate) fn violate(&mut self, invariant: Invariant, what: impl FnOnce() -> String) {
        if self.violation.is_none() {
            let what = what();
            let at = self.now();
            self.trace.line(at, || format!("!! {}: {what}", invariant.sentence()));
            self.violation = Some(Violation { invariant, what, at });
        }
    }

    pub(crate) fn break_off(&mut self, what: &str) {
        self.violate(Invariant::Ends, || what.to_owned());
    }

    /// A page's clocks, without its dice.
    pub(crate) fn clocks_in(&self, slot: usize) -> Now {
        let origin = self.tabs[slot].as_ref().map_or(0, |tab| tab.time_origin_ms);
        Now { wall_ms: self.clock.wall_ms(), mono_ms: origin + self.clock.machine_ms(), noise: 0 }
    }

    /// After each input of a page. `switches`: the input may have put another sign-in in place.
    pub(crate) fn check_tab(&mut self, slot: usize, switches: bool) {
        let (now, at) = (self.clocks_in(slot), self.now());
        let Some(tab) = self.tabs[slot].as_deref_mut() else { return };
        let view = tab.core.view(now);
        let (sign_in, access, refresh) = match view.record {
            Some(record) => {
                let (sign_in, access, refresh) = names::of(record);
                (Some(sign_in), access, refresh)
            }
            None => (None, None, None),
        };
        let generation = view.record.map_or(0, |record| record.generation);
        let expiry = view.record.and_then(|record| record.tokens.expiry(now));
        let epoch = view.epoch;
        let adopted = view.because == Because::Adopted;
        let seen = &mut tab.seen;
        if seen.refresh != refresh {
            seen.got_at = at;
            seen.adopted_at = if adopted { at } else { seen.adopted_at };
        }
        let before = (seen.sign_in, seen.refresh);
        if (seen.epoch, seen.access) != (epoch, access) || sign_in != before.0 {
            seen.expiry = expiry;
        }
        (seen.sign_in, seen.epoch, seen.access, seen.refresh) = (sign_in, epoch, access, refresh);
        seen.generation = generation;
        let told_over = seen.told_over;
        if let Some(sign_in) = sign_in {
            let families = (
                access.and_then(|token| self.server.family_of_access(token)),
                refresh.and_then(|token| self.server.family_of_refresh(token)),
            );
            if families != (Some(sign_in), Some(sign_in)) {
                self.violate(Invariant::NeverAnothers, || {
                    format!("tab {slot} holds s{sign_in} with tokens of {families:?}")
                });
            }
            if told_over == Some(sign_in) {
                self.violate(Invariant::SignOutStays, || {
                    format!("tab {slot} knows that s{sign_in} is over and holds it")
                });
            }
        }
        match (before.0, sign_in) {
            (Some(old), None) => self.check_loss(slot, old, before.1),
            (Some(old), Some(new)) if old != new && !switches => {
                self.violate(Invariant::NeverAnothers, || {
                    format!("tab {slot} went from s{old} to s{new} without a sign-in")
                });
            }
            _ => {}
        }
    }

    /// A page has lost its session: somebody must have ended it.
    fn check_loss(&mut self, slot: usize, sign_in: usize, refresh: Option<usize>) {
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

    pub(crate) fn note_answer(&mut self, request: usize, retry_after_ms: Option<i64>) {
        let request = &self.requests[request];
        let (life, fate, reason) = (request.life, request.fate, request.reason);
        let sent_machine_ms = request.sent_machine_ms;
        let Some(sign_in) = self.server.family_of_refresh(request.token) else { return };
        let now = self.now();
        let age_ms = self.clock.machine_ms() - sent_machine_ms;
        let counted_as_lost = age_ms >= TIMEOUTS_TILL_LOST * self.setup.timeout_ms;
        let ledger = &mut self.ledger.sign_ins[sign_in];
        if fate == (Fate::Delivered { granted: true }) && counted_as_lost {
            ledger.late_at = Some(now);
        }
        if let Some(ms) = retry_after_ms {
            let (until, until_wall_ms) = (now + ms, self.clock.wall_ms() + ms);
            ledger.cooling = Some(Cooling { until, until_wall_ms, told: life, shared: false, since: now });
        } else if fate == (Fate::Delivered { granted: true }) {
            ledger.cooling = None;
            if let Some(began) = self.ledger.storm
                && reason == Reason::Unauthorized
            {
                ledger.for_401 += 1;
                self.check_storm(sign_in, now - began);
            }
        }
    }

    /// The server has refused a token. If nobody has a good one, no answer less late than lost brings one.
    pub(crate) fn note_refused(&mut self, token: usize) {
        let now = self.now();
        let Some(sign_in) = self.server.family_of_refresh(token) else { return };
        let newest = self.had_by_others(sign_in, None, 0);
        self.ledger.sign_ins[sign_in].given_up |=
            !newest.is_some_and(|newest| self.server.takes(newest, now));
    }

    /// A set is written in the shared place. One that came later than late is there from now on.
    pub(crate) fn note_set_written(&mut self, sign_in: usize) {
        let now = self.now();
        if let Some(late_at) = self.ledger.sign_ins.get_mut(sign_in).and_then(|s| s.late_at.as_mut())
            && now - *late_at < WRITING_MS
        {
            *late_at = now;
        }
    }

    /// A silence until then, epoch ms, is written in the shared place.
    pub(crate) fn note_cooling_shared(&mut self, sign_in: usize, not_before_ms: i64) {
        if let Some(cooling) = self.ledger.sign_ins.get_mut(sign_in).and_then(|s| s.cooling.as_mut()) {
            // An older one may end later by a clock that was set back since.
            let this = cooling.until_wall_ms..=cooling.until_wall_ms + MOST_SPREAD_MS;
            cooling.shared |= this.contains(&not_before_ms);
        }
    }

    /// The shared place has been lost or could not be read: nobody need know from it any more.
    pub(crate) fn forget_shared_cooling(&mut self) {
        for cooling in self.ledger.sign_ins.iter_mut().filter_map(|sign_in| sign_in.cooling.as_mut()) {
            cooling.shared = false;
        }
    }

    /// When the last silence that a server asked for ends.
    pub(crate) fn cooling_until(&self) -> i64 {
        self.ledger.sign_ins.iter().filter_map(|s| s.cooling.map(|c| c.until)).max().unwrap_or(0)
    }

    pub(crate) fn set_api_refuses(&mut self, refuses: bool) {
        if refuses && !self.api_refuses {
            self.ledger.storm = Some(self.now());
            self.ledger.stormed = true;
            self.ledger.sign_ins.iter_mut().for_each(|s| s.for_401 = 0);
        } else if !refuses {
            self.ledger.storm = None;
        }
        self.api_refuses = refuses;
    }

    /// Each page may find out for itself that fresh tokens don't help, then again after 30, 60, 120 … s; and a
    /// call that left with the fresh token may be answered before the replay that would have told.
    fn check_storm(&mut self, sign_in: usize, ms: i64) {
        let openings = (0..).take_while(|n| 30_000 * ((1_i64 << n) - 1) <= ms).count() as u32;
        let pages = self.lives;
        let count = self.ledger.sign_ins[sign_in].for_401;
        if count > pages * (openings + 2) {
            self.violate(Invariant::BreakerHolds, || {
                format!("{count} refreshes of s{sign_in} in {ms} ms, {pages} pages")
            });
        }
    }

    /// Just before an access token goes to a request or a caller.
    pub(crate) fn check_handed_out(&mut self, slot: usize) {
        let now = self.clocks_in(slot);
        let Some(seen) = self.tabs[slot].as_ref().map(|tab| &tab.seen) else { return };
        let (access, true_now) = (seen.access, self.now());
        let has_expired = access.is_some_and(|token| self.server.has_expired(token, true_now));
        // After a clock step a good token may look as if it had expired.
        if let Some(expiry) = seen.expiry.filter(|expiry| has_expired && expiry.passed(now)) {
            self.violate(Invariant::NoExpiredToken, || {
                format!("tab {slot}, a{access:?}, {} ms after its end", -expiry.remaining_ms(now))
            });
        }
    }

    pub(crate) fn longest_wait_ms(&self) -> i64 {
        self.setup.timeout_ms + LOCK_MARGIN_MS + SMALL_MS
    }

    pub(crate) fn check_waited(&mut self, slot: usize, waiter: &Waiter, waited_ms: i64) {
        if waited_ms > self.longest_wait_ms() {
            self.violate(Invariant::NobodyWaits, || {
                format!("tab {slot}, {:?} waited {waited_ms} ms", waiter.purpose)
            });
        }
    }

    pub(crate) fn check_unknown_waiter(&mut self, slot: usize, id: WaiterId) {
        self.violate(Invariant::SettledOnce, || format!("tab {slot}: nobody waits as {id:?}"));
    }

    /// The page tells the others something.
    pub(crate) fn check_told(&mut self, slot: usize) {
        let now = self.now();
        let Some(tab) = self.tabs[slot].as_deref_mut() else { return };
        let Talk { since, heard, told } = &mut tab.seen.talk;
        if now - *since >= 1_000 {
            (*since, *heard, *told) = (now, 0, 0);
        }
        *told += 1;
        if *told > MOST_MESSAGES + *heard {
            let what = format!("tab {slot} told {told} in a second, and heard {heard}");
            self.violate(Invariant::Quiet, || what);
        }
    }

    /// The page's timer has fired, and the core has made of it what it gave.
    pub(crate) fn check_woke(&mut self, slot: usize, idle: bool) {
        let now = self.now();
        let Some(tab) = self.tabs[slot].as_deref_mut() else { return };
        let Wakes { since, count, idle: for_nothing } = &mut tab.seen.wakes;
        if now - *since >= 1_000 {
            (*since, *count, *for_nothing) = (now, 0, 0);
        }
        *count += 1;
        *for_nothing += u32::from(idle);
        if *count > MOST_WAKES || *for_nothing > MOST_IDLE_WAKES {
            let what = format!("tab {slot}, {count} in a second, {for_nothing} for nothing");
            self.violate(Invariant::TimersRest, || what);
        }
    }
}
