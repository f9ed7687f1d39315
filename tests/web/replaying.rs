//! A 401 leads to one refresh and one replay at most.

use super::support::*;
use js_sys::{Array, Promise};
use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;

#[wasm_bindgen_test]
async fn a_401_is_replayed_once_with_the_new_token() {
    let server = Server::new();
    let tab = server.signed_in("").await;
    server.forget();
    assert_eq!(tab.call().await, 200);
    assert_eq!(server.calls("authorization"), ["Bearer access-1", "Bearer access-3"]);
    assert_eq!(server.refreshes(), 1);
}

#[wasm_bindgen_test]
async fn fifty_401s_at_once_make_one_token_request() {
    let server = Server::new();
    let tab = server.signed_in("").await;
    server.forget();
    let calls: Array = (0..50).map(|_| tab.fetch(&API.into(), &JsValue::UNDEFINED)).collect();
    let answers = Array::from(&ok(Promise::all(&calls)).await);
    assert!(answers.iter().all(|answer| status(&answer) == 200));
    assert_eq!(server.refreshes(), 1);
}

#[wasm_bindgen_test]
async fn the_second_401_goes_to_the_caller_whole_and_the_next_calls_do_not_refresh_again() {
    let server = Server::new();
    let tab = server.signed_in("").await;
    server.answer_api("() => server.refuse()");
    let answer = ok(tab.fetch(&API.into(), &JsValue::UNDEFINED)).await;
    assert_eq!(status(&answer), 401);
    assert_eq!(show(&ok(with("answer", &answer, "answer.text()").into()).await), "refused, and why");
    assert_eq!(server.calls("authorization"), ["Bearer access-1", "Bearer access-2"]);
    for _ in 0..5 {
        assert_eq!(tab.call().await, 401);
    }
    assert_eq!(server.refreshes(), 1, "this API refuses even fresh tokens");
}

#[wasm_bindgen_test]
async fn a_late_401_for_a_token_already_replaced_is_only_replayed() {
    let server = Server::new();
    let tab = server.signed_in("").await;
    server.answer_api(
        "(call) => call.authorization.endsWith('1')
            ? new Promise((resolve) => { server.answer = () => resolve(server.refuse()); })
            : Response.json({})",
    );
    let late = tab.fetch(&API.into(), &JsValue::UNDEFINED);
    until("the call", || !at(&server, "answer").is_undefined()).await;
    ok(tab.refresh(&JsValue::UNDEFINED)).await;
    with("server", &server, "server.answer()");
    assert_eq!(status(&ok(late).await), 200);
    assert_eq!(server.calls("authorization"), ["Bearer access-1", "Bearer access-2"]);
    assert_eq!(server.refreshes(), 1);
}

#[wasm_bindgen_test]
async fn every_body_that_can_be_sent_again_is_sent_again() {
    for (init, sent) in [
        ("{ body: 'one' }", "one"),
        ("{ body: new URLSearchParams({ a: 'b c' }) }", "a=b+c"),
        ("{ body: new Blob(['one']) }", "one"),
        ("{ body: new TextEncoder().encode('one') }", "one"),
        ("{ body: new TextEncoder().encode('one').buffer }", "one"),
    ] {
        let server = Server::new();
        let tab = server.signed_in("").await;
        server.forget();
        let init = with("init", &js(init), "{ method: 'POST', ...init }");
        assert_eq!(status(&ok(tab.fetch(&API.into(), &init)).await), 200, "{sent}");
        assert_eq!(server.calls("body"), [sent, sent]);
        let types = server.calls("headers.content-type");
        assert_eq!(types[0], types[1], "{sent}");
    }
}

#[wasm_bindgen_test]
async fn a_form_is_sent_again_whole() {
    let server = Server::new();
    let tab = server.signed_in("").await;
    server.forget();
    let form = js("(() => { const form = new FormData(); form.set('name', 'value'); return form; })()");
    let init = with("body", &form, "{ method: 'POST', body }");
    assert_eq!(status(&ok(tab.fetch(&API.into(), &init)).await), 200);
    assert!(server.calls("body").iter().all(|body| body.contains("name=\"name\"") && body.contains("value")));
}

