//! A caller's signal detaches that caller, and nobody else.

use super::support::*;
use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;

const HANGS: &str =
    "() => new Promise((resolve) => { server.answer = () => resolve(Response.json(server.renew())); })";

#[wasm_bindgen_test]
async fn whoever_leaves_is_gone_at_once_and_the_refresh_goes_on_for_the_others() {
    let (time, server) = (Time::stopped(), Server::new());
    let tab = server.signed_in("").await;
    time.pass_s(3601).await;
    server.answer_route(HANGS);

    let aborting = js("new AbortController()");
    let options = with("of", &aborting, "{ signal: of.signal }");
    let leaving = [
        tab.fetch(&API.into(), &options),
        tab.fetch(
            &with("options", &options, "new Request('https://api.test/', options)"),
            &JsValue::UNDEFINED,
        ),
        tab.get_access_token(&options),
        tab.refresh(&options),
    ];
    let staying = tab.fetch(&API.into(), &JsValue::UNDEFINED);
    until("the token request", || server.refreshes() == 1).await;
    with("of", &aborting, "of.abort(new Error('leaving'))");
    for leaving in leaving {
        assert_eq!(show(&at(&err(leaving).await, "message")), "leaving");
    }
    with("server", &server, "server.answer()");
    assert_eq!(status(&ok(staying).await), 200);
    assert_eq!((server.refreshes(), server.calls("url").len()), (1, 1), "who left sends nothing");
}

#[wasm_bindgen_test]
async fn the_refresh_goes_on_when_everybody_has_left() {
    let server = Server::new();
    let tab = server.signed_in("").await;
    server.answer_route(HANGS);
    let aborting = js("new AbortController()");
    let leaving = tab.refresh(&with("of", &aborting, "{ signal: of.signal }"));
    until("the token request", || server.refreshes() == 1).await;
    with("of", &aborting, "of.abort()");
    assert_eq!(show(&at(&err(leaving).await, "name")), "AbortError");
    with("server", &server, "server.answer()");
    until("the new token", || tab.access_token().as_deref() == Some("access-2")).await;
}

#[wasm_bindgen_test]
async fn a_signal_aborted_before_starts_nothing() {
    let server = Server::new();
    let tab = server.signed_in("").await;
    let reason = err(tab.refresh(&js("{ signal: AbortSignal.abort('why') }"))).await;
    assert_eq!(show(&reason), "why");
    settle().await;
    assert_eq!(server.refreshes(), 0);
}

#[wasm_bindgen_test]
async fn leaving_between_the_401_and_its_replay_sends_no_replay() {
    let server = Server::new();
    let tab = server.signed_in("").await;
    server.forget();
    server.answer_route(HANGS);
    let aborting = js("new AbortController()");
    let leaving = tab.fetch(&API.into(), &with("of", &aborting, "{ signal: of.signal }"));
    until("the token request", || server.refreshes() == 1).await;
    with("of", &aborting, "of.abort(new Error('leaving'))");
    assert_eq!(show(&at(&err(leaving).await, "message")), "leaving");
    with("server", &server, "server.answer()");
    settle().await;
    assert_eq!(server.calls("authorization"), ["Bearer access-1"]);
}

#[wasm_bindgen_test]
async fn a_signal_that_is_none_is_somebody_elses_problem() {
    let server = Server::new();
    let tab = server.signed_in("").await;
    for signal in ["null", "undefined", "7", "{}", "{ aborted: false, addEventListener() { throw 1; } }"] {
        ok(tab.get_access_token(&js(&format!("{{ signal: {signal} }}")))).await;
    }
    let reason = err(tab.get_access_token(&js("{ get signal() { throw new Error('mine'); } }"))).await;
    assert_eq!(show(&at(&reason, "message")), "mine");
}
