//! What every test starts with: a server, sessions on it, a clock, and ways to look into JavaScript's values.

use std::ops::Deref;

use js_sys::{Array, Function, JSON, Promise, Reflect};
use tokenwell::AuthSession;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

pub const API: &str = "https://api.test/";

#[wasm_bindgen(module = "/tests/web/server.js")]
extern "C" {
    /// A token route and an API behind one `fetch`.
    pub type Server;

    #[wasm_bindgen(constructor)]
    pub fn new() -> Server;

    /// The newest tokens, as the answer of a login.
    #[wasm_bindgen(method)]
    pub fn issue(this: &Server) -> JsValue;

    /// No token issued so far is good any more.
    #[wasm_bindgen(method)]
    pub fn forget(this: &Server);

    #[wasm_bindgen(method)]
    fn options(this: &Server, more: &JsValue) -> JsValue;
}

#[wasm_bindgen(module = "/tests/web/clock.js")]
extern "C" {
    /// The page's time, in our hands.
    pub type Clock;

    #[wasm_bindgen(constructor)]
    fn new(running: bool) -> Clock;

    #[wasm_bindgen(method)]
    fn advance(this: &Clock, ms: f64) -> Promise;

    /// Time passes, and no timer fires.
    #[wasm_bindgen(method)]
    pub fn sleep(this: &Clock, ms: f64);

    #[wasm_bindgen(method, getter)]
    pub fn armed(this: &Clock) -> u32;

    #[wasm_bindgen(method, getter)]
    pub fn delays(this: &Clock) -> Vec<f64>;

    #[wasm_bindgen(method)]
    fn restore(this: &Clock);

    fn turn() -> Promise;
    pub fn pause(ms: u32) -> Promise;
}

#[wasm_bindgen]
extern "C" {
    /// `AuthSession` as JavaScript holds it.
    pub type Session;

    #[wasm_bindgen(structural, method)]
    pub fn fetch(this: &Session, input: &JsValue, init: &JsValue) -> Promise;

    #[wasm_bindgen(structural, method, getter)]
    pub fn snapshot(this: &Session) -> JsValue;

    #[wasm_bindgen(structural, method, getter, js_name = accessToken)]
    pub fn access_token(this: &Session) -> Option<String>;

    #[wasm_bindgen(structural, method, js_name = getAccessToken)]
    pub fn get_access_token(this: &Session, options: &JsValue) -> Promise;

    #[wasm_bindgen(structural, method)]
    pub fn refresh(this: &Session, options: &JsValue) -> Promise;

    #[wasm_bindgen(structural, method, js_name = setTokens)]
    pub fn set_tokens(this: &Session, answer: &JsValue) -> Promise;

    #[wasm_bindgen(structural, method, js_name = signOut)]
    pub fn sign_out(this: &Session, options: &JsValue) -> Promise;

    #[wasm_bindgen(structural, method, catch)]
    pub fn on(this: &Session, kind: &str, listener: &JsValue) -> Result<Function, JsValue>;

    #[wasm_bindgen(structural, method)]
    pub fn dispose(this: &Session);
}

/// One session object in this page; gone with the test.
pub struct Tab(Session);

impl Deref for Tab {
    type Target = Session;
    fn deref(&self) -> &Session {
        &self.0
    }
}

impl Drop for Tab {
    fn drop(&mut self) {
        self.dispose();
    }
}

impl Server {
    /// A session on this server, with these options (JavaScript) besides the usual ones.
    pub fn tab(&self, options: &str) -> Tab {
        open(&self.options_of(options)).unwrap()
    }

    /// Options as `tab` takes them.
    pub fn options_of(&self, options: &str) -> JsValue {
        self.options(&with("server", self, &format!("{{ {options} }}")))
    }

    /// The same, signed in.
    pub async fn signed_in(&self, options: &str) -> Tab {
        let tab = self.tab(options);
        ok(tab.set_tokens(&self.issue())).await;
        tab
    }

    /// How many token requests have come.
    pub fn refreshes(&self) -> u32 {
        at(self, "refreshes.length").as_f64().unwrap() as u32
    }

