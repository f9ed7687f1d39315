//! `wasm-pack test` in an app that uses the crate: its own code against a server of its own, in a browser.

#![cfg(target_family = "wasm")]

use js_sys::JSON;
use tokenwell_app::app;
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

#[wasm_bindgen(module = "/tests/server.js")]
extern "C" {
    /// Puts a token route and an API in place of the page's `fetch`.
    fn play();
    /// What was sent to the API: the authorization of each request.
    fn sent() -> Vec<String>;
}

#[wasm_bindgen_test]
async fn signs_in_and_calls_the_api_with_a_new_token_when_the_first_is_refused() -> Result<(), JsValue> {
    play();
    let login = JSON::parse(r#"{ "access_token": "one", "refresh_token": "r", "expires_in": 3600 }"#)?;
    app::sign_in(login).await?;
    let orders = app::orders().await?;
    assert_eq!(JSON::stringify(&orders)?, r#"{"orders":[]}"#);
    assert_eq!(sent(), ["Bearer one", "Bearer two"]);
    Ok(())
}
