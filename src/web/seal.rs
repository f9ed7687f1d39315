//! Sealing what other tabs of a sign-in may see: AES-GCM by the platform, and random names and keys.

use js_sys::Uint8Array;
use wasm_bindgen::{JsCast, JsValue};

use super::js;
use crate::proto::base64;
use crate::proto::secret::Secret;

/// AES-GCM's nonce, bytes (NIST SP 800-38D §8.2.1). Random: a sign-in seals far fewer than 2^32 times.
const NONCE: u32 = 12;

/// `crypto.subtle`, or `undefined` where there is none.
pub fn subtle() -> JsValue {
    js::peek(&js::global_value("crypto"), "subtle")
}

/// Whether this platform can seal (it can't in insecure contexts).
pub fn available() -> bool {
    subtle().is_object()
}

/// That many random bytes as base64url; `None` where there is no source of them.
pub fn random_name(bytes: u32) -> Option<String> {
    let buffer = Uint8Array::new_with_length(bytes);
    js::call(&js::global_value("crypto"), "getRandomValues", &[&buffer]).ok()?;
    Some(base64::encode_url(&buffer.to_vec()))
}

/// Seals a text, into one array of nonce and ciphertext, and opens what is sealed so. `None` where the platform refuses, for
/// anything else, and with another key.
pub async fn turn(key: &Secret, data: JsValue) -> Option<JsValue> {
    let (what, nonce, input) = match data.as_string() {
        Some(text) => {
            let nonce = Uint8Array::new_with_length(NONCE);
            js::call(&js::global_value("crypto"), "getRandomValues", &[&nonce]).ok()?;
            ("encrypt", nonce, Uint8Array::from(text.as_bytes()))
        }
        None => {
            let sealed: &Uint8Array = data.dyn_ref()?;
            ("decrypt", sealed.slice(0, NONCE), sealed.slice(NONCE, sealed.length()))
        }
    };
    let raw = Uint8Array::from(base64::decode_url(key.expose())?.as_slice());
    let usages = js_sys::Array::of1(&what.into());
    let args: [&JsValue; 5] = [&"raw".into(), &raw, &"AES-GCM".into(), &JsValue::FALSE, &usages];
    let importing = js::call_settled(&subtle(), "importKey", &args);
    let key = importing.await.ok()?;
    let how = js::object(&[("name", "AES-GCM".into()), ("iv", nonce.clone().into())]);
    let turning = js::call_settled(&subtle(), what, &[&how, &key, &input]);
    let output = Uint8Array::new(&turning.await.ok()?);
    if what == "decrypt" {
        return String::from_utf8(output.to_vec()).ok().map(JsValue::from);
    }
    let whole = Uint8Array::new_with_length(NONCE + output.length());
    whole.set(&nonce, 0);
    whole.set(&output, NONCE);
    Some(whole.into())
}
