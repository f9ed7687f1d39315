//! The place that tabs share: one IndexedDB entry for each sign-in, changed in one transaction only if it is
//! still what the writer thinks it is. Its readable part holds no secret; the rest is sealed.

use std::cell::RefCell;
use std::mem::ManuallyDrop;

use js_sys::{Promise, Uint8Array};
use wasm_bindgen::prelude::*;

use super::json::JsJson;
use super::task::{self, Settled};
use super::{callback, clock, js, seal};
use crate::proto::io::{Expect, Found, Sealed, Swapped};
use crate::proto::record::{Entry, Meta};
use crate::proto::secret::Secret;
use crate::proto::stored;

const DATABASE: &str = "tokenwell";
const STORE: &str = "sessions";
/// Entries that nobody has touched for this long, ms, belong to sign-ins whose last tab has gone.
const FORGOTTEN_MS: i64 = 400 * 86_400_000;

thread_local! {
    /// The open database, as a promise; dropped when it fails or is closed, so that the next use opens again.
    static OPEN: ManuallyDrop<RefCell<Option<Promise>>> = const { ManuallyDrop::new(RefCell::new(None)) };
}

/// Opens the database anew at the next use.
pub fn reopen() {
    OPEN.with(|open| open.take());
}

/// Whether this platform has one.
pub fn available() -> bool {
    js::global_value("indexedDB").is_object() && seal::available()
}

/// Reads an entry.
pub async fn look(id: &str, key: &Secret) -> Found {
    match entry("readonly", id).await {
        Ok((_, there)) => found(&there, key).await,
        Err(_) => Found::Unavailable,
    }
}

/// The store in a transaction, and what it has under that name. The transaction lives as long as nothing but its own
/// requests is awaited.
async fn entry(mode: &str, name: &str) -> Result<(JsValue, JsValue), JsValue> {
    let store = store(mode).await?;
    let asked = request(js::call_text(&store, "get", name)?);
    let there = result(&asked.await?);
    Ok((store, there))
}

/// Writes an entry if what is there is as expected.
pub async fn swap(id: &str, key: &Secret, expect: Expect, meta: &Meta, sealed: Sealed) -> Swapped {
    // Sealing takes other tasks than the database's, so it comes before the transaction.
    let sealed = match sealed {
        Sealed::Keep => None,
        Sealed::Clear => Some(JsValue::NULL),
        Sealed::Put(record) => {
            let sealed = seal::turn(key, stored::write_record::<JsJson>(&record).into()).await;
            if sealed.is_none() {
                return Swapped::Unavailable;
            }
            sealed
        }
    };
    match write(id, expect, meta, sealed).await {
        Ok(Ok(version)) => Swapped::Done { version },
        Ok(Err(there)) => Swapped::Conflict(found(&there, key).await),
        Err(_) => Swapped::Unavailable,
    }
}

/// What is kept under a name of its own, which no sign-in has; from now on this, if nothing was.
pub async fn keep(name: String, value: JsValue) -> Result<JsValue, JsValue> {
    let (store, there) = entry("readwrite", &name).await?;
    let there = js::peek(&there, "kept");
    let was_there = there.is_object();
    let kept = if was_there { there } else { value };
    let entry = js::object(&[("kept", kept.clone()), ("touched", js::ms(Some(clock::reading().wall_ms)))]);
    let written = js::settled(put(&store, &name, &entry)?).await;
    // What was there is as good if it can't be touched.
    if was_there { Ok(kept) } else { written.map(|_| kept) }
}

/// One transaction: read, compare, write. The inner `Err` holds what is there instead.
async fn write(
    id: &str,
    expect: Expect,
    meta: &Meta,
    sealed: Option<JsValue>,
) -> Result<Result<u32, JsValue>, JsValue> {
    let (store, there) = entry("readwrite", id).await?;
    let version = version(&there);
    if let Expect::Version(expected) = expect
        && expected != version
    {
        return Ok(Err(there));
    }
    let next = version.map_or_else(|| clock::now().noise, |version| version.wrapping_add(1));
    let sealed = match sealed {
        Some(sealed) => sealed,
        None if there.is_object() => js::get(&there, "sealed")?,
        None => JsValue::NULL,
    };
    let value = js::object(&[
        ("version", next.into()),
        ("meta", stored::write_meta::<JsJson>(meta).into()),
        ("sealed", sealed),
        ("touched", js::ms(Some(clock::reading().wall_ms))),
    ]);
    js::settled(put(&store, id, &value)?).await?;
    Ok(Ok(next))
}

