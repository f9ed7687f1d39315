//! An app's options, read through getters that may be anything, and what is wrong with them, named.

use std::rc::Rc;

use js_sys::{Array, Function, Object};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::Url;

use super::errors::mistake;
use super::refresher::Source;
use super::storage::Place;
use super::{channel, js, sign_in, vault};
use crate::proto::allow::Rule;
use crate::proto::config::{Config, Coordination};
use crate::proto::route::{Body, ClientAuth, Credentials, Mode, Route, Terminal};
use crate::proto::secret::Secret;
use crate::proto::sign_in::SignInRoute;
use crate::proto::token::Leeway;
use crate::proto::unauthorized::RetryOn;

/// Options, understood.
pub struct Settings {
    /// The session's name.
    pub name: String,
    /// What the core decides by.
    pub config: Config,
    /// Where new tokens come from.
    pub source: Source,
    /// Where the token may go.
    pub allow: Vec<Rule>,
    /// Authorization scheme.
    pub scheme: String,
    /// Where state lives.
    pub place: Place,
    /// The app's `fetch`; `None`: the platform's, looked up at each call.
    pub fetch: Option<Function>,
    /// Where to revoke.
    pub revoke: Option<Revoke>,
    /// Where to sign in.
    pub sign_in: Option<SignInRoute>,
}

/// Where and how to revoke (RFC 7009), or to tell the app's own route of a sign-out.
#[derive(Clone, PartialEq)]
pub struct Revoke {
    /// Absolute.
    pub url: String,
    /// How the body is written.
    pub body: Body,
    /// Whether cookies go with it.
    pub credentials: Credentials,
    /// The refresh token's name where it is not RFC 7009's `token`.
    pub token_param: Option<String>,
}

impl Settings {
    /// Whether these are the options of the session of that name already, as far as can be told: of two
    /// functions or storages nobody can say whether they do the same, and the first one stays.
    pub fn same_as(&self, other: &Self) -> bool {
        let source = match (&self.source, &other.source) {
            (Source::Route(a), Source::Route(b)) => a == b,
            (Source::Function(_), Source::Function(_)) => true,
            (Source::Route(_), Source::Function(_)) | (Source::Function(_), Source::Route(_)) => false,
        };
        let place = match (&self.place, &other.place) {
            (Place::Own(_), Place::Own(_)) => true,
            (a, b) => a == b,
        };
        source
            && place
            && self.config == other.config
            && self.allow == other.allow
            && self.scheme == other.scheme
            && self.revoke == other.revoke
            && self.sign_in == other.sign_in
    }

    /// Reads options. The error names the first mistake.
    pub fn read(options: &JsValue) -> Result<Rc<Self>, JsValue> {
        if !options.is_object() {
            return Err(mistake("AuthSession needs an options object: new AuthSession({ refresh: … })."));
        }
        let source = source(&member(options, "refresh")?)?;
        let place = place(&member(options, "storage")?)?;
        let route = match &source {
            Source::Route(route) => Some(route),
            Source::Function(_) => None,
        };
        let cookie = route.filter(|route| route.mode == Mode::Cookie);
        let cookies = cookie.is_some();
        let config = Config {
            leeway: leeway(&member(options, "leeway")?)?,
            retry_on: choice(
                &member(options, "retryOn")?,
                &[("any", RetryOn::Any), ("invalid_token", RetryOn::InvalidToken), ("never", RetryOn::Never)],
                "retryOn must be \"any\", \"invalid_token\" or \"never\".",
            )?
            .unwrap_or_default(),
            auto_refresh: flag(&member(options, "autoRefresh")?, "autoRefresh must be true or false.")?
                .unwrap_or(true),
            timeout_ms: route.map_or(Config::default().timeout_ms, |route| route.timeout_ms),
            presents_nothing: route.is_none_or(Route::presents_nothing),
            cookie_interval_ms: cookie.map(|route| route.interval_ms),
            coordination: coordination(
                flag(&member(options, "crossTab")?, "crossTab must be true or false.")?.unwrap_or(true),
                &place,
            ),
        };
        let fetch = member(options, "fetch")?;
        let fetch = match fetch.is_undefined() || fetch.is_null() {
            true => None,
            false => Some(fetch.dyn_into::<Function>().map_err(|_| mistake("fetch must be a function."))?),
        };
        Ok(Rc::new(Self {
            name: string(&member(options, "name")?, "name must be a string that is not empty.")?
                .unwrap_or_else(|| "default".into()),
            config,
            sign_in: sign_in::read(&member(options, "signIn")?, &source)?,
            source,
            allow: allow(&member(options, "allow")?)?,
            scheme: scheme(&member(options, "scheme")?)?,
            place,
            fetch,
            revoke: revoke(&member(options, "revoke")?, cookies)?,
        }))
    }
}

