//! A session in an app that is Rust itself: what `wasm-bindgen` makes of this, a page calls as `signIn` and `orders`.
//!
//! `cargo build --example app --target wasm32-unknown-unknown`, then `wasm-bindgen --target web`; or the same lines in
//! a crate of your own and `wasm-pack build`. `tests/wasm-pack/app` is such a crate, with its own `wasm-pack test`.

#![cfg(target_family = "wasm")]

use js_sys::JSON;
use tokenwell::AuthSession;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::Response;

/// What a page would hand to `new AuthSession`: the options are the same, and so is what they mean.
const OPTIONS: &str = r#"{ "refresh": { "url": "/oidc/token", "clientId": "tokenwell-demo" } }"#;

/// The app's session: made at the first call, found again by its name.
fn session() -> Result<AuthSession, JsValue> {
    match AuthSession::get(None) {
        Some(session) => Ok(session),
        None => AuthSession::new(&JSON::parse(OPTIONS)?),
    }
}

/// Takes the answer of a login.
#[wasm_bindgen(js_name = signIn)]
pub async fn sign_in(login: JsValue) -> Result<(), JsValue> {
    JsFuture::from(session()?.set_tokens(&login)).await.map(drop)
}

/// Calls the API: with the token, a fresh one if need be.
pub async fn call(url: &str) -> Result<Response, JsValue> {
    let answer = JsFuture::from(session()?.fetch(&url.into(), &JsValue::UNDEFINED)).await?;
    Ok(answer.unchecked_into())
}

/// The user's orders, as JSON.
#[wasm_bindgen]
pub async fn orders() -> Result<JsValue, JsValue> {
    JsFuture::from(call("/api/time").await?.json()?).await
}
