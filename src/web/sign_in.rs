//! Authorization Code with PKCE in a browser: randomness, the place that outlives the redirect,
//! discovery, the address bar.

use std::cell::RefCell;
use std::mem::ManuallyDrop;
use std::rc::Rc;

use js_sys::{Array, JSON, Map, Promise};
use sha2::{Digest, Sha256};
use wasm_bindgen::JsValue;

use super::driver::{self, Driver};
use super::errors::{error, mistake};
use super::json::JsJson;
use super::keypair::Key;
use super::reader::{Reader, absent};
use super::refresher::{Source, plain_route, send};
use super::storage::Place;
use super::timer::{before, deadline};
use super::{clock, dpop, js, json, seal, task};
use crate::proto::answer::Grant;
use crate::proto::base64;
use crate::proto::error::{Code, Failure};
use crate::proto::io::Input;
use crate::proto::route::{self, Body, Mode, Route};
use crate::proto::secret::Secret;
use crate::proto::sign_in::*;
use crate::proto::text::joined;
use crate::proto::token::settle_lifetime;

thread_local! {
    /// An issuer's metadata, asked for once a page; what failed is forgotten.
    static DISCOVERED: ManuallyDrop<Map> = ManuallyDrop::new(Map::new());
    /// The redirect being finished: pages that run an effect twice (React's StrictMode) join it.
    static FINISHING: ManuallyDrop<RefCell<Option<(String, Promise)>>> = const { ManuallyDrop::new(RefCell::new(None)) };
    /// What is kept where no storage keeps it: good for a sign-in that does not leave the page.
    static KEPT: ManuallyDrop<Map> = ManuallyDrop::new(Map::new());
}

const WRONG: &str = "signIn must be { issuer or endpoints, clientId, redirectUri, scope?, params? }.";
const ENDPOINT: &str = "signIn's issuer and endpoints must be https URLs, or http ones on localhost.";
const NOWHERE: &str = "signIn needs an issuer, or an authorizationEndpoint and a tokenEndpoint.";
const COOKIES: &str = "signIn is for tokens, and this refresh route has them in a cookie: use setUser().";
const NO_ROUTE: &str = "This session has no signIn option.";
const STATE: &str = "The state of startSignIn() must be data that JSON can hold.";
const PARAMS: &str = "params must be an object of strings.";
const ADDRESS: &str = "finishSignIn() needs the URL that the sign-in came back to.";
const NO_DICE: &str = "This platform has no crypto.getRandomValues.";
const NOT_KEPT: &str = "No storage keeps the sign-in under way; it must come back before the page is left.";
const UNDISCOVERED: &str = "The issuer's metadata could not be fetched, or did not come in time.";
const NOT_ITS_OWN: &str = "What is published under the issuer's address is not its own metadata, or names no endpoints that keep secrets.";

/// Reads the option.
#[inline(never)]
pub fn read(from: &Reader, value: &JsValue, source: &Source) -> Option<SignInRoute> {
    if absent(value) {
        return None;
    }
    if !value.is_object() {
        from.wrong(WRONG);
    }
    let at = from.of(value);
    let endpoint = |name: &str| {
        let value = at.value(name);
        if absent(&value) {
            return None;
        }
        let href = from.href(&value, ENDPOINT);
        if !is_confidential(&href) {
            from.wrong(ENDPOINT);
        }
        Some(href)
    };
    let issuer = endpoint("issuer");
    let mut token_endpoint = endpoint("tokenEndpoint");
    if let Source::Route(route) = source {
        if route.mode == Mode::Cookie {
            from.wrong(COOKIES);
        }
        // RFC 6749 §3.2: one endpoint for both.
        if token_endpoint.is_none() && issuer.is_none() && route.body == Body::Form {
            token_endpoint = Some(route.url.clone());
        }
    }
    let redirect_uri = at.value("redirectUri");
    let (mut client_id, mut scope, mut params) = (None, None, Vec::new());
    at.string("clientId", WRONG, &mut client_id);
    if client_id.is_none() {
        from.wrong(WRONG);
    }
    let authorization_endpoint = endpoint("authorizationEndpoint");
    // To the letter, as it is registered: the platform would add a slash to a bare origin.
    let redirect_uri = match redirect_uri.as_string() {
        Some(text) if js::construct("URL", &[&redirect_uri]).is_ok() => text,
        _ => from.href(&redirect_uri, WRONG),
    };
    at.string("scope", WRONG, &mut scope);
    at.texts("params", WRONG, &mut params);
    let route = SignInRoute {
        issuer,
        authorization_endpoint,
        token_endpoint,
        client_id: client_id.unwrap_or_default(),
        redirect_uri,
        scope: scope.unwrap_or_else(|| DEFAULT_SCOPE.into()),
        params,
    };
    if route.issuer.is_none() && route.endpoints().is_none() {
        from.wrong(NOWHERE);
    }
    Some(route)
}

