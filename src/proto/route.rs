//! The refresh route: how it is configured, and the request that it is sent.

use super::base64;
use super::form;
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
        Self::at(url.into())
    }

    fn at(url: String) -> Self {
        Self {
            url,
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
        members.push(("grant_type", "refresh_token"));
        members.push((name, token.expose()));
    }
    if let Some(scope) = &route.scope {
        members.push(("scope", scope));
    }
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
        let was_there = take_out(&mut members, name);
        if !was_there || !value.is_empty() {
            members.push((name, value.expose()));
        }
    }
    let (body, content_type) = match route.body {
        Body::Form => (Some(Secret::new(form::body(&members))), Some("application/x-www-form-urlencoded")),
        Body::Json => (Some(Secret::new(json::<J>(&members))), Some("application/json")),
        Body::None => (None, None),
    };
    let content_type = content_type.filter(|_| !has(&headers, "Content-Type"));
    WireRequest { method: "POST", body, content_type, headers }
}

/// Removes the members of that name; whether there were any.
pub(super) fn take_out(members: &mut Vec<(&str, &str)>, name: &str) -> bool {
    let count = members.len();
    members.retain(|member| member.0 != name);
    members.len() < count
}

/// HTTP Basic of a client, whose id and secret are form-encoded first (RFC 6749 §2.3.1).
fn basic(id: &str, secret: &str) -> Secret {
    let mut credentials = String::new();
    form::encode(&mut credentials, id);
    credentials.push(':');
    form::encode(&mut credentials, secret);
    let mut value = String::from("Basic ");
    value.push_str(&base64::encode(credentials.as_bytes()));
    Secret::new(value)
}

fn json<J: Json>(members: &[(&str, &str)]) -> String {
    let members: Vec<_> = members.iter().map(|(name, value)| (*name, Member::Text(value))).collect();
    J::object(&members)
}

#[cfg(test)]
#[cfg(not(target_family = "wasm"))]
mod tests {
    use super::*;
    use crate::proto::testing::Value;
    use ::base64::Engine;
    use ::base64::engine::general_purpose::STANDARD;

    fn sent(route: &Route) -> WireRequest {
        request::<Value>(route, Some(&Secret::new("r/1+2=")))
    }

    fn body(route: &Route) -> String {
        sent(route).body.unwrap().expose().to_owned()
    }

    fn header(request: &WireRequest, name: &str) -> Option<String> {
        let found = request.headers.iter().find(|header| header.0 == name);
        found.map(|header| header.1.expose().to_owned())
    }

    fn client(auth: ClientAuth) -> Route {
        Route {
            client_id: Some("an id".into()),
            client_secret: Some(Secret::new("s:é")),
            client_auth: auth,
            scope: Some("a b".into()),
            ..Route::new("https://as.test/token")
        }
    }

    #[test]
    fn a_public_client_sends_the_form_of_rfc_6749() {
        let request = sent(&client(ClientAuth::None));
        assert_eq!(request.method, "POST");
        assert_eq!(request.content_type, Some("application/x-www-form-urlencoded"));
        assert_eq!(header(&request, "Accept").as_deref(), Some("application/json"));
        assert_eq!(header(&request, "Authorization"), None);
        assert_eq!(
            request.body.unwrap().expose(),
            "grant_type=refresh_token&refresh_token=r%2F1%2B2%3D&scope=a+b&client_id=an+id"
        );
    }

    #[test]
    fn basic_form_encodes_id_and_secret_and_keeps_them_out_of_the_body() {
        let request = sent(&client(ClientAuth::Basic));
        let value = header(&request, "Authorization").unwrap();
        let decoded = STANDARD.decode(value.strip_prefix("Basic ").unwrap()).unwrap();
        assert_eq!(decoded, b"an+id:s%3A%C3%A9");
        assert!(!request.body.unwrap().expose().contains("client"));
    }

    #[test]
    fn post_sends_both_in_the_body() {
        assert!(
            body(&client(ClientAuth::Post)).ends_with("&scope=a+b&client_id=an+id&client_secret=s%3A%C3%A9")
        );
    }

    #[test]
    fn json_has_the_same_members() {
        let route =
            Route { body: Body::Json, scope: Some("a\"b".into()), ..Route::new("https://as.test/token") };
        assert_eq!(sent(&route).content_type, Some("application/json"));
        let expected = r#"{"grant_type":"refresh_token","refresh_token":"r/1+2=","scope":"a\"b"}"#;
        assert_eq!(body(&route), expected);
    }

    #[test]
    fn simplejwt_gets_its_one_member() {
        let mut route = Route { body: Body::Json, ..Route::new("https://dj.test/token/refresh/") };
        route.fields.refresh_token_param = Some("refresh".into());
        route.params = vec![("grant_type".into(), Secret::default())];
        assert_eq!(body(&route), r#"{"refresh":"r/1+2="}"#);
    }

    #[test]
    fn parameters_replace_ours_and_may_be_empty_where_they_are_new() {
        let mut route = client(ClientAuth::None);
        let params = [("scope", ""), ("client_id", "other"), ("audience", "x y"), ("hint", "")];
        route.params = params.map(|(name, value)| (name.into(), Secret::new(value))).into();
        assert_eq!(
            body(&route),
            "grant_type=refresh_token&refresh_token=r%2F1%2B2%3D&client_id=other&audience=x+y&hint="
        );
    }

    #[test]
    fn cookie_mode_sends_no_body_and_no_header_but_accept() {
        let request = request::<Value>(&Route::cookie("https://bot.test/oauth/refresh"), None);
        assert!(request.body.is_none() && request.content_type.is_none());
        assert_eq!(request.headers, [("Accept".to_owned(), Secret::new("application/json"))]);
    }

    #[test]
    fn headers_of_the_route_replace_ours() {
        let mut route = client(ClientAuth::Basic);
        route.headers =
            ["accept", "CONTENT-TYPE", "authorization"].map(|name| (name.into(), "x")).map(own).into();
        let request = sent(&route);
        assert_eq!(request.headers, route.headers);
        assert_eq!(request.content_type, None);
    }

    fn own((name, value): (String, &str)) -> (String, Secret) {
        (name, Secret::new(value))
    }

    #[test]
    fn without_a_refresh_token_there_is_no_grant_type() {
        let route = Route { client_id: Some("c".into()), ..Route::new("https://as.test/token") };
        assert_eq!(request::<Value>(&route, None).body.unwrap().expose(), "client_id=c");
        assert!(!route.presents_nothing());
        assert!(Route { body: Body::None, ..route }.presents_nothing());
        assert!(Route::cookie("https://bot.test/").presents_nothing());
    }
}