/// A member of an object of the app's. What its getter throws is the app's own error to see.
fn member(options: &JsValue, name: &str) -> Result<JsValue, JsValue> {
    js::get(options, name)
}

pub(super) fn absent(value: &JsValue) -> bool {
    value.is_undefined() || value.is_null()
}

pub(super) fn string(value: &JsValue, wrong: &'static str) -> Result<Option<String>, JsValue> {
    match value.as_string().filter(|text| !text.is_empty()) {
        Some(text) => Ok(Some(text)),
        None if absent(value) => Ok(None),
        None => Err(mistake(wrong)),
    }
}

fn flag(value: &JsValue, wrong: &'static str) -> Result<Option<bool>, JsValue> {
    match value.as_bool() {
        None if !absent(value) => Err(mistake(wrong)),
        flag => Ok(flag),
    }
}

fn choice<T: Clone>(value: &JsValue, among: &[(&str, T)], wrong: &'static str) -> Result<Option<T>, JsValue> {
    if absent(value) {
        return Ok(None);
    }
    let text = value.as_string();
    let found = among.iter().find(|(name, _)| text.as_deref() == Some(name));
    found.map(|(_, chosen)| Some(chosen.clone())).ok_or_else(|| mistake(wrong))
}

/// A positive number of seconds, as ms.
fn seconds(value: &JsValue, wrong: &'static str) -> Result<Option<i64>, JsValue> {
    match value.as_f64() {
        Some(seconds) if seconds >= 0.0 && seconds.is_finite() => Ok(Some((seconds * 1000.0) as i64)),
        None if absent(value) => Ok(None),
        Some(_) | None => Err(mistake(wrong)),
    }
}

/// A URL of the app's, absolute; relative ones are relative to the page.
pub(super) fn url(value: &JsValue, wrong: &'static str) -> Result<Url, JsValue> {
    let text = match value.as_string() {
        Some(text) => Some(text),
        None => js::get(value, "href").ok().and_then(|href| href.as_string()),
    };
    let base = js::get(&js::global_value("document"), "baseURI")
        .or_else(|_| js::get(&js::global_value("location"), "href"))
        .ok()
        .and_then(|base| base.as_string());
    let parsed = match (text.filter(|text| !text.is_empty()), base) {
        (Some(text), Some(base)) => Url::new_with_base(&text, &base),
        (Some(text), None) => Url::new(&text),
        (None, _) => return Err(mistake(wrong)),
    };
    parsed
        .ok()
        .filter(|url| matches!(url.protocol().as_str(), "https:" | "http:"))
        .ok_or_else(|| mistake(wrong))
}

const REFRESH: &str = "refresh must be a URL, a route { url, … } or a function; relative URLs need a page.";

fn source(value: &JsValue) -> Result<Source, JsValue> {
    if let Some(function) = value.dyn_ref::<Function>() {
        return Ok(Source::Function(function.clone()));
    }
    if value.is_string() || value.is_instance_of::<Url>() {
        return Ok(Source::Route(Route::new(url(value, REFRESH)?.href())));
    }
    if !value.is_object() {
        return Err(mistake(REFRESH));
    }
    route(value).map(Source::Route)
}