/// Contract: `startSignIn({ state, params })`.
pub async fn start(driver: Rc<Driver>, options: JsValue) -> Result<JsValue, JsValue> {
    let route = route(&driver)?;
    let (app_state, params) = given(&options)?;
    let endpoints = endpoints(&driver, route).await?;
    // RFC 9449 §10: who steals the code can't use it.
    let key = if driver.settings.dpop { Some(dpop::key(&driver).await?) } else { None };
    let (address, pending) = departure(route, endpoints, key, app_state, &params)?;
    forget(&driver).await;
    keep(&driver, pending).await;
    Ok(address)
}

type Params = Vec<(String, Secret)>;

/// The options: the app's state as JSON, and further parameters.
fn given(options: &JsValue) -> Result<(Option<String>, Params), JsValue> {
    let from = Reader::default();
    let app_state = from.at(options, "state");
    let mut params = Params::new();
    from.of(options).texts("params", PARAMS, &mut params);
    let params = from.check(params)?;
    if app_state.is_undefined() {
        return Ok((None, params));
    }
    let text = JSON::stringify(&app_state).ok().and_then(|text| text.as_string());
    Ok((Some(text.ok_or_else(|| mistake(STATE))?), params))
}

/// The address to go to, and what is to be kept until the redirect comes.
fn departure(
    route: &SignInRoute,
    endpoints: Endpoints,
    key: Option<Rc<Key>>,
    app_state: Option<String>,
    params: &[(String, Secret)],
) -> Result<(JsValue, JsValue), JsValue> {
    let names = seal::random_name(16).zip(seal::random_name(32));
    let (state, verifier) = names.ok_or_else(|| mistake(NO_DICE))?;
    // RFC 7636 §4.2.
    let challenge = base64::encode_url(&Sha256::digest(&verifier));
    let address = js::construct("URL", &[&endpoints.authorization.into()])?;
    let query = js::get(&address, "searchParams")?;
    let set = |name: &str, value: &str| js::call(&query, "set", &[&name.into(), &value.into()]);
    for (name, value) in authorization(route, &state, &challenge, params) {
        set(name, value)?;
    }
    if let Some(key) = key.filter(|key| key.is_kept) {
        set("dpop_jkt", &base64::encode_url(&Sha256::digest(&key.jwk)))?;
    }
    let pending = Pending {
        state: Secret::new(state),
        verifier: Secret::new(verifier),
        app_state,
        redirect_uri: route.redirect_uri.clone(),
        made_at_ms: clock::reading().wall_ms,
    };
    Ok((js::get(&address, "href")?, pending.write::<JsJson>().into()))
}

/// Contract: `finishSignIn(url)`.
pub fn finish(driver: Rc<Driver>, url: &JsValue) -> Promise {
    let address = match address(url) {
        Ok(address) => address,
        Err(wrong) => return Promise::reject(&wrong),
    };
    let which = joined(&[&key(&driver), " ", &js::text_at(&address, "href")]);
    let joined = FINISHING.with(|cell| cell.borrow().clone()).filter(|finishing| finishing.0 == which);
    if let Some((_, promise)) = joined {
        return promise;
    }
    let promise = task::promise(async move {
        // A moment, so that this is on record before it can fail.
        let _ = js::settled(JsValue::UNDEFINED).await;
        let finished = finish_once(&driver, &address).await;
        FINISHING.with(|cell| cell.take());
        finished
    });
    FINISHING.with(|cell| cell.replace(Some((which, promise.clone()))));
    promise
}

