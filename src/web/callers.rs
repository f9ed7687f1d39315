//! Callers that wait for an outcome.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use js_sys::Promise;
use wasm_bindgen::prelude::*;

use super::callback::Callback;
use super::driver::Driver;
use super::js;
use super::task::{self, Settle};
use crate::proto::io::{Input, Outcome, WaiterId};

/// What a caller makes of its outcome.
type Finish = Box<dyn FnOnce(&Rc<Driver>, Outcome) -> Result<JsValue, JsValue>>;

struct Caller {
    settle: Settle,
    finish: Finish,
    /// Ends with the wait.
    signal: Option<Listening>,
}

/// Everyone who waits.
#[derive(Default)]
pub struct Callers {
    /// In the order of their numbers, the first of which is `first`; whoever has gone has left a gap.
    waiting: RefCell<VecDeque<Option<Caller>>>,
    first: Cell<u32>,
    /// Outcomes to hand out when the core has said everything.
    ready: RefCell<Vec<(Caller, Outcome)>>,
}

impl Callers {
    /// The core has an outcome for a caller.
    pub fn settle(&self, waiter: WaiterId, outcome: Outcome) {
        if let Some(caller) = self.take(waiter) {
            self.ready.borrow_mut().push((caller, outcome));
        }
    }

    /// Hands out what the core has settled.
    pub fn hand_out(driver: &Rc<Driver>) {
        for (caller, outcome) in driver.callers.ready.take() {
            drop(caller.signal);
            caller.settle.with((caller.finish)(driver, outcome));
        }
    }

    pub fn is_anyone_waiting(&self) -> bool {
        !self.waiting.borrow().is_empty()
    }

    fn add(&self, caller: Caller) -> WaiterId {
        let mut waiting = self.waiting.borrow_mut();
        waiting.push_back(Some(caller));
        WaiterId(self.first.get().wrapping_add(waiting.len() as u32 - 1))
    }

    fn take(&self, waiter: WaiterId) -> Option<Caller> {
        let mut waiting = self.waiting.borrow_mut();
        let caller = waiting.get_mut(waiter.0.wrapping_sub(self.first.get()) as usize)?.take();
        while let Some(None) = waiting.front() {
            waiting.pop_front();
            self.first.set(self.first.get().wrapping_add(1));
        }
        caller
    }
}

/// Puts an input that expects an outcome. The promise gives what `finish` makes of that, or rejects with the
/// signal's reason.
pub fn ask(
    driver: &Rc<Driver>,
    signal: &JsValue,
    input: impl FnOnce(WaiterId) -> Input,
    finish: impl FnOnce(&Rc<Driver>, Outcome) -> Result<JsValue, JsValue> + 'static,
) -> Promise {
    match wait(driver, signal, Box::new(finish)) {
        Ok((waiter, promise)) => {
            driver.feed(input(waiter));
            promise
        }
        Err(reason) => Promise::reject(&reason),
    }
}

fn wait(driver: &Rc<Driver>, signal: &JsValue, finish: Finish) -> Result<(WaiterId, Promise), JsValue> {
    if signal.is_object() && js::get(signal, "aborted")?.is_truthy() {
        return Err(js::peek(signal, "reason"));
    }
    let (promise, settle) = task::deferred();
    let waiter = driver.callers.add(Caller { settle, finish, signal: None });
    if signal.is_object() {
        let listening = listen(driver, signal, waiter);
        let mut waiting = driver.callers.waiting.borrow_mut();
        let at = waiter.0.wrapping_sub(driver.callers.first.get()) as usize;
        if let Some(Some(caller)) = waiting.get_mut(at) {
            caller.signal = Some(listening);
        }
    }
    Ok((waiter, promise))
}

fn listen(driver: &Rc<Driver>, signal: &JsValue, waiter: WaiterId) -> Listening {
    let (weak, of) = (Rc::downgrade(driver), signal.clone());
    let callback = Callback::new(move |_, _| {
        if let Some(driver) = weak.upgrade()
            && let Some(caller) = driver.callers.take(waiter)
        {
            driver.feed(Input::Detach(waiter));
            caller.settle.with(Err(js::peek(&of, "reason")));
        }
        JsValue::UNDEFINED
    });
    Listening::new(signal, "abort", callback)
}

/// An event listener, while it lives.
pub struct Listening {
    target: JsValue,
    event: &'static str,
    function: JsValue,
    _callback: Callback,
}

impl Listening {
    /// Begins to listen, if that is possible there.
    pub fn new(target: &JsValue, event: &'static str, callback: Callback) -> Self {
        let function = callback.function().into();
        let listening = Self { target: target.clone(), event, function, _callback: callback };
        listening.tell("addEventListener");
        listening
    }

    fn tell(&self, method: &str) {
        let _ = js::call(&self.target, method, &[&self.event.into(), &self.function]);
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.tell("removeEventListener");
    }
}
