//! Web Locks.

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::{Function, Promise};
use wasm_bindgen::prelude::*;

use super::driver::Driver;
use super::js;
use crate::proto::io::{AttemptId, Input};

/// The locks this session holds or asks for.
#[derive(Default)]
pub struct Locks(RefCell<Vec<Rc<Held>>>);

/// One request for a lock.
struct Held {
    attempt: AttemptId,
    /// Ends the request while it is queued.
    abort: JsValue,
    /// Ends the hold, once it is granted.
    release: RefCell<Option<Function>>,
}

impl Locks {
    /// Asks for a lock.
    pub fn ask(driver: &Rc<Driver>, name: &str, attempt: AttemptId, steal: bool) {
        let locks = js::get(&js::global_value("navigator"), "locks").unwrap_or(JsValue::UNDEFINED);
        let controller = js::construct("AbortController", &[]);
        let (true, Ok(abort)) = (locks.is_object(), controller) else {
            return driver.feed(Input::LockUnavailable(attempt));
        };
        let held = Rc::new(Held { attempt, abort, release: RefCell::new(None) });
        driver.locks.0.borrow_mut().push(held.clone());
        let options = match steal {
            true => js::object(&[("steal", JsValue::TRUE)]),
            false => js::object(&[("signal", js::get(&held.abort, "signal").unwrap_or_default())]),
        };
        let granted = granted(driver, &held);
        let asked = js::call(&locks, "request", &[&name.into(), &options, &granted]);
        let driver = driver.clone();
        wasm_bindgen_futures::spawn_local(async move {
            let ended = match asked {
                Ok(promise) => js::settled(promise).await,
                Err(error) => Err(error),
            };
            // Ours to the end, unless someone else ended it.
            let still_ours = driver.locks.forget(&held);
            if ended.is_err() && still_ours {
                let was_granted = held.release.borrow().is_some();
                driver.feed(match was_granted {
                    true => Input::LockLost(attempt),
                    false => Input::LockUnavailable(attempt),
                });
            }
        });
    }

    /// Gives an attempt's lock back, or stops asking for it.
    pub fn give_back(&self, attempt: AttemptId) {
        let (gone, kept) = self.0.take().into_iter().partition::<Vec<_>, _>(|held| held.attempt == attempt);
        self.0.borrow_mut().extend(kept);
        for held in gone {
            let release = held.release.take();
            match release {
                Some(release) => {
                    let _ = release.call0(&JsValue::UNDEFINED);
                }
                None => {
                    let _ = js::call(&held.abort, "abort", &[]);
                }
            }
        }
    }

    fn forget(&self, which: &Rc<Held>) -> bool {
        let mut list = self.0.borrow_mut();
        let before = list.len();
        list.retain(|held| !Rc::ptr_eq(held, which));
        list.len() < before
    }
}

/// What `request` calls when the lock is there: gives a promise that ends the hold.
fn granted(driver: &Rc<Driver>, held: &Rc<Held>) -> JsValue {
    let (driver, held) = (Rc::downgrade(driver), held.clone());
    Closure::once_into_js(move |_lock: JsValue| -> JsValue {
        let Some(driver) = driver.upgrade() else { return JsValue::UNDEFINED };
        let asked_for = driver.locks.0.borrow().iter().any(|other| Rc::ptr_eq(other, &held));
        if !asked_for {
            return JsValue::UNDEFINED;
        }
        let hold = Promise::new(&mut |resolve, _| {
            held.release.replace(Some(resolve));
        });
        let attempt = held.attempt;
        wasm_bindgen_futures::spawn_local(async move { driver.feed(Input::Locked(attempt)) });
        hold.into()
    })
}
