//! The refresh route: how it is configured, and the request that it is sent.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::json::{Json, Member};
use super::secret::Secret;

/// Default of [`Route::timeout_ms`].
pub const DEFAULT_TIMEOUT_MS: i64 = 15_000;
/// Default of [`Route::interval_ms`]: a day.
pub const DEFAULT_INTERVAL_MS: i64 = 86_400_000;

/// Where the tokens are.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(not(target_family = "wasm"), derive(Debug))]
pub enum Mode {
    /// In the answer.
    #[default]
    Token,
    /// In an HttpOnly cookie; the answer is user data.
    Cookie,
}

/// How the request's body is written.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(not(target_family = "wasm"), derive(Debug))]
pub enum Body {
    /// `application/x-www-form-urlencoded` (RFC 6749 §6).
    #[default]
    Form,
    /// A JSON object of the same members.
    Json,
    /// No body.
    None,
}

/// How the client authenticates (RFC 6749 §2.3.1).
#[derive(Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(not(target_family = "wasm"), derive(Debug))]
pub enum ClientAuth {
    /// Not at all: a public client. `client_id` goes into the body if there is one; a secret is never sent.
    #[default]
    None,
    /// By HTTP Basic; neither id nor secret in the body.
    Basic,
    /// By `client_id` and `client_secret` in the body.
    Post,
}

/// `RequestCredentials` of Fetch.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(not(target_family = "wasm"), derive(Debug))]
pub enum Credentials {
    /// `omit`
    Omit,
    /// `same-origin`. `include` would lose rotated tokens where the server's CORS does not allow credentials.
    #[default]
    SameOrigin,
    /// `include`
    Include,
}

/// What of a route's answer ends the session.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(not(target_family = "wasm"), derive(Debug))]
pub enum Terminal {
    /// An answer with this in its `error` or `code`.
    Code(String),
    /// A failure with this HTTP status.
    Status(u16),
}

/// Names on the wire where they are not RFC 6749's. An empty list means the RFC's name; of several names, the
/// first that is present in an answer counts.
#[derive(Clone, PartialEq, Eq, Default)]
#[cfg_attr(not(target_family = "wasm"), derive(Debug))]
pub struct Fields {
    /// The request's `refresh_token`.
    pub refresh_token_param: Option<String>,
    /// The answer's `access_token`.
    pub access_token: Vec<String>,
    /// The answer's `refresh_token`.
    pub refresh_token: Vec<String>,
    /// The answer's `expires_in`.
    pub expires_in: Vec<String>,
    /// The answer's `user`. In cookie mode an empty list means the whole answer.
    pub user: Vec<String>,
}

/// Where and how to refresh.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(not(target_family = "wasm"), derive(Debug))]
pub struct Route {
    /// Absolute, as the platform parsed it.
    pub url: String,
    /// Where the tokens are.
    pub mode: Mode,
    /// How the body is written.
    pub body: Body,
    /// RFC 6749 §2.2.
    pub client_id: Option<String>,
    /// RFC 6749 §2.3.1. Sent by [`ClientAuth::Basic`] and [`ClientAuth::Post`] only.
    pub client_secret: Option<Secret>,
    /// How the client authenticates.
    pub client_auth: ClientAuth,
    /// RFC 6749 §3.3.
    pub scope: Option<String>,
    /// Further body members. One that is there already is replaced, or left out where the value is empty, as
    /// RFC 6749 §3.2 has it: `grant_type: ""` is for routes that take the refresh token and nothing else.
    pub params: Vec<(String, Secret)>,
    /// Further headers; they replace ours of the same name.
    pub headers: Vec<(String, Secret)>,
    /// Whether cookies go with it.
    pub credentials: Credentials,
    /// Names on the wire.
    pub fields: Fields,
    /// Cookie mode: how often to refresh, milliseconds.
    pub interval_ms: i64,
    /// Replaces what ends the session by default (see [`super::answer`]).
    pub terminal: Option<Vec<Terminal>>,
    /// When an attempt is given up as unanswered, milliseconds.
    pub timeout_ms: i64,
}

/// A request, ready but for the URL and the credentials mode, which are the route's.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(not(target_family = "wasm"), derive(Debug))]
pub struct WireRequest {
    /// Always `POST` (RFC 6749 §3.2).
    pub method: &'static str,
    /// The body, if there is one.
    pub body: Option<Secret>,
    /// The body's `Content-Type`, unless the route's own headers give one.
    pub content_type: Option<&'static str>,
    /// All other headers.
    pub headers: Vec<(String, Secret)>,
}

