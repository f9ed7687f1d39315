//! `fetch` with the token attached. The common path, a fresh token and a known URL, goes to the wrapped
//! `fetch` and back without waiting for anything of ours and without a text crossing the border.

use std::cell::{OnceCell, RefCell};
use std::rc::{Rc, Weak};

use js_sys::{Array, JsString, Map, Promise};
use wasm_bindgen::prelude::*;

use super::callback::{self, Callback};
use super::callers::ask;
use super::driver::Driver;
use super::init::{Call, as_request, request_url};
use super::listeners::Listeners;
use super::{dpop, js, task};
use crate::proto::allow::{Target, allows};
use crate::proto::challenge::{self, Refusal};
use crate::proto::io::{Challenge401, Epoch, Input, Outcome, Want};
use crate::proto::text::joined;

/// Verdicts kept; then the map starts anew.
const KEPT: u32 = 500;
/// Of longer URLs, in bytes, none is: a `data:` one may be of any length.
const KEPT_LEN: usize = 2048;

/// What is kept between calls.
#[derive(Default)]
pub struct Fetching {
    /// Absolute URL as the caller gave it → whether the token may go there.
    absolute: Verdicts,
    /// The same for URLs that are relative to this base.
    relative: Verdicts,
    base: RefCell<JsValue>,
    /// What requests leave with in an epoch, and those to URLs that are relative to the base above.
    ticket: RefCell<Option<(Epoch, JsValue)>>,
    from_base: RefCell<Option<(Epoch, JsValue)>>,
    /// What every answer comes by; bound to its call.
    look: OnceCell<Callback>,
}

/// The wrapped `fetch`.
pub fn fetch(driver: &Rc<Driver>, input: &JsValue, init: &JsValue) -> Promise {
    try_fetch(driver, input, init).unwrap_or_else(|thrown| Promise::reject(&thrown))
}

fn try_fetch(driver: &Rc<Driver>, input: &JsValue, init: &JsValue) -> Result<Promise, JsValue> {
    // Whatever is neither a Request nor a text becomes one, once: `toString` may have effects.
    let input = match input {
        _ if input.is_string() || as_request(input).is_some() => input.clone(),
        // As `fetch` has it, and not as `String(…)`, which makes a text of symbols too.
        other => js::call(&js::peek(&js::global_value("String"), "prototype"), "concat", &[other])?,
    };
    let Some(base) = may_have_token(driver, &input) else { return driver.call_fetch(&input, init) };
    let Some(call) = Call::new(input.clone(), init, base)? else {
        return driver.call_fetch(&input, init);
    };
    if let Some(epoch) = driver.fresh() {
        return send(driver, &call, epoch);
    }
    let demand = |waiter| Input::Demand { waiter, want: Want::Call };
    let signal = call.signal();
    Ok(ask(driver, &signal, demand, move |driver, outcome| {
        let sent = match outcome {
            Outcome::Failed(failure) => return Err(driver.error(&failure)),
            Outcome::NoSession => dispatch(driver, &call, driver.epoch(), false),
            Outcome::Token | Outcome::Refreshed(_) | Outcome::Replay | Outcome::Surrender => {
                send(driver, &call, driver.epoch())
            }
        };
        sent.map(JsValue::from)
    }))
}

/// What a request to this URL, a text, may leave with at once: `[Authorization, epoch]`, for a relative one with the base
/// as the third, and the same array as long as both are the same. `null`, for a relative one the base: when [`due`] has
/// settled; `undefined`: it goes by [`fetch`]. `awaited` is what [`due`] gave; it will do if its token is still the
/// session's, fresh or not. `null`: somebody waits for that already, and the clocks need not be read.
pub fn attach(driver: &Driver, url: &JsValue, awaited: &JsValue) -> JsValue {
    let fetching = &driver.fetching;
    // A proof is made for each request: the longer way's work.
    let Some(base) = may_go_to(driver, url).filter(|_| !driver.settings.dpop) else {
        return JsValue::UNDEFINED;
    };
    let epoch = if awaited.is_undefined() {
        driver.fresh()
    } else if awaited.is_null() {
        None
    } else {
        // First what needs no clock: ten thousand may have waited.
        let current = fetching.ticket(driver, driver.epoch()) == *awaited;
        if current { Some(driver.epoch()) } else { driver.fresh() }
    };
    match epoch {
        Some(epoch) if base.is_undefined() => fetching.ticket(driver, epoch),
        Some(epoch) => fetching.ticket_from(driver, epoch, base),
        None if base.is_undefined() => JsValue::NULL,
        None => base,
    }
}

