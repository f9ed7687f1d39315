//! Callers that wait for an outcome.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};

use wasm_bindgen::prelude::*;

use super::driver::Driver;
use super::js;
use crate::proto::io::{Input, Outcome, WaiterId};

/// What a caller waits for: the core's outcome, or its own signal.
enum Ready {
    Outcome(Outcome),
    Aborted(JsValue),
}

/// Where an outcome is left for the caller to find.
#[derive(Default)]
struct Slot {
    ready: RefCell<Option<Ready>>,
    waker: RefCell<Option<Waker>>,
}

impl Slot {
    fn fill(&self, ready: Ready) {
        self.ready.replace(Some(ready));
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

/// Everyone who waits.
#[derive(Default)]
pub struct Callers {
    waiting: RefCell<BTreeMap<u32, Rc<Slot>>>,
    last: Cell<u32>,
}

impl Callers {
    /// The core has an outcome for a caller.
    pub fn settle(&self, waiter: WaiterId, outcome: Outcome) {
        let slot = self.waiting.borrow_mut().remove(&waiter.0);
        if let Some(slot) = slot {
            slot.fill(Ready::Outcome(outcome));
        }
    }
}

/// Puts an input that expects an outcome, and waits for that. `Err`: the signal's reason.
pub async fn ask(
    driver: &Rc<Driver>,
    signal: &JsValue,
    input: impl FnOnce(WaiterId) -> Input,
) -> Result<Outcome, JsValue> {
    let signal = Signal::new(signal);
    signal.check()?;
    let id = driver.callers.last.get().wrapping_add(1);
    driver.callers.last.set(id);
    let slot = Rc::new(Slot::default());
    driver.callers.waiting.borrow_mut().insert(id, slot.clone());
    let listening = signal.listen({
        let (driver, slot) = (Rc::downgrade(driver), Rc::downgrade(&slot));
        move |reason| {
            if let (Some(driver), Some(slot)) = (driver.upgrade(), slot.upgrade()) {
                driver.callers.waiting.borrow_mut().remove(&id);
                driver.feed(Input::Detach(WaiterId(id)));
                slot.fill(Ready::Aborted(reason));
            }
        }
    });
    driver.feed(input(WaiterId(id)));
    let ready = poll_fn(|cx| match slot.ready.take() {
        Some(ready) => Poll::Ready(ready),
        None => {
            slot.waker.replace(Some(cx.waker().clone()));
            Poll::Pending
        }
    })
    .await;
    drop(listening);
    match ready {
        Ready::Outcome(outcome) => Ok(outcome),
        Ready::Aborted(reason) => Err(reason),
    }
}

/// A caller's `AbortSignal`, if it gave one.
struct Signal(Option<JsValue>);

impl Signal {
    fn new(value: &JsValue) -> Self {
        Self(value.is_object().then(|| value.clone()))
    }

    fn check(&self) -> Result<(), JsValue> {
        let Some(signal) = &self.0 else { return Ok(()) };
        match js::get(signal, "aborted")?.is_truthy() {
            true => Err(reason(signal)),
            false => Ok(()),
        }
    }

    fn listen(self, heard: impl Fn(JsValue) + 'static) -> Option<Listening> {
        let signal = self.0?;
        let of = signal.clone();
        let callback = Closure::<dyn FnMut()>::new(move || heard(reason(&of)));
        js::call(&signal, "addEventListener", &[&"abort".into(), callback.as_ref()]).ok()?;
        Some(Listening { signal, callback })
    }
}

fn reason(signal: &JsValue) -> JsValue {
    js::get(signal, "reason").unwrap_or(JsValue::UNDEFINED)
}

/// Listens while it lives.
struct Listening {
    signal: JsValue,
    callback: Closure<dyn FnMut()>,
}

impl Drop for Listening {
    fn drop(&mut self) {
        let args = [&"abort".into(), self.callback.as_ref()];
        let _ = js::call(&self.signal, "removeEventListener", &args);
    }
}