    /// What came to the API, call by call, in this member.
    pub fn calls(&self, member: &str) -> Vec<String> {
        Array::from(&at(self, "calls")).iter().map(|call| show(&at(&call, member))).collect()
    }

    /// Answers the token route from now on by this function (JavaScript; `server` is this).
    pub fn answer_route(&self, function: &str) {
        Reflect::set(self, &"route".into(), &with("server", self, function)).unwrap();
    }

    /// Answers the API from now on by this function.
    pub fn answer_api(&self, function: &str) {
        Reflect::set(self, &"api".into(), &with("server", self, function)).unwrap();
    }
}

impl Tab {
    /// Calls the API; gives the status.
    pub async fn call(&self) -> u16 {
        status(&ok(self.fetch(&API.into(), &JsValue::UNDEFINED)).await)
    }

    /// A member of the snapshot as text.
    pub fn shows(&self, member: &str) -> String {
        show(&at(&self.snapshot(), member))
    }

    /// Collects the events of a kind from now on.
    pub fn heard(&self, kind: &str) -> Array {
        let heard = Array::new();
        self.on(kind, &with("heard", &heard, "(event) => heard.push(event)")).unwrap();
        heard
    }
}

/// `new AuthSession(options)`.
pub fn open(options: &JsValue) -> Result<Tab, JsValue> {
    AuthSession::new(options).map(|session| Tab(JsValue::from(session).unchecked_into()))
}

/// The class itself.
pub fn class() -> JsValue {
    at(&Server::new().tab(""), "constructor")
}

/// The page's time, given back at the end.
pub struct Time(Clock);

impl Time {
    /// It stands still until the test lets it pass.
    pub fn stopped() -> Self {
        Self(Clock::new(false))
    }

    /// It runs as it does, and the test may skip some.
    pub fn running() -> Self {
        Self(Clock::new(true))
    }

    /// Time passes, and timers fire when they are due.
    pub async fn pass_s(&self, seconds: u32) {
        ok(self.0.advance(f64::from(seconds) * 1000.0)).await;
    }
}

impl Deref for Time {
    type Target = Clock;
    fn deref(&self) -> &Clock {
        &self.0
    }
}

impl Drop for Time {
    fn drop(&mut self) {
        self.0.restore();
    }
}

/// A JavaScript expression's value.
pub fn js(expression: &str) -> JsValue {
    with("_", &JsValue::UNDEFINED, expression)
}

/// A JavaScript expression's value, with one name in it.
pub fn with(name: &str, value: &JsValue, expression: &str) -> JsValue {
    let body = format!("return ({expression});");
    Function::new_with_args(name, &body).call1(&JsValue::UNDEFINED, value).unwrap()
}

/// `value.a.b`
pub fn at(value: &JsValue, path: &str) -> JsValue {
    path.split('.').fold(value.clone(), |value, name| Reflect::get(&value, &name.into()).unwrap())
}

/// A text as it is, anything else as JSON.
pub fn show(value: &JsValue) -> String {
    value
        .as_string()
        .or_else(|| JSON::stringify(value).ok()?.as_string())
        .unwrap_or_else(|| "undefined".into())
}

pub fn status(response: &JsValue) -> u16 {
    at(response, "status").as_f64().unwrap() as u16
}

/// What a promise is fulfilled with.
pub async fn ok(promise: Promise) -> JsValue {
    match JsFuture::from(promise).await {
        Ok(value) => value,
        Err(reason) => panic!("rejected: {reason:?}"),
    }
}

/// What a promise is rejected with.
pub async fn err(promise: Promise) -> JsValue {
    match JsFuture::from(promise).await {
        Ok(value) => panic!("fulfilled: {}", show(&value)),
        Err(reason) => reason,
    }
}

/// Lets everything happen that needs no time.
pub async fn settle() {
    ok(turn()).await;
}

/// Waits until something holds, a few seconds at most.
pub async fn until(what: &str, holds: impl Fn() -> bool) {
    for _ in 0..600 {
        if holds() {
            return;
        }
        ok(pause(5)).await;
    }
    panic!("did not come: {what}");
}
