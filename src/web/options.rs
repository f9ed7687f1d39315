//! An app's options, read through getters that may be anything, and what is wrong with them, named.

use std::rc::Rc;

use js_sys::Function;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::Url;

use super::reader::{Choice, Members, Reader, absent};
use super::refresher::{Source, plain_route};
use super::storage::Place;
use super::{channel, js, seal, sign_in, vault};
use crate::proto::allow::Rule;
use crate::proto::config::{Config, Coordination};
use crate::proto::dpop::SCHEME;
use crate::proto::route::{Body, ClientAuth, Credentials, Fields, Mode, Route, Terminal};
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
    /// Whether requests go with proofs.
    pub dpop: bool,
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

const RETRY_ON: Choice<RetryOn> =
    (&["any", "invalid_token", "never"], &[RetryOn::Any, RetryOn::InvalidToken, RetryOn::Never]);
const MODES: Choice<Mode> = (&["token", "cookie"], &[Mode::Token, Mode::Cookie]);
const BODIES: Choice<Body> = (&["form", "json", "none"], &[Body::Form, Body::Json, Body::None]);
const CLIENT_AUTH: Choice<ClientAuth> =
    (&["none", "basic", "post"], &[ClientAuth::None, ClientAuth::Basic, ClientAuth::Post]);
const CREDENTIALS: Choice<Credentials> = (
    &["omit", "same-origin", "include"],
    &[Credentials::Omit, Credentials::SameOrigin, Credentials::Include],
);

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
            && self.dpop == other.dpop
            && self.revoke == other.revoke
            && self.sign_in == other.sign_in
    }

    /// Reads options. The error names the first mistake.
    pub fn read(options: &JsValue) -> Result<Rc<Self>, JsValue> {
        let from = Reader::default();
        if !options.is_object() {
            from.wrong("AuthSession needs an options object: new AuthSession({ refresh: … }).");
        }
        let at = from.of(options);
        let source = source(&from, &at.value("refresh"));
        let place = place(&from, at);
        let mut config = Config { presents_nothing: true, ..Config::default() };
        leeway(&from, &at.value("leeway"), &mut config.leeway);
        let wrong = "retryOn must be \"any\", \"invalid_token\" or \"never\".";
        at.choice("retryOn", RETRY_ON, wrong, &mut config.retry_on);
        at.flag("autoRefresh", "autoRefresh must be true or false.", &mut config.auto_refresh);
        let (mut cross_tab, mut dpop) = (true, false);
        at.flag("crossTab", "crossTab must be true or false.", &mut cross_tab);
        config.coordination = coordination(cross_tab, &place);
        if let Source::Route(route) = &source {
            config.timeout_ms = route.timeout_ms;
            config.presents_nothing = route.presents_nothing();
            config.cookie_interval_ms = (route.mode == Mode::Cookie).then_some(route.interval_ms);
        }
        let fetch = at.value("fetch");
        if !absent(&fetch) && !fetch.is_function() {
            from.wrong("fetch must be a function.");
        }
        let cookies = config.cookie_interval_ms.is_some();
        at.flag("dpop", "dpop must be true or false.", &mut dpop);
        let mut name = None;
        at.string("name", "name must be a string that is not empty.", &mut name);
        let settings = Self {
            name: name.unwrap_or_else(|| "default".into()),
            config,
            sign_in: sign_in::read(&from, &at.value("signIn"), &source),
            source,
            allow: allow(&from, &at.value("allow")),
            scheme: scheme(&from, at, dpop),
            place,
            fetch: fetch.dyn_into::<Function>().ok(),
            revoke: revoke(&from, &at.value("revoke"), cookies),
            dpop,
        };
        if dpop {
            check_dpop(&from, &settings);
        }
        from.check(Rc::new(settings))
    }
}

fn is_url(value: &JsValue) -> bool {
    value.is_string() || value.is_instance_of::<Url>()
}

#[inline(never)]
fn source(from: &Reader, value: &JsValue) -> Source {
    let wrong = "refresh must be a URL, a route { url, … } or a function.";
    if let Some(function) = value.dyn_ref::<Function>() {
        return Source::Function(function.clone());
    }
    if value.is_object() && !is_url(value) {
        return Source::Route(route(from, value));
    }
    if !value.is_object() && !value.is_string() {
        from.wrong(wrong);
    }
    Source::Route(plain_route(from.href(value, wrong)))
}