/// What everyone who waits leaves with; `undefined`: there is no token, and each goes by [`fetch`].
pub fn due(driver: &Rc<Driver>) -> Promise {
    let demand = |waiter| Input::Demand { waiter, want: Want::Call };
    ask(driver, &JsValue::UNDEFINED, demand, |driver, outcome| match outcome {
        Outcome::Failed(failure) => Err(driver.error(&failure)),
        Outcome::NoSession => Ok(JsValue::UNDEFINED),
        Outcome::Token | Outcome::Refreshed(_) | Outcome::Replay | Outcome::Surrender => {
            Ok(driver.fetching.ticket(driver, driver.epoch()))
        }
    })
}

/// What a 401 means for a request that left with this ticket.
pub fn refused(
    driver: &Rc<Driver>,
    response: JsValue,
    input: &JsValue,
    init: &JsValue,
    ticket: &JsValue,
) -> Result<JsValue, JsValue> {
    let ticket: &Array = ticket.unchecked_ref();
    let call = Call::sent(input, init, ticket.get(2))?;
    let epoch = ticket.get(1).as_f64().unwrap_or_default();
    Ok(mend(driver, call, Epoch(epoch as u32), response))
}

/// Sends with the token, and looks at the answer: all but a 401 go straight to the caller.
fn send(driver: &Rc<Driver>, call: &Call, epoch: Epoch) -> Result<Promise, JsValue> {
    let sent = dispatch(driver, call, epoch, call.replayable)?;
    let look = driver.fetching.look.get_or_init(|| {
        let driver = Rc::downgrade(driver);
        Callback::new(move |context, response| look(&driver, &context, response))
    });
    Ok(task::chain(&sent, &look.function_with(&call.keep(epoch)), &JsValue::UNDEFINED))
}

fn dispatch(driver: &Rc<Driver>, call: &Call, epoch: Epoch, again: bool) -> Result<Promise, JsValue> {
    let value = driver.fetching.authorization_value(driver, epoch);
    if driver.settings.dpop {
        return Ok(dpop::dispatch(driver, call, epoch, value));
    }
    let (input, init) = call.arguments(value.as_ref(), again)?;
    driver.call_fetch(&input, &init)
}

/// What the answer means for the caller: a 401 may lead to one refresh and one replay.
fn look(driver: &Weak<Driver>, context: &JsValue, response: JsValue) -> JsValue {
    if status(&response) != Some(401) {
        return response;
    }
    let Some(driver) = driver.upgrade() else { return response };
    let (call, sent) = Call::kept(context);
    mend(&driver, call, sent, response)
}

fn mend(driver: &Rc<Driver>, call: Call, sent: Epoch, response: JsValue) -> JsValue {
    let challenge = read_challenge(driver, &response);
    let unauthorized = move |waiter| Input::Unauthorized { waiter, sent, challenge };
    if !call.replayable {
        // The refresh is due all the same; this caller has its answer.
        let _ = ask(driver, &JsValue::UNDEFINED, unauthorized, |_, _| Ok(JsValue::UNDEFINED));
        return response;
    }
    let signal = call.signal();
    let replay = move |driver: &Rc<Driver>, outcome| match matches!(outcome, Outcome::Replay) {
        true => replay(driver, &call, response),
        false => Ok(response),
    };
    ask(driver, &signal, unauthorized, replay).into()
}

