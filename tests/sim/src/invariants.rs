//! What must be true after every step, and what is remembered to know it.

mod answers;
mod presented;

use tokenwell::proto::io::WaiterId;
use tokenwell::proto::session::Because;
use tokenwell::proto::time::Now;

use crate::names;
use crate::plan::SLOTS;
use crate::tab::{Life, Talk, Waiter, Wakes};
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
        let expiry = view.record.and_then(|record| record.tokens.expiry(&now));
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

    /// Just before an access token goes to a request or a caller.
    pub(crate) fn check_handed_out(&mut self, slot: usize) {
        let now = self.clocks_in(slot);
        let Some(seen) = self.tabs[slot].as_ref().map(|tab| &tab.seen) else { return };
        let (access, true_now) = (seen.access, self.now());
        let has_expired = access.is_some_and(|token| self.server.has_expired(token, true_now));
        // After a clock step a good token may look as if it had expired.
        if let Some(expiry) = seen.expiry.filter(|expiry| has_expired && expiry.passed(&now)) {
            self.violate(Invariant::NoExpiredToken, || {
                format!("tab {slot}, a{access:?}, {} ms after its end", -expiry.remaining_ms(&now))
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
