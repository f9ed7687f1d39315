//! What a disposed session still does: nothing new, and nothing by halves.

use super::support::*;
use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;

#[wasm_bindgen_test]
async fn calls_reject_getters_stay_and_the_name_is_free() {
    let server = Server::new();
    let tab = server.signed_in("name: 'over'").await;
    tab.dispose();
    tab.dispose();
    assert_eq!(tab.shows("status"), "signed-in");
    assert_eq!(tab.access_token().as_deref(), Some("access-1"));
    assert!(with("Class", &class(), "Class.get('over')").is_undefined());
    for call in [
        tab.fetch(&API.into(), &JsValue::UNDEFINED),
        tab.get_access_token(&JsValue::UNDEFINED),
        tab.refresh(&JsValue::UNDEFINED),
        tab.set_tokens(&server.issue()),
        tab.sign_out(&JsValue::UNDEFINED),
    ] {
        let reason = err(call).await;
        assert_eq!(show(&at(&reason, "code")), "invalid_options");
        assert!(show(&at(&reason, "message")).contains("disposed"));
    }
    assert_eq!(server.tab("name: 'over', scheme: 'JWT'").shows("status"), "signed-out");
}

#[wasm_bindgen_test]
async fn who_waits_is_told() {
    let server = Server::new();
    let tab = server.signed_in("").await;
    server.answer_route("() => new Promise(() => {})");
    let waiting = [tab.refresh(&JsValue::UNDEFINED), tab.refresh(&JsValue::UNDEFINED)];
    until("the token request", || server.refreshes() == 1).await;
    tab.dispose();
    for waiting in waiting {
        assert_eq!(show(&at(&err(waiting).await, "code")), "signed_out");
    }
}

#[wasm_bindgen_test]
async fn a_refresh_under_way_is_seen_through_for_the_next_one_of_that_name() {
    let server = Server::new();
    js("sessionStorage.removeItem('tokenwell:next')");
    let tab = server.signed_in("name: 'next', storage: 'session'").await;
    server.answer_route(
        "() => new Promise((resolve) => { server.answer = () => resolve(Response.json(server.renew())); })",
    );
    let refreshing = tab.refresh(&JsValue::UNDEFINED);
    until("the token request", || server.refreshes() == 1).await;
    tab.dispose();
    err(refreshing).await;
    let next = server.tab("name: 'next', storage: 'session'");
    with("server", &server, "server.answer()");
    until("the new tokens", || next.access_token().as_deref() == Some("access-2")).await;
    assert_eq!(server.refreshes(), 1);
}

#[wasm_bindgen_test]
async fn nothing_is_heard_afterwards() {
    let server = Server::new();
    let tab = server.signed_in("").await;
    settle().await;
    let heard = tab.heard("change");
    tab.dispose();
    js("window.dispatchEvent(new Event('focus'))");
    settle().await;
    assert_eq!(heard.length(), 0);
}
