//! The only owner of the session's state: feeds it one input at a time, drains it, and has each effect
//! carried out. No borrow of the state outlives a call of the core.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::mem::ManuallyDrop;
use std::rc::{Rc, Weak};

use js_sys::Promise;
use wasm_bindgen::prelude::*;

use super::callers::Callers;
use super::channel::Channel;
use super::dpop::Dpop;
use super::fetch::Fetching;
use super::listeners::Listeners;
use super::lock::Locks;
use super::options::Settings;
use super::snapshot::{Facts, ended, frozen};
use super::storage::Storage;
use super::timer::Timer;
use super::wake::Wake;
use super::{callback, clock, errors, js, refresher, revoke, seal, task, vault};
use crate::proto::config::Coordination;
use crate::proto::dpop;
use crate::proto::error::{Code, Failure};
use crate::proto::explain::Decision;
use crate::proto::io::*;
use crate::proto::secret::Secret;
use crate::proto::session::Session;

/// A session in its host.
pub struct Driver {
    /// The app's options.
    pub settings: Rc<Settings>,
    pub(super) callers: Callers,
    pub(super) channel: Channel,
    pub(super) dpop: Dpop,
    pub(super) fetching: Fetching,
    pub(super) listeners: Listeners,
    pub(super) locks: Locks,
    pub(super) storage: Storage,
    pub(super) timer: Timer,
    pub(super) wake: Wake,
    session: RefCell<Session>,
    inputs: RefCell<VecDeque<Input>>,
    feeding: Cell<bool>,
    /// Effects before the start.
    held_back: RefCell<Option<Vec<Effect>>>,
    /// When the start comes.
    starting: Cell<Starting>,
    snapshot: RefCell<Option<JsValue>>,
    /// What the app's function threw last, and at which attempt: the `cause` of what came of that.
    thrown: RefCell<Option<(AttemptId, JsValue)>>,
    /// The write that a sign-out must see through.
    farewell: RefCell<Option<Promise>>,
    disposed: Cell<bool>,
}

/// Nothing may be started before the turn of the constructor's caller ends. Where all that is there is a token to go
/// with, the first requests leave before the page is asked for a database, a channel and its events.
#[derive(Clone, Copy, Default, PartialEq)]
enum Starting {
    /// Once the turn has ended, in a while.
    #[default]
    Later,
    /// At the end of the turn.
    AtOnce,
    /// The turn has ended: with the next timer, or with what happens before it.
    Due,
}

/// Long enough for the answers of the first requests; who is asked what other tabs did meanwhile is the shared entry.
const START_MS: i32 = 50;

thread_local! {
    /// Live sessions by name.
    static SESSIONS: ManuallyDrop<RefCell<Vec<Rc<Driver>>>> = const { ManuallyDrop::new(RefCell::new(Vec::new())) };
}

const OTHER_OPTIONS: &str = "A session of this name lives already, with other options: use AuthSession.get(name), dispose it, or choose another name.";
const DISPOSED: &str = "This session was disposed of: make a new AuthSession.";

/// A live session by name.
pub fn find(name: &str) -> Option<Rc<Driver>> {
    SESSIONS.with(|list| list.borrow().iter().find(|driver| driver.settings.name == name).cloned())
}

/// The session of that name, made if it doesn't live yet. What is stored is there at once, where the storage
/// is synchronous; else the promise tells when it is.
pub fn open(settings: Rc<Settings>) -> Result<(Rc<Driver>, Option<Promise>), JsValue> {
    if let Some(driver) = find(&settings.name) {
        return match driver.settings.same_as(&settings) {
            true => Ok((driver, None)),
            false => Err(errors::mistake(OTHER_OPTIONS)),
        };
    }
    let driver = Rc::new(Driver {
        session: RefCell::new(Session::new(settings.config.clone(), clock::now())),
        storage: Storage::new(settings.place.clone(), &settings.name),
        settings,
        callers: Callers::default(),
        channel: Channel::default(),
        dpop: Dpop::default(),
        fetching: Fetching::default(),
        listeners: Listeners::default(),
        locks: Locks::default(),
        timer: Timer::default(),
        wake: Wake::default(),
        inputs: RefCell::default(),
        feeding: Cell::new(false),
        held_back: RefCell::new(Some(Vec::new())),
        starting: Cell::default(),
        snapshot: RefCell::new(None),
        thrown: RefCell::new(None),
        farewell: RefCell::new(None),
        disposed: Cell::new(false),
    });
    SESSIONS.with(|list| list.borrow_mut().push(driver.clone()));
    let restoring = driver.restore();
    let starting = driver.clone();
    task::soon(move || starting.turn_has_ended());
    Ok((driver, restoring))
}

