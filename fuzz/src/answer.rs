//! Reading a token answer: a grant fits a header and a timer, a refusal shows no secret, trouble ends no session.

use tokenwell::proto::answer::{self, Facts, MAX_LIFETIME_MS, Meaning, Refused};
use tokenwell::proto::error::{Code, Failure};
use tokenwell::proto::redact::{MAX_CODE_CHARS, MAX_TEXT_CHARS};
use tokenwell::proto::retry_after::MAX_AHEAD_MS;
use tokenwell::proto::route::{ClientAuth, Fields, Mode, Route, Terminal};
use tokenwell::proto::secret::Secret;
use tokenwell::proto::sign_in::{Pending, SignInRoute};
use tokenwell::proto::token;

use crate::bytes::Bytes;
use crate::testing::Value;

const REFRESH: &str = "presented-refresh-token/+=";
const CLIENT: &str = "the client's own secret";
const HEADER: &str = "api-key-of-the-route";
const NOW_MS: i64 = 1_700_000_000_000;
const STATUSES: [u16; 16] = [0, 200, 201, 204, 299, 302, 400, 401, 403, 404, 408, 425, 429, 500, 503, 65535];

/// The route and the facts out of the first bytes, the rest is the body. In it, \u{1} to \u{4} stand for secrets and
/// their percent-encoding, so that quoting one takes a single byte.
pub fn run(data: &[u8]) {
    let mut bytes = Bytes(data);
    let route = route(&mut bytes);
    let status = bytes.pick(&STATUSES);
    let text = bytes.rest();
    let (retry_after, body) = text.split_once('\0').unwrap_or(("", &text));
    let body = quoted(body);
    let presented = Secret::new(REFRESH);
    let facts = Facts {
        status,
        body_text: (!body.is_empty()).then_some(body.as_str()),
        retry_after: (!retry_after.is_empty()).then_some(retry_after),
        now_ms: NOW_MS,
        secrets: &[&presented],
    };
    match answer::read::<Value>(&route, &facts) {
        Meaning::Granted(mut grant) => {
            assert!((200..300).contains(&status));
            assert_eq!(grant.access_token.is_none(), route.mode == Mode::Cookie);
            let token = grant.access_token.as_ref().map_or("-", Secret::expose);
            assert!(!token.is_empty() && token.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
            token::settle_lifetime::<Value>(&mut grant, NOW_MS);
            for life in [grant.expires_in_ms, grant.refresh_expires_in_ms].into_iter().flatten() {
                assert!((1..=MAX_LIFETIME_MS).contains(&life), "{life}");
            }
            if let Some(user) = grant.user {
                serde_json::from_str::<serde_json::Value>(&user).expect("user data is JSON");
            }
        }
        Meaning::Ended(said) => {
            let in_trouble = matches!(status, 0..200 | 300..400 | 408 | 425 | 429 | 500..);
            assert!(!in_trouble || route.terminal.is_some(), "{status} ends no session");
            shows_no_secret(said);
        }
        Meaning::Unavailable { said, retry_at_ms } => {
            assert!(retry_at_ms.is_none_or(|at| (NOW_MS..=NOW_MS + MAX_AHEAD_MS).contains(&at)));
            shows_no_secret(said);
        }
        Meaning::Invalid(said) => shows_no_secret(said),
    }
    discovery(&body);
}

/// The same bytes as an issuer's metadata, and as what was kept of a sign-in.
fn discovery(text: &str) {
    let route = SignInRoute {
        issuer: Some("https://as.test".into()),
        authorization_endpoint: None,
        token_endpoint: None,
        client_id: "c".into(),
        redirect_uri: "https://app.test/cb".into(),
        scope: "openid".into(),
        params: Vec::new(),
    };
    if let Some(endpoints) = route.discovered::<Value>(text) {
        for url in [endpoints.authorization, endpoints.token] {
            // What no parser takes, no request goes to.
            let Ok(parsed) = url::Url::parse(&url) else { continue };
            let host = parsed.host_str().unwrap_or_default();
            let is_local =
                matches!(host, "localhost" | "127.0.0.1" | "[::1]") || host.ends_with(".localhost");
            let fits = parsed.scheme() == "https" || (parsed.scheme() == "http" && is_local);
            assert!(fits, "{url}");
        }
    }
    if let Some(pending) = Pending::read::<Value>(text, NOW_MS) {
        let again = Pending::read::<Value>(&pending.write::<Value>(), NOW_MS);
        assert!(again == Some(pending));
    }
}

fn route(bytes: &mut Bytes<'_>) -> Route {
    let mut route = Route::new("https://as.test/token");
    route.client_id = Some("c".into());
    route.client_secret = Some(Secret::new(CLIENT));
    route.client_auth = ClientAuth::Post;
    route.headers = vec![("X-Api-Key".into(), Secret::new(HEADER))];
    if bytes.bool() {
        route.mode = Mode::Cookie;
    }
    let names = |bytes: &mut Bytes<'_>| match bytes.below(3) {
        0 => vec![],
        1 => vec!["a".to_owned()],
        _ => vec!["a".to_owned(), "b".to_owned()],
    };
    route.fields = Fields {
        refresh_token_param: None,
        access_token: names(bytes),
        refresh_token: names(bytes),
        expires_in: names(bytes),
        user: names(bytes),
    };
    route.terminal = match bytes.below(3) {
        0 => None,
        1 => Some(vec![]),
        _ => Some(vec![Terminal::Code("a".into()), Terminal::Status(403)]),
    };
    route
}

fn quoted(body: &str) -> String {
    let encoded: String = url::form_urlencoded::byte_serialize(REFRESH.as_bytes()).collect();
    body.replace('\u{1}', REFRESH)
        .replace('\u{2}', CLIENT)
        .replace('\u{3}', HEADER)
        .replace('\u{4}', &encoded)
}

fn shows_no_secret(said: Refused) {
    assert!(said.code.as_ref().is_none_or(|code| code.len() <= MAX_CODE_CHARS));
    assert!(said.description.as_ref().is_none_or(|text| text.chars().count() <= MAX_TEXT_CHARS));
    // Not its Debug, where an escape may make a secret of what is none.
    let failure = Failure::said(Code::InvalidGrant, "", said);
    let shown = [failure.error, failure.description, failure.uri]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join("\n");
    let encoded: String = url::form_urlencoded::byte_serialize(REFRESH.as_bytes()).collect();
    for secret in [REFRESH, CLIENT, HEADER, &encoded] {
        assert!(!shown.contains(secret), "{shown}");
    }
    assert!(!shown.contains("eyJ"), "{shown}");
}
