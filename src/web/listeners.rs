//! Who listens to a session. Listeners are user code: they are called in a task of their own, one after the
//! other, with no borrow held, and what one throws is reported and reaches no other.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use js_sys::Function;
use wasm_bindgen::prelude::*;

use super::driver::Driver;
use super::{callback, js, task};

/// The listeners of one session.
#[derive(Default)]
pub struct Listeners {
    list: RefCell<Vec<Rc<Listener>>>,
    waiting: RefCell<Vec<(&'static str, JsValue)>>,
}

struct Listener {
    kind: String,
    function: Function,
    live: Cell<bool>,
}

impl Listeners {
    /// Adds a listener; gives the function that removes it.
    pub fn add(driver: &Rc<Driver>, kind: String, function: Function) -> JsValue {
        let listener = Rc::new(Listener { kind, function, live: Cell::new(true) });
        driver.listeners.list.borrow_mut().push(listener.clone());
        let driver = Rc::downgrade(driver);
        let remove = move |_, _| {
            listener.live.set(false);
            if let Some(driver) = driver.upgrade() {
                driver.listeners.list.borrow_mut().retain(|other| other.live.get());
            }
            JsValue::UNDEFINED
        };
        callback::once(remove).into()
    }

    /// Tells everyone who listens to that kind, in a little while.
    pub fn tell(driver: &Rc<Driver>, kind: &'static str, event: JsValue) {
        let first = {
            let mut waiting = driver.listeners.waiting.borrow_mut();
            waiting.push((kind, event));
            waiting.len() == 1
        };
        if !first {
            return;
        }
        let driver = driver.clone();
        task::soon(move || {
            for (kind, event) in driver.listeners.waiting.take() {
                driver.listeners.call(kind, &event);
            }
        });
    }

    /// Whether anyone listens to that kind.
    pub fn any(&self, kind: &str) -> bool {
        self.list.borrow().iter().any(|listener| listener.kind == kind)
    }

    fn call(&self, kind: &str, event: &JsValue) {
        let list = self.list.borrow().clone();
        for listener in list {
            // One before it may have removed it.
            if listener.kind == kind
                && listener.live.get()
                && let Err(thrown) = listener.function.call1(&JsValue::UNDEFINED, event)
            {
                report(&thrown);
            }
        }
    }
}

/// What a listener threw is its author's to see, as if it had been the platform that called it.
fn report(thrown: &JsValue) {
    if js::call(&js::global(), "reportError", &[thrown]).is_err() {
        let _ = js::call(&js::global_value("console"), "error", &[thrown]);
    }
}
