//! Requests with proofs (RFC 9449), to a server that looks at every one.

use std::ops::Deref;

use super::page::*;
use super::support::*;
use js_sys::{Array, Promise, Reflect};
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;

#[wasm_bindgen(module = "/tests/web/proofs.js")]
extern "C" {
    type ProofServer;

    #[wasm_bindgen(constructor)]
    fn new() -> ProofServer;

    fn kept(name: &str) -> Promise;
}

struct Proofs(Server);

impl Deref for Proofs {
    type Target = Server;
    fn deref(&self) -> &Server {
        &self.0
    }
}

impl Proofs {
    fn server() -> Self {
        Self(JsValue::from(ProofServer::new()).unchecked_into())
    }

    fn with(self, member: &str, value: &str) -> Self {
        self.set(member, value);
        self
    }

    fn set(&self, member: &str, value: &str) {
        Reflect::set(&self.0, &member.into(), &js(value)).unwrap();
    }

    /// A member of every good proof, in order.
    fn proofs(&self, member: &str) -> Vec<String> {
        Array::from(&at(&self.0, "proofs")).iter().map(|claims| show(&at(&claims, member))).collect()
    }

    fn wrong(&self) -> String {
        show(&at(&self.0, "wrong"))
    }

    /// All were signed by one key.
    fn one_key(&self) -> bool {
        with("server", &self.0, "server.keys.length > 0 && new Set(server.keys).size === 1").is_truthy()
    }
}

#[wasm_bindgen_test]
async fn every_request_has_a_proof_of_its_own_by_one_key() {
    let server = Proofs::server();
    let tab = server.signed_in("").await;
    assert_eq!(tab.call().await, 200);
    let url = "https://api.test/orders/a%20b?page=2#top";
    let init = js("({ method: 'post', body: 'x' })");
    assert_eq!(status(&ok(tab.fetch(&url.into(), &init)).await), 200);
    let request = js("new Request('https://api.test/one', { method: 'PUT', body: 'y' })");
    assert_eq!(status(&ok(tab.fetch(&request, &JsValue::UNDEFINED)).await), 200);
    let patch = js("({ method: 'patch' })");
    ok(tab.fetch(&API.into(), &patch)).await;
    ok(tab.refresh(&JsValue::UNDEFINED)).await;
    assert_eq!(tab.call().await, 200);
    assert_eq!(server.wrong(), "[]");
    assert_eq!(server.proofs("htm"), ["GET", "POST", "PUT", "patch", "POST", "GET"]);
    assert!(server.one_key());
    assert_eq!(server.calls("authorization")[0], "DPoP access-1");
    assert_eq!(server.calls("authorization")[4], "DPoP access-2");
    assert_eq!(server.calls("body")[1..3], ["x", "y"]);
}

#[wasm_bindgen_test]
async fn calls_at_the_same_time_have_different_proofs() {
    let server = Proofs::server();
    let tab = server.signed_in("").await;
    let calls: Array = (0..20).map(|_| tab.fetch(&API.into(), &JsValue::UNDEFINED)).collect();
    let answers = Array::from(&ok(Promise::all(&calls)).await);
    assert!(answers.iter().all(|answer| status(&answer) == 200));
    assert_eq!(server.wrong(), "[]");
    assert!(server.one_key());
}

#[wasm_bindgen_test]
async fn an_api_that_wants_a_nonce_gets_the_same_request_once_more_and_no_refresh_follows() {
    let server = Proofs::server().with("nonce", "'nonce-1'");
    let tab = server.signed_in("").await;
    let init = js("({ method: 'POST', body: 'an order' })");
    for sent in [2, 3, 4] {
        assert_eq!(status(&ok(tab.fetch(&API.into(), &init)).await), 200);
        assert_eq!(server.calls("body"), vec!["an order"; sent]);
    }
    server.set("nonce", "'nonce-2'");
    assert_eq!(tab.call().await, 200);
    assert_eq!(server.calls("url").len(), 6);
    assert_eq!(server.proofs("nonce"), ["nonce-1", "nonce-1", "nonce-1", "nonce-2"]);
    assert_eq!(server.refreshes(), 0);
}

#[wasm_bindgen_test]
async fn a_token_route_that_wants_a_nonce_gets_the_same_request_once_more() {
    let server = Proofs::server().with("routeNonce", "'nonce-1'");
    let tab = server.signed_in("").await;
    let failed = tab.heard("refresh-failed");
    ok(tab.refresh(&JsValue::UNDEFINED)).await;
    assert_eq!(server.refreshes(), 2);
    let tokens = with("server", &server.0, "server.refreshes.map((form) => form.refresh_token).join()");
    assert_eq!(show(&tokens), "refresh-1,refresh-1");
    ok(tab.refresh(&JsValue::UNDEFINED)).await;
    assert_eq!(server.refreshes(), 3, "the nonce is remembered");
    assert_eq!(tab.access_token().as_deref(), Some("access-3"));
    assert_eq!(failed.length(), 0);
}

