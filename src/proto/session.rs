//! The session: inputs in, decisions out. Routing, and what a caller may have; the way to a new token set is
//! in `refresh`, the dealings with other tabs in `coordination`.

use super::answer::Grant;
use super::config::{Config, Coordination};
use super::ending::ASK_OTHERS_MS;
use super::error::{Code, Failure};
use super::explain::{Decision, Ring};
use super::held::Held;
use super::io::*;
use super::late::Late;
use super::record::{Record, Request};
use super::refresh::{Attempt, Waiter};
use super::schedule::Pace;
use super::secret::Secret;
use super::time::{Deadline, MAX_TIMEOUT_MS, Now, sum};
use super::token::TokenSet;
use super::unauthorized::Breaker;

/// Contract: `Status`.
#[derive(Clone, Copy, PartialEq, Eq)]
#[cfg_attr(not(target_family = "wasm"), derive(Debug))]
pub enum Status {
    /// No session.
    SignedOut,
    /// A session with a token that has not expired, as far as we know.
    SignedIn,
    /// A session whose access token has expired and could not be refreshed yet.
    Expired,
}

/// Contract: `Snapshot.reason`.
#[derive(Clone, Copy, PartialEq, Eq)]
#[cfg_attr(not(target_family = "wasm"), derive(Debug))]
pub enum Because {
    /// Nothing has happened.
    None,
    /// Stored state was there.
    Stored,
    /// Tokens of a login came.
    SignedIn,
    /// This tab refreshed.
    Refreshed,
    /// Another tab did.
    Adopted,
    /// It ended.
    Ended(Ended),
}

/// What the host may look at between inputs.
pub struct View<'a> {
    /// Contract: `status`.
    pub status: Status,
    /// A refresh is under way.
    pub refreshing: bool,
    /// Counts changes of the access token.
    pub epoch: Epoch,
    /// The sign-in and its tokens, while there is one.
    pub record: Option<&'a Record>,
    /// Why the status is what it is.
    pub because: Because,
    /// The last failure, until something succeeds.
    pub failure: Option<&'a Failure>,
}

/// A token session's state machine.
pub struct Session {
    pub(super) config: Config,
    pub(super) held: Option<Held>,
    /// Which token is current.
    pub epoch: Epoch,
    pub(super) attempt: Option<Attempt>,
    pub(super) attempts_made: u32,
    pub(super) waiters: Vec<Waiter>,
    pub(super) pace: Pace,
    pub(super) breaker: Breaker,
    /// An unresolved claim of another tab, and since when this tab has seen it, monotonic ms.
    pub(super) claim_seen: Option<(u32, i64)>,
    /// The last sign-ins that ended: nothing late brings them back.
    pub(super) over: Vec<String>,
    /// An attempt that was given up; its answer may still come.
    pub(super) late: Option<Late>,
    pub(super) because: Because,
    pub(super) failure: Option<Failure>,
    pub(super) changed: bool,
    /// Since when a look between attempts is on its way, monotonic ms.
    pub(super) looking: Option<i64>,
    /// When a refresh token ends, epoch ms as recorded, and on both clocks since it was told to this object.
    /// Of other sets the server knows: a clock step must end no session.
    refresh_end_told: Option<(i64, Deadline)>,
    /// The shared entry lacks this tab's set: when to write it once more, monotonic ms, and how long to wait after that.
    pub(super) owes: Option<(i64, i64)>,
    /// The shared place was too slow this often in a row.
    pub(super) place_slow: u32,
    /// When this tab last asked the others, monotonic ms, for which generation and attempt, and when it last told
    /// them which request of its pace: a page that has stood still finds many reasons to at once.
    pub(super) last_ask: (i64, u32, AttemptId),
    pub(super) last_pace: (i64, Option<Request>),
    /// Since when the queue of tabs that share no place has not moved, monotonic ms.
    pub(super) queue_seen: Option<i64>,
    /// Until when another tab may be refreshing without the shared entry, monotonic ms.
    pub(super) talker_until_mono_ms: i64,
    /// Other tabs may have a newer set: this one was stored, or the page stood still.
    pub(super) may_be_old: bool,
    /// What the shared place holds is not known, or a claim stands in it.
    pub(super) unsure: bool,
    /// The last answer was so long on its way that its access token counts as expired.
    pub(super) came_expired: bool,
    /// Another tab of this sign-in has been heard of.
    pub(super) siblings: bool,
    pub(super) disposed: bool,
    /// Stored state has disappeared; whether by a sign-out, the look under way will tell.
    pub(super) storage_lost: bool,
    /// This platform has no locks.
    pub(super) no_locks: bool,
    storage_failed: bool,
    /// Background refreshes of many tabs spread over this part of the leeway, in thousandths.
    jitter_permille: i64,
    log: Ring,
    out: Vec<Output>,
}

