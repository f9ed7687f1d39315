//! Signs that time may have passed unnoticed: the page is shown, focused, brought back, or online again.

use std::cell::RefCell;
use std::rc::Rc;

use wasm_bindgen::prelude::*;

use super::callback::Callback;
use super::callers::Listening;
use super::driver::Driver;
use super::{js, vault};
use crate::proto::io::Input;

/// Listeners on `window` and `document`, while it lives.
#[derive(Default)]
pub struct Wake(RefCell<Vec<Listening>>);

impl Wake {
    /// Begins to listen, where there is something to listen to.
    pub fn start(driver: &Rc<Driver>) {
        let (window, document) = (js::page(), js::page_value("document"));
        // Not when it is hidden: what is begun while a page is left may never end.
        driver.listen(&document, "visibilitychange", |_, _| {
            let state = js::get(&js::page_value("document"), "visibilityState").unwrap_or_default();
            (state != "hidden").then_some(Input::Resume)
        });
        // The page was frozen with its timers.
        driver.listen(&document, "resume", |_, _| Some(Input::Resume));
        driver.listen(&window, "pageshow", |_, event| {
            // Brought back from the back/forward cache: Firefox has dropped the requests of the database.
            if js::get(event, "persisted").is_ok_and(|persisted| persisted.is_truthy()) {
                vault::reopen();
            }
            Some(Input::Resume)
        });
        driver.listen(&window, "focus", |_, _| Some(Input::Wake));
        driver.listen(&window, "online", |_, _| Some(Input::Online));
    }

    /// Stops.
    pub fn stop(&self) {
        self.0.take();
    }
}

impl Driver {
    /// Feeds what `input` makes of an event, as long as this session lives.
    pub fn listen(
        self: &Rc<Self>,
        target: &JsValue,
        event: &'static str,
        input: fn(&Self, &JsValue) -> Option<Input>,
    ) {
        if !target.is_object() {
            return;
        }
        let driver = Rc::downgrade(self);
        let callback = Callback::new(move |event, _| {
            if let Some(driver) = driver.upgrade()
                && let Some(input) = input(&driver, &event)
            {
                driver.feed(input);
            }
            JsValue::UNDEFINED
        });
        self.wake.0.borrow_mut().push(Listening::new(target, event, callback));
    }
}