#[inline(never)]
fn route(from: &Reader, value: &JsValue) -> Route {
    let at = from.of(value);
    let url = from.href(
        &at.value("url"),
        "refresh.url must be an http(s) URL; a preset is spread into the options: { ...preset }.",
    );
    let mut mode = Mode::Token;
    at.choice("mode", MODES, "refresh.mode must be \"token\" or \"cookie\".", &mut mode);
    let mut route = if mode == Mode::Cookie { Route::cookie(url) } else { plain_route(url) };
    at.choice("body", BODIES, "refresh.body must be \"form\", \"json\" or \"none\".", &mut route.body);
    let wrong = "refresh.clientId must be a string that is not empty.";
    at.string("clientId", wrong, &mut route.client_id);
    let mut client_secret = None;
    let wrong = "refresh.clientSecret must be a string that is not empty.";
    at.string("clientSecret", wrong, &mut client_secret);
    route.client_secret = client_secret.map(Secret::new);
    let wrong = "refresh.clientAuth must be \"none\", \"basic\" or \"post\".";
    at.choice("clientAuth", CLIENT_AUTH, wrong, &mut route.client_auth);
    if route.client_auth != ClientAuth::None && route.client_id.is_none() {
        from.wrong("refresh.clientAuth needs refresh.clientId.");
    }
    at.string("scope", "refresh.scope must be a string that is not empty.", &mut route.scope);
    at.texts("params", "refresh.params must be an object of strings.", &mut route.params);
    let wrong = "refresh.headers must be an object of header names and values.";
    at.texts("headers", wrong, &mut route.headers);
    // What is none, `fetch` would refuse, each time.
    let is_value = |value: &Secret| !value.expose().bytes().any(|b| matches!(b, 0 | b'\r' | b'\n'));
    if !route.headers.iter().all(|(name, value)| is_token(name) && is_value(value)) {
        from.wrong(wrong);
    }
    let wrong = "refresh.credentials must be \"omit\", \"same-origin\" or \"include\".";
    at.choice("credentials", CREDENTIALS, wrong, &mut route.credentials);
    fields(from, &at.value("fields"), &mut route.fields);
    let wrong = "refresh.interval must be a positive number of seconds.";
    from.seconds(&at.value("interval"), wrong, &mut route.interval_ms);
    route.interval_ms = route.interval_ms.max(1000);
    route.terminal = terminal(from, &at.value("terminal"));
    let timeout = at.value("timeout");
    if !absent(&timeout) {
        match timeout.as_f64().filter(|ms| *ms > 0.0 && ms.is_finite()) {
            Some(ms) => route.timeout_ms = ms.clamp(1.0, 600_000.0) as i64,
            None => from.wrong("refresh.timeout must be a positive number of milliseconds."),
        }
    }
    route
}

#[inline(never)]
fn fields(from: &Reader, value: &JsValue, fields: &mut Fields) {
    let wrong = "refresh.fields must be an object of names; answers may have lists of names.";
    if absent(value) {
        return;
    }
    if !value.is_object() {
        from.wrong(wrong);
    }
    from.of(value).string("refreshTokenParam", wrong, &mut fields.refresh_token_param);
    let answers = [
        ("accessToken", &mut fields.access_token),
        ("refreshToken", &mut fields.refresh_token),
        ("expiresIn", &mut fields.expires_in),
        ("user", &mut fields.user),
    ];
    for (name, names) in answers {
        let value = from.at(value, name);
        let mut one = |name: JsValue| match name.as_string() {
            Some(name) => names.push(name),
            None => from.wrong(wrong),
        };
        match js::is_array(&value) {
            true => from.each(&value, one),
            false if absent(&value) => {}
            false => one(value),
        }
    }
}

#[inline(never)]
fn terminal(from: &Reader, value: &JsValue) -> Option<Vec<Terminal>> {
    let wrong = "refresh.terminal must be a list of error codes and HTTP statuses.";
    if absent(value) {
        return None;
    }
    let mut terminal = Vec::new();
    from.list(value, wrong, |value| match (value.as_string(), value.as_f64()) {
        (Some(code), _) => terminal.push(Terminal::Code(code)),
        (None, Some(status)) if (100.0..600.0).contains(&status) => {
            terminal.push(Terminal::Status(status as u16));
        }
        (None, _) => from.wrong(wrong),
    });
    Some(terminal)
}

#[inline(never)]
fn leeway(from: &Reader, value: &JsValue, leeway: &mut Leeway) {
    let wrong = "leeway must be a number of seconds or { seconds, fraction }, neither negative.";
    let seconds = if value.is_object() { &from.at(value, "seconds") } else { value };
    from.seconds(seconds, wrong, &mut leeway.seconds_ms);
    // Thousandths, read as seconds are.
    from.seconds(&from.at(value, "fraction"), wrong, &mut leeway.fraction_permille);
}

