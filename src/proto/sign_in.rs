//! Signing in by Authorization Code with PKCE (RFC 6749 §4.1, RFC 7636): what the authorization server is asked,
//! what is kept until its redirect comes, and what that means.

use super::answer::{Grant, Meaning, Refused};
use super::error::{Code, Failure};
use super::json::{Json, Member};
use super::redact::Known;
use super::route::take_out;
use super::secret::Secret;
use super::text::joined;
use super::time::difference;

/// RFC 6749 §3.3; `offline_access` asks for a refresh token (OpenID Connect Core §11).
pub const DEFAULT_SCOPE: &str = "openid offline_access";

/// Version of what is kept. Others are not read.
const VERSION: i64 = 1;
/// Nobody takes longer than this to sign in, milliseconds.
const MOST_MS: i64 = 86_400_000;
/// No state or verifier of ours is longer.
const MAX_NAME: usize = 64;

/// Contract: `SignInRoute`. Either the issuer or both endpoints are there.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(not(target_family = "wasm"), derive(Debug))]
pub struct SignInRoute {
    /// OpenID or RFC 8414 issuer.
    pub issuer: Option<String>,
    /// RFC 6749 §3.1.
    pub authorization_endpoint: Option<String>,
    /// RFC 6749 §3.2.
    pub token_endpoint: Option<String>,
    /// RFC 6749 §2.2.
    pub client_id: String,
    /// RFC 6749 §3.1.2, as it is registered.
    pub redirect_uri: String,
    /// RFC 6749 §3.3.
    pub scope: String,
    /// Further parameters of the authorization request.
    pub params: Vec<(String, Secret)>,
}

/// Where to sign in.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(not(target_family = "wasm"), derive(Debug))]
pub struct Endpoints {
    /// RFC 6749 §3.1.
    pub authorization: String,
    /// RFC 6749 §3.2.
    pub token: String,
    /// The issuer promises to name itself in its redirects (RFC 9207 §3).
    pub names_issuer: bool,
}

impl SignInRoute {
    /// The endpoints, where the options name them all.
    pub fn endpoints(&self) -> Option<Endpoints> {
        Some(Endpoints {
            authorization: self.authorization_endpoint.clone()?,
            token: self.token_endpoint.clone()?,
            names_issuer: false,
        })
    }

    /// The endpoints as the issuer's metadata has them (OpenID Connect Discovery §4.3, RFC 8414 §3.3), but for those
    /// that the options name. `None`: this is not that issuer's, or not fit to be used.
    pub fn discovered<J: Json>(&self, text: &str) -> Option<Endpoints> {
        let metadata = J::parse(text)?;
        if !same_issuer(&metadata.filled("issuer")?, self.issuer.as_deref()?) {
            return None;
        }
        let endpoint = |given: &Option<String>, name: &str| {
            given.clone().or_else(|| metadata.filled(name).filter(|url| is_confidential(url)))
        };
        let names_issuer = metadata.get("authorization_response_iss_parameter_supported");
        Some(Endpoints {
            authorization: endpoint(&self.authorization_endpoint, "authorization_endpoint")?,
            token: endpoint(&self.token_endpoint, "token_endpoint")?,
            names_issuer: names_issuer.is_some_and(|flag| flag.text() == "true"),
        })
    }
}

/// Where an issuer's metadata may be: as OpenID has it, as RFC 8414 §3.1, and as its §5 has OpenID's in time to come. That
/// section would begin with the last; the first is where providers are found, and a page's console shows each miss. The last
/// is empty where it would be the first again.
pub fn metadata_urls(issuer: &str) -> [String; 3] {
    let issuer = without_slashes(issuer);
    let host_at = issuer.as_bytes().windows(3).position(|three| three == b"://").map_or(0, |at| at + 3);
    let host_len = issuer.get(host_at..).and_then(|rest| rest.bytes().position(|byte| byte == b'/'));
    let (origin, path) =
        issuer.split_at_checked(host_len.map_or(issuer.len(), |len| host_at + len)).unwrap_or((issuer, ""));
    let inserted = if path.is_empty() { String::new() } else { joined(&[origin, OPENID, path]) };
    [joined(&[issuer, OPENID]), joined(&[origin, "/.well-known/oauth-authorization-server", path]), inserted]
}

const OPENID: &str = "/.well-known/openid-configuration";

