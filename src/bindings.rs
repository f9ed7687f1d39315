//! What JavaScript sees. Conversions only; every method takes `&self`, and every promise is JavaScript's own.

use std::rc::Rc;

use js_sys::{Function, Promise};
use wasm_bindgen::prelude::*;

use crate::proto::answer::{self, Grant};
use crate::proto::dpop;
use crate::proto::io::{Input, Outcome, Want};
use crate::proto::json::Json;
use crate::proto::jwt;
use crate::proto::route::{Fields, Mode};
use crate::proto::secret::Secret;
use crate::web::callers::ask;
use crate::web::driver::{self, Driver};
use crate::web::errors::{error, mistake};
use crate::web::json::JsJson;
use crate::web::listeners::Listeners;
use crate::web::options::Settings;
use crate::web::refresher::Source;
use crate::web::{fetch, js, json, revoke, sign_in, snapshot, task};

/// A token session: wraps `fetch`, refreshes before expiry or on a 401, keeps its state.
///
/// A handle: the session lives until [`AuthSession::dispose`], however many handles there are and whether they are
/// freed. In the JavaScript of `wasm-pack build`, `free()` and `using` free the handle alone; the class of the npm
/// package disposes.
#[wasm_bindgen]
pub struct AuthSession {
    driver: Rc<Driver>,
}

impl AuthSession {
    /// Contract: `get(name)`, in Rust.
    pub fn get(name: Option<String>) -> Option<AuthSession> {
        driver::find(name.as_deref().unwrap_or("default")).map(|driver| AuthSession { driver })
    }
}

#[wasm_bindgen]
impl AuthSession {
    /// Contract: `constructor(options)`. The same name and options give the same session.
    #[wasm_bindgen(constructor)]
    pub fn new(
        #[wasm_bindgen(unchecked_param_type = "{ refresh: unknown; [option: string]: unknown }")]
        options: &JsValue,
    ) -> Result<AuthSession, JsValue> {
        let (driver, _) = driver::open(Settings::read(options)?)?;
        Ok(AuthSession { driver })
    }

    /// Contract: `create(options)`: when stored state has been restored, whatever the storage.
    #[wasm_bindgen(unchecked_return_type = "Promise<AuthSession>")]
    pub fn create(
        #[wasm_bindgen(unchecked_param_type = "{ refresh: unknown; [option: string]: unknown }")]
        options: &JsValue,
    ) -> Promise {
        let opened = Settings::read(options).and_then(driver::open);
        task::promise(async move {
            let (driver, restoring) = opened?;
            if let Some(restoring) = restoring {
                js::settled(restoring.into()).await?;
            }
            Ok(AuthSession { driver }.into())
        })
    }

    /// Contract: `get(name)`.
    #[wasm_bindgen(js_name = get)]
    pub fn get_by(
        #[wasm_bindgen(unchecked_optional_param_type = "string")] name: &JsValue,
    ) -> Option<AuthSession> {
        Self::get(name.as_string())
    }

    /// The session's name.
    #[wasm_bindgen(getter)]
    pub fn name(&self) -> String {
        self.driver.settings.name.clone()
    }

    /// Contract: `fetch(input, init)`.
    #[wasm_bindgen(unchecked_return_type = "Promise<Response>")]
    pub fn fetch(
        &self,
        #[wasm_bindgen(unchecked_param_type = "RequestInfo | URL")] input: &JsValue,
        #[wasm_bindgen(unchecked_optional_param_type = "RequestInit")] init: &JsValue,
    ) -> Promise {
        self.live(|driver| fetch::fetch(&driver, input, init))
    }

    /// For the class in front: what a request to this URL, a text, leaves with, the `Authorization` value and its epoch;
    /// `null`, or its base: when [`Self::due`] has settled; `undefined`: it goes by [`Self::fetch`].
    #[wasm_bindgen(skip_typescript)]
    pub fn attach(&self, url: &JsValue, awaited: &JsValue) -> JsValue {
        match self.driver.check_live() {
            Ok(()) => fetch::attach(&self.driver, url, awaited),
            Err(_) => JsValue::UNDEFINED,
        }
    }