impl Session {
    /// A session with nothing in it.
    pub fn new(config: Config, now: Now) -> Self {
        Self {
            config,
            held: None,
            epoch: Epoch::default(),
            attempt: None,
            attempts_made: 0,
            waiters: Vec::new(),
            pace: Pace::default(),
            breaker: Breaker::default(),
            claim_seen: None,
            over: Vec::new(),
            late: None,
            because: Because::None,
            failure: None,
            changed: false,
            looking: None,
            last_ask: (i64::MIN, 0, AttemptId(0)),
            last_pace: (i64::MIN, None),
            queue_seen: None,
            refresh_end_told: None,
            owes: None,
            place_slow: 0,
            talker_until_mono_ms: i64::MIN,
            may_be_old: false,
            unsure: false,
            came_expired: false,
            siblings: false,
            disposed: false,
            storage_lost: false,
            no_locks: false,
            storage_failed: false,
            jitter_permille: now.up_to(100),
            log: Ring::default(),
            out: Vec::new(),
        }
    }

    /// Takes one input. [`Self::drain`] it before the next.
    pub fn handle(&mut self, now: Now, input: Input) {
        let now = &now;
        let was_refreshing = self.is_refreshing();
        // What the others said while this page stood still comes one by one, and before the timer that ends the wait.
        let hears_more = matches!(input, Input::Heard(_));
        match input {
            Input::Wake => {}
            Input::Resume => self.resume(now),
            Input::Online => {
                self.pace.online(now);
                self.note(now, "look again", "the network is back", None);
            }
            Input::Restored(record) => self.restored(now, record),
            Input::StorageChanged(record) => self.storage_changed(now, record),
            Input::StorageFailed(message) => self.storage_failed(now, message),
            Input::Demand { waiter, want } => self.demand(now, waiter, want),
            Input::Unauthorized { waiter, sent, challenge } => {
                self.unauthorized(now, waiter, sent, challenge);
            }
            Input::Replayed { sent, refused } => {
                // A token that has expired on its way, or was replaced, says nothing of fresh ones.
                let fresh = sent == self.epoch && self.held.as_ref().is_some_and(|held| !held.expired(now));
                if fresh || !refused {
                    self.breaker.replayed(sent, refused, now);
                }
            }
            Input::Detach(waiter) => self.waiters.retain(|w| w.id != waiter),
            Input::SignIn { grant, id, key } => self.sign_in(now, grant, id, key),
            Input::SignOut => self.sign_out(now),
            Input::Dispose => self.dispose(now),
            Input::Locked(attempt) => self.locked(now, attempt),
            Input::Freed { attempt, claim } => self.freed(now, attempt, claim),
            Input::LockUnavailable(attempt) => self.lock_unavailable(now, attempt),
            Input::Looked { attempt, id, found } => self.looked(now, attempt, &id, found),
            Input::Swapped { attempt, id, result } => self.swapped(now, attempt, &id, result),
            Input::Answered(attempt, meaning) => self.answered(now, attempt, Some(meaning)),
            Input::Unanswered(attempt) => self.answered(now, attempt, None),
            Input::Heard(message) => self.heard(now, message),
        }
        self.tick(now, hears_more);
        if std::mem::take(&mut self.changed) || was_refreshing != self.is_refreshing() {
            self.event(Event::Change);
        }
    }

    fn is_refreshing(&self) -> bool {
        self.attempt.as_ref().is_some_and(Attempt::under_way)
    }

    /// What is decided and not yet taken, oldest first.
    pub fn drain(&mut self) -> Vec<Output> {
        std::mem::take(&mut self.out)
    }

    /// The first of that alone.
    pub fn poll(&mut self) -> Option<Output> {
        (!self.out.is_empty()).then(|| self.out.remove(0))
    }