#[wasm_bindgen_test]
async fn a_server_that_is_never_content_is_asked_twice_and_the_session_stays() {
    let server = Proofs::server();
    let tab = server.signed_in("").await;
    server.answer_api(
        "() => new Response('no', { status: 401, headers: {
            'www-authenticate': 'DPoP error=\"use_dpop_nonce\"', 'dpop-nonce': `nonce-${server.calls.length}` } })",
    );
    assert_eq!(tab.call().await, 401);
    assert_eq!(server.calls("url").len(), 2);
    server.answer_route(
        "() => Response.json({ error: 'use_dpop_nonce' },
            { status: 400, headers: { 'dpop-nonce': `nonce-${server.refreshes.length}` } })",
    );
    let refused = err(tab.refresh(&JsValue::UNDEFINED)).await;
    assert_eq!(show(&at(&refused, "code")), "invalid_response");
    assert_eq!(show(&at(&refused, "error")), "use_dpop_nonce");
    assert_eq!(server.refreshes(), 2);
    assert_eq!(tab.shows("status"), "signed-in");
}

#[wasm_bindgen_test]
async fn after_a_nonce_an_expired_token_is_still_refreshed_and_replayed() {
    let server = Proofs::server().with("nonce", "'nonce-1'").with("routeNonce", "'nonce-2'");
    let tab = server.signed_in("").await;
    server.forget();
    assert_eq!(tab.call().await, 200);
    // Without nonce, with the old token, with the new one.
    assert_eq!(server.calls("url").len(), 3);
    assert_eq!(server.refreshes(), 2);
    assert_eq!(server.wrong(), "[]");
}

#[wasm_bindgen_test]
async fn a_body_that_can_be_sent_once_is_sent_once_and_the_nonce_is_good_for_the_next() {
    let server = Proofs::server().with("nonce", "'nonce-1'");
    let api = at(&server.0, "api");
    // No browser sends streams to a page's own fetch: this one reads nothing of the body.
    let fetch = with(
        "api",
        &api,
        "async (input, init) => api({ url: input, method: 'POST', headers: Object.fromEntries(init.headers),
            authorization: init.headers.get('authorization') })",
    );
    let options = server.options_of("");
    Reflect::set(&options, &"fetch".into(), &fetch).unwrap();
    let tab = open(&options).unwrap();
    ok(tab.set_tokens(&server.issue())).await;
    let stream = "({ method: 'POST', duplex: 'half', body: new ReadableStream() })";
    assert_eq!(status(&ok(tab.fetch(&API.into(), &js(stream))).await), 401);
    assert_eq!(status(&ok(tab.fetch(&API.into(), &js(stream))).await), 200);
}

#[wasm_bindgen_test]
async fn a_wrong_clock_is_learnt_from_the_server() {
    for ahead in ["7200000", "-7200000"] {
        let server = Proofs::server().with("aheadMs", ahead);
        let tab = server.signed_in("").await;
        assert_eq!(tab.call().await, 200);
        assert_eq!(tab.call().await, 200);
        ok(tab.refresh(&JsValue::UNDEFINED)).await;
        assert_eq!(server.wrong(), "[\"clock\"]", "once");
        assert_eq!(server.calls("url").len(), 3);
        assert_eq!(server.refreshes(), 1);
    }
}

#[wasm_bindgen_test]
async fn where_the_server_hides_its_clock_the_refusal_goes_to_the_caller_and_no_refresh_follows() {
    let server = Proofs::server().with("aheadMs", "7200000").with("tellsTime", "false");
    let tab = server.signed_in("").await;
    assert_eq!(tab.call().await, 401);
    assert_eq!(server.calls("url").len(), 1);
    assert_eq!(server.refreshes(), 0);
}

#[wasm_bindgen_test]
async fn tokens_that_are_not_bound_are_not_taken_and_none_is_ever_a_bearers() {
    let server = Proofs::server();
    let tab = server.signed_in("").await;
    server.set("tokenType", "'Bearer'");
    let refused = err(tab.refresh(&JsValue::UNDEFINED)).await;
    assert_eq!(show(&at(&refused, "code")), "invalid_response");
    assert!(show(&at(&refused, "description")).contains("not bound"));
    assert_eq!(tab.access_token().as_deref(), Some("access-1"));
    tab.call().await;
    assert!(server.calls("authorization").iter().all(|value| value.starts_with("DPoP ")));
    let refused = err(tab.set_tokens(&server.issue())).await;
    assert_eq!(show(&at(&refused, "code")), "invalid_options");
    assert_eq!(tab.access_token().as_deref(), Some("access-1"));
}

#[wasm_bindgen_test]
async fn a_login_through_the_sessions_fetch_has_a_proof_too() {
    let server = Proofs::server().with("nonce", "'nonce-1'");
    let tab = server.tab("");
    assert_eq!(tab.call().await, 200);
    assert_eq!(server.calls("authorization"), ["null", "null"]);
    assert_eq!(server.proofs("ath"), ["undefined"]);
    ok(tab.set_tokens(&server.issue())).await;
    assert_eq!(tab.call().await, 200);
    assert!(server.one_key());
}