    /// For the class in front: the same when it is there, one promise for all who wait.
    #[wasm_bindgen(skip_typescript)]
    pub fn due(&self) -> Promise {
        fetch::due(&self.driver)
    }

    /// For the class in front: what becomes of a request that left so and was answered 401.
    #[wasm_bindgen(skip_typescript)]
    pub fn refused(&self, response: JsValue, input: &JsValue, init: &JsValue, ticket: &JsValue) -> Promise {
        match fetch::refused(&self.driver, response, input, init, ticket) {
            Ok(answer) => Promise::resolve(&answer),
            Err(thrown) => Promise::reject(&thrown),
        }
    }

    /// For the class in front: the app's own `fetch`, if it gave one.
    #[wasm_bindgen(getter, skip_typescript)]
    pub fn wrapped(&self) -> JsValue {
        self.driver.settings.fetch.clone().map_or(JsValue::UNDEFINED, JsValue::from)
    }

    /// Contract: `snapshot`.
    #[wasm_bindgen(getter)]
    pub fn snapshot(&self) -> JsValue {
        self.driver.snapshot()
    }

    /// Contract: `accessToken`.
    #[wasm_bindgen(getter, js_name = accessToken, unchecked_return_type = "string | null")]
    pub fn access_token(&self) -> JsValue {
        js::text(self.driver.access_token().as_ref().map(Secret::expose))
    }

    /// Contract: `user`.
    #[wasm_bindgen(getter)]
    pub fn user(&self) -> JsValue {
        js::peek(&self.driver.snapshot(), "user")
    }

    /// Contract: `getAccessToken({ signal, minValidity })`; `minValidity` in seconds.
    #[wasm_bindgen(js_name = getAccessToken, unchecked_return_type = "Promise<string | null>")]
    pub fn get_access_token(
        &self,
        #[wasm_bindgen(unchecked_optional_param_type = "{ signal?: AbortSignal; minValidity?: number }")]
        options: &JsValue,
    ) -> Promise {
        let min_validity_ms = match option(options, "minValidity") {
            Ok(absent) if absent.is_undefined() => None,
            Ok(value) => match value.as_f64().filter(|seconds| *seconds >= 0.0) {
                Some(seconds) => Some((seconds * 1000.0) as i64),
                None => {
                    return self.refuse(mistake("minValidity must be a number of seconds, not negative."));
                }
            },
            Err(thrown) => return self.refuse(thrown),
        };
        // Without a session there is no token.
        self.demand(options, Want::Token { min_validity_ms }, |driver, _| {
            js::text(driver.access_token().as_ref().map(Secret::expose))
        })
    }

    /// Contract: `refreshAccessTokenIfNeeded()`.
    #[wasm_bindgen(js_name = refreshAccessTokenIfNeeded, unchecked_return_type = "Promise<boolean>")]
    pub fn refresh_access_token_if_needed(
        &self,
        #[wasm_bindgen(unchecked_optional_param_type = "{ signal?: AbortSignal }")] options: &JsValue,
    ) -> Promise {
        self.demand(options, Want::IfNeeded, |_, outcome| matches!(outcome, Outcome::Refreshed(true)).into())
    }

    /// Contract: `refresh()`.
    pub fn refresh(
        &self,
        #[wasm_bindgen(unchecked_optional_param_type = "{ signal?: AbortSignal }")] options: &JsValue,
    ) -> Promise {
        self.demand(options, Want::Refresh, |driver, _| driver.snapshot())
    }

    /// Contract: `resync()`.
    pub fn resync(
        &self,
        #[wasm_bindgen(unchecked_optional_param_type = "{ signal?: AbortSignal }")] options: &JsValue,
    ) -> Promise {
        self.demand(options, Want::Refresh, |driver, _| js::peek(&driver.snapshot(), "user"))
    }

