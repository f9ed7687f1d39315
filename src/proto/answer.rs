//! What the refresh route answered, and what that means for the session.
//!
//! Reading is tolerant, for servers differ; ending a session is not, for users remember. By default it ends
//! - on a code of the `invalid_grant` class (`ENDING`), whatever the status, 408, 425, 429 and 5xx excepted;
//! - on 401, which RFC 6749 §5.2 keeps for `invalid_client`: an OAuth endpoint says that and the session stays
//!   (`SPARING`), while from any other route 401 refuses what was presented. Not when it is HTML: that is a
//!   proxy's, who knows nothing of the session;
//! - in cookie mode, when the answer's user is `null`.
//!
//! Everything else keeps it.

use super::json::Json;
use super::redact::Known;
use super::retry_after;
use super::route::{Fields, Mode, Route, Terminal};
use super::seconds;
use super::secret::Secret;

/// Codes that say that the refresh token is no longer good for anything.
const ENDING: &[&str] = &[
    // RFC 6749 §5.2: invalid, expired, revoked, or issued to another client.
    "invalid_grant",
    // GitHub, "Refreshing user access tokens": incorrect or expired; sent with status 200.
    "bad_refresh_token",
    // djangorestframework-simplejwt, in `code`: invalid, expired or blacklisted. DRF may turn its 401 into 403.
    "token_not_valid",
];

/// Codes that spare the session even with 401: a mistake in the request or its client, or trouble of the server.
const SPARING: &[&str] = &[
    // RFC 6749 §5.2.
    "invalid_client",
    "invalid_request",
    "invalid_scope",
    "unauthorized_client",
    "unsupported_grant_type",
    // RFC 8707 §2.
    "invalid_target",
    // RFC 9449 §5, §8.
    "invalid_dpop_proof",
    "use_dpop_nonce",
];

/// Codes that ask to come back later: RFC 6749 §4.1.2.1, in use at token endpoints too, and RFC 8628 §3.5.
const BUSY: &[&str] = &["server_error", "temporarily_unavailable", "slow_down"];

/// A longer lifetime is taken for this one, milliseconds: ten years.
pub const MAX_LIFETIME_MS: i64 = 315_576_000_000;

/// What a good answer granted (RFC 6749 §5.1).
#[derive(Clone, PartialEq, Eq, Default)]
#[cfg_attr(not(target_family = "wasm"), derive(Debug))]
pub struct Grant {
    /// Printable ASCII, so that it can be a header. `None` in cookie mode, and only there.
    pub access_token: Option<Secret>,
    /// `None` keeps the old one.
    pub refresh_token: Option<Secret>,
    /// Lifetime of the access token, milliseconds from receipt; positive, at most [`MAX_LIFETIME_MS`].
    pub expires_in_ms: Option<i64>,
    /// Lifetime of the refresh token, likewise.
    pub refresh_expires_in_ms: Option<i64>,
    /// RFC 6749 §3.3.
    pub scope: Option<String>,
    /// RFC 6749 §7.1.
    pub token_type: Option<String>,
    /// User data, as JSON text.
    pub user: Option<String>,
}

/// Why something is no grant.
#[derive(Clone, Copy, PartialEq, Eq)]
#[cfg_attr(not(target_family = "wasm"), derive(Debug))]
pub enum Malformed {
    /// Not a JSON object (nor, in token mode, a string).
    NotAnObject,
    /// No access token under any of its names, or one that cannot be a header.
    NoAccessToken,
    /// Cookie mode: no user data under any of the names that were configured.
    NoUser,
    /// Cookie mode: the user is `null`, so nobody is signed in.
    SignedOut,
}

/// What came back from the route.
#[derive(Clone, Copy)]
pub struct Facts<'a> {
    /// HTTP status; 0 for a redirect that was not followed.
    pub status: u16,
    /// The body, `None` if it could not be read.
    pub body_text: Option<&'a str>,
    /// The `Retry-After` header.
    pub retry_after: Option<&'a str>,
    /// Epoch milliseconds at receipt.
    pub now_ms: i64,
    /// What was presented, for the server may quote it. The route's own secrets need not be named.
    pub secrets: &'a [&'a Secret],
}

