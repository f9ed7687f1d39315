//! `AuthError`s as JavaScript sees them.

use std::cell::RefCell;
use std::mem::ManuallyDrop;

use js_sys::Function;
use wasm_bindgen::prelude::*;

use super::js;
use crate::proto::error::{Code, Failure};

thread_local! {
    /// The class of the package in front; without it errors are plain `Error`s with the same properties.
    static CLASS: ManuallyDrop<RefCell<Option<Function>>> = const { ManuallyDrop::new(RefCell::new(None)) };
}

/// Sets the class that errors are made with: `new errorClass({ code, message, … })`.
#[wasm_bindgen(js_name = setErrorClass)]
pub fn set_error_class(class: Function) {
    CLASS.with(|cell| cell.replace(Some(class)));
}

/// A failure as an error to throw or hand out.
pub fn error(failure: &Failure) -> JsValue {
    caused(failure, None)
}

/// The same with the `cause` that it has.
pub fn caused(failure: &Failure, cause: Option<JsValue>) -> JsValue {
    let fields = js::object(&[
        ("code", failure.code.as_str().into()),
        ("message", failure.message.into()),
        ("error", js::text(failure.error.as_deref())),
        ("description", js::text(failure.description.as_deref())),
        ("uri", js::text(failure.uri.as_deref())),
        ("status", failure.status.map_or(JsValue::NULL, Into::into)),
        ("retryable", failure.code.retryable().into()),
        ("retryAt", js::ms(failure.retry_at_ms)),
    ]);
    if let Some(cause) = cause {
        js::set(&fields, "cause", &cause);
    }
    let class = CLASS.with(|cell| cell.borrow().clone());
    let made = class.and_then(|class| js::new(&class, &[&fields]).ok());
    made.unwrap_or_else(|| {
        let plain = js::construct("Error", &[&failure.message.into()]).unwrap_or_default();
        js::set_text(&plain, "name", "AuthError");
        js::call_static("Object", "assign", &[&plain, &fields]).unwrap_or(plain)
    })
}

/// The caller's mistake, named.
pub fn mistake(message: &'static str) -> JsValue {
    error(&Failure::new(Code::InvalidOptions, message))
}