/// Sends once more, for whatever answer that brings.
fn replay(driver: &Rc<Driver>, call: &Call, first: JsValue) -> Result<JsValue, JsValue> {
    let sent = driver.epoch();
    let again = dispatch(driver, call, sent, false)?;
    let driver = driver.clone();
    let answered = callback::once(move |again, _| {
        driver.feed(Input::Replayed { sent, refused: status(&again) == Some(401) });
        let_go(&first);
        again
    });
    Ok(task::chain(&again, &answered, &JsValue::UNDEFINED).into())
}

/// Nobody will read that answer: lets go of its connection.
pub fn let_go(response: &JsValue) {
    if let Ok(cancelled) = js::call(&js::peek(response, "body"), "cancel", &[]) {
        let _ = task::after(&cancelled, |_| JsValue::UNDEFINED);
    }
}

#[wasm_bindgen]
extern "C" {
    type Answer;

    #[wasm_bindgen(structural, method, getter, catch)]
    fn status(this: &Answer) -> Result<JsValue, JsValue>;
}

/// The status of a `Response`, or of whatever somebody's `fetch` answers with.
pub fn status(response: &JsValue) -> Option<u16> {
    let status = response.is_object().then(|| response.unchecked_ref::<Answer>().status())?;
    status.ok()?.as_f64().map(|status| status as u16)
}

/// Reads the challenges of a 401 and tells listeners of those that want a stronger login.
fn read_challenge(driver: &Rc<Driver>, response: &JsValue) -> Challenge401 {
    let header = js::header(response, "www-authenticate").unwrap_or_default();
    match challenge::refusal(&challenge::parse(&header), &driver.settings.scheme) {
        Refusal::InvalidToken => Challenge401::InvalidToken,
        Refusal::InsufficientScope => Challenge401::InsufficientScope,
        Refusal::StepUp { acr_values, max_age_s } => {
            let url = js::peek(response, "url");
            let event = js::object(&[
                ("url", url),
                ("acrValues", js::text(acr_values.as_deref())),
                ("maxAge", js::ms(max_age_s)),
            ]);
            Listeners::tell(driver, "step-up", super::snapshot::frozen(event));
            Challenge401::StepUp
        }
        Refusal::Nonce | Refusal::Proof => Challenge401::Proof,
        Refusal::Other | Refusal::None => Challenge401::Other,
    }
}

/// Whether the token may go to where this input leads: what the URL is relative to, `undefined` where it is absolute.
fn may_have_token(driver: &Driver, input: &JsValue) -> Option<JsValue> {
    let url = match as_request(input) {
        // One that only looks like it goes where nobody can tell.
        Some(request) => request_url(request)?,
        None => input.clone(),
    };
    may_go_to(driver, &url)
}

fn may_go_to(driver: &Driver, url: &JsValue) -> Option<JsValue> {
    let fetching = &driver.fetching;
    if let Some(verdict) = fetching.absolute.of(url) {
        return verdict.then_some(JsValue::UNDEFINED);
    }
    let base = base_url();
    if fetching.base.borrow().ne(&base) {
        fetching.base.replace(base.clone());
        fetching.relative.forget();
        fetching.from_base.take();
    }
    if let Some(verdict) = fetching.relative.of(url) {
        return verdict.then_some(base);
    }
    judge(driver, url, base)
}

/// The platform parses, the core compares. What can't be parsed is `fetch`'s to complain about.
fn judge(driver: &Driver, url: &JsValue, base: JsValue) -> Option<JsValue> {
    let text = url.as_string()?;
    // `https:path` is relative on an https page: only with its slashes is a URL the same everywhere.
    let absolute = text.starts_with("https://") || text.starts_with("http://");
    let (kept, base) = match absolute {
        true => (&driver.fetching.absolute, JsValue::UNDEFINED),
        false => (&driver.fetching.relative, base),
    };
    let parsed = match base.is_string() {
        true => js::construct("URL", &[url, &base]),
        false => js::construct("URL", &[url]),
    };
    let verdict = parsed.is_ok_and(|url| {
        let part = |name: &str| js::text_at(&url, name);
        // The platform's own refuses a URL with a user in it; what another one makes of it nobody knows.
        let plain = part("username").is_empty() && part("password").is_empty();
        plain && allows(&driver.settings.allow, &Target { origin: &part("origin"), path: &part("pathname") })
    });
    if text.len() <= KEPT_LEN {
        kept.keep(url, verdict);
    }
    verdict.then_some(base)
}

