//! Presenting the refresh token: by a request to the route, or by calling the app's function.

use std::rc::Rc;

use js_sys::{Function, Promise};
use wasm_bindgen::JsValue;

use super::driver::Driver;
use super::json::{self, JsJson};
use super::task::{Given, Settled};
use super::timer::before;
use super::{clock, dpop, js};
use crate::proto::answer::{self, Facts, Meaning, Refused};
use crate::proto::dpop::{Proven, bound, complaint};
use crate::proto::io::{AttemptId, Input, Reason};
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

/// Asks for new tokens, and feeds what that means.
pub async fn present(
    driver: Rc<Driver>,
    attempt: AttemptId,
    refresh_token: Option<Secret>,
    access_token: Option<Secret>,
    reason: Reason,
) -> Given {
    let meaning = match &driver.settings.source {
        Source::Route(route) => {
            let request = route::request::<JsJson>(route, refresh_token.as_ref());
            let mut secrets = Vec::new();
            secrets.extend(&refresh_token);
            secrets.extend(&access_token);
            // The core has an eye on the time.
            send(&driver, route, &request, &secrets, None).await
        }
        Source::Function(function) => {
            let asked = ask(function, refresh_token, access_token, reason);
            given_by_function(&driver, attempt, asked.await)
        }
    };
    driver.feed(match meaning {
        Some(meaning) => Input::Answered(attempt, meaning),
        None => Input::Unanswered(attempt),
    });
    Ok(JsValue::UNDEFINED)
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
        set_lifetime(&mut meaning, now_ms);
        return Some(meaning);
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

/// Calls the app's function.
fn ask(
    function: &Function,
    refresh_token: Option<Secret>,
    access_token: Option<Secret>,
    reason: Reason,
) -> Settled {
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
    js::settled_or(function.call1(&JsValue::UNDEFINED, &context))
}

/// `None`: it threw something that ends nothing.
fn given_by_function(driver: &Driver, attempt: AttemptId, given: Given) -> Option<Meaning> {
    match given {
        Ok(value) => {
            let json = JsJson::of(&value);
            let grant = json.and_then(|json| answer::grant(&json, &Fields::default(), Mode::Token).ok());
            let mut meaning = grant.map_or(Meaning::Invalid(Refused::default()), Meaning::Granted);
            set_lifetime(&mut meaning, clock::reading().wall_ms);
            Some(meaning)
        }
        Err(thrown) => {
            let ends = js::string_at(&thrown, "code").is_some_and(|code| code == "invalid_grant");
            driver.threw(attempt, thrown);
            let said = Refused { code: Some("invalid_grant".into()), ..Refused::default() };
            ends.then_some(Meaning::Ended(said))
        }
    }
}

fn set_lifetime(meaning: &mut Meaning, received_ms: i64) {
    if let Meaning::Granted(grant) = meaning {
        settle_lifetime::<JsJson>(grant, received_ms);
    }
}
