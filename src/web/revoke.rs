//! Telling the server that a session is over (RFC 7009), or the app's own logout route.

use super::driver::Driver;
use super::fetch::status;
use super::js;
use super::json::JsJson;
use super::refresher::{Source, plain_route, post};
use super::task::{Given, Settled};
use super::timer::{before, deadline};
use crate::proto::error::{Code, Failure};
use crate::proto::route;
use crate::proto::secret::Secret;

const FAILED: &str = "The revocation route could not be reached, did not answer in time or refused.";

/// Asks for the end of a refresh token, or of the access token where there is none; [`revoked`] reads what comes of it.
/// `None`: there is no route for it.
pub fn revoke(
    driver: &Driver,
    refresh_token: Option<Secret>,
    access_token: Option<Secret>,
) -> Option<Settled> {
    let revoke = driver.settings.revoke.as_ref()?;
    let hint = if refresh_token.is_some() { "refresh_token" } else { "access_token" };
    let token = refresh_token.or(access_token);
    let mut to = plain_route(revoke.url.clone());
    to.body = revoke.body;
    to.client_id = driver.settings.sign_in.as_ref().map(|route| route.client_id.clone());
    if let Source::Route(route) = &driver.settings.source {
        // The same client, by the same means (RFC 7009 §2.1).
        to.client_id = route.client_id.clone();
        to.client_secret = route.client_secret.clone();
        to.client_auth = route.client_auth;
    }
    let mut members = Vec::new();
    if let Some(name) = &revoke.token_param {
        // A route of the app's own, which knows refresh tokens by that name and nothing of hints.
        if let Some(token) = token.as_ref().filter(|_| hint == "refresh_token") {
            members.push((name.as_str(), token.expose()));
        }
    } else if let Some(token) = &token {
        members.push(("token", token.expose()));
        members.push(("token_type_hint", hint));
    }
    let request = route::post::<JsJson>(&to, members);
    let deadline = deadline(driver.settings.config.timeout_ms);
    // Without a proof: RFC 9449 knows none here, and a preflight that no server expects would be the price.
    let sent = post(driver, &revoke.url, &request, revoke.credentials, None).unwrap_or_default();
    Some(js::settled(before(Some(&deadline), sent)))
}

/// Whether the route did it.
pub fn revoked(answer: Given) -> Result<(), Failure> {
    match answer.ok().and_then(|response| status(&response)) {
        Some(200..300) => Ok(()),
        status => {
            let mut failure = Failure::new(Code::RefreshUnavailable, FAILED);
            failure.status = status;
            Err(failure)
        }
    }
}
