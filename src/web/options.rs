//! An app's options, read through getters that may be anything, and what is wrong with them, named.

use std::rc::Rc;

use js_sys::Function;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::Url;

use super::reader::{Reader, absent};
use super::refresher::Source;
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
        let at = |name: &str| from.at(options, name);
        let source = source(&from, &at("refresh"));
        let place = place(&from, &at("storage"));
        let mut config = Config { presents_nothing: true, ..Config::default() };
        leeway(&from, &at("leeway"), &mut config.leeway);
        let wrong = "retryOn must be \"any\", \"invalid_token\" or \"never\".";
        config.retry_on = match from.choice(&at("retryOn"), &["any", "invalid_token", "never"], wrong) {
            Some(0) => RetryOn::Any,
            Some(1) => RetryOn::InvalidToken,
            Some(_) => RetryOn::Never,
            None => RetryOn::default(),
        };
        let wrong = "autoRefresh must be true or false.";
        config.auto_refresh = from.flag(&at("autoRefresh"), wrong).unwrap_or(true);
        let cross_tab = from.flag(&at("crossTab"), "crossTab must be true or false.");
        config.coordination = coordination(cross_tab.unwrap_or(true), &place);
        if let Source::Route(route) = &source {
            config.timeout_ms = route.timeout_ms;
            config.presents_nothing = route.presents_nothing();
            config.cookie_interval_ms = (route.mode == Mode::Cookie).then_some(route.interval_ms);
        }
        let fetch = at("fetch");
        if !absent(&fetch) && !fetch.is_function() {
            from.wrong("fetch must be a function.");
        }
        let cookies = config.cookie_interval_ms.is_some();
        let dpop = from.flag(&at("dpop"), "dpop must be true or false.").unwrap_or(false);
        let settings = Self {
            name: from
                .string(&at("name"), "name must be a string that is not empty.")
                .unwrap_or_else(|| "default".into()),
            config,
            sign_in: sign_in::read(&from, &at("signIn"), &source),
            source,
            allow: allow(&from, &at("allow")),
            scheme: scheme(&from, &at("scheme"), dpop),
            place,
            fetch: fetch.dyn_into::<Function>().ok(),
            revoke: revoke(&from, &at("revoke"), cookies),
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
    Source::Route(Route::new(from.href(value, wrong)))
}

fn route(from: &Reader, value: &JsValue) -> Route {
    let at = |name: &str| from.at(value, name);
    let url = from.href(
        &at("url"),
        "refresh.url must be an http(s) URL; a preset is spread into the options: { ...preset }.",
    );
    let wrong = "refresh.mode must be \"token\" or \"cookie\".";
    let mut route = match from.choice(&at("mode"), &["token", "cookie"], wrong) {
        Some(1) => Route::cookie(url),
        Some(_) | None => Route::new(url),
    };
    body(from, &at("body"), "refresh.body must be \"form\", \"json\" or \"none\".", &mut route.body);
    route.client_id = from.string(&at("clientId"), "refresh.clientId must be a string that is not empty.");
    route.client_secret = from
        .string(&at("clientSecret"), "refresh.clientSecret must be a string that is not empty.")
        .map(Secret::new);
    let wrong = "refresh.clientAuth must be \"none\", \"basic\" or \"post\".";
    route.client_auth = match from.choice(&at("clientAuth"), &["none", "basic", "post"], wrong) {
        Some(1) => ClientAuth::Basic,
        Some(2) => ClientAuth::Post,
        Some(_) | None => ClientAuth::None,
    };
    if route.client_auth != ClientAuth::None && route.client_id.is_none() {
        from.wrong("refresh.clientAuth needs refresh.clientId.");
    }
    route.scope = from.string(&at("scope"), "refresh.scope must be a string that is not empty.");
    route.params = from.texts(&at("params"), "refresh.params must be an object of strings.");
    let wrong = "refresh.headers must be an object of header names and values.";
    route.headers = from.texts(&at("headers"), wrong);
    // What is none, `fetch` would refuse, each time.
    let is_value = |value: &Secret| !value.expose().bytes().any(|b| matches!(b, 0 | b'\r' | b'\n'));
    if !route.headers.iter().all(|(name, value)| is_token(name) && is_value(value)) {
        from.wrong(wrong);
    }
    let wrong = "refresh.credentials must be \"omit\", \"same-origin\" or \"include\".";
    credentials(from, &at("credentials"), wrong, &mut route.credentials);
    fields(from, &at("fields"), &mut route.fields);
    let wrong = "refresh.interval must be a positive number of seconds.";
    if let Some(ms) = from.seconds(&at("interval"), wrong) {
        route.interval_ms = ms.max(1000);
    }
    route.terminal = terminal(from, &at("terminal"));
    let timeout = at("timeout");
    if !absent(&timeout) {
        match timeout.as_f64().filter(|ms| *ms > 0.0 && ms.is_finite()) {
            Some(ms) => route.timeout_ms = ms.clamp(1.0, 600_000.0) as i64,
            None => from.wrong("refresh.timeout must be a positive number of milliseconds."),
        }
    }
    route
}