#[inline(never)]
fn place(from: &Reader, at: Members<'_>) -> Place {
    let wrong = "storage must be \"session\", \"local\", \"memory\" or have getItem, setItem and removeItem.";
    let value = at.value("storage");
    if value.is_object() {
        for method in ["getItem", "setItem", "removeItem"] {
            if !from.at(&value, method).is_function() {
                from.wrong(wrong);
            }
        }
        return Place::Own(value);
    }
    match value.as_string().as_deref() {
        Some("local") => return Place::Local,
        Some("memory") => return Place::Memory,
        Some("session") => {}
        Some(_) | None => from.unless_absent(&value, wrong),
    }
    Place::Session
}

fn coordination(wanted: bool, place: &Place) -> Coordination {
    if !wanted || *place == Place::Memory || !channel::available() {
        Coordination::Alone
    } else if vault::available() {
        Coordination::Vault
    } else {
        Coordination::Channel
    }
}

#[inline(never)]
fn allow(from: &Reader, value: &JsValue) -> Vec<Rule> {
    let wrong =
        "allow must be a list of http(s) origins without wildcards, each with a path prefix or without.";
    if absent(value) {
        let origin = js::string_at(&js::page_value("location"), "origin");
        return origin.into_iter().map(|origin| Rule { origin, path: "/".into() }).collect();
    }
    let mut rules = Vec::new();
    from.list(value, wrong, |entry| {
        let url = from.url(&entry, wrong);
        let part = |name: &str| js::text_at(&url, name);
        // What can't be matched must not look as if it were: `https://*.example.com` is a host of that very name, and
        // `api.example.com` a path of the page's.
        let named =
            entry.as_string().is_none_or(|text| text.starts_with('/') || text.as_bytes().contains(&b':'));
        let origin = part("origin");
        let bare = part("search").is_empty() && part("hash").is_empty();
        match bare && named && !origin.as_bytes().contains(&b'*') {
            true => rules.push(Rule { origin, path: part("pathname") }),
            false => from.wrong(wrong),
        }
    });
    rules
}

#[inline(never)]
fn scheme(from: &Reader, at: Members<'_>, dpop: bool) -> String {
    let wrong = "scheme must be an authorization scheme, as \"Bearer\" or \"JWT\".";
    let usual = if dpop { SCHEME } else { "Bearer" };
    let mut given = None;
    at.string("scheme", wrong, &mut given);
    // In the RFC's own spelling, which some servers insist on.
    let given = given.filter(|given| !(dpop && given.eq_ignore_ascii_case(SCHEME)));
    let scheme = given.unwrap_or_else(|| usual.into());
    if !is_token(&scheme) {
        from.wrong(wrong);
    }
    scheme
}

/// RFC 9110 §5.6.2.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

/// What proofs don't go with.
#[inline(never)]
fn check_dpop(from: &Reader, settings: &Settings) {
    if !settings.scheme.eq_ignore_ascii_case(SCHEME) {
        from.wrong("dpop brings its own authorization scheme: leave scheme out.");
    }
    if settings.config.cookie_interval_ms.is_some() {
        from.wrong("dpop is for tokens, which cookie mode keeps from the page: leave it out.");
    }
    if matches!(settings.source, Source::Function(_)) {
        from.wrong("dpop needs a refresh route: requests that a function makes get no proof.");
    }
    if !seal::available() {
        from.wrong("dpop needs crypto.subtle, which browsers have on https pages and on localhost only.");
    }
}

#[inline(never)]
fn revoke(from: &Reader, value: &JsValue, cookies: bool) -> Option<Revoke> {
    let wrong = "revoke must be a URL or { url, body, credentials, tokenParam }.";
    if absent(value) {
        return None;
    }
    // Where a cookie is the session, it is what the route must see.
    let mut revoke = Revoke {
        url: String::new(),
        body: if cookies { Body::None } else { Body::Form },
        credentials: if cookies { Credentials::Include } else { Credentials::SameOrigin },
        token_param: None,
    };
    if is_url(value) {
        revoke.url = from.href(value, wrong);
        return Some(revoke);
    }
    let at = from.of(value);
    revoke.url = from.href(&at.value("url"), wrong);
    at.choice("body", BODIES, wrong, &mut revoke.body);
    at.choice("credentials", CREDENTIALS, wrong, &mut revoke.credentials);
    at.string("tokenParam", wrong, &mut revoke.token_param);
    Some(revoke)
}