/// Writes, and ends the transaction; tells when it has.
fn put(store: &JsValue, name: &str, value: &JsValue) -> Result<JsValue, JsValue> {
    let transaction = js::get(store, "transaction")?;
    js::call(store, "put", &[value, &name.into()])?;
    let done = event_promise(&transaction, "oncomplete", &["onabort", "onerror"]);
    // Nothing else is coming: don't wait for the browser to find out.
    let _ = js::call(&transaction, "commit", &[]);
    Ok(done.into())
}

async fn found(value: &JsValue, key: &Secret) -> Found {
    let Some(version) = version(value) else { return Found::Nothing };
    let text = js::string_at(value, "meta");
    let Some(meta) = text.and_then(|text| stored::read_meta::<JsJson>(&text)) else { return Found::Nothing };
    let mut record = None;
    let sealed = js::peek(value, "sealed");
    if sealed.is_instance_of::<Uint8Array>()
        && let Some(text) = seal::turn(key, sealed).await
    {
        record = text.as_string().and_then(|text| stored::read_record::<JsJson>(&text));
    }
    Found::Entry(Box::new(Entry { version, meta, record }))
}

fn version(value: &JsValue) -> Option<u32> {
    js::peek(value, "version").as_f64().map(|version| version as u32)
}

async fn store(mode: &str) -> Result<JsValue, JsValue> {
    let open = opened()?;
    let made = js::settled(open.into()).await.and_then(|database| in_transaction(&database, mode));
    if made.is_err() {
        OPEN.with(|open| open.take());
    }
    made
}

fn opened() -> Result<Promise, JsValue> {
    let known = OPEN.with(|cell| cell.borrow().clone());
    if let Some(open) = known {
        return Ok(open);
    }
    let open = open_database()?;
    OPEN.with(|cell| cell.replace(Some(open.clone())));
    Ok(open)
}

fn in_transaction(database: &JsValue, mode: &str) -> Result<JsValue, JsValue> {
    let transaction = js::call(database, "transaction", &[&STORE.into(), &mode.into()])?;
    js::call_text(&transaction, "objectStore", STORE)
}

fn open_database() -> Result<Promise, JsValue> {
    let opening = js::call(&js::global_value("indexedDB"), "open", &[&DATABASE.into(), &1.into()])?;
    let upgrade = callback::once(|event, _| {
        js::call_text(&result(&event), "createObjectStore", STORE).unwrap_or_default()
    });
    js::set(&opening, "onupgradeneeded", &upgrade);
    let opened = event_promise(&opening, "onsuccess", &["onerror", "onblocked"]);
    Ok(task::promise(async move {
        let database = result(&js::settled(opened.into()).await?);
        // A browser that clears the site's data, or a newer version, must not wait for us.
        let forget = callback::once(|event, _| {
            OPEN.with(|open| open.take());
            js::call(&js::peek(&event, "target"), "close", &[]).unwrap_or_default()
        });
        js::set(&database, "onversionchange", &forget);
        js::set(&database, "onclose", &forget);
        let _ = clean_up(&database).await;
        Ok(database)
    }))
}

/// Removes what belongs to no tab any more.
async fn clean_up(database: &JsValue) -> Result<(), JsValue> {
    let store = in_transaction(database, "readwrite")?;
    let asked = request(js::call(&store, "getAllKeys", &[])?);
    for key in js_sys::Array::from(&result(&asked.await?)) {
        let asked = request(js::call(&store, "get", &[&key])?);
        let touched = js::peek(&result(&asked.await?), "touched").as_f64().unwrap_or(0.0);
        if (touched as i64) < clock::reading().wall_ms - FORGOTTEN_MS {
            js::call(&store, "delete", &[&key])?;
        }
    }
    Ok(())
}

/// Waits for an `IDBRequest`; what comes is the event that tells its [`result`].
fn request(request: JsValue) -> Settled {
    js::settled(event_promise(&request, "onsuccess", &["onerror"]).into())
}

fn result(event: &JsValue) -> JsValue {
    js::peek(&js::peek(event, "target"), "result")
}

/// A promise that an event handler resolves and others reject.
fn event_promise(target: &JsValue, success: &str, failures: &[&str]) -> Promise {
    let (promise, settle) = task::deferred();
    js::set(target, success, &settle.resolve);
    for failure in failures {
        js::set(target, failure, &settle.reject);
    }
    promise
}