/// Whether what is sent there can be read by nobody else: `https`, or this machine itself (RFC 8252 §8.3).
pub fn is_confidential(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("http://") else { return url.starts_with("https://") };
    let rest = rest.as_bytes();
    let end = rest.iter().position(|byte| matches!(byte, b'/' | b'?' | b'#' | b'\\'));
    let authority = end.and_then(|end| rest.get(..end)).unwrap_or(rest);
    let port_at = authority.iter().rposition(|byte| !byte.is_ascii_digit());
    let host = match port_at.and_then(|at| authority.split_at_checked(at)) {
        Some((host, [b':', ..])) => host,
        _ => authority,
    };
    let is_named = host.ends_with(b".localhost") && host.iter().all(|byte| is_host_char(*byte));
    is_named || matches!(host, b"localhost" | b"127.0.0.1" | b"[::1]")
}

fn is_host_char(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-')
}

/// The platform ends a URL without a path in `/`, and people do as they please.
fn same_issuer(one: &str, other: &str) -> bool {
    without_slashes(one) == without_slashes(other)
}

fn without_slashes(mut url: &str) -> &str {
    while let Some(shorter) = url.strip_suffix("/") {
        url = shorter;
    }
    url
}

/// The authorization request's parameters (RFC 6749 §4.1.1, RFC 7636 §4.3). Further ones replace the scope, and leave
/// it out where they are empty; what holds the flow together they can't touch.
pub fn authorization<'a>(
    route: &'a SignInRoute,
    state: &'a str,
    challenge: &'a str,
    params: &'a [(String, Secret)],
) -> Vec<(&'a str, &'a str)> {
    let ours = [
        ("response_type", "code"),
        ("client_id", route.client_id.as_str()),
        ("redirect_uri", &route.redirect_uri),
        ("state", state),
        ("code_challenge", challenge),
        ("code_challenge_method", "S256"),
    ];
    let mut members = Vec::new();
    if !route.scope.is_empty() {
        members.push(("scope", route.scope.as_str()));
    }
    for (name, value) in route.params.iter().chain(params) {
        take_out(&mut members, name);
        if !value.is_empty() {
            members.push((name, value.expose()));
        }
    }
    for our in ours {
        take_out(&mut members, our.0);
        members.push(our);
    }
    members
}

/// What is kept from the start of a sign-in to its redirect.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(not(target_family = "wasm"), derive(Debug))]
pub struct Pending {
    /// RFC 6749 §10.12.
    pub state: Secret,
    /// RFC 7636 §4.1.
    pub verifier: Secret,
    /// What the app wants back, as JSON text.
    pub app_state: Option<String>,
    /// As it was sent: the token request repeats it (RFC 6749 §4.1.3).
    pub redirect_uri: String,
    /// Epoch milliseconds.
    pub made_at_ms: i64,
}

impl Pending {
    /// As text.
    pub fn write<J: Json>(&self) -> String {
        J::object(&[
            ("v", Member::Int(VERSION)),
            ("state", Member::Text(self.state.expose())),
            ("verifier", Member::Text(self.verifier.expose())),
            ("app_state", self.app_state.as_deref().map_or(Member::Null, Member::Text)),
            ("redirect_uri", Member::Text(&self.redirect_uri)),
            ("made_at_ms", Member::Int(self.made_at_ms)),
        ])
    }

    /// From text. `None` for anything that is not ours, whole and of late.
    pub fn read<J: Json>(text: &str, now_ms: i64) -> Option<Self> {
        let json = J::parse(text)?;
        let name = |name: &str| json.filled(name).filter(|text| is_name(text)).map(Secret::new);
        let int = |name: &str| json.get(name).and_then(|value| value.as_f64()).map(|number| number as i64);
        let made_at_ms =
            int("made_at_ms").filter(|at| difference(now_ms, *at).saturating_abs() <= MOST_MS)?;
        let app_state = match json.given("app_state") {
            Some(value) => Some(value.as_str().filter(|text| J::parse(text).is_some())?),
            None => None,
        };
        Some(Self {
            state: name("state").filter(|_| int("v") == Some(VERSION))?,
            verifier: name("verifier")?,
            app_state,
            redirect_uri: json.filled("redirect_uri")?,
            made_at_ms,
        })
    }

    /// The token request's members but for the client's own (RFC 6749 §4.1.3, RFC 7636 §4.5).
    pub fn token_request<'a>(&'a self, code: &'a Secret) -> Vec<(&'a str, &'a str)> {
        vec![
            ("grant_type", "authorization_code"),
            ("code", code.expose()),
            ("redirect_uri", &self.redirect_uri),
            ("code_verifier", self.verifier.expose()),
        ]
    }
}

fn is_name(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=MAX_NAME).contains(&text.len()) && text.bytes().all(fits)
}