/// Verdicts by URL, the map being JavaScript's: no text crosses.
#[derive(Default)]
struct Verdicts(RefCell<Option<Map>>);

impl Verdicts {
    fn of(&self, url: &JsValue) -> Option<bool> {
        self.0.borrow().as_ref()?.get(url).as_bool()
    }

    fn keep(&self, url: &JsValue, verdict: bool) {
        let mut kept = self.0.borrow_mut();
        if kept.as_ref().is_some_and(|map| map.size() >= KEPT) {
            *kept = None;
        }
        kept.get_or_insert_with(Map::new).set(url, &verdict.into());
    }

    fn forget(&self) {
        self.0.take();
    }
}

#[wasm_bindgen]
extern "C" {
    type Document;

    #[wasm_bindgen(structural, method, getter, catch, js_name = baseURI)]
    fn base_uri(this: &Document) -> Result<JsValue, JsValue>;

    type Location;

    #[wasm_bindgen(structural, method, getter, catch)]
    fn href(this: &Location) -> Result<JsValue, JsValue>;

    // Looked at where they are missing too, and renewed by no host that lives.
    #[wasm_bindgen(thread_local_v2, js_name = document)]
    static DOCUMENT: Option<Document>;

    #[wasm_bindgen(thread_local_v2, js_name = location)]
    static LOCATION: Option<Location>;
}

/// What URLs are relative to; `undefined` where there is no such thing.
pub fn base_url() -> JsValue {
    if let Some(page) = js::other_page() {
        return js::peek(&js::peek(&page, "document"), "baseURI");
    }
    let uri = DOCUMENT.with(|document| document.as_ref()?.base_uri().ok()).filter(JsValue::is_string);
    uri.or_else(|| LOCATION.with(|location| location.as_ref()?.href().ok())).unwrap_or_default()
}

impl Fetching {
    fn authorization_value(&self, driver: &Driver, epoch: Epoch) -> Option<JsString> {
        let ticket = self.ticket(driver, epoch);
        ticket.is_object().then(|| ticket.unchecked_ref::<Array>().get(0).unchecked_into())
    }

    /// `[Authorization, epoch]`; `undefined` where there is no token.
    fn ticket(&self, driver: &Driver, epoch: Epoch) -> JsValue {
        if let Some((of, ticket)) = &*self.ticket.borrow()
            && *of == epoch
        {
            return ticket.clone();
        }
        let ticket = driver.access_token().map_or(JsValue::UNDEFINED, |token| {
            let value = joined(&[&driver.settings.scheme, " ", token.expose()]);
            js::list(&[&value.into(), &epoch.0.into()]).into()
        });
        self.ticket.replace(Some((epoch, ticket.clone())));
        ticket
    }

    /// The same with the base, which is the one that verdicts are kept for.
    fn ticket_from(&self, driver: &Driver, epoch: Epoch, base: JsValue) -> JsValue {
        if let Some((of, ticket)) = &*self.from_base.borrow()
            && *of == epoch
        {
            return ticket.clone();
        }
        let ticket = self.ticket(driver, epoch);
        if !ticket.is_object() {
            return JsValue::UNDEFINED;
        }
        let parts: &Array = ticket.unchecked_ref();
        let ticket: JsValue = js::list(&[&parts.get(0), &parts.get(1), &base]).into();
        self.from_base.replace(Some((epoch, ticket.clone())));
        ticket
    }
}
