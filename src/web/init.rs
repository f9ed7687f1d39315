//! `fetch`'s arguments: what the caller gave, with one header more, and everything else as it was.

use js_sys::{Array, JsString, Object};
use std::mem::ManuallyDrop;
use wasm_bindgen::prelude::*;
use web_sys::Request;

use super::fetch::base_url;
use super::js;
use crate::proto::io::Epoch;

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

// Property names and constants of the path that every call takes are JavaScript's: no text crosses there.
#[wasm_bindgen]
extern "C" {
    type Init;

    #[wasm_bindgen(structural, method, getter, catch)]
    fn headers(this: &Init) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(structural, method, getter, catch)]
    fn body(this: &Init) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(structural, method, setter)]
    fn set_headers(this: &Init, headers: &Headers);

    #[derive(Clone)]
    type Headers;

    #[wasm_bindgen(constructor, catch)]
    fn new(init: &JsValue) -> Result<Headers, JsValue>;

    #[wasm_bindgen(method)]
    fn has(this: &Headers, name: &JsString) -> bool;

    #[wasm_bindgen(method, catch)]
    fn set(this: &Headers, name: &JsString, value: &JsString) -> Result<(), JsValue>;

    // Both run user code, where an init has getters or is a Proxy.
    #[wasm_bindgen(js_namespace = Object, catch)]
    fn assign(copy: &Object, init: &JsValue) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(js_namespace = Object, js_name = getPrototypeOf, catch)]
    fn prototype_of(init: &JsValue) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(js_namespace = Array, js_name = of)]
    fn context(
        input: &JsValue,
        init: &JsValue,
        headers: &Headers,
        epoch: u32,
        replayable: bool,
        base: &JsValue,
    ) -> Array;
}

thread_local! {
    static AUTHORIZATION: ManuallyDrop<JsString> = ManuallyDrop::new(JsString::from("authorization"));
}

/// A call's arguments, understood once.
#[derive(Clone)]
pub struct Call {
    /// `input`, with a `Request` that has a body spared for a replay, and anything else but a URL as text.
    input: JsValue,
    init: JsValue,
    headers: Headers,
    /// What the URL is relative to; `undefined` where it is absolute.
    base: JsValue,
    /// Whether the body can be sent again.
    pub replayable: bool,
}

impl Call {
    /// `Err`: what `fetch` itself would reject with. `Ok(None)`: the caller brings its own `Authorization`.
    pub fn new(input: JsValue, init: &JsValue, base: JsValue) -> Result<Option<Self>, JsValue> {
        let (mut headers, mut replayable) = (JsValue::UNDEFINED, true);
        if init.is_object() {
            let init: &Init = init.unchecked_ref();
            headers = init.headers()?;
            replayable = !is_stream(&init.body()?);
        }
        if headers.is_undefined()
            && let Some(request) = as_request(&input)
        {
            headers = js::get(request, "headers")?;
        }
        let headers = Headers::new(&headers)?;
        if AUTHORIZATION.with(|name| headers.has(name)) {
            return Ok(None);
        }
        Ok(Some(Self { input, init: init.clone(), headers, base, replayable }))
    }

    /// One that has been sent already, to a text: with an init of its own, whose `headers` have none or are `Headers`.
    pub fn sent(input: &JsValue, init: &JsValue, base: JsValue) -> Result<Self, JsValue> {
        let own: &Init = init.unchecked_ref();
        let (headers, replayable) = (Headers::new(&own.headers()?)?, !is_stream(&own.body()?));
        Ok(Self { input: input.clone(), init: init.clone(), headers, base, replayable })
    }

    /// Arguments for one send. `again`: there may be another one after this.
    pub fn arguments(
        &self,
        authorization: Option<&JsString>,
        again: bool,
    ) -> Result<(JsValue, JsValue), JsValue> {
        if let Some(value) = authorization {
            AUTHORIZATION.with(|name| self.headers.set(name, value))?;
        }
        let init = copy(&self.init)?;
        init.unchecked_ref::<Init>().set_headers(&self.headers);
        let input = match as_request(&self.input) {
            // Sending a Request uses its body up.
            Some(request) if again && may_have_body(request) => {
                js::apply(&js::get(&request_prototype(), "clone")?, request, &[])?
            }
            _ if self.base.is_undefined() => self.input.clone(),
            // Somebody may have moved the page's base since the call was judged: by the init's getters, or in the wait.
            _ => self.meant(&base_url())?,
        };
        Ok((input, init.into()))
    }

