//! Presenting the refresh token: by a request to the route, or by calling the app's function.

use std::rc::Rc;

use js_sys::{Function, Promise};
use wasm_bindgen::JsValue;

use super::driver::Driver;
use super::json::{self, JsJson};
use super::timer::before;
use super::{clock, dpop, js};
use crate::proto::answer::{self, Facts, Meaning, Refused};
use crate::proto::dpop::{Proven, bound, complaint};
use crate::proto::io::{AttemptId, Reason};
use crate::proto::route::{self, Credentials, Fields, Mode, Route, WireRequest};
use crate::proto::secret::Secret;
use crate::proto::token::settle_lifetime;

/// Where new tokens come from.
#[derive(Clone)]
pub enum Source {
    /// A request.
    Route(Route),
    /// The app's function.
    Function(Function),
}

/// A route of which only the URL is known yet.
#[inline(never)]
pub fn plain_route(url: String) -> Route {
    Route::new(url)
}

/// Asks for new tokens. `None`: no answer came.
pub async fn present(
    driver: &Rc<Driver>,
    attempt: AttemptId,
    refresh_token: Option<Secret>,
    access_token: Option<Secret>,
    reason: Reason,
) -> Option<Meaning> {
    match &driver.settings.source {
        Source::Route(route) => by_route(driver, route, refresh_token, access_token).await,
        Source::Function(function) => {
            match by_function(function, refresh_token, access_token, reason).await {
                Ok(meaning) => Some(meaning),
                Err(thrown) => {
                    let ends = js::string_at(&thrown, "code").is_some_and(|code| code == "invalid_grant");
                    driver.threw(attempt, thrown);
                    let said = Refused { code: Some("invalid_grant".into()), ..Refused::default() };
                    ends.then_some(Meaning::Ended(said))
                }
            }
        }
    }
}

async fn by_route(
    driver: &Rc<Driver>,
    route: &Route,
    refresh_token: Option<Secret>,
    access_token: Option<Secret>,
) -> Option<Meaning> {
    let request = route::request::<JsJson>(route, refresh_token.as_ref());
    let secrets: Vec<&Secret> = refresh_token.iter().chain(&access_token).collect();
    // The core has an eye on the time.
    send(driver, route, &request, &secrets, None).await
}

/// Sends a request to a token endpoint and reads its answer. `None`: none came, or not before the deadline.
pub async fn send(
    driver: &Rc<Driver>,
    route: &Route,
    request: &WireRequest,
    secrets: &[&Secret],
    deadline: Option<&Promise>,
) -> Option<Meaning> {
    let mut proven = driver.settings.dpop.then(|| Proven::new(request.method.into(), route.url.clone()));
    loop {
        let proof = match &mut proven {
            Some(proven) => Some(dpop::proof(driver, proven, None).await.ok()?),
            None => None,
        };
        let posted = post(driver, &route.url, request, route.credentials, proof.as_deref());
        let response = js::settled(before(deadline, posted.ok()?)).await.ok()?;
        let status = js::get(&response, "status").ok()?.as_f64()? as u16;
        let retry_after = js::header(&response, "retry-after");
        // An answer whose body is cut off is no answer: what it granted is lost.
        let text = js::call(&response, "text", &[]).ok()?;
        let body = js::settled(before(deadline, text)).await.ok()?.as_string()?;
        let now_ms = clock::reading().wall_ms;
        let facts =
            Facts { status, body_text: Some(&body), retry_after: retry_after.as_deref(), now_ms, secrets };
        let mut meaning = answer::read::<JsJson>(route, &facts);
        if let Some(proven) = &mut proven {
            if dpop::answered(driver, proven, complaint(&meaning), &response) {
                continue;
            }
            meaning = bound(meaning);
        }
        return Some(with_lifetime(meaning, now_ms));
    }
}

/// Sends a request of ours.
pub fn post(
    driver: &Driver,
    url: &str,
    request: &WireRequest,
    credentials: Credentials,
    proof: Option<&str>,
) -> Result<JsValue, JsValue> {
    let headers = js::object(&[]);
    for (name, value) in &request.headers {
        js::set_text(&headers, name, value.expose());
    }
    if let Some(content_type) = request.content_type {
        js::set_text(&headers, "Content-Type", content_type);
    }
    if let Some(proof) = proof {
        js::set_text(&headers, "DPoP", proof);
    }
    // RFC 6749 §5.1: never from a cache. And a redirect is not for secrets to follow.
    let init = json::value(r#"{"cache":"no-store","redirect":"manual"}"#);
    js::set_text(&init, "method", request.method);
    js::set(&init, "headers", &headers);
    let credentials = match credentials {
        Credentials::Omit => "omit",
        Credentials::SameOrigin => "same-origin",
        Credentials::Include => "include",
    };
    js::set_text(&init, "credentials", credentials);
    if let Some(body) = &request.body {
        js::set_text(&init, "body", body.expose());
    }
    Ok(driver.call_fetch(&url.into(), &init)?.into())
}

async fn by_function(
    function: &Function,
    refresh_token: Option<Secret>,
    access_token: Option<Secret>,
    reason: Reason,
) -> Result<Meaning, JsValue> {
    let reason = match reason {
        Reason::Expiry => "expiry",
        Reason::Unauthorized => "unauthorized",
        Reason::Manual => "manual",
        Reason::Startup => "startup",
    };
    let context = js::object(&[
        ("refreshToken", js::text(refresh_token.as_ref().map(Secret::expose))),
        ("accessToken", js::text(access_token.as_ref().map(Secret::expose))),
        ("reason", reason.into()),
    ]);
    let value = js::settled(function.call1(&JsValue::UNDEFINED, &context)?).await?;
    let grant =
        JsJson::of(&value).and_then(|json| answer::grant(&json, &Fields::default(), Mode::Token).ok());
    let meaning = grant.map_or(Meaning::Invalid(Refused::default()), Meaning::Granted);
    Ok(with_lifetime(meaning, clock::reading().wall_ms))
}

fn with_lifetime(meaning: Meaning, received_ms: i64) -> Meaning {
    match meaning {
        Meaning::Granted(mut grant) => {
            settle_lifetime::<JsJson>(&mut grant, received_ms);
            Meaning::Granted(grant)
        }
        Meaning::Ended(_) | Meaning::Unavailable { .. } | Meaning::Invalid(_) => meaning,
    }
}