impl Route {
    /// A route in token mode: an RFC 6749 token endpoint for a public client.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            mode: Mode::Token,
            body: Body::Form,
            client_id: None,
            client_secret: None,
            client_auth: ClientAuth::None,
            scope: None,
            params: Vec::new(),
            headers: Vec::new(),
            credentials: Credentials::SameOrigin,
            fields: Fields::default(),
            interval_ms: DEFAULT_INTERVAL_MS,
            terminal: None,
            timeout_ms: DEFAULT_TIMEOUT_MS,
        }
    }

    /// A route in cookie mode: no body, the cookies included.
    pub fn cookie(url: impl Into<String>) -> Self {
        Self { mode: Mode::Cookie, body: Body::None, credentials: Credentials::Include, ..Self::new(url) }
    }

    /// Whether the page presents nothing of its own, so that a refresh is possible without a refresh token.
    pub fn presents_nothing(&self) -> bool {
        self.mode == Mode::Cookie || self.body == Body::None
    }
}

/// The refresh request (RFC 6749 §6). Without a refresh token there is no `grant_type` either.
pub fn request<J: Json>(route: &Route, refresh_token: Option<&Secret>) -> WireRequest {
    let mut members = Vec::new();
    if let Some(token) = refresh_token {
        let name = route.fields.refresh_token_param.as_deref().unwrap_or("refresh_token");
        members.extend([("grant_type", "refresh_token"), (name, token.expose())]);
    }
    members.extend(route.scope.as_deref().map(|scope| ("scope", scope)));
    post::<J>(route, members)
}

/// A request of these members with the route's client authentication, parameters and headers, in its encoding.
pub fn post<'a, J: Json>(route: &'a Route, mut members: Vec<(&'a str, &'a str)>) -> WireRequest {
    let secret = route.client_secret.as_ref().map_or("", Secret::expose);
    let mut headers = route.headers.clone();
    let has = |headers: &[(String, Secret)], name| {
        headers.iter().any(|header: &(String, Secret)| header.0.eq_ignore_ascii_case(name))
    };
    // In cookie mode nothing but this: it is CORS-safelisted, and Sapphire's preflight refuses what is not.
    if !has(&headers, "Accept") {
        headers.push(("Accept".into(), Secret::new("application/json")));
    }
    if let Some(id) = route.client_id.as_deref() {
        if route.client_auth != ClientAuth::Basic {
            members.push(("client_id", id));
        } else if !has(&headers, "Authorization") {
            headers.push(("Authorization".into(), basic(id, secret)));
        }
    }
    if route.client_auth == ClientAuth::Post && !secret.is_empty() {
        members.push(("client_secret", secret));
    }
    for (name, value) in &route.params {
        let (name, value) = (name.as_str(), value.expose());
        let replaced = members.iter().any(|member| member.0 == name);
        members.retain(|member| member.0 != name);
        if !(replaced && value.is_empty()) {
            members.push((name, value));
        }
    }
    let (body, content_type) = match route.body {
        Body::Form => (Some(form(&members)), Some("application/x-www-form-urlencoded")),
        Body::Json => (Some(json::<J>(&members)), Some("application/json")),
        Body::None => (None, None),
    };
    let content_type = content_type.filter(|_| !has(&headers, "Content-Type"));
    WireRequest { method: "POST", body, content_type, headers }
}

/// HTTP Basic of a client, whose id and secret are form-encoded first (RFC 6749 §2.3.1).
fn basic(id: &str, secret: &str) -> Secret {
    let mut credentials = String::new();
    form_encode(&mut credentials, id);
    credentials.push(':');
    form_encode(&mut credentials, secret);
    let mut value = String::from("Basic ");
    STANDARD.encode_string(&credentials, &mut value);
    Secret::new(value)
}

fn json<J: Json>(members: &[(&str, &str)]) -> Secret {
    let members: Vec<_> = members.iter().map(|(name, value)| (*name, Member::Text(value))).collect();
    Secret::new(J::object(&members))
}

/// A form body, byte for byte as `URLSearchParams` writes it.
pub fn form(members: &[(&str, &str)]) -> Secret {
    let mut body = String::new();
    for (name, value) in members {
        if !body.is_empty() {
            body.push('&');
        }
        form_encode(&mut body, name);
        body.push('=');
        form_encode(&mut body, value);
    }
    Secret::new(body)
}

/// Appends a text, encoded as `application/x-www-form-urlencoded` has it (URL Standard §5.2).
pub fn form_encode(out: &mut String, text: &str) {
    for byte in text.bytes() {
        match byte {
            b' ' => out.push('+'),
            b'*' | b'-' | b'.' | b'_' => out.push(byte.into()),
            _ if byte.is_ascii_alphanumeric() => out.push(byte.into()),
            _ => {
                out.push('%');
                for digit in [byte >> 4, byte & 15] {
                    out.push(char::from(digit + if digit < 10 { b'0' } else { b'A' - 10 }));
                }
            }
        }
    }
}
