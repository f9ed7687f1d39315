//! `fetch` with the token attached. The common path, a fresh token and a known URL, goes to the wrapped
//! `fetch` and back without waiting for anything of ours and without a text crossing the border.

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::{Function, JsString, Map, Promise};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, future_to_promise};
use web_sys::{Request, Url};

use super::callers::ask;
use super::driver::Driver;
use super::init::Call;
use super::listeners::Listeners;
use super::{errors, js};
use crate::proto::allow::{Target, allows};
use crate::proto::challenge::{self, Refusal};
use crate::proto::io::{Challenge401, Epoch, Input, Outcome, Want};

/// Verdicts kept; then the map starts anew.
const KEPT: u32 = 500;

/// What is kept between calls.
pub struct Fetching {
    /// URL as the caller gave it → whether the token may go there. Made anew when the base URL changes.
    verdicts: RefCell<(JsValue, Map)>,
    /// The `Authorization` value of an epoch.
    authorization: RefCell<Option<(Epoch, Option<JsString>)>>,
}

impl Default for Fetching {
    fn default() -> Self {
        Self { verdicts: RefCell::new((JsValue::UNDEFINED, Map::new())), authorization: RefCell::new(None) }
    }
}

/// The wrapped `fetch`.
pub fn fetch(driver: &Rc<Driver>, input: &JsValue, init: &JsValue) -> Promise {
    try_fetch(driver, input, init).unwrap_or_else(|thrown| Promise::reject(&thrown))
}

fn try_fetch(driver: &Rc<Driver>, input: &JsValue, init: &JsValue) -> Result<Promise, JsValue> {
    // Whatever is neither a Request nor a text becomes one, once: `toString` may have effects.
    let input = match input {
        _ if input.is_string() || input.has_type::<Request>() => input.clone(),
        other => js::apply(&js::global_value("String"), &JsValue::UNDEFINED, &[other])?,
    };
    if !may_have_token(driver, &input)? {
        return Ok(pass_on(driver, &input, init));
    }
    let Some(call) = Call::new(&input, init)? else { return Ok(pass_on(driver, &input, init)) };
    if let Some(epoch) = driver.fresh() {
        let sent = send(driver, &call, epoch, call.replayable)?;
        return Ok(then_look(driver, call, epoch, &sent));
    }
    let driver = driver.clone();
    Ok(future_to_promise(async move {
        let signal = call.signal();
        let outcome = ask(&driver, &signal, |waiter| Input::Demand { waiter, want: Want::Call }).await?;
        let sent = match outcome {
            Outcome::Failed(failure) => return Err(errors::error(&failure)),
            Outcome::NoSession => return JsFuture::from(send_bare(&driver, &call)?).await,
            Outcome::Token | Outcome::Refreshed(_) | Outcome::Replay | Outcome::Surrender => driver.epoch(),
        };
        let response = JsFuture::from(send(&driver, &call, sent, call.replayable)?).await?;
        look(driver, call, sent, response).await
    }))
}

fn pass_on(driver: &Driver, input: &JsValue, init: &JsValue) -> Promise {
    driver.call_fetch(input, init).unwrap_or_else(|thrown| Promise::reject(&thrown))
}

fn send_bare(driver: &Driver, call: &Call) -> Result<Promise, JsValue> {
    let (input, init) = call.arguments(None, false)?;
    driver.call_fetch(&input, &init)
}

fn send(driver: &Driver, call: &Call, epoch: Epoch, again: bool) -> Result<Promise, JsValue> {
    let value = driver.fetching.authorization_value(driver, epoch);
    let (input, init) = call.arguments(value.as_ref(), again)?;
    driver.call_fetch(&input, &init)
}

/// Looks at the answer when it comes; all but a 401 go straight to the caller.
fn then_look(driver: &Rc<Driver>, call: Call, epoch: Epoch, sent: &Promise) -> Promise {
    let driver = driver.clone();
    let mut once = Some((driver, call));
    let look = Closure::once_into_js(move |response: JsValue| -> JsValue {
        if status(&response) != Some(401) {
            return response;
        }
        match once.take() {
            Some((driver, call)) => future_to_promise(look(driver, call, epoch, response)).into(),
            None => response,
        }
    });
    let then = look.unchecked_into::<Function>();
    js::call(sent, "then", &[&then]).map_or_else(|thrown| Promise::reject(&thrown), Promise::from)
}

