//! A function of the app's in place of a refresh route.

use super::support::*;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::wasm_bindgen_test;

#[wasm_bindgen_test]
async fn it_is_told_what_there_is_and_why() {
    let server = Server::new();
    let tab =
        server.signed_in("refresh: async (context) => { server.context = context; return 'new' }").await;
    ok(tab.refresh(&JsValue::UNDEFINED)).await;
    assert_eq!(
        show(&at(&server, "context")),
        r#"{"refreshToken":"refresh-1","accessToken":"access-1","reason":"manual"}"#
    );
    assert_eq!(tab.access_token().as_deref(), Some("new"));
}

#[wasm_bindgen_test]
async fn what_it_gives_may_be_a_text_an_answer_or_a_thenable() {
    for given in [
        "() => 'new'",
        "async () => 'new'",
        "() => ({ access_token: 'new' })",
        "() => ({ then(done) { done({ access_token: 'new', expires_in: '60' }); } })",
        "() => ({ toJSON: () => ({ access_token: 'new' }) })",
    ] {
        let server = Server::new();
        let tab = server.signed_in(&format!("refresh: {given}")).await;
        ok(tab.refresh(&JsValue::UNDEFINED)).await;
        assert_eq!(tab.access_token().as_deref(), Some("new"), "{given}");
    }
}

#[wasm_bindgen_test]
async fn throwing_invalid_grant_ends_the_session() {
    for thrown in
        ["() => { throw { code: 'invalid_grant' }; }", "() => Promise.reject({ code: 'invalid_grant' })"]
    {
        let server = Server::new();
        let tab = server.signed_in(&format!("refresh: {thrown}")).await;
        assert_eq!(show(&at(&err(tab.refresh(&JsValue::UNDEFINED)).await, "code")), "invalid_grant");
        assert_eq!(tab.shows("reason"), "rejected");
    }
}

#[wasm_bindgen_test]
async fn anything_else_it_throws_keeps_the_session() {
    for thrown in [
        "() => { throw new Error('x'); }",
        "() => Promise.reject()",
        "() => Promise.reject(null)",
        "() => Promise.reject('invalid_grant')",
        "() => Promise.reject({ code: 400 })",
        "() => Promise.reject({ get code() { throw 1; } })",
        "() => new Proxy({}, { get() { throw 1; } })",
    ] {
        let server = Server::new();
        let tab = server.signed_in(&format!("refresh: {thrown}")).await;
        let reason = err(tab.refresh(&JsValue::UNDEFINED)).await;
        assert_eq!(show(&at(&reason, "code")), "refresh_unavailable", "{thrown}");
        assert_eq!(tab.shows("status"), "signed-in", "{thrown}");
    }
}

const THROWS: &str = "refresh: async () => { throw server.thrown = new Error('the query failed'); }";

#[wasm_bindgen_test]
async fn what_it_throws_is_the_cause_of_every_error_that_comes_of_it() {
    let (time, server) = (Time::stopped(), Server::new());
    let tab = server.signed_in(THROWS).await;
    let failed = tab.heard("refresh-failed");
    time.pass_s(3601).await;
    let waiting = [
        tab.fetch(&API.into(), &JsValue::UNDEFINED),
        tab.get_access_token(&JsValue::UNDEFINED),
        tab.refresh(&JsValue::UNDEFINED),
    ];
    for waiting in waiting {
        let error = err(waiting).await;
        assert_eq!(show(&at(&error, "code")), "refresh_unavailable");
        assert!(at(&error, "cause") == at(&server, "thrown"), "the very object");
        assert!(!show(&at(&error, "message")).contains("the query failed"));
    }
    assert!(at(&failed.get(0), "error.cause") == at(&server, "thrown"));
    assert!(at(&tab.snapshot(), "error.cause") == at(&server, "thrown"));
    // Turned away in the cool-down, for the same reason.
    let error = err(tab.get_access_token(&JsValue::UNDEFINED)).await;
    assert!(at(&error, "cause") == at(&server, "thrown"));
}

#[wasm_bindgen_test]
async fn a_cause_belongs_to_the_attempt_that_failed_by_it() {
    let (time, server) = (Time::stopped(), Server::new());
    let tab = server.signed_in("refresh: () => server.renewal()").await;
    let failed = tab.heard("refresh-failed");
    for renewal in ["() => { throw 'first'; }", "() => 7", "() => { throw undefined; }", "() => 'new'"] {
        js_sys::Reflect::set(&server, &"renewal".into(), &js(renewal)).unwrap();
        let _ = JsFuture::from(tab.refresh(&JsValue::UNDEFINED)).await;
        time.pass_s(10).await;
    }
    let causes = with("events", &failed, "events.map(({ error }) => ['cause' in error, error.cause])");
    assert_eq!(show(&causes), r#"[[true,"first"],[false,null],[true,null]]"#);
    assert!(at(&tab.snapshot(), "error").is_null());
}

#[wasm_bindgen_test]
async fn what_ended_the_session_is_the_cause_there_too() {
    let server = Server::new();
    let tab = server.signed_in("refresh: () => { throw server.thrown = { code: 'invalid_grant' }; }").await;
    let ended = tab.heard("signed-out");
    let error = err(tab.refresh(&JsValue::UNDEFINED)).await;
    assert!(at(&error, "cause") == at(&server, "thrown"));
    assert!(at(&ended.get(0), "error.cause") == at(&server, "thrown"));
}

#[wasm_bindgen_test]
async fn no_decision_tells_what_it_threw() {
    let server = Server::new();
    let tab = server.signed_in(THROWS).await;
    err(tab.refresh(&JsValue::UNDEFINED)).await;
    assert!(!show(&with("tab", &tab, "tab.explain()")).contains("the query failed"));
}

#[wasm_bindgen_test]
async fn what_cannot_be_read_as_an_answer_is_named() {
    for given in [
        "undefined",
        "null",
        "7",
        "''",
        "{}",
        "[]",
        "Symbol()",
        "10n",
        "() => 1",
        "{ get access_token() { throw 1; } }",
        "new Proxy({}, { ownKeys() { throw 1; } })",
        "(() => { const loop = {}; loop.loop = loop; return loop; })()",
    ] {
        let server = Server::new();
        let tab = server.signed_in(&format!("refresh: () => ({given})")).await;
        let reason = err(tab.refresh(&JsValue::UNDEFINED)).await;
        assert_eq!(show(&at(&reason, "code")), "invalid_response", "{given}");
        assert_eq!(tab.shows("status"), "signed-in", "{given}");
    }
}

#[wasm_bindgen_test]
async fn it_may_use_the_session_meanwhile() {
    let server = Server::new();
    let tab = server
        .signed_in(
            "refresh: async () => {
                const { session } = server;
                server.refreshing = session.snapshot.refreshing;
                await session.fetch('https://elsewhere.test/');
                await session.fetch('https://api.test/');
                return `${session.accessToken}-and-more`;
            }",
        )
        .await;
    js_sys::Reflect::set(&server, &"session".into(), &tab).unwrap();
    ok(tab.refresh(&JsValue::UNDEFINED)).await;
    assert_eq!(show(&at(&server, "refreshing")), "true");
    assert_eq!(tab.access_token().as_deref(), Some("access-1-and-more"));
}

#[wasm_bindgen_test]
async fn a_startup_refresh_may_sign_in_where_the_function_keeps_the_tokens() {
    let server = Server::new();
    let tab = server.tab("refresh: ({ reason }) => ({ access_token: `by-${reason}` })");
    ok(tab.refresh(&JsValue::UNDEFINED)).await;
    assert_eq!(tab.access_token().as_deref(), Some("by-startup"));
}
