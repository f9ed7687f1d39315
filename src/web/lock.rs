//! Web Locks: one for each claim, held by its tab as long as that lives.

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::Promise;
use wasm_bindgen::prelude::*;

use super::callback;
use super::driver::Driver;
use super::task::{self, Settle};
use super::{js, json};
use crate::proto::io::{AttemptId, Input};
use crate::proto::text::joined;

/// The locks this session holds, asks for or waits for.
#[derive(Default)]
pub struct Locks(RefCell<Vec<Rc<Asked>>>);

/// One request for a lock.
struct Asked {
    attempt: AttemptId,
    /// Ends the request while it is queued.
    abort: JsValue,
    /// Ends the hold, once it is granted.
    release: RefCell<Option<Settle>>,
}

impl Locks {
    /// Takes a claim's lock and holds it.
    pub fn hold(driver: &Rc<Driver>, id: &str, claim: u32, attempt: AttemptId) {
        Self::request(driver, id, claim, attempt, "exclusive", Input::Locked(attempt));
    }

    /// Waits until nobody holds a claim's lock.
    pub fn wait(driver: &Rc<Driver>, id: &str, claim: u32, attempt: AttemptId) {
        Self::request(driver, id, claim, attempt, "shared", Input::Freed { attempt, claim });
    }

    fn request(
        driver: &Rc<Driver>,
        id: &str,
        claim: u32,
        attempt: AttemptId,
        mode: &'static str,
        granted: Input,
    ) {
        let locks = js::peek(&js::global_value("navigator"), "locks");
        let (true, Ok(abort)) = (locks.is_object(), js::construct("AbortController", &[])) else {
            return driver.feed(Input::LockUnavailable(attempt));
        };
        let asked = Rc::new(Asked { attempt, abort, release: RefCell::new(None) });
        driver.locks.0.borrow_mut().push(asked.clone());
        let name = joined(&["tokenwell/", id, "/", &json::text(&claim.into())]);
        let signal = js::peek(&asked.abort, "signal");
        let options = js::object(&[("mode", mode.into()), ("signal", signal)]);
        let callback = on_grant(driver, &asked, mode == "exclusive", granted);
        let ended = js::call(&locks, "request", &[&name.into(), &options, &callback]);
        let ended = ended.unwrap_or_else(|thrown| Promise::reject(&thrown).into());
        let driver = driver.clone();
        let _ = task::after(&ended, move |ended| {
            // Refused by the platform; if we ended it ourselves, it is not on the list any more.
            if driver.locks.forget(&asked) && ended.is_err() {
                driver.feed(Input::LockUnavailable(attempt));
            }
            JsValue::UNDEFINED
        });
    }

    /// Gives back what an attempt holds, and ends what it waits for.
    pub fn give_back(&self, attempt: AttemptId) {
        loop {
            let asked = {
                let mut list = self.0.borrow_mut();
                let at = list.iter().position(|asked| asked.attempt == attempt);
                at.map(|at| list.swap_remove(at))
            };
            let Some(asked) = asked else { return };
            match asked.release.take() {
                Some(release) => release.with(Ok(JsValue::UNDEFINED)),
                None => drop(js::call(&asked.abort, "abort", &[])),
            };
        }
    }

    fn forget(&self, which: &Rc<Asked>) -> bool {
        let mut list = self.0.borrow_mut();
        let at = list.iter().position(|asked| Rc::ptr_eq(asked, which));
        at.map(|at| list.swap_remove(at)).is_some()
    }
}

/// What `request` calls when the lock is there. To hold it, it gives a promise that ends the hold.
fn on_grant(driver: &Rc<Driver>, asked: &Rc<Asked>, hold: bool, granted: Input) -> JsValue {
    let (driver, asked) = (Rc::downgrade(driver), asked.clone());
    let body = move |_, _| {
        let Some(driver) = driver.upgrade() else { return JsValue::UNDEFINED };
        if !driver.locks.0.borrow().iter().any(|other| Rc::ptr_eq(other, &asked)) {
            return JsValue::UNDEFINED;
        }
        let held = hold.then(|| {
            let (held, release) = task::deferred();
            asked.release.replace(Some(release));
            held
        });
        task::soon(move || driver.feed(granted));
        held.map_or(JsValue::UNDEFINED, JsValue::from)
    };
    callback::once(body).into()
}