    /// Before what happens later: where the call leads must not change with the page's base.
    pub fn pin(&mut self) -> Result<(), JsValue> {
        if !self.base.is_undefined() {
            self.input = self.meant(&JsValue::UNDEFINED)?;
            self.base = JsValue::UNDEFINED;
        }
        Ok(())
    }

    /// The URL as it was meant, for a page with that base.
    fn meant(&self, base: &JsValue) -> Result<JsValue, JsValue> {
        if self.base == *base {
            return Ok(self.input.clone());
        }
        js::get(&js::construct("URL", &[&self.input, &self.base])?, "href")
    }

    /// Sets the proof that the next send goes with (RFC 9449 §4.1).
    pub fn prove(&self, proof: &str) -> Result<(), JsValue> {
        self.headers.set(&"dpop".into(), &proof.into())
    }

    /// The caller's signal.
    pub fn signal(&self) -> JsValue {
        let own = js::peek(&self.init, "signal");
        if own.is_undefined() { js::peek(&self.input, "signal") } else { own }
    }

    /// The call and the token it was sent with as one value of JavaScript's, which frees it when it is done.
    pub fn keep(&self, sent: Epoch) -> JsValue {
        context(&self.input, &self.init, &self.headers, sent.0, self.replayable, &self.base).into()
    }

    /// What [`Call::keep`] made.
    pub fn kept(context: &JsValue) -> (Self, Epoch) {
        let context: &Array = context.unchecked_ref();
        let call = Self {
            input: context.get(0),
            init: context.get(1),
            headers: context.get(2).unchecked_into(),
            replayable: context.get(4).is_truthy(),
            base: context.get(5),
        };
        (call, Epoch(context.get(3).as_f64().unwrap_or_default() as u32))
    }
}

/// A copy of an init that can be written to.
fn copy(init: &JsValue) -> Result<Object, JsValue> {
    let copy = Object::new();
    if !init.is_object() {
        return Ok(copy);
    }
    assign(&copy, init)?;
    let prototype = prototype_of(init)?;
    if prototype.is_null() || prototype == prototype_of(&copy)? {
        return Ok(copy);
    }
    for member in MEMBERS {
        let value = js::get(init, member)?;
        if !value.is_undefined() {
            js::set(&copy, member, &value);
        }
    }
    Ok(copy)
}

/// A stream is gone once sent. Strings, `URLSearchParams`, `FormData`, `Blob` and buffers are not.
fn is_stream(body: &JsValue) -> bool {
    let has = |name: &JsValue| js_sys::Reflect::has(body, name).unwrap_or(true);
    body.is_object() && (has(&"getReader".into()) || has(&js_sys::Symbol::async_iterator()))
}

/// A `Request`, of this realm or another's (a frame's).
pub fn as_request(value: &JsValue) -> Option<&Request> {
    let tag = || js_sys::Reflect::get(value, &js_sys::Symbol::to_string_tag()).ok();
    let is_one = value.is_object() && tag().is_some_and(|tag| tag == "Request");
    is_one.then(|| value.unchecked_ref())
}

fn request_prototype() -> JsValue {
    js::peek(&js::global_value("Request"), "prototype")
}

/// Where a `Request` leads, by the platform's own getter. `None` for what only looks like one: a class of somebody's
/// may say one thing and be sent to another.
pub fn request_url(request: &Request) -> Option<JsValue> {
    let prototype = request_prototype();
    let property =
        js::call_static("Object", "getOwnPropertyDescriptor", &[&prototype, &"url".into()]).ok()?;
    js::apply(&js::get(&property, "get").ok()?, request, &[]).ok()
}

/// Whether a `Request` may have a body. Firefox does not have `Request.body`; the method tells enough.
fn may_have_body(request: &Request) -> bool {
    !matches!(js::string_at(request, "method").as_deref(), Some("GET" | "HEAD"))
}