    /// In how many ms [`Input::Wake`] is wanted; clamped to what a timer takes.
    pub fn next_timeout(&self, now: Now) -> Option<i64> {
        let now = &now;
        let attempt = self.attempt.as_ref().map(|a| a.deadline_mono_ms - now.mono_ms);
        if self.disposed {
            return attempt.map(|ms| ms.clamp(0, MAX_TIMEOUT_MS));
        }
        let patience = self.patience_ends_mono_ms(now).map(|at| at - now.mono_ms);
        let end = self.held.as_ref().and_then(|held| match held.shown_expired {
            false => held.expiry.map(|at| at.remaining_ms(now)),
            true if self.attempt.is_some() => None,
            true if self.can_refresh(now) => held.refresh_end.map(|end| end.later_remaining_ms(now)),
            true => held.asked_others.map(|(_, at)| sum(at, ASK_OTHERS_MS) - now.mono_ms),
        });
        let late = self.late.as_ref().and_then(|late| late.locked_until_mono_ms).map(|at| at - now.mono_ms);
        let owes = self.owes.filter(|_| self.attempt.is_none()).map(|(due, _)| due - now.mono_ms);
        let mut soonest = i64::MAX;
        for ms in [attempt, patience, end, late, owes, self.next_start(now)].iter().flatten() {
            soonest = soonest.min(*ms);
        }
        (soonest < i64::MAX).then(|| soonest.clamp(0, MAX_TIMEOUT_MS))
    }

