//! The token is refreshed when it is due, once for everybody.

use super::support::*;
use js_sys::{Array, Promise};
use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;

#[wasm_bindgen_test]
async fn a_fresh_token_is_used_as_it_is() {
    let (time, server) = (Time::stopped(), Server::new());
    let tab = server.signed_in("").await;
    time.pass_s(3299).await;
    assert_eq!(tab.call().await, 200);
    assert_eq!(server.refreshes(), 0);
    time.pass_s(2).await;
    assert_eq!(tab.call().await, 200);
    assert_eq!(server.calls("authorization"), ["Bearer access-1", "Bearer access-2"]);
    assert_eq!(server.refreshes(), 1);
}

#[wasm_bindgen_test]
async fn a_hundred_calls_on_an_expired_token_make_one_token_request() {
    let (time, server) = (Time::stopped(), Server::new());
    let tab = server.signed_in("").await;
    time.pass_s(3601).await;
    let calls: Array = (0..100).map(|_| tab.fetch(&API.into(), &JsValue::UNDEFINED)).collect();
    let answers = Array::from(&ok(Promise::all(&calls)).await);
    assert!(answers.iter().all(|answer| status(&answer) == 200));
    assert_eq!(server.refreshes(), 1);
    assert_eq!(server.calls("authorization"), vec!["Bearer access-2"; 100]);
}

#[wasm_bindgen_test]
async fn the_token_request_is_a_form_that_no_cache_keeps_and_no_redirect_leads_astray() {
    let server = Server::new();
    let tab = server.signed_in("").await;
    server.answer_route("(url, init) => { server.init = init; return Response.json(server.renew()); }");
    ok(tab.refresh(&JsValue::UNDEFINED)).await;
    assert_eq!(
        show(&at(&server, "refreshes")),
        r#"[{"grant_type":"refresh_token","refresh_token":"refresh-1","client_id":"app"}]"#
    );
    let init = at(&server, "init");
    assert_eq!(show(&at(&init, "method")), "POST");
    assert_eq!(show(&at(&init, "cache")), "no-store");
    assert_eq!(show(&at(&init, "redirect")), "manual");
    assert_eq!(show(&at(&init, "credentials")), "same-origin");
    assert!(at(&init, "signal").is_undefined(), "nothing can abort it");
}

#[wasm_bindgen_test]
async fn a_failing_route_costs_nobody_a_token_that_is_still_valid() {
    let (time, server) = (Time::stopped(), Server::new());
    let tab = server.signed_in("").await;
    server.answer_route("() => new Response('down', { status: 503 })");
    time.pass_s(3500).await;
    assert_eq!(tab.call().await, 200);
    time.pass_s(101).await;
    let reason = err(tab.fetch(&API.into(), &JsValue::UNDEFINED)).await;
    assert_eq!(show(&at(&reason, "code")), "refresh_unavailable");
    assert_eq!(tab.shows("status"), "expired");
    assert_eq!(server.calls("authorization"), ["Bearer access-1"], "an expired token goes nowhere");
}

#[wasm_bindgen_test]
async fn the_session_ends_when_the_route_refuses_the_refresh_token() {
    let server = Server::new();
    let tab = server.signed_in("").await;
    let ended = tab.heard("signed-out");
    server.answer_route("() => Response.json({ error: 'invalid_grant' }, { status: 400 })");
    let reason = err(tab.refresh(&JsValue::UNDEFINED)).await;
    assert_eq!(show(&at(&reason, "code")), "invalid_grant");
    settle().await;
    assert_eq!(show(&at(&ended, "0.reason")), "rejected");
    assert_eq!(tab.shows("status"), "signed-out");
    assert_eq!(tab.access_token(), None);
}

#[wasm_bindgen_test]
async fn a_route_that_never_answers_is_given_up_after_its_timeout() {
    let (time, server) = (Time::stopped(), Server::new());
    let tab = server.signed_in("refresh: { url: 'https://id.test/token', timeout: 2000 }").await;
    for never in ["() => new Promise(() => {})", "() => ({ status: 200, text: () => new Promise(() => {}) })"]
    {
        server.answer_route(never);
        let refreshing = tab.refresh(&JsValue::UNDEFINED);
        time.pass_s(3).await;
        assert_eq!(show(&at(&err(refreshing).await, "code")), "refresh_unavailable");
        assert_eq!(tab.shows("status"), "signed-in");
        time.pass_s(60).await;
    }
}

#[wasm_bindgen_test]
async fn signing_out_is_not_undone_by_a_refresh_on_its_way() {
    let server = Server::new();
    let tab = server.signed_in("").await;
    server.answer_route(
        "() => new Promise((resolve) => { server.answer = () => resolve(Response.json(server.renew())); })",
    );
    let refreshing = tab.refresh(&JsValue::UNDEFINED);
    until("the token request", || server.refreshes() == 1).await;
    ok(tab.sign_out(&JsValue::UNDEFINED)).await;
    assert_eq!(show(&at(&err(refreshing).await, "code")), "signed_out");
    with("server", &server, "server.answer()");
    settle().await;
    assert_eq!(tab.shows("status"), "signed-out");
    assert_eq!(tab.access_token(), None);
}
