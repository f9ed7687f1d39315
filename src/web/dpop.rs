//! Requests with proofs (DPoP, RFC 9449): to the authorization server, and to APIs.

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::{JsString, Promise, Uint8Array};
use sha2::{Digest, Sha256};
use wasm_bindgen::JsValue;

use super::driver::Driver;
use super::errors::mistake;
use super::fetch::{let_go, status};
use super::init::{Call, as_request, request_url};
use super::json::{self, JsJson};
use super::keypair::Key;
use super::{clock, js, seal, task};
use crate::proto::base64;
use crate::proto::dpop::{self, Complaint, Facts, Proven, Servers};
use crate::proto::io::Epoch;

/// What is kept between requests.
#[derive(Default)]
pub struct Dpop {
    key: RefCell<Option<Rc<Key>>>,
    /// The key is being looked for: all who need it meanwhile wait for the same.
    asking: RefCell<Option<Promise>>,
    servers: RefCell<Servers>,
    /// The hash of an epoch's access token.
    ath: RefCell<Option<(Epoch, String)>>,
}

const NO_DICE: &str = "This platform has no crypto.getRandomValues.";

/// The session's key.
pub async fn key(driver: &Rc<Driver>) -> Result<Rc<Key>, JsValue> {
    let known = driver.dpop.key.borrow().clone();
    if let Some(key) = known {
        return Ok(key);
    }
    let asking = driver.dpop.asking.borrow().clone();
    let asking = asking.unwrap_or_else(|| {
        let of = driver.clone();
        let asking = task::promise(async move {
            let key = Rc::new(Key::load(&of).await?);
            // Never another one than before: tokens may be bound to it by now.
            of.dpop.key.borrow_mut().get_or_insert(key);
            Ok(JsValue::UNDEFINED)
        });
        driver.dpop.asking.replace(Some(asking.clone()));
        asking
    });
    let asked = js::settled(asking.into()).await;
    // What failed is tried again by the next who needs it.
    driver.dpop.asking.take();
    asked?;
    let known = driver.dpop.key.borrow().clone();
    known.ok_or(JsValue::UNDEFINED)
}

/// The next proof for a request, with that hash of the access token: a compact JWS (RFC 7515 §7.1) by ES256 (RFC 7518
/// §3.4), which is how the platform writes a signature.
pub async fn proof(driver: &Rc<Driver>, request: &mut Proven, ath: Option<&str>) -> Result<String, JsValue> {
    let key = key(driver).await?;
    let jti = seal::random_name(16).ok_or_else(|| mistake(NO_DICE))?;
    let now_ms = clock::reading().wall_ms;
    driver.dpop.servers.borrow().ready(request, now_ms);
    let mut proof = base64::encode_url(dpop::header(&key.jwk).as_bytes());
    proof.push('.');
    proof.push_str(&base64::encode_url(request.claims::<JsJson>(&jti, ath).as_bytes()));
    let how = json::value(r#"{"name":"ECDSA","hash":"SHA-256"}"#);
    let bytes = Uint8Array::from(proof.as_bytes());
    let signing = js::call_settled(&seal::subtle(), "sign", &[&how, &key.private, &bytes]);
    let signature = signing.await?;
    proof.push('.');
    proof.push_str(&base64::encode_url(&Uint8Array::new(&signature).to_vec()));
    Ok(proof)
}

/// Takes in an answer. Gives whether the request is to be sent again at once, with another proof.
pub fn answered(driver: &Driver, request: &mut Proven, complaint: Complaint, response: &JsValue) -> bool {
    let nonce = js::header(response, "dpop-nonce");
    let date = if complaint == Complaint::None { None } else { js::header(response, "date") };
    let facts =
        Facts { complaint, nonce: nonce.as_deref(), date: date.as_deref(), now_ms: clock::reading().wall_ms };
    driver.dpop.servers.borrow_mut().answered(request, &facts)
}

/// Sends a call with a proof, and again where the server wants another one.
pub fn dispatch(driver: &Rc<Driver>, call: &Call, epoch: Epoch, authorization: Option<JsString>) -> Promise {
    task::promise(send(driver.clone(), call.clone(), epoch, authorization))
}

async fn send(
    driver: Rc<Driver>,
    mut call: Call,
    epoch: Epoch,
    authorization: Option<JsString>,
) -> Result<JsValue, JsValue> {
    call.pin()?;
    // What the call is about is looked at in its caller's turn; the rest takes a while.
    let token = driver.access_token();
    let (mut input, mut init) = call.arguments(authorization.as_ref(), call.replayable)?;
    let mut request = proven(&input, &init)?;
    let known = driver.dpop.ath.borrow().clone().filter(|known| known.0 == epoch).map(|known| known.1);
    let ath = known.or_else(|| Some(base64::encode_url(&Sha256::digest(token.as_ref()?.expose()))));
    driver.dpop.ath.replace(ath.clone().map(|ath| (epoch, ath)));
    loop {
        call.prove(&proof(&driver, &mut request, ath.as_deref()).await?)?;
        let response = js::settled(driver.call_fetch(&input, &init)?.into()).await?;
        let challenge = js::header(&response, "www-authenticate");
        let complaint = Complaint::of_answer(status(&response), challenge.as_deref());
        if !answered(&driver, &mut request, complaint, &response) || !call.replayable {
            return Ok(response);
        }
        let_go(&response);
        (input, init) = call.arguments(authorization.as_ref(), true)?;
    }
}

/// The request that these arguments of `fetch` make, as the platform sees it.
fn proven(input: &JsValue, init: &JsValue) -> Result<Proven, JsValue> {
    let (mut url, mut method) = (input.clone(), js::get(init, "method")?);
    if let Some(request) = as_request(input) {
        url = request_url(request).unwrap_or_default();
        if method.is_undefined() {
            method = js::get(request, "method")?;
        }
    }
    let seen = js::construct("Request", &[&url, &js::object(&[("method", method)])])?;
    let text = |name| js::string_at(&seen, name).unwrap_or_default();
    Ok(Proven::new(text("method"), text("url")))
}