    /// What there is to see.
    pub fn view(&self, now: Now) -> View<'_> {
        let now = &now;
        View {
            status: match &self.held {
                None => Status::SignedOut,
                Some(held) if held.expired(now) => Status::Expired,
                Some(_) => Status::SignedIn,
            },
            refreshing: self.is_refreshing(),
            epoch: self.epoch,
            record: self.held.as_ref().map(|h| &h.record),
            because: self.because,
            failure: self.failure.as_ref(),
        }
    }

    /// Whether a request may leave at once, and with which token: the path that every call takes, so it
    /// allocates nothing. `None`: ask by [`Input::Demand`].
    pub fn fresh(&self, now: Now) -> Option<Epoch> {
        let now = &now;
        let held = self.held.as_ref()?;
        held.good_for(now, held.needed_ms(&self.config, None)).then_some(self.epoch)
    }

    /// The last decisions, oldest first.
    pub fn decisions(&self) -> impl Iterator<Item = &Decision> {
        self.log.iter()
    }

    fn restored(&mut self, now: &Now, record: Option<Record>) {
        let Some(record) = record.filter(|r| self.held.is_none() && !self.over.contains(&r.id)) else {
            return;
        };
        self.hold(now, record, Because::Stored);
        self.listen();
        self.catch_up(now, "stored state may be old");
    }

    fn sign_in(&mut self, now: &Now, grant: Grant, id: String, key: Secret) {
        self.abandon(now);
        let tokens = self.token_set(now, &grant, None);
        let record = Record { id, key, generation: 1, tokens };
        self.effect(Effect::Store { record: record.clone(), fresh: true });
        self.pace = Pace::default();
        self.owes = None;
        self.breaker.reset();
        self.hold(now, record, Because::SignedIn);
        self.listen();
        self.begin_entry();
        self.note(now, "signed in", "tokens of a login were given", None);
        self.settle_all(&|_| Outcome::Token);
    }

    pub(super) fn storage_failed(&mut self, now: &Now, message: &'static str) {
        self.note(now, "go on in memory", message, None);
        if !std::mem::replace(&mut self.storage_failed, true) {
            self.event(Event::Storage(Failure::new(Code::Storage, message)));
        }
    }

    /// What has been presented is seen through: the next session object of this name, in this page perhaps,
    /// would present it again.
    fn dispose(&mut self, now: &Now) {
        self.disposed = true;
        self.config.auto_refresh = false;
        self.settle_all(&|_| Outcome::Failed(Failure::new(Code::SignedOut, DISPOSED)));
        if !self.attempt.as_ref().is_some_and(Attempt::has_presented) {
            self.abandon(now);
        }
    }

    /// Makes a record the one this tab holds.
    pub(super) fn hold(&mut self, now: &Now, record: Record, because: Because) {
        let mut held = Held::new(record, &self.config, now);
        held.refresh_end = self
            .refresh_end_told
            .filter(|told| held.record.tokens.refresh_expires_at_ms == Some(told.0))
            .map(|told| told.1);
        self.held = Some(held);
        // What others were seen doing, they did with the set before.
        self.talker_until_mono_ms = i64::MIN;
        self.claim_seen = None;
        self.queue_seen = None;
        self.looking = None;
        self.may_be_old = because == Because::Stored;
        self.epoch = Epoch(self.epoch.0.wrapping_add(1));
        self.because = because;
        self.failure = None;
        self.changed = true;
    }

    pub(super) fn listen(&mut self) {
        if self.config.coordination == Coordination::Alone {
            return;
        }
        let whom = self.held.as_ref().map(|h| (h.record.id.clone(), h.record.key.clone()));
        self.effect(Effect::Listen(whom));
    }

    /// The set that an answer gives, with what it leaves out taken from the set before.
    pub(super) fn token_set(&mut self, now: &Now, grant: &Grant, before: Option<&TokenSet>) -> TokenSet {
        fn kept<T: Clone>(new: &Option<T>, old: Option<&Option<T>>) -> Option<T> {
            new.clone().or_else(|| old.cloned().flatten())
        }
        // A new refresh token has its own end; the old one keeps its.
        let refresh_expires_at_ms = match grant.refresh_expires_in_ms {
            Some(life) => {
                let at = now.wall_in(life);
                self.refresh_end_told = Some((at, Deadline::after(now, life)));
                Some(at)
            }
            None if grant.refresh_token.is_some() => None,
            None => before.and_then(|b| b.refresh_expires_at_ms),
        };
        TokenSet {
            access_token: grant.access_token.clone(),
            refresh_token: kept(&grant.refresh_token, before.map(|b| &b.refresh_token)),
            obtained_ms: now.wall_ms,
            lifetime_ms: self.config.cookie_interval_ms.or(grant.expires_in_ms),
            refresh_expires_at_ms,
            scope: kept(&grant.scope, before.map(|b| &b.scope)),
            user: kept(&grant.user, before.map(|b| &b.user)),
        }
    }

    /// Looks at every deadline; at those of the attempt only once everything has been heard.
    fn tick(&mut self, now: &Now, hears_more: bool) {
        if !hears_more {
            self.attempt_deadlines(now);
        }
        self.be_patient(now);
        self.let_others_go_on(now);
        let Some(held) = &mut self.held else { return };
        // Also back again: a clock that was set forward may be set right.
        let expired = held.expired(now);
        self.changed |= std::mem::replace(&mut held.shown_expired, expired) != expired;
        if self.attempt.is_some() {
            return;
        }
        if self.owes.is_some_and(|(due, _)| now.mono_ms >= due) {
            self.owe(now);
            self.reconcile(now, "the shared place has not taken the last tokens");
        }
        let Some(held) = &self.held else { return };
        if held.expired(now) && !self.can_refresh(now) {
            self.nothing_to_refresh_with(now);
        } else if self.next_start(now).is_some_and(|ms| ms <= 0) {
            self.start(now, Reason::Expiry);
        }
    }

    /// In how many ms the background refresh is to start, if there is to be one.
    fn next_start(&self, now: &Now) -> Option<i64> {
        if !self.config.auto_refresh || self.attempt.is_some() || !self.can_refresh(now) {
            return None;
        }
        let held = self.held.as_ref()?;
        let due = held.due?;
        // A little later than a caller would find it due, but well before the end.
        let leeway = held.needed_ms(&self.config, None);
        let spread = leeway.saturating_mul(self.jitter_permille) / 1000;
        let due_ms = due.plus(spread).remaining_ms(now);
        Some(match self.pace.retry() {
            Some(retry) => due_ms.max(retry.remaining_ms(now)),
            None => due_ms,
        })
    }

    pub(super) fn can_refresh(&self, now: &Now) -> bool {
        self.held.as_ref().is_some_and(|held| {
            let tokens = &held.record.tokens;
            (self.config.presents_nothing || tokens.refresh_token.is_some())
                && held.refresh_end.is_none_or(|end| end.later_remaining_ms(now) > 0)
        })
    }

    pub(super) fn effect(&mut self, effect: Effect) {
        self.out.push(Output::Effect(effect));
    }

    pub(super) fn event(&mut self, event: Event) {
        self.out.push(Output::Event(event));
    }

    pub(super) fn settle(&mut self, waiter: WaiterId, outcome: Outcome) {
        self.out.push(Output::Settle(waiter, outcome));
    }

    pub(super) fn note(
        &mut self,
        now: &Now,
        what: &'static str,
        why: &'static str,
        detail: Option<(&'static str, i64)>,
    ) {
        self.log.note(now, what, why, detail);
    }
}

pub(super) const DISPOSED: &str = "The session object was disposed of.";