impl Driver {
    fn restore(self: &Rc<Self>) -> Option<Promise> {
        match self.storage.read() {
            Ok(stored) if js::is_thenable(&stored) => {
                let driver = self.clone();
                Some(task::after(&stored, move |stored| {
                    driver.restored(stored);
                    JsValue::UNDEFINED
                }))
            }
            stored => {
                self.restored(stored);
                None
            }
        }
    }

    fn restored(self: &Rc<Self>, stored: Result<JsValue, JsValue>) {
        self.feed(match stored {
            Ok(stored) => Input::Restored(self.storage.understand(&stored)),
            Err(_) => Input::StorageFailed(UNREADABLE),
        });
    }

    fn turn_has_ended(self: &Rc<Self>) {
        let at_once = self.starting.replace(Starting::Due) == Starting::AtOnce;
        if at_once || self.fresh().is_none() {
            return self.start();
        }
        let driver = self.clone();
        let start = callback::once(move |_, _| {
            driver.start();
            JsValue::UNDEFINED
        });
        if js::call(&js::global(), "setTimeout", &[&start, &START_MS.into()]).is_err() {
            self.start();
        }
    }

    /// Something happens that may want other tabs to know or to be asked.
    fn hasten(self: &Rc<Self>) {
        match self.starting.get() {
            Starting::Due => self.start(),
            Starting::Later | Starting::AtOnce => self.starting.set(Starting::AtOnce),
        }
    }

    fn start(self: &Rc<Self>) {
        let Some(effects) = self.held_back.take() else { return };
        if self.disposed.get() {
            return;
        }
        Wake::start(self);
        self.storage_events();
        for effect in effects {
            self.carry_out(effect);
        }
        // What another tab has written there between the constructor and now.
        if self.hears_of_storage()
            && let Ok(stored) = self.storage.read()
            && let Some(record) = self.storage.understand(&stored)
        {
            self.feed(Input::StorageChanged(Some(record)));
        }
        self.feed(Input::Wake);
    }

    fn hears_of_storage(&self) -> bool {
        self.storage.is_shared() && self.settings.config.coordination != Coordination::Alone
    }

    fn storage_events(self: &Rc<Self>) {
        if !self.hears_of_storage() {
            return;
        }
        self.listen(&js::page(), "storage", |driver, event| {
            let key = js::get(event, "key").ok()?;
            // `null`: everything was cleared.
            if !key.is_null() && key.as_string().as_deref() != Some(driver.storage.key()) {
                return None;
            }
            let value = js::get(event, "newValue").ok()?;
            let record = driver.storage.understand(&value);
            (record.is_some() || value.is_null()).then_some(Input::StorageChanged(record))
        });
    }

    /// Puts an input in. Whatever comes meanwhile, from effects or from user code that they run, waits its
    /// turn.
    pub fn feed(self: &Rc<Self>, input: Input) {
        if !matches!(input, Input::Restored(_) | Input::StorageFailed(_)) {
            self.hasten();
        }
        self.inputs.borrow_mut().push_back(input);
        if self.feeding.replace(true) {
            return;
        }
        loop {
            let input = self.inputs.borrow_mut().pop_front();
            let Some(input) = input else { break };
            for output in self.handle(input) {
                match output {
                    Output::Effect(effect) => self.carry_out(effect),
                    Output::Settle(waiter, outcome) => self.callers.settle(waiter, outcome),
                    Output::Event(event) => self.tell(event),
                }
            }
        }
        self.feeding.set(false);
        self.arm();
        Callers::hand_out(self);
    }