fn route(value: &JsValue) -> Result<Route, JsValue> {
    let at = |name: &str| member(value, name);
    let url = url(&at("url")?, "refresh.url must be an http(s) URL; relative URLs need a page.")?.href();
    let mode = choice(
        &at("mode")?,
        &[("token", Mode::Token), ("cookie", Mode::Cookie)],
        "refresh.mode must be \"token\" or \"cookie\".",
    )?;
    let mut route = match mode {
        Some(Mode::Cookie) => Route::cookie(url),
        Some(Mode::Token) | None => Route::new(url),
    };
    if let Some(body) = body(&at("body")?, "refresh.body must be \"form\", \"json\" or \"none\".")? {
        route.body = body;
    }
    route.client_id = string(&at("clientId")?, "refresh.clientId must be a string that is not empty.")?;
    route.client_secret =
        string(&at("clientSecret")?, "refresh.clientSecret must be a string that is not empty.")?
            .map(Secret::new);
    let auth = [("none", ClientAuth::None), ("basic", ClientAuth::Basic), ("post", ClientAuth::Post)];
    let wrong = "refresh.clientAuth must be \"none\", \"basic\" or \"post\".";
    route.client_auth = choice(&at("clientAuth")?, &auth, wrong)?.unwrap_or(ClientAuth::None);
    if route.client_auth != ClientAuth::None && route.client_id.is_none() {
        return Err(mistake("refresh.clientAuth needs refresh.clientId."));
    }
    route.scope = string(&at("scope")?, "refresh.scope must be a string that is not empty.")?;
    route.params = texts(&at("params")?, "refresh.params must be an object of strings.")?;
    route.headers = texts(&at("headers")?, "refresh.headers must be an object of strings.")?;
    let wrong = "refresh.credentials must be \"omit\", \"same-origin\" or \"include\".";
    if let Some(credentials) = credentials(&at("credentials")?, wrong)? {
        route.credentials = credentials;
    }
    fields(&mut route, &at("fields")?)?;
    if let Some(ms) = seconds(&at("interval")?, "refresh.interval must be a positive number of seconds.")? {
        route.interval_ms = ms.max(1000);
    }
    route.terminal = terminal(&at("terminal")?)?;
    match at("timeout")? {
        timeout if absent(&timeout) => {}
        timeout => match timeout.as_f64().filter(|ms| *ms > 0.0 && ms.is_finite()) {
            Some(ms) => route.timeout_ms = ms.clamp(1.0, 600_000.0) as i64,
            None => return Err(mistake("refresh.timeout must be a positive number of milliseconds.")),
        },
    }
    Ok(route)
}

fn body(value: &JsValue, wrong: &'static str) -> Result<Option<Body>, JsValue> {
    choice(value, &[("form", Body::Form), ("json", Body::Json), ("none", Body::None)], wrong)
}

fn credentials(value: &JsValue, wrong: &'static str) -> Result<Option<Credentials>, JsValue> {
    let among = [
        ("omit", Credentials::Omit),
        ("same-origin", Credentials::SameOrigin),
        ("include", Credentials::Include),
    ];
    choice(value, &among, wrong)
}

pub(super) fn texts(value: &JsValue, wrong: &'static str) -> Result<Vec<(String, Secret)>, JsValue> {
    if absent(value) {
        return Ok(Vec::new());
    }
    let object = value.dyn_ref::<Object>().ok_or_else(|| mistake(wrong))?;
    let entry = |entry: JsValue| {
        let entry = Array::from(&entry);
        let (name, value) = (entry.get(0).as_string(), entry.get(1).as_string());
        name.zip(value).map(|(name, value)| (name, Secret::new(value))).ok_or_else(|| mistake(wrong))
    };
    Object::entries(object).iter().map(entry).collect()
}

fn fields(route: &mut Route, value: &JsValue) -> Result<(), JsValue> {
    if absent(value) {
        return Ok(());
    }
    let wrong = "refresh.fields must be an object of names; answers may have lists of names.";
    if !value.is_object() {
        return Err(mistake(wrong));
    }
    let names = |name: &str| -> Result<Vec<String>, JsValue> {
        let value = member(value, name)?;
        let list = match Array::is_array(&value) {
            true => Array::from(&value).to_vec(),
            false if absent(&value) => Vec::new(),
            false => vec![value],
        };
        list.iter().map(|name| name.as_string().ok_or_else(|| mistake(wrong))).collect()
    };
    route.fields.refresh_token_param = string(&member(value, "refreshTokenParam")?, wrong)?;
    route.fields.access_token = names("accessToken")?;
    route.fields.refresh_token = names("refreshToken")?;
    route.fields.expires_in = names("expiresIn")?;
    route.fields.user = names("user")?;
    Ok(())
}

fn terminal(value: &JsValue) -> Result<Option<Vec<Terminal>>, JsValue> {
    let wrong = || mistake("refresh.terminal must be a list of error codes and HTTP statuses.");
    if absent(value) {
        return Ok(None);
    }
    if !Array::is_array(value) {
        return Err(wrong());
    }
    let one = |value: JsValue| match (value.as_string(), value.as_f64()) {
        (Some(code), _) => Ok(Terminal::Code(code)),
        (None, Some(status)) if (100.0..600.0).contains(&status) => Ok(Terminal::Status(status as u16)),
        (None, _) => Err(wrong()),
    };
    Array::from(value).iter().map(one).collect::<Result<_, _>>().map(Some)
}