/// What the answer means for the caller: a 401 may lead to one refresh and one replay.
async fn look(driver: Rc<Driver>, call: Call, sent: Epoch, response: JsValue) -> Result<JsValue, JsValue> {
    if status(&response) != Some(401) {
        return Ok(response);
    }
    let challenge = read_challenge(&driver, &response);
    let unauthorized = move |waiter| Input::Unauthorized { waiter, sent, challenge };
    if !call.replayable {
        // The refresh is due all the same; this caller has its answer.
        wasm_bindgen_futures::spawn_local(async move {
            let _ = ask(&driver, &JsValue::UNDEFINED, unauthorized).await;
        });
        return Ok(response);
    }
    if !matches!(ask(&driver, &call.signal(), unauthorized).await?, Outcome::Replay) {
        return Ok(response);
    }
    let epoch = driver.epoch();
    let again = JsFuture::from(send(&driver, &call, epoch, false)?).await?;
    let refused = status(&again) == Some(401);
    driver.feed(Input::Replayed { sent: epoch, refused });
    // Nobody will read the first answer: let go of its connection.
    if let Ok(body) = js::get(&response, "body")
        && body.is_object()
        && let Ok(cancelled) = js::call(&body, "cancel", &[])
    {
        wasm_bindgen_futures::spawn_local(async move {
            let _ = js::settled(cancelled).await;
        });
    }
    Ok(again)
}

#[wasm_bindgen]
extern "C" {
    type Answer;

    #[wasm_bindgen(structural, method, getter, catch)]
    fn status(this: &Answer) -> Result<JsValue, JsValue>;
}

/// The status of a `Response`, or of whatever somebody's `fetch` answers with.
fn status(response: &JsValue) -> Option<u16> {
    let status = response.is_object().then(|| response.unchecked_ref::<Answer>().status())?;
    status.ok()?.as_f64().map(|status| status as u16)
}

/// Reads the challenges of a 401 and tells listeners of those that want a stronger login.
fn read_challenge(driver: &Rc<Driver>, response: &JsValue) -> Challenge401 {
    let header = js::get(response, "headers")
        .and_then(|headers| js::call(&headers, "get", &[&"www-authenticate".into()]))
        .ok()
        .and_then(|value| value.as_string())
        .unwrap_or_default();
    match challenge::refusal(&challenge::parse(&header), &driver.settings.scheme) {
        Refusal::InvalidToken => Challenge401::InvalidToken,
        Refusal::InsufficientScope => Challenge401::InsufficientScope,
        Refusal::StepUp { acr_values, max_age_s } => {
            let url = js::get(response, "url").unwrap_or_default();
            let event = js::object(&[
                ("url", url),
                ("acrValues", js::text(acr_values.as_deref())),
                ("maxAge", js::ms(max_age_s)),
            ]);
            Listeners::tell(driver, "step-up", super::snapshot::frozen(event));
            Challenge401::StepUp
        }
        Refusal::Other | Refusal::None => Challenge401::Other,
    }
}

/// Whether the token may go to where this input leads.
fn may_have_token(driver: &Driver, input: &JsValue) -> Result<bool, JsValue> {
    let url = match input.dyn_ref::<Request>() {
        Some(request) => request.url().into(),
        None => input.clone(),
    };
    let base = base_url();
    let verdicts = {
        let mut kept = driver.fetching.verdicts.borrow_mut();
        if kept.0 != base || kept.1.size() > KEPT {
            *kept = (base.clone(), Map::new());
        }
        kept.1.clone()
    };
    let known = verdicts.get(&url);
    if let Some(verdict) = known.as_bool() {
        return Ok(verdict);
    }
    let verdict = judge(driver, &url, &base);
    verdicts.set(&url, &verdict.into());
    Ok(verdict)
}

/// What URLs are relative to; `undefined` where there is no such thing.
fn base_url() -> JsValue {
    js::get(&js::global_value("document"), "baseURI")
        .ok()
        .filter(JsValue::is_string)
        .or_else(|| js::get(&js::global_value("location"), "href").ok())
        .unwrap_or_default()
}

/// The platform parses, the core compares. What can't be parsed is `fetch`'s to complain about.
fn judge(driver: &Driver, url: &JsValue, base: &JsValue) -> bool {
    let (Some(url), base) = (url.as_string(), base.as_string()) else { return false };
    let parsed = match base {
        Some(base) => Url::new_with_base(&url, &base),
        None => Url::new(&url),
    };
    parsed.is_ok_and(|url| {
        allows(&driver.settings.allow, &Target { origin: &url.origin(), path: &url.pathname() })
    })
}

impl Fetching {
    fn authorization_value(&self, driver: &Driver, epoch: Epoch) -> Option<JsString> {
        if let Some((of, value)) = &*self.authorization.borrow()
            && *of == epoch
        {
            return value.clone();
        }
        let value = driver
            .access_token()
            .map(|token| JsString::from([driver.settings.scheme.as_str(), token.expose()].join(" ")));
        self.authorization.replace(Some((epoch, value.clone())));
        value
    }
}