    fn handle(&self, input: Input) -> Vec<Output> {
        let now = clock::now();
        let mut session = self.session.borrow_mut();
        session.handle(now, input);
        session.drain()
    }

    fn arm(self: &Rc<Self>) {
        if self.held_back.borrow().is_some() || self.disposed.get() {
            return;
        }
        let now = clock::reading();
        let timeout = self.session.borrow().next_timeout(now);
        self.timer.arm(&Rc::downgrade(self), timeout, now.mono_ms, self.callers.is_anyone_waiting());
    }

    fn carry_out(self: &Rc<Self>, effect: Effect) {
        if let Some(held_back) = &mut *self.held_back.borrow_mut() {
            return held_back.push(effect);
        }
        let driver = self.clone();
        match effect {
            Effect::Hold { id, claim, attempt } => Locks::hold(self, &id, claim, attempt),
            Effect::Await { id, claim, attempt } => Locks::wait(self, &id, claim, attempt),
            Effect::Unlock(attempt) => self.locks.give_back(attempt),
            Effect::Look { id, key, attempt } => task::spawn(async move {
                let found = vault::look(&id, &key).await;
                driver.feed(Input::Looked { attempt, id, found });
                Ok(JsValue::UNDEFINED)
            }),
            Effect::Swap { id, key, attempt, expect, meta, sealed } => {
                let swap = task::promise(async move {
                    let result = vault::swap(&id, &key, expect, &meta, sealed).await;
                    driver.feed(Input::Swapped { attempt, id, result });
                    Ok(JsValue::UNDEFINED)
                });
                if attempt.is_none() {
                    self.farewell.replace(Some(swap));
                }
            }
            Effect::Present { attempt, refresh_token, access_token, reason } => {
                task::spawn(refresher::present(driver, attempt, refresh_token, access_token, reason));
            }
            Effect::Store { record, fresh } => Storage::store(self, &record, fresh),
            Effect::Forget { id } => Storage::forget(self, &id),
            Effect::Listen(whom) => self.channel.listen(&Rc::downgrade(self), whom),
            Effect::Tell(message) => self.channel.tell(&message),
            Effect::Begin { attempt, grant } => self.feed(match identity() {
                Some((id, key)) => Input::SignIn { grant, id, key },
                None => Input::Unanswered(attempt),
            }),
            Effect::Revoke { refresh_token, access_token } => {
                task::soon(move || drop(revoke::revoke(&driver, refresh_token, access_token)));
            }
        }
    }

    fn tell(self: &Rc<Self>, event: Event) {
        match event {
            Event::Change => {
                self.snapshot.take();
                Listeners::tell(self, "", JsValue::UNDEFINED);
                if self.listeners.any("change") {
                    Listeners::tell(self, "change", self.snapshot());
                }
            }
            Event::Refreshed { attempts, by_other_tab } => {
                self.snapshot.take();
                self.thrown.take();
                let by = if by_other_tab { "other-tab" } else { "this-tab" };
                let members =
                    [("snapshot", self.snapshot()), ("attempts", attempts.into()), ("by", by.into())];
                Listeners::tell(self, "refreshed", frozen(js::object(&members)));
            }
            Event::RefreshFailed { failure, retry_at_ms } => {
                let members = [("error", self.error(&failure)), ("retryAt", js::ms(retry_at_ms))];
                Listeners::tell(self, "refresh-failed", frozen(js::object(&members)));
            }
            Event::SignedOut { how, failure } => {
                let error = failure.as_ref().map_or(JsValue::NULL, |failure| self.error(failure));
                let members = [("reason", ended(how).into()), ("error", error)];
                Listeners::tell(self, "signed-out", frozen(js::object(&members)));
            }
            Event::Storage(failure) => {
                let members = [("error", errors::error(&failure))];
                Listeners::tell(self, "storage", frozen(js::object(&members)));
            }
        }
    }

