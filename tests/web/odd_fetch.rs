//! The wrapped `fetch` may be anybody's: it throws, rejects with anything, answers with anything.

use super::support::*;
use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;

#[wasm_bindgen_test]
async fn what_it_throws_or_rejects_with_reaches_the_caller_as_it_is() {
    for (fetch, reason) in [
        ("() => { throw 'sync'; }", "'sync'"),
        ("async () => { throw 'async'; }", "'async'"),
        ("() => Promise.reject()", "undefined"),
        ("() => Promise.reject(null)", "null"),
        ("() => Promise.reject(7)", "7"),
    ] {
        let server = Server::new();
        let tab = server.signed_in(&format!("fetch: {fetch}")).await;
        assert_eq!(err(tab.fetch(&API.into(), &JsValue::UNDEFINED)).await, js(reason), "{fetch}");
    }
}

#[wasm_bindgen_test]
async fn whatever_it_answers_reaches_the_caller_as_it_is() {
    for answer in
        ["undefined", "null", "7", "'text'", "{}", "{ get status() { throw 1; } }", "Object.create(null)"]
    {
        let server = Server::new();
        let tab =
            server.signed_in(&format!("fetch: () => server.given, given: server.given = {answer}")).await;
        let given = ok(tab.fetch(&API.into(), &JsValue::UNDEFINED)).await;
        assert_eq!(given, at(&server, "given"), "{answer}");
    }
}

#[wasm_bindgen_test]
async fn a_thenable_in_place_of_a_promise_will_do() {
    let server = Server::new();
    let tab = server.signed_in("fetch: () => ({ then(done) { done({ status: 204 }); } })").await;
    assert_eq!(tab.call().await, 204);
}

#[wasm_bindgen_test]
async fn a_token_route_that_does_not_answer_keeps_the_session() {
    for route in [
        "() => { throw 'sync'; }",
        "() => Promise.reject()",
        "() => Promise.reject(new TypeError('Failed to fetch'))",
        "() => undefined",
        "() => ({})",
        "() => ({ status: 200 })",
        "() => ({ status: 200, text() { throw 1; } })",
        "() => ({ status: 200, text: async () => ({}) })",
        "() => ({ status: '200', headers: null, text: async () => '{}' })",
        "() => Response.error()",
        "() => new Response('<html>', { status: 502 })",
        "() => new Response('slow down', { status: 429 })",
    ] {
        let server = Server::new();
        let tab = server.signed_in("").await;
        server.answer_route(route);
        let reason = err(tab.refresh(&JsValue::UNDEFINED)).await;
        assert_eq!(show(&at(&reason, "code")), "refresh_unavailable", "{route}");
        assert_eq!(show(&at(&reason, "retryable")), "true", "{route}");
        assert_eq!(tab.shows("status"), "signed-in", "{route}");
        assert_eq!(tab.call().await, 200, "{route}");
    }
}

#[wasm_bindgen_test]
async fn an_answer_that_is_no_token_answer_is_named_and_keeps_the_session() {
    for answer in [
        "''",
        "'null'",
        "'[]'",
        "'{'",
        "'\"text\"'",
        "'<html>'",
        "'{\"access_token\":7}'",
        "'{\"access_token\":\"\"}'",
        "'{\"access_token\":\"two\\\\nlines\"}'",
        "'['.repeat(1e5)",
        "'{\"error\":\"unsupported_grant_type\"}'",
    ] {
        let server = Server::new();
        let tab = server.signed_in("").await;
        server.answer_route(&format!("() => new Response({answer})"));
        let reason = err(tab.refresh(&JsValue::UNDEFINED)).await;
        assert_eq!(show(&at(&reason, "code")), "invalid_response", "{answer}");
        assert_eq!(tab.access_token().as_deref(), Some("access-1"), "{answer}");
    }
}

#[wasm_bindgen_test]
async fn an_imitation_of_a_response_refreshes_and_replays_as_well() {
    let server = Server::new();
    let tab = server.tab(
        "fetch: async (url, init) => {
            if (url.includes('id.test')) return { status: 200, text: async () => JSON.stringify(server.renew()) };
            const sent = init.headers.get('authorization');
            return { status: sent === `Bearer access-${server.serial}` ? 200 : 401, sent };
        }",
    );
    ok(tab.set_tokens(&server.issue())).await;
    server.forget();
    let answer = ok(tab.fetch(&API.into(), &JsValue::UNDEFINED)).await;
    assert_eq!(show(&at(&answer, "sent")), "Bearer access-3");
}

#[wasm_bindgen_test]
async fn retry_after_is_heeded_and_told() {
    let (_time, server) = (Time::stopped(), Server::new());
    let tab = server.signed_in("").await;
    server.answer_route("() => new Response('', { status: 429, headers: { 'retry-after': '120' } })");
    let reason = err(tab.refresh(&JsValue::UNDEFINED)).await;
    let wait_ms = at(&reason, "retryAt").as_f64().unwrap() - js_sys::Date::now();
    // Not all in the same second: a 24th more at most.
    assert!((119_000.0..=126_000.0).contains(&wait_ms), "{wait_ms}");
    let again = err(tab.refresh(&JsValue::UNDEFINED)).await;
    assert_eq!(show(&at(&again, "code")), "refresh_unavailable");
    assert_eq!(server.refreshes(), 1);
}

#[wasm_bindgen_test]
async fn the_platforms_fetch_is_looked_up_when_it_is_called() {
    let server = Server::new();
    let tab = server.signed_in("fetch: undefined").await;
    with("server", &server, "(server.platform = globalThis.fetch, globalThis.fetch = server.fetch)");
    let called = tab.call().await;
    with("server", &server, "(globalThis.fetch = server.platform)");
    assert_eq!(called, 200);
}

#[wasm_bindgen_test]
async fn what_can_be_no_address_is_refused_as_the_platform_refuses_it() {
    let server = Server::new();
    let tab = server.signed_in("").await;
    for odd in ["Symbol('/')", "{ toString: () => Symbol() }", "{ toString: null, valueOf: null }"] {
        let refused = err(tab.fetch(&js(&format!("({odd})")), &JsValue::UNDEFINED)).await;
        assert_eq!(show(&at(&refused, "name")), "TypeError", "{odd}");
        let platforms = err(js(&format!("fetch({odd})")).into()).await;
        assert_eq!(show(&at(&platforms, "name")), "TypeError", "{odd}");
    }
    assert!(server.calls("url").is_empty());
}