    /// Contract: `setTokens(response)`.
    #[wasm_bindgen(js_name = setTokens)]
    pub fn set_tokens(&self, response: &JsValue) -> Promise {
        let default = Fields::default();
        let (fields, mode) = match &self.driver.settings.source {
            Source::Route(route) => (&route.fields, route.mode),
            Source::Function(_) => (&default, Mode::Token),
        };
        if mode == Mode::Cookie {
            return self.refuse(mistake("In cookie mode there are no tokens to take: use setUser()."));
        }
        let grant = JsJson::of(response).and_then(|json| answer::grant(&json, fields, Mode::Token).ok());
        if self.driver.settings.dpop && grant.as_ref().is_some_and(|grant| !dpop::is_bound(grant)) {
            return self.refuse(mistake(NOT_BOUND));
        }
        self.sign_in(grant, NO_TOKEN)
    }

    /// Contract: `setUser(user)`.
    #[wasm_bindgen(js_name = setUser)]
    pub fn set_user(&self, user: &JsValue) -> Promise {
        if self.driver.settings.config.cookie_interval_ms.is_none() {
            return self.refuse(mistake("setUser() is for cookie mode: use setTokens()."));
        }
        let user = JsJson::of(user).filter(|json| !json.is_null()).map(|json| json.text());
        let grant = user.map(|user| Grant { user: Some(user), ..Grant::default() });
        self.sign_in(grant, "setUser() needs user data that JSON can hold.")
    }

    /// Contract: `startSignIn({ state, params })`.
    #[wasm_bindgen(js_name = startSignIn, unchecked_return_type = "Promise<string>")]
    pub fn start_sign_in(
        &self,
        #[wasm_bindgen(
            unchecked_optional_param_type = "{ state?: unknown; params?: Record<string, string> }"
        )]
        options: &JsValue,
    ) -> Promise {
        let options = options.clone();
        self.live(|driver| task::promise(sign_in::start(driver, options)))
    }

    /// Contract: `finishSignIn(url)`.
    #[wasm_bindgen(js_name = finishSignIn)]
    pub fn finish_sign_in(
        &self,
        #[wasm_bindgen(unchecked_optional_param_type = "string | URL")] url: &JsValue,
    ) -> Promise {
        self.live(|driver| sign_in::finish(driver, url))
    }

    /// Contract: `signOut({ revoke, force })`.
    #[wasm_bindgen(js_name = signOut, unchecked_return_type = "Promise<void>")]
    pub fn sign_out(
        &self,
        #[wasm_bindgen(unchecked_optional_param_type = "{ revoke?: boolean; force?: boolean }")]
        options: &JsValue,
    ) -> Promise {
        let options = options.clone();
        self.live(|driver| task::promise(sign_out(driver, options)))
    }

    /// Contract: `subscribe(listener)`.
    #[wasm_bindgen(unchecked_return_type = "() => void")]
    pub fn subscribe(
        &self,
        #[wasm_bindgen(unchecked_param_type = "() => void")] listener: &JsValue,
    ) -> Result<JsValue, JsValue> {
        self.add("", listener)
    }

    /// Contract: `on(type, listener)`.
    #[wasm_bindgen(unchecked_return_type = "() => void")]
    pub fn on(
        &self,
        #[wasm_bindgen(unchecked_param_type = "string")] kind: &JsValue,
        #[wasm_bindgen(unchecked_param_type = "(event: any) => void")] listener: &JsValue,
    ) -> Result<JsValue, JsValue> {
        const KINDS: &[&str] = &["change", "refreshed", "refresh-failed", "signed-out", "step-up", "storage"];
        let kind = kind.as_string().unwrap_or_default();
        if !KINDS.contains(&kind.as_str()) {
            return Err(mistake(
                "on() knows change, refreshed, refresh-failed, signed-out, step-up and storage.",
            ));
        }
        self.add(&kind, listener)
    }

    /// Contract: `explain()`.
    pub fn explain(&self) -> JsValue {
        snapshot::decisions(&self.driver.decisions())
    }

    /// Contract: `dispose()`.
    pub fn dispose(&self) {
        self.driver.dispose();
    }

    fn add(&self, kind: &str, listener: &JsValue) -> Result<JsValue, JsValue> {
        let function =
            listener.dyn_ref::<Function>().ok_or_else(|| mistake("A listener must be a function."))?;
        Ok(Listeners::add(&self.driver, kind.into(), function.clone()))
    }

    fn live(&self, work: impl FnOnce(Rc<Driver>) -> Promise) -> Promise {
        match self.driver.check_live() {
            Ok(()) => work(self.driver.clone()),
            Err(disposed) => Promise::reject(&disposed),
        }
    }

    /// Asks the core, and makes of its outcome what JavaScript sees.
    fn demand(&self, options: &JsValue, want: Want, see: fn(&Rc<Driver>, &Outcome) -> JsValue) -> Promise {
        let signal = match self.driver.check_live().and_then(|()| option(options, "signal")) {
            Ok(signal) => signal,
            Err(error) => return Promise::reject(&error),
        };
        let demand = |waiter| Input::Demand { waiter, want };
        ask(&self.driver, &signal, demand, move |driver, outcome| {
            if let Outcome::Failed(failure) = &outcome {
                Err(driver.error(failure))
            } else {
                Ok(see(driver, &outcome))
            }
        })
    }

    fn sign_in(&self, grant: Option<Grant>, wrong: &'static str) -> Promise {
        if let Err(disposed) = self.driver.check_live() {
            return Promise::reject(&disposed);
        }
        let begun = grant.ok_or_else(|| mistake(wrong)).and_then(|grant| sign_in::begin(&self.driver, grant));
        match begun {
            Ok(snapshot) => Promise::resolve(&snapshot),
            Err(error) => Promise::reject(&error),
        }
    }

    /// Rejects with that, or with what goes before every other mistake.
    fn refuse(&self, error: JsValue) -> Promise {
        Promise::reject(&self.driver.check_live().err().unwrap_or(error))
    }
}