/// What a failed answer said, fit to be shown: without secrets, and bounded.
#[derive(Clone, PartialEq, Eq, Default)]
#[cfg_attr(not(target_family = "wasm"), derive(Debug))]
pub struct Refused {
    /// HTTP status; 0 for a redirect that was not followed.
    pub status: u16,
    /// RFC 6749 §5.2 `error`, or the `code` that some servers send; `unreadable` if it cannot be one.
    pub code: Option<String>,
    /// RFC 6749 §5.2 `error_description`, or the `detail` that some servers send.
    pub description: Option<String>,
    /// RFC 6749 §5.2 `error_uri`.
    pub uri: Option<String>,
}

/// What an answer means for the session.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(not(target_family = "wasm"), derive(Debug))]
pub enum Meaning {
    /// Refreshed.
    Granted(Grant),
    /// The server ended the session.
    Ended(Refused),
    /// The session is kept; the route, or something before it, is in trouble: try again.
    Unavailable {
        /// What it said.
        said: Refused,
        /// `Retry-After`, epoch milliseconds.
        retry_at_ms: Option<i64>,
    },
    /// The session is kept; the route answered, but nothing that a token endpoint should. Its own `code`, if
    /// there is one, tells of a mistake in the configuration.
    Invalid(Refused),
}

/// What an answer of the route means.
pub fn read<J: Json>(route: &Route, facts: &Facts<'_>) -> Meaning {
    let body = facts.body_text.unwrap_or_default();
    let object = J::parse(body).filter(J::is_object);
    let failure = Failure::read(object.as_ref());
    if (200..300).contains(&facts.status)
        && !failure.is_one
        && let Some(object) = &object
    {
        match grant(object, &route.fields, route.mode) {
            Ok(grant) => return Meaning::Granted(grant),
            Err(Malformed::SignedOut) => return Meaning::Ended(failure.shown(route, facts)),
            Err(Malformed::NotAnObject | Malformed::NoAccessToken | Malformed::NoUser) => {}
        }
    }
    let said = failure.shown(route, facts);
    // Statuses of a server or gateway in trouble, and redirects, which are not followed.
    let in_trouble = matches!(facts.status, ..200 | 300..400 | 408 | 425 | 429 | 500..);
    let ends = match &route.terminal {
        Some(terminal) => terminal.iter().any(|terminal| match terminal {
            Terminal::Code(code) => failure.has(&[code]),
            Terminal::Status(status) => *status == facts.status,
        }),
        None => {
            let is_html = body.trim_ascii_start().starts_with('<');
            let refused = facts.status == 401 && !is_html && !failure.has(SPARING) && !failure.has(BUSY);
            !in_trouble && (refused || failure.has(ENDING))
        }
    };
    if ends {
        Meaning::Ended(said)
    } else if in_trouble || failure.has(BUSY) {
        let retry_at_ms = facts.retry_after.and_then(|value| retry_after::parse(value, facts.now_ms));
        Meaning::Unavailable { said, retry_at_ms }
    } else {
        Meaning::Invalid(said)
    }
}

/// The grant in a token answer, a login's answer, or what a refresher function gave, which may also be the
/// access token alone.
pub fn grant<J: Json>(object: &J, fields: &Fields, mode: Mode) -> Result<Grant, Malformed> {
    let mut grant = Grant::default();
    if mode == Mode::Cookie {
        grant.user = Some(user_data(object, fields)?);
        return Ok(grant);
    }
    if let Some(token) = object.as_str() {
        grant.access_token = Some(access_token(token)?);
        return Ok(grant);
    }
    if !object.is_object() {
        return Err(Malformed::NotAnObject);
    }
    let text = |value: Option<J>| value?.as_str().filter(|text| !text.is_empty());
    let token = text(first(object, &fields.access_token, &["access_token"]));
    grant.access_token = Some(access_token(token.unwrap_or_default())?);
    grant.refresh_token = text(first(object, &fields.refresh_token, &["refresh_token"])).map(Secret::new);
    grant.expires_in_ms = lifetime_ms(first(object, &fields.expires_in, &["expires_in"]));
    // The second is Keycloak's, where 0 means that it does not expire.
    grant.refresh_expires_in_ms =
        lifetime_ms(first(object, &[], &["refresh_token_expires_in", "refresh_expires_in"]));
    grant.scope = object.filled("scope");
    grant.token_type = object.filled("token_type");
    grant.user = first(object, &fields.user, &["user"]).map(|user| user.text());
    Ok(grant)
}

