//! Listeners are user code: they throw, leave, and call the session from inside.

use super::page::*;
use super::support::*;
use js_sys::{Array, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_test::wasm_bindgen_test;

#[wasm_bindgen_test]
async fn what_one_throws_is_reported_and_the_others_hear() {
    let server = Server::new();
    let tab = server.tab("");
    let reported = Array::new();
    js_sys::Reflect::set(&js_sys::global(), &"reported".into(), &reported).unwrap();
    let _report =
        Changed::set("globalThis", &[("reportError", "(error) => globalThis.reported.push(error)")]);
    tab.on("change", &js("() => { throw 'mine'; }")).unwrap();
    let heard = tab.heard("change");
    ok(tab.set_tokens(&server.issue())).await;
    settle().await;
    assert_eq!(show(&js("globalThis.reported.splice(0)")), r#"["mine"]"#);
    assert_eq!(heard.length(), 1);
}

#[wasm_bindgen_test]
async fn they_are_called_after_the_caller_had_its_turn() {
    let server = Server::new();
    let tab = server.signed_in("").await;
    settle().await;
    let heard = tab.heard("signed-out");
    let leaving = tab.sign_out(&JsValue::UNDEFINED);
    assert_eq!(heard.length(), 0);
    ok(leaving).await;
    settle().await;
    assert_eq!(show(&at(&heard, "0")), r#"{"reason":"signed-out","error":null}"#);
}

#[wasm_bindgen_test]
async fn one_that_has_left_hears_nothing_more_even_in_the_same_round() {
    let server = Server::new();
    let tab = server.tab("");
    let heard = Array::new();
    let leave = with("heard", &heard, "{ heard, first() { this.stop(); } }");
    tab.on("change", &with("leave", &leave, "() => leave.first()")).unwrap();
    let stop = tab.on("change", &with("heard", &heard, "() => heard.push(1)")).unwrap();
    Reflect::set(&leave, &"stop".into(), &stop).unwrap();
    ok(tab.set_tokens(&server.issue())).await;
    settle().await;
    assert_eq!(heard.length(), 0);
    stop.call0(&JsValue::UNDEFINED).unwrap();
}

#[wasm_bindgen_test]
async fn they_may_call_everything_there_is() {
    let server = Server::new();
    let tab = server.tab("");
    Reflect::set(&server, &"session".into(), &tab).unwrap();
    for kind in ["change", "refreshed", "refresh-failed", "signed-out", "storage", "step-up"] {
        let listener = with(
            "server",
            &server,
            "(event) => {
                const { session } = server;
                server.rounds = (server.rounds ?? 0) + 1;
                if (server.rounds > 60) return;
                session.snapshot; session.accessToken; session.user; session.name; session.explain();
                for (const call of [
                    session.fetch('https://api.test/'), session.getAccessToken(), session.refreshAccessTokenIfNeeded(),
                    session.refresh(), session.resync(), session.setTokens(server.issue()), session.setTokens(null),
                    session.setUser({}), session.signOut(), session.setTokens(server.issue()),
                ]) call.catch(() => {});
                session.subscribe(() => {})();
                session.on('change', () => session.snapshot)();
            }",
        );
        tab.on(kind, &listener).unwrap();
    }
    ok(tab.set_tokens(&server.issue())).await;
    until("sixty rounds", || at(&server, "rounds").as_f64().unwrap_or(0.0) > 60.0).await;
    ok(tab.set_tokens(&server.issue())).await;
    assert_eq!(tab.shows("status"), "signed-in");
}

#[wasm_bindgen_test]
async fn one_may_dispose_of_the_session() {
    let server = Server::new();
    let tab = server.tab("");
    tab.on("change", &with("session", &tab, "() => session.dispose()")).unwrap();
    let heard = tab.heard("change");
    ok(tab.set_tokens(&server.issue())).await;
    settle().await;
    assert!(heard.length() <= 1);
    assert_eq!(tab.access_token().as_deref(), Some("access-1"));
}

#[wasm_bindgen_test]
async fn the_snapshot_is_the_same_object_until_something_changes_and_frozen() {
    let server = Server::new();
    let tab = server.signed_in("").await;
    let before = tab.snapshot();
    tab.call().await;
    assert_eq!(tab.snapshot(), before);
    ok(tab.refresh(&JsValue::UNDEFINED)).await;
    assert!(tab.snapshot() != before);
    assert_eq!(show(&at(&before, "accessToken")), "access-1", "the old one is as it was");
    assert!(js_sys::Object::is_frozen(before.unchecked_ref::<js_sys::Object>()));
}

#[wasm_bindgen_test]
async fn a_refresh_is_told_with_how_it_went() {
    let server = Server::new();
    let tab = server.signed_in("").await;
    let (refreshed, failed) = (tab.heard("refreshed"), tab.heard("refresh-failed"));
    ok(tab.refresh(&JsValue::UNDEFINED)).await;
    server.answer_route("() => new Response('', { status: 500 })");
    err(tab.refresh(&JsValue::UNDEFINED)).await;
    settle().await;
    assert_eq!(show(&at(&refreshed, "0.by")), "this-tab");
    assert_eq!(show(&at(&refreshed, "0.attempts")), "1");
    assert_eq!(show(&at(&refreshed, "0.snapshot.accessToken")), "access-2");
    assert_eq!(show(&at(&failed, "0.error.status")), "500");
    assert_eq!((refreshed.length(), failed.length()), (1, 1));
}

#[wasm_bindgen_test]
fn what_is_no_listener_or_no_event_is_named() {
    let tab = Server::new().tab("");
    for (kind, listener) in [("change", "null"), ("change", "{}"), ("changes", "() => {}"), ("", "() => {}")]
    {
        let error = tab.on(kind, &js(listener)).unwrap_err();
        assert_eq!(show(&at(&error, "code")), "invalid_options");
    }
}