/// Contract: `decodeJwt(token)`.
#[wasm_bindgen(js_name = decodeJwt)]
pub fn decode_jwt(token: &JsValue) -> JsValue {
    let payload = token.as_string().and_then(|token| jwt::payload(&token));
    let claims = payload.map_or(JsValue::NULL, |payload| json::value(&payload));
    let is_claims = claims.is_object() && !js_sys::Array::is_array(&claims);
    if is_claims { snapshot::frozen(claims) } else { JsValue::NULL }
}

const NOT_BOUND: &str =
    "This session has dpop: setTokens() needs tokens that are bound to its key, of token_type DPoP.";
const NO_TOKEN: &str = "setTokens() needs the login's answer as an object, with an access_token or what refresh.fields calls it.";

/// A member of a call's options, which may be missing altogether.
fn option(options: &JsValue, name: &str) -> Result<JsValue, JsValue> {
    if options.is_object() { js::get(options, name) } else { Ok(JsValue::UNDEFINED) }
}

async fn sign_out(driver: Rc<Driver>, options: JsValue) -> Result<JsValue, JsValue> {
    let wants = |name| Ok::<_, JsValue>(option(&options, name)?.as_bool().unwrap_or(true));
    let (revoke, force) = (wants("revoke")?, wants("force")?);
    let (refresh, access) = (driver.refresh_token(), driver.access_token());
    let cookie = driver.settings.config.cookie_interval_ms.is_some();
    let to_revoke = revoke && (cookie || refresh.is_some() || access.is_some());
    // Signed out here and now, whatever the network does, unless it must: the rest is courtesy.
    let mut telling = if to_revoke && !force { None } else { Some(leave(&driver)) };
    if to_revoke {
        let asked = revoke::revoke(&driver, refresh, access);
        let revoked = match asked {
            Some(asked) => revoke::revoked(asked.await),
            None => Ok(()),
        };
        if telling.is_none() {
            revoked.map_err(|failure| error(&failure))?;
            telling = Some(leave(&driver));
        }
    }
    let _ = js::settled(telling.unwrap_or_default()).await;
    Ok(JsValue::UNDEFINED)
}

/// Signs out at once; the value settles when the other tabs can know.
fn leave(driver: &Rc<Driver>) -> JsValue {
    driver.feed(Input::SignOut);
    driver.farewell().map_or(JsValue::UNDEFINED, JsValue::from)
}