fn body(from: &Reader, value: &JsValue, wrong: &'static str, body: &mut Body) {
    match from.choice(value, &["form", "json", "none"], wrong) {
        Some(0) => *body = Body::Form,
        Some(1) => *body = Body::Json,
        Some(_) => *body = Body::None,
        None => {}
    }
}

fn credentials(from: &Reader, value: &JsValue, wrong: &'static str, credentials: &mut Credentials) {
    match from.choice(value, &["omit", "same-origin", "include"], wrong) {
        Some(0) => *credentials = Credentials::Omit,
        Some(1) => *credentials = Credentials::SameOrigin,
        Some(_) => *credentials = Credentials::Include,
        None => {}
    }
}

fn fields(from: &Reader, value: &JsValue, fields: &mut Fields) {
    let wrong = "refresh.fields must be an object of names; answers may have lists of names.";
    if absent(value) {
        return;
    }
    if !value.is_object() {
        from.wrong(wrong);
    }
    fields.refresh_token_param = from.string(&from.at(value, "refreshTokenParam"), wrong);
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

fn leeway(from: &Reader, value: &JsValue, leeway: &mut Leeway) {
    let wrong = "leeway must be a number of seconds or { seconds, fraction }, neither negative.";
    let seconds = if value.is_object() { &from.at(value, "seconds") } else { value };
    leeway.seconds_ms = from.seconds(seconds, wrong).unwrap_or(leeway.seconds_ms);
    // Thousandths, read as seconds are.
    let permille = from.seconds(&from.at(value, "fraction"), wrong);
    leeway.fraction_permille = permille.unwrap_or(leeway.fraction_permille);
}

fn place(from: &Reader, value: &JsValue) -> Place {
    let wrong = "storage must be \"session\", \"local\", \"memory\" or have getItem, setItem and removeItem.";
    if value.is_object() {
        for method in ["getItem", "setItem", "removeItem"] {
            if !from.at(value, method).is_function() {
                from.wrong(wrong);
            }
        }
        return Place::Own(value.clone());
    }
    match from.choice(value, &["session", "local", "memory"], wrong) {
        Some(1) => Place::Local,
        Some(2) => Place::Memory,
        Some(_) | None => Place::Session,
    }
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

fn allow(from: &Reader, value: &JsValue) -> Vec<Rule> {
    let wrong =
        "allow must be a list of http(s) origins without wildcards, each with a path prefix or without.";
    if absent(value) {
        let origin = js::string_at(&js::page_value("location"), "origin");
        return origin.into_iter().map(|origin| Rule { origin, path: "/".into() }).collect();
    }
    let mut rules = Vec::new();
    from.list(value, wrong, |entry| {
        let Some(url) = from.url(&entry, wrong) else { return };
        // What can't be matched must not look as if it were: `https://*.example.com` is a host of that very name, and
        // `api.example.com` a path of the page's.
        let named =
            entry.as_string().is_none_or(|text| text.starts_with('/') || text.as_bytes().contains(&b':'));
        let origin = url.origin();
        let bare = url.search().is_empty() && url.hash().is_empty();
        match bare && named && !origin.as_bytes().contains(&b'*') {
            true => rules.push(Rule { origin, path: url.pathname() }),
            false => from.wrong(wrong),
        }
    });
    rules
}

fn scheme(from: &Reader, value: &JsValue, dpop: bool) -> String {
    let wrong = "scheme must be an authorization scheme, as \"Bearer\" or \"JWT\".";
    let usual = if dpop { SCHEME } else { "Bearer" };
    // In the RFC's own spelling, which some servers insist on.
    let given = from.string(value, wrong).filter(|given| !(dpop && given.eq_ignore_ascii_case(SCHEME)));
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
    revoke.url = from.href(&from.at(value, "url"), wrong);
    body(from, &from.at(value, "body"), wrong, &mut revoke.body);
    credentials(from, &from.at(value, "credentials"), wrong, &mut revoke.credentials);
    revoke.token_param = from.string(&from.at(value, "tokenParam"), wrong);
    Some(revoke)
}