#[wasm_bindgen_test]
async fn a_request_with_a_body_is_sent_again_whole() {
    let server = Server::new();
    let tab = server.signed_in("").await;
    server.forget();
    let request =
        js("new Request('https://api.test/', { method: 'POST', body: 'one', headers: { a: '1' } })");
    assert_eq!(status(&ok(tab.fetch(&request, &JsValue::UNDEFINED)).await), 200);
    assert_eq!(server.calls("body"), ["one", "one"]);
    assert_eq!(server.calls("headers.a"), ["1", "1"]);
    assert_eq!(server.refreshes(), 1);
}

#[wasm_bindgen_test]
async fn a_stream_is_not_sent_again_and_its_401_comes_whole() {
    for body in
        ["new Blob(['one']).stream()", "{ async *[Symbol.asyncIterator]() { yield new Uint8Array(1); } }"]
    {
        let server = Server::new();
        let tab = server.signed_in("").await;
        server.forget();
        let init = with("body", &js(body), "{ method: 'POST', body, duplex: 'half' }");
        let answer = ok(tab.fetch(&API.into(), &init)).await;
        assert_eq!(status(&answer), 401, "{body}");
        assert_eq!(show(&ok(with("answer", &answer, "answer.text()").into()).await), "refused, and why");
        assert_eq!(server.calls("method"), ["POST"], "{body}");
        until("the refresh that is due all the same", || tab.access_token().as_deref() == Some("access-3"))
            .await;
        assert_eq!(tab.call().await, 200, "{body}");
        assert_eq!(server.refreshes(), 1, "{body}");
    }
}

#[wasm_bindgen_test]
async fn a_challenge_that_no_refresh_can_meet_goes_to_the_caller_and_to_who_listens() {
    let server = Server::new();
    let tab = server.signed_in("").await;
    let heard = tab.heard("step-up");
    let challenge = r#"'Bearer error="insufficient_user_authentication", acr_values="gold", max_age="5"'"#;
    server.answer_api(&format!("() => server.refuse({challenge})"));
    assert_eq!(tab.call().await, 401);
    settle().await;
    assert_eq!(show(&at(&heard, "0.acrValues")), "gold");
    assert_eq!(show(&at(&heard, "0.maxAge")), "5");
    assert_eq!(server.refreshes(), 0);
}

#[wasm_bindgen_test]
async fn retry_on_says_which_401s_count() {
    for (retry_on, challenge, refreshes) in [
        ("'any'", "'Basic realm=\"x\"'", 1),
        ("'invalid_token'", "'Bearer'", 0),
        ("'invalid_token'", "'Bearer error=\"invalid_token\"'", 1),
        ("'never'", "'Bearer error=\"invalid_token\"'", 0),
    ] {
        let server = Server::new();
        let tab = server.signed_in(&format!("retryOn: {retry_on}")).await;
        server.answer_api(&format!(
            "(call) => call.authorization.endsWith('1') ? server.refuse({challenge}) : Response.json({{}})"
        ));
        assert_eq!(tab.call().await, if refreshes == 1 { 200 } else { 401 }, "{retry_on} {challenge}");
        assert_eq!(server.refreshes(), refreshes, "{retry_on} {challenge}");
    }
}

#[wasm_bindgen_test]
async fn a_replay_refused_because_its_token_expired_on_the_way_stops_no_later_refresh() {
    let (time, server) = (Time::stopped(), Server::new());
    js_sys::Reflect::set(&server, &"expiresIn".into(), &3.into()).unwrap();
    let tab = server.signed_in("").await;
    server.answer_api("() => new Promise((resolve) => { server.answer = () => { delete server.answer; resolve(server.refuse()); }; })");
    let slow = tab.fetch(&API.into(), &JsValue::UNDEFINED);
    for _ in 0..2 {
        until("the call", || !at(&server, "answer").is_undefined()).await;
        time.sleep(4000.0);
        with("server", &server, "server.answer()");
        settle().await;
    }
    assert_eq!(status(&ok(slow).await), 401);
    server.answer_api("(call) => call.authorization === `Bearer access-${server.serial}` ? Response.json({}) : server.refuse()");
    time.pass_s(10).await;
    assert_eq!(tab.call().await, 200);
    server.forget();
    assert_eq!(tab.call().await, 200);
}
