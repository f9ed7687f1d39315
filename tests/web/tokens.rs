//! What a login gives, however odd, and what there is to see of it.

use super::support::*;
use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;

#[wasm_bindgen_test]
async fn what_is_no_token_answer_is_refused_and_changes_nothing() {
    let server = Server::new();
    let tab = server.signed_in("").await;
    for answer in [
        "undefined",
        "null",
        "7",
        "{}",
        "[]",
        "Symbol()",
        "10n",
        "{ access_token: null }",
        "{ access_token: '' }",
        "{ access_token: 'a\\r\\nx: y' }",
        "{ access_token: 'é' }",
        "{ get access_token() { throw 1; } }",
        "new Proxy({}, { get() { throw 1; } })",
        "(() => { const a = {}; a.a = a; return a; })()",
    ] {
        let reason = err(tab.set_tokens(&js(answer))).await;
        assert_eq!(show(&at(&reason, "code")), "invalid_options", "{answer}");
        assert_eq!(tab.access_token().as_deref(), Some("access-1"), "{answer}");
    }
}

#[wasm_bindgen_test]
async fn claims_user_and_scope_are_shown_and_frozen() {
    let server = Server::new();
    let tab = server.tab("");
    let answer =
        js("{ access_token: `${btoa('{}')}.${btoa(JSON.stringify({ sub: 'ada' })).replaceAll('=', '')}.x`,
        expires_in: '60', scope: 'a b', user: { name: 'Ada' } }");
    ok(tab.set_tokens(&answer)).await;
    assert_eq!(tab.shows("claims"), r#"{"sub":"ada"}"#);
    assert_eq!(tab.shows("user"), r#"{"name":"Ada"}"#);
    assert_eq!(tab.shows("scope"), "a b");
    assert!(
        with("of", &tab.snapshot(), "Object.isFrozen(of.claims) && Object.isFrozen(of.user)").is_truthy()
    );
}

#[wasm_bindgen_test]
async fn signing_in_anew_forgets_the_one_before() {
    let server = Server::new();
    let tab = server.signed_in("").await;
    ok(tab.set_tokens(&js("{ access_token: 'other' }"))).await;
    assert_eq!(tab.access_token().as_deref(), Some("other"));
    let reason = err(tab.refresh(&JsValue::UNDEFINED)).await;
    assert_eq!(show(&at(&reason, "code")), "signed_out", "the first one's refresh token is not the second's");
    assert_eq!(server.refreshes(), 0);
}

#[wasm_bindgen_test]
async fn min_validity_is_seconds_and_never_negative() {
    let (time, server) = (Time::stopped(), Server::new());
    let tab = server.signed_in("").await;
    time.pass_s(1000).await;
    ok(tab.get_access_token(&js("{ minValidity: 2599 }"))).await;
    assert_eq!(server.refreshes(), 0);
    ok(tab.get_access_token(&js("{ minValidity: 2601 }"))).await;
    assert_eq!(server.refreshes(), 1);
    for wrong in ["-1", "NaN", "'60'", "null", "{}"] {
        let reason = err(tab.get_access_token(&js(&format!("{{ minValidity: {wrong} }}")))).await;
        assert_eq!(show(&at(&reason, "code")), "invalid_options", "{wrong}");
    }
}

#[wasm_bindgen_test]
async fn explain_tells_decisions_and_no_secret() {
    let server = Server::new();
    let tab = server.signed_in("").await;
    server.forget();
    tab.call().await;
    let told = show(&with("session", &tab, "session.explain()"));
    assert!(told.contains("\"what\":\"signed in\""), "{told}");
    for secret in ["access-", "refresh-"] {
        assert!(!told.contains(secret), "{told}");
    }
}

#[wasm_bindgen_test]
async fn what_is_called_first_happens_first_without_waiting_in_between() {
    let server = Server::new();
    let tab = server.signed_in("").await;
    let both = [tab.sign_out(&JsValue::UNDEFINED), tab.set_tokens(&js("{ access_token: 'next' }"))];
    for done in both {
        ok(done).await;
    }
    assert_eq!(tab.access_token().as_deref(), Some("next"));
    let gone = tab.sign_out(&JsValue::UNDEFINED);
    tab.dispose();
    ok(gone).await;
    assert_eq!(tab.shows("status"), "signed-out");
}
