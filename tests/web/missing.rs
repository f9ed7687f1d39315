//! What a platform lacks, or takes away, is missed by nobody.

use super::page::*;
use super::support::*;
use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;

async fn a_session_works() {
    let (time, server) = (Time::running(), Server::new());
    js("sessionStorage.removeItem('tokenwell:missing')");
    let tab = server.signed_in("name: 'missing', storage: 'session', autoRefresh: true").await;
    assert_eq!(tab.call().await, 200);
    time.sleep(3_601_000.0);
    assert_eq!(tab.call().await, 200);
    assert_eq!(server.refreshes(), 1);
    ok(tab.sign_out(&JsValue::UNDEFINED)).await;
    assert_eq!(tab.shows("status"), "signed-out");
}

#[wasm_bindgen_test]
async fn with_everything_there() {
    a_session_works().await;
}

#[wasm_bindgen_test]
async fn without_indexed_db() {
    let _missing = Changed::missing("globalThis", "indexedDB");
    a_session_works().await;
}

#[wasm_bindgen_test]
async fn with_an_indexed_db_that_refuses() {
    let _refused = Changed::set(
        "globalThis",
        &[("indexedDB", "{ open() { throw new DOMException('no', 'SecurityError'); } }")],
    );
    a_session_works().await;
}

#[wasm_bindgen_test]
async fn without_locks() {
    let _missing = Changed::missing("navigator", "locks");
    a_session_works().await;
}

#[wasm_bindgen_test]
async fn with_locks_that_refuse() {
    let _refused =
        Changed::set("navigator", &[("locks", "{ request: async () => { throw new Error('no'); } }")]);
    a_session_works().await;
}

#[wasm_bindgen_test]
async fn without_channels() {
    let _missing = Changed::missing("globalThis", "BroadcastChannel");
    a_session_works().await;
}

#[wasm_bindgen_test]
async fn without_subtle_crypto() {
    let _missing = Changed::missing("crypto", "subtle");
    a_session_works().await;
}

#[wasm_bindgen_test]
async fn without_session_storage() {
    let _missing = Changed::missing("globalThis", "sessionStorage");
    let (time, server) = (Time::running(), Server::new());
    let tab = server.signed_in("storage: 'session'").await;
    time.sleep(3_601_000.0);
    assert_eq!(tab.call().await, 200);
}

#[wasm_bindgen_test]
async fn without_timers() {
    let server = Server::new();
    let _missing = Changed::set("globalThis", &[("setTimeout", "undefined"), ("clearTimeout", "undefined")]);
    let tab = server.signed_in("autoRefresh: true").await;
    ok(tab.refresh(&JsValue::UNDEFINED)).await;
    assert_eq!(tab.call().await, 200);
}

#[wasm_bindgen_test]
async fn without_randomness_signing_in_says_so() {
    let _missing = Changed::missing("crypto", "getRandomValues");
    let server = Server::new();
    let tab = server.tab("");
    let reason = err(tab.set_tokens(&server.issue())).await;
    assert_eq!(show(&at(&reason, "code")), "invalid_options");
    assert_eq!(tab.shows("status"), "signed-out");
}
