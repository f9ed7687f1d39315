//! One timer at a time.

use std::cell::RefCell;
use std::rc::Weak;

use wasm_bindgen::prelude::*;

use super::callback::Callback;
use super::driver::Driver;
use super::js;
use crate::proto::io::Input;

/// `setTimeout`, looked up at each use: hosts take it away and give it back (Appsmith), tests replace it.
#[derive(Default)]
pub struct Timer {
    armed: RefCell<Option<Armed>>,
}

struct Armed {
    handle: JsValue,
    at_mono_ms: i64,
    _callback: Callback,
}

impl Timer {
    /// Arms the timer for that moment, in place of what was armed.
    pub fn arm(&self, driver: &Weak<Driver>, delay_ms: Option<i64>, now_mono_ms: i64) {
        let at_mono_ms = delay_ms.map(|delay| now_mono_ms.saturating_add(delay));
        // Most inputs leave the next deadline where it was, give or take a rounding.
        let same = self.armed.borrow().as_ref().map(|a| a.at_mono_ms).zip(at_mono_ms);
        if same.is_some_and(|(old, new)| old.abs_diff(new) <= 1) {
            return;
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
        // Node: a session must not keep a process alive that has nothing else to do.
        let _ = js::call(&handle, "unref", &[]);
        self.armed.replace(Some(Armed { handle, at_mono_ms, _callback: callback }));
    }
}