/// What a redirect brings, and nobody else should see: these go from the address bar.
pub const REDIRECT_PARAMS: &[&str] =
    &["code", "state", "iss", "session_state", "error", "error_description", "error_uri"];

/// The authorization server's redirect back to the app (RFC 6749 §4.1.2).
#[cfg_attr(not(target_family = "wasm"), derive(Debug))]
pub struct Redirect {
    state: Secret,
    code: Option<Secret>,
    error: Option<String>,
    description: Option<String>,
    uri: Option<String>,
    /// RFC 9207 §2.
    iss: Option<String>,
}

impl Redirect {
    /// Reads a query's parameters. `None`: this is no redirect of an authorization server, or one that says
    /// something twice (RFC 6749 §3.1).
    pub fn read(params: &[(String, String)]) -> Option<Self> {
        let mut counts =
            REDIRECT_PARAMS.iter().map(|name| params.iter().filter(|param| param.0 == *name).count());
        if counts.any(|count| count > 1) {
            return None;
        }
        let get = |name: &str| {
            params
                .iter()
                .find(|param| param.0 == name)
                .map(|param| param.1.clone())
                .filter(|text| !text.is_empty())
        };
        let redirect = Self {
            state: Secret::new(get("state")?),
            code: get("code").map(Secret::new),
            error: get("error"),
            description: get("error_description"),
            uri: get("error_uri"),
            iss: get("iss"),
        };
        (redirect.code.is_some() || redirect.error.is_some()).then_some(redirect)
    }

    /// Whether it is the answer to that sign-in.
    pub fn answers(&self, pending: &Pending) -> bool {
        self.state == pending.state
    }

    /// Whether the server refused.
    pub fn is_error(&self) -> bool {
        self.error.is_some()
    }

    /// The code, if the issuer that was asked gave one.
    pub fn code(
        self,
        pending: &Pending,
        issuer: Option<&str>,
        names_issuer: bool,
    ) -> Result<Secret, Failure> {
        let by_issuer = match (&self.iss, issuer) {
            (Some(iss), Some(issuer)) => same_issuer(iss, issuer),
            (Some(_), None) => true,
            (None, _) => !names_issuer,
        };
        if !by_issuer {
            return Err(Failure::new(Code::InvalidState, ANOTHER_ISSUER));
        }
        let mut known = Known::default();
        known.add(&pending.state);
        known.add(&pending.verifier);
        if let Some(code) = &self.code {
            known.add(code);
        }
        let Some(error) = self.error else {
            return self.code.ok_or(Failure::new(Code::InvalidState, NO_REDIRECT));
        };
        let said = Refused {
            status: 0,
            code: Some(known.code(&error)),
            description: self.description.map(|text| known.blank(&text)),
            uri: self.uri.and_then(|text| known.uri(&text)),
        };
        Err(Failure::said(Code::AccessDenied, DENIED, said))
    }
}

/// What the token endpoint's answer to the code means. A code is good for once: whatever went wrong, the sign-in
/// must be started again.
pub fn granted(meaning: Option<Meaning>) -> Result<Grant, Failure> {
    let unavailable = |said| Failure::said(Code::RefreshUnavailable, UNAVAILABLE, said);
    match meaning {
        Some(Meaning::Granted(grant)) => Ok(grant),
        Some(Meaning::Invalid(said)) if said.code.is_none() => {
            Err(Failure::said(Code::InvalidResponse, NO_ANSWER, said))
        }
        Some(Meaning::Ended(said) | Meaning::Invalid(said)) => {
            Err(Failure::said(Code::AccessDenied, CODE_REFUSED, said))
        }
        Some(Meaning::Unavailable { said, retry_at_ms }) => Err(Failure { retry_at_ms, ..unavailable(said) }),
        None => Err(unavailable(Refused::default())),
    }
}

/// No code and no error, or not once each.
pub const NO_REDIRECT: &str = "This address is not the redirect of a sign-in.";
/// The state is not the one kept, or none is.
pub const WRONG_STATE: &str =
    "No sign-in of this tab awaits this redirect: it is another one's, an older one's or was used before.";
const ANOTHER_ISSUER: &str = "Another issuer than the one that was asked answers this sign-in.";
const DENIED: &str = "The authorization server refused the sign-in.";
const CODE_REFUSED: &str = "The token endpoint refused the authorization code: start the sign-in again.";
const NO_ANSWER: &str = "The token endpoint answered the authorization code with something else than tokens: start the sign-in again.";
const UNAVAILABLE: &str = "The token endpoint could not be reached, did not answer in time or is in trouble: start the sign-in again.";

#[cfg(test)]
#[cfg(not(target_family = "wasm"))]
mod tests;