/// The user data of a cookie-mode answer, as JSON text: the whole answer, as Sapphire's LoginData is, unless
/// names are configured. A `null` user means that the cookie's token is dead.
fn user_data<J: Json>(object: &J, fields: &Fields) -> Result<String, Malformed> {
    if !object.is_object() {
        return Err(Malformed::NotAnObject);
    }
    let is_null = |name: &str| object.get(name).is_some_and(|user| user.is_null());
    if fields.user.is_empty() {
        return if is_null("user") { Err(Malformed::SignedOut) } else { Ok(object.text()) };
    }
    match first(object, &fields.user, &[]) {
        Some(user) => Ok(user.text()),
        None if fields.user.iter().any(|name| is_null(name)) => Err(Malformed::SignedOut),
        None => Err(Malformed::NoUser),
    }
}

/// The first of the configured names, or else of the usual ones, that has a value other than `null`.
fn first<J: Json>(object: &J, names: &[String], usual: &[&str]) -> Option<J> {
    if names.is_empty() {
        usual.iter().find_map(|name| object.given(name))
    } else {
        names.iter().find_map(|name| object.given(name))
    }
}

/// Printable ASCII (RFC 6749 §A.12). Anything else would make every later request throw as it sets its header.
pub(super) fn access_token(text: String) -> Result<Secret, Malformed> {
    let fits = !text.is_empty() && text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    if fits { Ok(Secret::new(text)) } else { Err(Malformed::NoAccessToken) }
}

fn lifetime_ms<J: Json>(value: Option<J>) -> Option<i64> {
    seconds::read_ms(&value?).filter(|lifetime_ms| *lifetime_ms > 0).map(|ms| ms.min(MAX_LIFETIME_MS))
}

/// What an answer says of its failure, as it was sent.
#[derive(Default)]
struct Failure {
    /// Whether it claims to be one, whatever its status: GitHub's come with 200.
    is_one: bool,
    error: Option<String>,
    code: Option<String>,
    description: Option<String>,
    uri: Option<String>,
}

impl Failure {
    fn read<J: Json>(object: Option<&J>) -> Self {
        let Some(object) = object else { return Self::default() };
        let error = object.filled("error");
        Self {
            // `"error": false`, `0` or `""` beside a token are a way to say that there is none.
            is_one: error.is_some() || object.get("error").is_some_and(|error| error.is_object()),
            error,
            code: object.filled("code"),
            description: object.filled("error_description").or_else(|| object.filled("detail")),
            uri: object.filled("error_uri"),
        }
    }

    fn has(&self, codes: &[&str]) -> bool {
        [&self.error, &self.code].into_iter().flatten().any(|code| codes.contains(&code.as_str()))
    }

    fn shown(&self, route: &Route, facts: &Facts<'_>) -> Refused {
        let mut known = Known::default();
        for secret in facts.secrets {
            known.add(secret);
        }
        for (_, value) in &route.headers {
            known.add(value);
        }
        if let Some(secret) = &route.client_secret {
            known.add(secret);
        }
        Refused {
            status: facts.status,
            code: self.error.as_deref().or(self.code.as_deref()).map(|text| known.code(text)),
            description: self.description.as_deref().map(|text| known.blank(text)),
            uri: self.uri.as_deref().and_then(|text| known.uri(text)),
        }
    }
}

#[cfg(test)]
#[cfg(not(target_family = "wasm"))]
mod tests;
