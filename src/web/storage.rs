//! The session's own storage: a web storage, the app's, or none.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use wasm_bindgen::JsValue;

use super::driver::Driver;
use super::json::JsJson;
use super::{js, task};
use crate::proto::io::Input;
use crate::proto::record::Record;
use crate::proto::stored::{self, Storing};
use crate::proto::text::joined;

/// Where state lives.
#[derive(Clone, PartialEq)]
pub enum Place {
    /// `globalThis.sessionStorage`.
    Session,
    /// `globalThis.localStorage`.
    Local,
    /// Nowhere: this object's lifetime.
    Memory,
    /// The app's own, perhaps asynchronous.
    Own(JsValue),
}

/// A place and a key in it.
pub struct Storage {
    place: Place,
    key: String,
    /// Something of ours is there, as far as we know: its absence tells that somebody removed it.
    written: Cell<bool>,
    /// Nothing is written any more.
    given_up: Cell<bool>,
    /// The last write to an asynchronous storage: they must not overtake each other.
    last: RefCell<Option<js_sys::Promise>>,
}

const REFUSED: &str = "The storage refused to keep the session; it goes on in memory until the page is left.";
const LOST: &str = "The stored state was removed by something else; the session goes on in memory.";

impl Storage {
    /// The session's state lies under `tokenwell:<name>`.
    pub fn new(place: Place, name: &str) -> Self {
        let key = joined(&["tokenwell:", name]);
        Self { place, key, written: Cell::default(), given_up: Cell::default(), last: RefCell::default() }
    }

    /// The key that state is kept under.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Whether other tabs write to it and the platform tells.
    pub fn is_shared(&self) -> bool {
        self.place == Place::Local
    }

    /// What is stored, or a promise of it; `Err` where the storage refuses to be read.
    pub fn read(&self) -> Result<JsValue, JsValue> {
        match self.object()? {
            Some(storage) => js::call(&storage, "getItem", &[&self.key.as_str().into()]),
            None => Ok(JsValue::NULL),
        }
    }

    /// What a stored value means.
    pub fn understand(&self, stored: &JsValue) -> Option<Record> {
        let record = stored.as_string().and_then(|text| stored::read_record::<JsJson>(&text));
        self.written.set(record.is_some());
        record
    }

    /// Writes a record.
    pub fn store(driver: &Rc<Driver>, record: &Record, fresh: bool) {
        let this = &driver.storage;
        if this.place == Place::Memory || this.given_up.get() {
            return;
        }
        let text = stored::write_record::<JsJson>(record);
        if matches!(this.place, Place::Own(_)) {
            return Self::in_turn(driver, "setItem", Some(text));
        }
        let Ok(there) = this.read() else { return driver.feed(Input::StorageFailed(REFUSED)) };
        let there = there.as_string().and_then(|text| stored::read_record::<JsJson>(&text));
        match stored::storing(there.as_ref(), record, fresh) {
            Storing::Leave => {}
            Storing::Lost if this.written.replace(false) => driver.feed(Input::StorageFailed(LOST)),
            // Refused or lost before, and said so.
            Storing::Lost => {}
            Storing::Write => {
                // In a worker it is the page that writes, and has to know what may be replaced.
                let args = [&this.key.as_str().into(), &text.into(), &fresh.into()];
                let written = this.object().and_then(|storage| match storage {
                    Some(storage) => js::call(&storage, "setItem", &args),
                    None => Ok(JsValue::UNDEFINED),
                });
                this.written.set(written.is_ok());
                match written {
                    // In a worker: the page says later whether it could keep it.
                    Ok(promise) if js::is_thenable(&promise) => {
                        let driver = driver.clone();
                        let _ = task::after(&promise, move |kept| {
                            if kept.is_err() {
                                Self::refused(&driver);
                            }
                            JsValue::UNDEFINED
                        });
                    }
                    Ok(_) => {}
                    Err(_) => Self::refused(driver),
                }
            }
        }
    }

    fn refused(driver: &Rc<Driver>) {
        let this = &driver.storage;
        this.written.set(false);
        // An older set in the way would be taken for the current one after a reload.
        let _ = this.object().map(|storage| {
            storage.map(|storage| js::call(&storage, "removeItem", &[&this.key.as_str().into()]))
        });
        driver.feed(Input::StorageFailed(REFUSED));
    }

    /// Removes what that sign-in has stored.
    pub fn forget(driver: &Rc<Driver>, id: &str) {
        let this = &driver.storage;
        this.written.set(false);
        if matches!(this.place, Place::Own(_)) {
            return Self::in_turn(driver, "removeItem", None);
        }
        let there = this.read().ok().and_then(|there| there.as_string());
        let there = there.and_then(|text| stored::read_record::<JsJson>(&text));
        if stored::may_forget(there.as_ref(), id)
            && let Ok(Some(storage)) = this.object()
        {
            let _ = js::call(&storage, "removeItem", &[&this.key.as_str().into()]);
        }
    }

    /// Writes nothing any more, and removes what is there: what outlives this page is of no use without it.
    pub fn give_up(driver: &Rc<Driver>) {
        if let Some(id) = driver.sign_in_id() {
            Self::forget(driver, &id);
        }
        driver.storage.given_up.set(true);
    }

    /// Calls a method of the app's storage once the call before has settled.
    fn in_turn(driver: &Rc<Driver>, method: &'static str, text: Option<String>) {
        let before = driver.storage.last.borrow().clone();
        let this = driver.clone();
        let run = async move {
            // Even the first waits a moment, so that it is on record before user code runs.
            let _ = js::settled(before.map_or(JsValue::UNDEFINED, JsValue::from)).await;
            let Place::Own(storage) = &this.storage.place else { return Ok(JsValue::UNDEFINED) };
            let key = JsValue::from_str(&this.storage.key);
            let called = match text {
                Some(text) => js::call(storage, method, &[&key, &text.into()]),
                None => js::call(storage, method, &[&key]),
            };
            if js::settled_or(called).await.is_err() {
                this.feed(Input::StorageFailed(REFUSED));
            }
            Ok(JsValue::UNDEFINED)
        };
        let promise = task::promise(run);
        driver.storage.last.replace(Some(promise));
    }

    fn object(&self) -> Result<Option<JsValue>, JsValue> {
        let name = match &self.place {
            Place::Session => "sessionStorage",
            Place::Local => "localStorage",
            Place::Memory => return Ok(None),
            Place::Own(storage) => return Ok(Some(storage.clone())),
        };
        // Merely reading the property throws where the user has blocked storage.
        let storage = js::get(&js::page(), name)?;
        if storage.is_object() { Ok(Some(storage)) } else { Err(JsValue::UNDEFINED) }
    }
}
