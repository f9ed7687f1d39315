//! One timer at a time.

use std::cell::RefCell;
use std::rc::Weak;

use js_sys::Promise;
use wasm_bindgen::prelude::*;

use super::callback::Callback;
use super::driver::Driver;
use super::{js, task};
use crate::proto::io::Input;

/// `setTimeout`, looked up at each use: hosts take it away and give it back (Appsmith), tests replace it.
#[derive(Default)]
pub struct Timer {
    armed: RefCell<Option<Armed>>,
}

struct Armed {
    handle: JsValue,
    at_mono_ms: i64,
    awaited: bool,
    _callback: Callback,
}

impl Timer {
    /// Arms the timer for that moment, in place of what was armed. In Node it keeps the process alive while somebody
    /// waits for what comes then, and only so long.
    pub fn arm(&self, driver: &Weak<Driver>, delay_ms: Option<i64>, now_mono_ms: i64, awaited: bool) {
        let at_mono_ms = delay_ms.map(|delay| now_mono_ms.saturating_add(delay));
        // Most inputs leave the next deadline where it was, give or take a rounding.
        let same = self.armed.borrow().as_ref().map(|a| a.at_mono_ms).zip(at_mono_ms);
        if same.is_some_and(|(old, new)| old.abs_diff(new) <= 1) {
            return self.keep_alive(awaited);
        }
        if let Some(old) = self.armed.take() {
            let _ = js::call(&js::global(), "clearTimeout", &[&old.handle]);
        }
        let (Some(delay_ms), Some(at_mono_ms)) = (delay_ms, at_mono_ms) else { return };
        let driver = driver.clone();
        let callback = Callback::new(move |_, _| {
            if let Some(driver) = driver.upgrade() {
                driver.timer.armed.take();
                driver.feed(Input::Wake);
            }
            JsValue::UNDEFINED
        });
        let delay = JsValue::from_f64(delay_ms as f64);
        let Ok(handle) = js::call(&js::global(), "setTimeout", &[&callback.function(), &delay]) else {
            return;
        };
        self.armed.replace(Some(Armed { handle, at_mono_ms, awaited: true, _callback: callback }));
        self.keep_alive(awaited);
    }

    fn keep_alive(&self, awaited: bool) {
        let handle = match &mut *self.armed.borrow_mut() {
            Some(armed) if armed.awaited != awaited => {
                armed.awaited = awaited;
                armed.handle.clone()
            }
            Some(_) | None => return,
        };
        let _ = js::call(&handle, if awaited { "ref" } else { "unref" }, &[]);
    }
}

/// A promise of nothing, kept after that many ms; never, where timers are refused.
pub fn deadline(ms: i64) -> Promise {
    let (promise, settle) = task::deferred();
    let delay = JsValue::from_f64(ms as f64);
    if let Ok(handle) = js::call(&js::global(), "setTimeout", &[&settle.resolve, &delay]) {
        let _ = js::call(&handle, "unref", &[]);
    }
    promise
}

/// What a promise is settled with, or `undefined` once the deadline has passed.
pub fn before(deadline: Option<&Promise>, promise: JsValue) -> JsValue {
    match deadline {
        Some(deadline) => Promise::race(&js::list(&[&promise, deadline])).into(),
        None => promise,
    }
}