#[wasm_bindgen_test]
async fn without_dpop_there_is_no_proof() {
    let server = Server::new();
    let tab = server.signed_in("dpop: false").await;
    assert_eq!(tab.call().await, 200);
    assert_eq!(server.calls("headers.dpop"), ["undefined"]);
}

#[wasm_bindgen_test]
async fn the_key_is_kept_for_the_next_page_and_can_be_exported_by_nobody() {
    let server = Proofs::server();
    for _ in 0..3 {
        let tab = server.signed_in("name: 'kept-key'").await;
        assert_eq!(tab.call().await, 200);
    }
    assert!(server.one_key());
    let entry = ok(kept("dpop:kept-key")).await;
    assert_eq!(show(&at(&entry, "kept.privateKey.extractable")), "false");
    let export = with("key", &at(&entry, "kept.privateKey"), "crypto.subtle.exportKey('jwk', key)");
    assert_eq!(show(&at(&err(export.into()).await, "name")), "InvalidAccessError");
    let other = server.signed_in("name: 'other-key'").await;
    assert_eq!(other.call().await, 200);
    assert!(!server.one_key());
}

/// The page comes back from the back/forward cache: the database is opened anew.
async fn reopen_the_database() {
    settle().await;
    js("dispatchEvent(Object.assign(new Event('pageshow'), { persisted: true }))");
}

#[wasm_bindgen_test]
async fn where_no_key_can_be_kept_the_session_lives_in_memory_and_says_so() {
    for (case, indexed_db) in [
        "undefined",
        "{ open() { throw new DOMException('no', 'SecurityError'); } }",
        "{ open() { const opening = {}; setTimeout(() => opening.onerror(new Event('error')), 1); return opening; } }",
    ]
    .iter()
    .enumerate()
    {
        let _broken = Changed::set("globalThis", &[("indexedDB", *indexed_db)]);
        let server = Proofs::server();
        let tab = server.tab(&format!("name: 'no-key-{case}', storage: 'session', crossTab: false"));
        reopen_the_database().await;
        let heard = tab.heard("storage");
        ok(tab.set_tokens(&server.issue())).await;
        assert_eq!(tab.call().await, 200);
        ok(tab.refresh(&JsValue::UNDEFINED)).await;
        assert_eq!(tab.call().await, 200);
        assert!(server.one_key());
        assert_eq!(heard.length(), 1);
        assert_eq!(show(&at(&heard.get(0), "error.code")), "storage");
        assert!(js(&format!("sessionStorage.getItem('tokenwell:no-key-{case}')")).is_null());
    }
}

#[wasm_bindgen_test]
async fn a_key_that_cannot_be_read_for_a_while_costs_no_session() {
    let server = Proofs::server();
    let options = "name: 'unreadable', storage: 'session', crossTab: false";
    js("sessionStorage.removeItem('tokenwell:unreadable')");
    let before = server.signed_in(options).await;
    assert_eq!(before.call().await, 200);
    drop(before);
    let tab = server.tab(options);
    assert_eq!(tab.shows("status"), "signed-in");
    // With a token at hand the page's events are listened to a moment later.
    ok(pause(200)).await;
    reopen_the_database().await;
    {
        let _broken = Changed::set("globalThis", &[("indexedDB", "{ open() { throw new Error('busy'); } }")]);
        let refused = err(tab.fetch(&API.into(), &JsValue::UNDEFINED)).await;
        assert_eq!(show(&at(&refused, "code")), "storage");
        let refused = err(tab.refresh(&JsValue::UNDEFINED)).await;
        assert_eq!(show(&at(&refused, "code")), "refresh_unavailable");
        assert_eq!(server.refreshes(), 0);
    }
    assert_eq!(tab.call().await, 200);
    assert_eq!(tab.shows("reason"), "stored");
    assert!(server.one_key());
    ok(tab.sign_out(&JsValue::UNDEFINED)).await;
}

#[wasm_bindgen_test]
fn what_dpop_does_not_go_with_is_named() {
    let server = Server::new();
    for (options, words) in [
        ("dpop: 'yes'", "true or false"),
        ("dpop: true, scheme: 'JWT'", "leave scheme out"),
        ("dpop: true, scheme: 'Bearer'", "leave scheme out"),
        ("dpop: true, refresh: { url: '/t', mode: 'cookie' }", "cookie mode"),
        ("dpop: true, refresh: async () => 'token'", "function"),
    ] {
        let Err(error) = open(&server.options_of(options)) else { panic!("taken: {options}") };
        assert_eq!(show(&at(&error, "code")), "invalid_options", "{options}");
        assert!(show(&at(&error, "message")).contains(words), "{options}");
    }
    assert!(open(&server.options_of("dpop: true, scheme: 'dpop'")).is_ok());
    let _missing = Changed::missing("crypto", "subtle");
    let Err(error) = open(&server.options_of("dpop: true")) else { panic!("taken without crypto.subtle") };
    assert_eq!(show(&at(&error, "code")), "invalid_options");
    assert!(show(&at(&error, "message")).contains("crypto.subtle"));
}
