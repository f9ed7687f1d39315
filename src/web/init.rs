//! `fetch`'s arguments: what the caller gave, with one header more, and everything else as it was.

use js_sys::{JsString, Object, Reflect};
use wasm_bindgen::prelude::*;
use web_sys::{Headers, Request};

use super::js;

/// Members of `RequestInit` that an object may hide from `Object.assign`, by inheriting them.
const MEMBERS: &[&str] = &[
    "method",
    "body",
    "referrer",
    "referrerPolicy",
    "mode",
    "credentials",
    "cache",
    "redirect",
    "integrity",
    "keepalive",
    "signal",
    "duplex",
    "priority",
    "window",
];

/// A call's arguments, understood once.
pub struct Call {
    /// `input`, with a `Request` that has a body spared for a replay, and anything else but a URL as text.
    input: JsValue,
    init: JsValue,
    headers: Headers,
    is_request: bool,
    /// Whether the body can be sent again.
    pub replayable: bool,
}

impl Call {
    /// `Err`: what `fetch` itself would reject with. `Ok(None)`: the caller brings its own `Authorization`.
    pub fn new(input: &JsValue, init: &JsValue) -> Result<Option<Self>, JsValue> {
        let request = input.dyn_ref::<Request>();
        let given = if init.is_object() { js::get(init, "headers")? } else { JsValue::UNDEFINED };
        let headers = match request {
            _ if !given.is_undefined() => Headers::new_with_str_sequence_sequence(&given)?,
            Some(request) => Headers::new_with_headers(&request.headers())?,
            None => Headers::new()?,
        };
        if headers.has("authorization")? {
            return Ok(None);
        }
        let body = if init.is_object() { js::get(init, "body")? } else { JsValue::UNDEFINED };
        let replayable = !is_stream(&body);
        Ok(Some(Self {
            input: input.clone(),
            init: init.clone(),
            headers,
            is_request: request.is_some(),
            replayable,
        }))
    }

    /// Arguments for one send. `again`: there may be another one after this.
    pub fn arguments(
        &self,
        authorization: Option<&JsString>,
        again: bool,
    ) -> Result<(JsValue, JsValue), JsValue> {
        if let Some(value) = authorization {
            set_header(&self.headers, value)?;
        }
        let init = copy(&self.init)?;
        Reflect::set(&init, &"headers".into(), &self.headers)?;
        let input = match self.input.dyn_ref::<Request>() {
            // Sending a Request uses its body up.
            Some(request) if again && may_have_body(request) => request.clone()?.into(),
            _ => self.input.clone(),
        };
        Ok((input, init.into()))
    }

    /// The caller's signal.
    pub fn signal(&self) -> JsValue {
        let own = if self.init.is_object() { js::get(&self.init, "signal") } else { Ok(JsValue::UNDEFINED) };
        match own {
            Ok(signal) if !signal.is_undefined() => signal,
            _ if self.is_request => js::get(&self.input, "signal").unwrap_or_default(),
            _ => JsValue::UNDEFINED,
        }
    }
}

#[wasm_bindgen]
extern "C" {
    type HeaderList;

    /// `Headers.set`, taking a value that is JavaScript's already.
    #[wasm_bindgen(structural, method, catch)]
    fn set(this: &HeaderList, name: &JsString, value: &JsString) -> Result<(), JsValue>;
}

thread_local! {
    static AUTHORIZATION: JsString = JsString::from("authorization");
}

fn set_header(headers: &Headers, value: &JsString) -> Result<(), JsValue> {
    AUTHORIZATION.with(|name| headers.unchecked_ref::<HeaderList>().set(name, value))
}

/// A copy of an init that can be written to.
fn copy(init: &JsValue) -> Result<Object, JsValue> {
    let copy = Object::new();
    let Some(init) = init.dyn_ref::<Object>() else { return Ok(copy) };
    Object::assign(&copy, init);
    let prototype = Object::get_prototype_of(init);
    if prototype.is_null() || Object::is(&prototype, &Object::get_prototype_of(&copy)) {
        return Ok(copy);
    }
    for member in MEMBERS {
        let value = js::get(init, member)?;
        if !value.is_undefined() {
            Reflect::set(&copy, &(*member).into(), &value)?;
        }
    }
    Ok(copy)
}

/// A stream is gone once sent. Strings, `URLSearchParams`, `FormData`, `Blob` and buffers are not.
fn is_stream(body: &JsValue) -> bool {
    if !body.is_object() {
        return false;
    }
    let has = |name: &JsValue| Reflect::has(body, name).unwrap_or(true);
    has(&"getReader".into()) || has(&js_sys::Symbol::async_iterator())
}

/// Whether a `Request` may have a body. Firefox does not have `Request.body`; the method tells enough.
fn may_have_body(request: &Request) -> bool {
    !matches!(request.method().as_str(), "GET" | "HEAD")
}