fn leeway(value: &JsValue) -> Result<Leeway, JsValue> {
    let wrong = "leeway must be a number of seconds or { seconds, fraction }, neither negative.";
    let mut leeway = Leeway::default();
    if value.is_object() {
        if let Some(ms) = seconds(&member(value, "seconds")?, wrong)? {
            leeway.seconds_ms = ms;
        }
        // Thousandths, read as seconds are.
        if let Some(permille) = seconds(&member(value, "fraction")?, wrong)? {
            leeway.fraction_permille = permille;
        }
    } else if let Some(ms) = seconds(value, wrong)? {
        leeway.seconds_ms = ms;
    }
    Ok(leeway)
}

fn place(value: &JsValue) -> Result<Place, JsValue> {
    let wrong = "storage must be \"session\", \"local\", \"memory\" or have getItem, setItem and removeItem.";
    if value.is_object() {
        for method in ["getItem", "setItem", "removeItem"] {
            if !member(value, method)?.is_function() {
                return Err(mistake(wrong));
            }
        }
        return Ok(Place::Own(value.clone()));
    }
    let among = [("session", Place::Session), ("local", Place::Local), ("memory", Place::Memory)];
    Ok(choice(value, &among, wrong)?.unwrap_or(Place::Session))
}

fn coordination(wanted: bool, place: &Place) -> Coordination {
    if !wanted || *place == Place::Memory {
        Coordination::Alone
    } else if vault::available() && channel::available() {
        Coordination::Vault
    } else if channel::available() {
        Coordination::Channel
    } else {
        Coordination::Alone
    }
}

fn allow(value: &JsValue) -> Result<Vec<Rule>, JsValue> {
    let wrong = "allow must be a list of http(s) origins, each with a path prefix or without.";
    if absent(value) {
        let origin = js::get(&js::global_value("location"), "origin").ok().and_then(|o| o.as_string());
        return Ok(origin.into_iter().map(|origin| Rule { origin, path: "/".into() }).collect());
    }
    if !Array::is_array(value) {
        return Err(mistake(wrong));
    }
    let one = |entry: JsValue| {
        let url = url(&entry, wrong)?;
        // What can't be matched must not look as if it were.
        let odd = !url.search().is_empty() || !url.hash().is_empty() || !url.username().is_empty();
        if odd { Err(mistake(wrong)) } else { Ok(Rule { origin: url.origin(), path: url.pathname() }) }
    };
    Array::from(value).iter().map(one).collect()
}

fn scheme(value: &JsValue) -> Result<String, JsValue> {
    let wrong = "scheme must be an authorization scheme, as \"Bearer\" or \"JWT\".";
    let scheme = string(value, wrong)?.unwrap_or_else(|| "Bearer".into());
    // RFC 9110 §5.6.2: a token.
    let fits = scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b));
    if fits { Ok(scheme) } else { Err(mistake(wrong)) }
}

fn revoke(value: &JsValue, cookies: bool) -> Result<Option<Revoke>, JsValue> {
    let wrong = "revoke must be a URL or { url, body, credentials, tokenParam }.";
    if absent(value) {
        return Ok(None);
    }
    // Where a cookie is the session, it is what the route must see.
    let mut revoke = Revoke {
        url: String::new(),
        body: if cookies { Body::None } else { Body::Form },
        credentials: if cookies { Credentials::Include } else { Credentials::SameOrigin },
        token_param: None,
    };
    if value.is_string() || value.is_instance_of::<Url>() {
        revoke.url = url(value, wrong)?.href();
        return Ok(Some(revoke));
    }
    if !value.is_object() {
        return Err(mistake(wrong));
    }
    revoke.url = url(&member(value, "url")?, wrong)?.href();
    revoke.body = body(&member(value, "body")?, wrong)?.unwrap_or(revoke.body);
    revoke.credentials = credentials(&member(value, "credentials")?, wrong)?.unwrap_or(revoke.credentials);
    revoke.token_param = string(&member(value, "tokenParam")?, wrong)?;
    Ok(Some(revoke))
}