    /// Contract: `snapshot`; the same object until something changes.
    pub fn snapshot(&self) -> JsValue {
        let known = self.snapshot.borrow().clone();
        if let Some(known) = known {
            return known;
        }
        let facts = Facts::of(&self.session.borrow().view(clock::reading()));
        let error = facts.failure.as_ref().map_or(JsValue::NULL, |failure| self.error(failure));
        let made = facts.snapshot(error);
        self.snapshot.replace(Some(made.clone()));
        made
    }

    /// A failure as an error, with what the app's function threw at that attempt.
    pub fn error(&self, failure: &Failure) -> JsValue {
        let thrown = self.thrown.borrow().clone();
        let cause = thrown.filter(|(at, _)| failure.attempt == Some(*at));
        errors::caused(failure, cause.map(|(_, cause)| cause))
    }

    /// The app's function threw this.
    pub fn threw(&self, attempt: AttemptId, cause: JsValue) {
        self.thrown.replace(Some((attempt, cause)));
    }

    /// The token that a request may leave with at once.
    pub fn fresh(&self) -> Option<Epoch> {
        self.session.try_borrow().ok()?.fresh(clock::reading())
    }

    /// Which token is current.
    pub fn epoch(&self) -> Epoch {
        self.session.borrow().epoch
    }

    /// The access token.
    pub fn access_token(&self) -> Option<Secret> {
        let session = self.session.borrow();
        session.view(clock::reading()).record.and_then(|record| record.tokens.access_token.clone())
    }

    /// The refresh token, for revocation.
    pub fn refresh_token(&self) -> Option<Secret> {
        let session = self.session.borrow();
        session.view(clock::reading()).record.and_then(|record| record.tokens.refresh_token.clone())
    }

    /// Names the sign-in, if there is one.
    pub fn sign_in_id(&self) -> Option<String> {
        let session = self.session.borrow();
        session.view(clock::reading()).record.map(|record| record.id.clone())
    }

    /// Whether only a key that was kept before will do for the session's tokens.
    pub fn needs_kept_key(&self) -> bool {
        dpop::needs_kept_key(&self.session.borrow().view(clock::reading()))
    }

    /// The last decisions.
    pub fn decisions(&self) -> Vec<Decision> {
        self.session.borrow().decisions().copied().collect()
    }

    /// Calls the wrapped `fetch`: the app's, or the platform's as it is now.
    pub fn call_fetch(&self, input: &JsValue, init: &JsValue) -> Result<Promise, JsValue> {
        let args = [input, init];
        let promise = match &self.settings.fetch {
            Some(fetch) => js::apply(fetch, &JsValue::UNDEFINED, &args),
            None => js::call(&js::global(), "fetch", &args),
        };
        promise.map(|promise| task::adopted(&promise))
    }

    /// A write that tells other tabs of a sign-out, if one is on its way.
    pub fn farewell(&self) -> Option<Promise> {
        self.farewell.take()
    }

    /// Stops everything and forgets the name.
    pub fn dispose(self: &Rc<Self>) {
        if self.disposed.get() {
            return;
        }
        self.feed(Input::Dispose);
        self.disposed.set(true);
        self.wake.stop();
        self.timer.arm(&Weak::new(), None, 0, false);
        SESSIONS.with(|list| list.borrow_mut().retain(|other| !Rc::ptr_eq(other, self)));
    }

    /// Refuses what comes after `dispose`.
    pub fn check_live(&self) -> Result<(), JsValue> {
        match self.disposed.get() {
            true => Err(errors::error(&Failure::new(Code::InvalidOptions, DISPOSED))),
            false => Ok(()),
        }
    }
}

/// A fresh id and key; `None` where the platform has no randomness, and so no session is safe.
pub fn identity() -> Option<(String, Secret)> {
    Some((seal::random_name(16)?, Secret::new(seal::random_name(32)?)))
}

const UNREADABLE: &str = "The storage could not be read; the session lives in memory until the page is left.";