async fn finish_once(driver: &Rc<Driver>, address: &JsValue) -> Result<JsValue, JsValue> {
    let route = route(driver)?;
    let wrong = |message| Err(error(&Failure::new(Code::InvalidState, message)));
    let Some(redirect) = Redirect::read(&redirect_params(address)?) else { return wrong(NO_REDIRECT) };
    let text = at_places(driver, "getItem", &JsValue::UNDEFINED, JsValue::is_string).await;
    let Some(pending) = kept(driver, text).filter(|pending| redirect.answers(pending)) else {
        clean(address);
        return wrong(WRONG_STATE);
    };
    let endpoints = match redirect.is_error() {
        true => None,
        // Where this fails, the redirect stays good for another try.
        false => Some(endpoints(driver, route).await?),
    };
    forget(driver).await;
    clean(address);
    let names_issuer = endpoints.as_ref().is_some_and(|endpoints| endpoints.names_issuer);
    let code = redirect.code(&pending, route.issuer.as_deref(), names_issuer);
    let code = code.map_err(|failure| error(&failure))?;
    let to = token_route(driver, route, endpoints.map(|endpoints| endpoints.token).unwrap_or_default());
    let request = route::post::<JsJson>(&to, pending.token_request(&code));
    let deadline = deadline(driver.settings.config.timeout_ms);
    let meaning = send(driver, &to, &request, &[&code, &pending.verifier], Some(&deadline)).await;
    let grant = granted(meaning).map_err(|failure| {
        let error = error(&failure);
        // Not the same call: the code is used up.
        js::set(&error, "retryable", &JsValue::FALSE);
        error
    })?;
    driver.check_live()?;
    let snapshot = begin(driver, grant)?;
    let state = pending.app_state.as_deref().map_or(JsValue::UNDEFINED, json::value);
    Ok(js::object(&[("snapshot", snapshot), ("state", state)]))
}

fn redirect_params(address: &JsValue) -> Result<Vec<(String, String)>, JsValue> {
    let mut params = Vec::new();
    for param in Array::from(&js::get(address, "searchParams")?) {
        let param = Array::from(&param);
        if let (Some(name), Some(value)) = (param.get(0).as_string(), param.get(1).as_string()) {
            params.push((name, value));
        }
    }
    Ok(params)
}

/// Begins a session with what a login gave.
pub fn begin(driver: &Rc<Driver>, mut grant: Grant) -> Result<JsValue, JsValue> {
    settle_lifetime::<JsJson>(&mut grant, clock::reading().wall_ms);
    let (id, key) = driver::identity().ok_or_else(|| mistake(NO_DICE))?;
    driver.feed(Input::SignIn { grant, id, key });
    Ok(driver.snapshot())
}

fn route(driver: &Driver) -> Result<&SignInRoute, JsValue> {
    driver.settings.sign_in.as_ref().ok_or_else(|| mistake(NO_ROUTE))
}

/// The same client as at the refresh route authenticates by the same means.
fn token_route(driver: &Driver, route: &SignInRoute, url: String) -> Route {
    let mut to = plain_route(url);
    to.client_id = Some(route.client_id.clone());
    if let Source::Route(refresh) = &driver.settings.source
        && refresh.client_id == to.client_id
    {
        to.client_secret = refresh.client_secret.clone();
        to.client_auth = refresh.client_auth;
    }
    to
}

async fn endpoints(driver: &Rc<Driver>, route: &SignInRoute) -> Result<Endpoints, JsValue> {
    if let Some(endpoints) = route.endpoints() {
        return Ok(endpoints);
    }
    let issuer = js::text(route.issuer.as_deref());
    let mut promise = DISCOVERED.with(|all| all.get(&issuer));
    if promise.is_undefined() {
        promise = task::promise(discover(driver.clone())).into();
        DISCOVERED.with(|all| all.set(&issuer, &promise));
    }
    match js::settled(promise).await {
        Ok(text) => {
            let found = route.discovered::<JsJson>(&text.as_string().unwrap_or_default());
            found.ok_or_else(|| error(&Failure::new(Code::InvalidResponse, NOT_ITS_OWN)))
        }
        Err(failed) => {
            DISCOVERED.with(|all| all.delete(&issuer));
            Err(failed)
        }
    }
}

