//! The token goes where it may, and all else that the caller sent goes as it was.

use super::support::*;
use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;

#[wasm_bindgen_test]
async fn a_foreign_origin_gets_no_token_and_a_look_alike_neither() {
    let server = Server::new();
    let tab = server.signed_in("").await;
    for url in ["https://elsewhere.test/", "https://api.test.evil.test/", "https://api.test:8443/", "/own"] {
        ok(tab.fetch(&url.into(), &JsValue::UNDEFINED)).await;
    }
    assert_eq!(server.calls("authorization"), vec!["null"; 4]);
    assert_eq!(server.refreshes(), 0, "their 401s are not ours");
}

#[wasm_bindgen_test]
async fn without_allow_the_pages_own_origin_gets_the_token() {
    let server = Server::new();
    let tab = server.signed_in("allow: undefined").await;
    ok(tab.fetch(&"/own".into(), &JsValue::UNDEFINED)).await;
    ok(tab.fetch(&API.into(), &JsValue::UNDEFINED)).await;
    assert_eq!(server.calls("authorization"), ["Bearer access-1", "null"]);
}

#[wasm_bindgen_test]
async fn headers_arrive_in_whatever_form_they_are_given() {
    for headers in [
        "new Headers({ 'X-Mine': 'é'.normalize() })",
        "({ 'X-Mine': 'é' })",
        "[['x-mine', 'é']]",
        "new Map([['X-MINE', 'é']])",
        "new Request('https://api.test/', { headers: { 'x-mine': 'é' } }).headers",
    ] {
        let server = Server::new();
        let tab = server.signed_in("").await;
        let init = with("headers", &js(headers), "{ headers }");
        assert_eq!(status(&ok(tab.fetch(&API.into(), &init)).await), 200, "{headers}");
        assert_eq!(server.calls("headers.x-mine"), ["é"], "{headers}");
        assert_eq!(server.calls("authorization"), ["Bearer access-1"], "{headers}");
    }
}

#[wasm_bindgen_test]
async fn the_callers_init_is_not_written_to() {
    let server = Server::new();
    let tab = server.signed_in("").await;
    let init = js("Object.freeze({ headers: Object.freeze({ a: 'b' }), method: 'PUT', body: 'x' })");
    ok(tab.fetch(&API.into(), &init)).await;
    let headers = js("new Headers({ a: 'b' })");
    ok(tab.fetch(&API.into(), &with("headers", &headers, "{ headers }"))).await;
    assert_eq!(show(&init), r#"{"headers":{"a":"b"},"method":"PUT","body":"x"}"#);
    assert_eq!(show(&with("headers", &headers, "[...headers]")), r#"[["a","b"]]"#);
}

#[wasm_bindgen_test]
async fn the_callers_own_authorization_is_left_alone_and_its_401_too() {
    let server = Server::new();
    let tab = server.signed_in("").await;
    for (input, init) in [
        ("'https://api.test/'", "{ headers: { authorization: 'Mine 1' } }"),
        ("'https://api.test/'", "{ headers: [['AUTHORIZATION', 'Mine 1']] }"),
        ("'https://api.test/'", "{ headers: new Headers({ Authorization: 'Mine 1' }) }"),
        ("new Request('https://api.test/', { headers: { authorization: 'Mine 1' } })", "undefined"),
        ("new Request('https://api.test/')", "{ headers: { authorization: 'Mine 1' } }"),
    ] {
        let answer = ok(tab.fetch(&js(input), &js(init))).await;
        assert_eq!(status(&answer), 401, "{input} {init}");
    }
    assert_eq!(server.calls("authorization"), vec!["Mine 1"; 5]);
    assert_eq!(server.refreshes(), 0);
}

#[wasm_bindgen_test]
async fn a_request_keeps_its_method_body_and_headers() {
    let server = Server::new();
    let tab = server.signed_in("").await;
    let request = js("new Request('https://api.test/orders', {
        method: 'PATCH', body: 'one', credentials: 'omit', headers: { 'x-mine': '1', 'content-type': 'text/x' },
    })");
    ok(tab.fetch(&request, &JsValue::UNDEFINED)).await;
    for (member, value) in [
        ("url", "https://api.test/orders"),
        ("method", "PATCH"),
        ("body", "one"),
        ("credentials", "omit"),
        ("headers.x-mine", "1"),
        ("headers.content-type", "text/x"),
        ("authorization", "Bearer access-1"),
    ] {
        assert_eq!(server.calls(member), [value], "{member}");
    }
}

#[wasm_bindgen_test]
async fn init_overrides_a_requests_headers_as_in_fetch() {
    let server = Server::new();
    let tab = server.signed_in("").await;
    let request = js("new Request('https://api.test/', { headers: { old: '1' } })");
    ok(tab.fetch(&request, &js("{ headers: { new: '1' } }"))).await;
    assert_eq!(server.calls("headers.old"), ["undefined"]);
    assert_eq!(server.calls("headers.new"), ["1"]);
}

#[wasm_bindgen_test]
async fn an_init_may_inherit_its_members() {
    let server = Server::new();
    let tab = server.signed_in("").await;
    let init = js(
        "new (class { get method() { return 'PUT'; } get body() { return 'b'; } get headers() { return { a: '1' }; } })()",
    );
    ok(tab.fetch(&API.into(), &init)).await;
    assert_eq!(server.calls("method"), ["PUT"]);
    assert_eq!(server.calls("body"), ["b"]);
    assert_eq!(server.calls("headers.a"), ["1"]);
}

#[wasm_bindgen_test]
async fn a_url_object_or_anything_with_to_string_is_read_once() {
    let server = Server::new();
    let tab = server.signed_in("").await;
    ok(tab.fetch(&js("new URL('https://api.test/a')"), &JsValue::UNDEFINED)).await;
    // A second reading would lead elsewhere, with the token.
    let fickle =
        js("{ times: 0, toString() { return this.times++ ? 'https://evil.test/' : 'https://api.test/b'; } }");
    ok(tab.fetch(&fickle, &JsValue::UNDEFINED)).await;
    assert_eq!(server.calls("url"), ["https://api.test/a", "https://api.test/b"]);
    assert_eq!(server.calls("authorization"), vec!["Bearer access-1"; 2]);
}

#[wasm_bindgen_test]
async fn what_fetch_would_reject_is_rejected_with_the_same() {
    let server = Server::new();
    let tab = server.signed_in("").await;
    for (input, init) in [
        ("'https://api.test/'", "{ headers: { 'not a name': 'x' } }"),
        ("'https://api.test/'", "{ headers: 7 }"),
        ("'https://api.test/'", "{ get headers() { throw new TypeError('mine'); } }"),
        ("'https://api.test/'", "{ get body() { throw new TypeError('mine'); } }"),
        ("'http://['", "undefined"),
    ] {
        let reason = err(tab.fetch(&js(input), &js(init))).await;
        assert_eq!(show(&at(&reason, "name")), "TypeError", "{input} {init}");
    }
    assert_eq!(tab.call().await, 200, "and nothing is the worse for it");
}

#[wasm_bindgen_test]
async fn signed_out_requests_go_without_a_token() {
    let server = Server::new();
    let tab = server.tab("");
    assert_eq!(tab.call().await, 401);
    assert_eq!(server.calls("authorization"), ["null"]);
    assert_eq!(server.refreshes(), 0);
}