/// The text of the issuer's metadata.
async fn discover(driver: Rc<Driver>) -> Result<JsValue, JsValue> {
    let route = route(&driver)?;
    let mut failure = Failure::new(Code::RefreshUnavailable, UNDISCOVERED);
    let deadline = deadline(driver.settings.config.timeout_ms);
    for url in metadata_urls(route.issuer.as_deref().unwrap_or_default()) {
        if url.is_empty() {
            continue;
        }
        let Ok(text) = get(&driver, &url, &deadline).await else { continue };
        if route.discovered::<JsJson>(&text.as_string().unwrap_or_default()).is_some() {
            return Ok(text);
        }
        failure = Failure::new(Code::InvalidResponse, NOT_ITS_OWN);
    }
    Err(error(&failure))
}

async fn get(driver: &Driver, url: &str, deadline: &Promise) -> Result<JsValue, JsValue> {
    // As with all requests of ours: whoever the issuer's server points to is not the issuer.
    let init =
        json::value(r#"{"headers":{"Accept":"application/json"},"credentials":"omit","redirect":"manual"}"#);
    let response = js::settled(before(Some(deadline), driver.call_fetch(&url.into(), &init)?.into())).await?;
    let text = js::settled(before(Some(deadline), js::call(&response, "text", &[])?)).await?;
    // Nothing: the deadline has passed.
    if text.is_string() { Ok(text) } else { Err(text) }
}

/// The redirect's URL: the given one, or the page's own as it is now.
fn address(url: &JsValue) -> Result<JsValue, JsValue> {
    let own = own_href();
    let url = if absent(url) { &own } else { url };
    // One that is relative needs a page, another doesn't.
    let made = js::construct("URL", &[url]).or_else(|_| js::construct("URL", &[url, &own]));
    made.map_err(|_| mistake(ADDRESS))
}

fn own_href() -> JsValue {
    js::get(&js::page_value("location"), "href").unwrap_or(JsValue::UNDEFINED)
}

/// Removes what the redirect brought from the address bar, if it is there.
fn clean(address: &JsValue) {
    let clean = || {
        if js::get(address, "href")? != own_href() {
            return Ok(JsValue::UNDEFINED);
        }
        let params = js::get(address, "searchParams")?;
        for name in REDIRECT_PARAMS {
            js::call(&params, "delete", &[&(*name).into()])?;
        }
        let history = js::page_value("history");
        let state = js::get(&history, "state")?;
        js::call(&history, "replaceState", &[&state, &"".into(), &js::get(address, "href")?])
    };
    let _: Result<JsValue, JsValue> = clean();
}

/// Its own place beside the session's, in the tab's storage whatever the session's is: a redirect comes back to the
/// tab that it left from.
fn key(driver: &Driver) -> String {
    joined(&[driver.storage.key(), ":sign-in"])
}

/// The last one started counts.
async fn keep(driver: &Rc<Driver>, text: JsValue) {
    if at_places(driver, "setItem", &text, |_| true).await.is_none() {
        KEPT.with(|kept| kept.set(&key(driver).into(), &text));
        driver.feed(Input::StorageFailed(NOT_KEPT));
    }
}

/// What a place has, or this page.
fn kept(driver: &Driver, there: Option<JsValue>) -> Option<Pending> {
    let text = there.unwrap_or_else(|| KEPT.with(|kept| kept.get(&key(driver).into())));
    Pending::read::<JsJson>(&text.as_string()?, clock::reading().wall_ms)
}

async fn forget(driver: &Driver) {
    at_places(driver, "removeItem", &JsValue::UNDEFINED, |_| false).await;
    KEPT.with(|kept| kept.delete(&key(driver).into()));
}

/// Calls a method of one place after the other, till one gives what is enough.
async fn at_places(
    driver: &Driver,
    method: &str,
    text: &JsValue,
    enough: fn(&JsValue) -> bool,
) -> Option<JsValue> {
    let key = JsValue::from(key(driver));
    for place in places(driver) {
        let called = match text.is_undefined() {
            true => js::call_settled(&place, method, &[&key]),
            false => js::call_settled(&place, method, &[&key, text]),
        };
        if let Some(given) = called.await.ok().filter(enough) {
            return Some(given);
        }
    }
    None
}

fn places(driver: &Driver) -> Vec<JsValue> {
    let mut places = Vec::new();
    // Merely reading the property throws where the user has blocked storage.
    let session = js::peek(&js::page(), "sessionStorage");
    if session.is_object() {
        places.push(session);
    }
    if let Place::Own(storage) = &driver.settings.place {
        places.push(storage.clone());
    }
    places
}
