//! State survives a reload in the real sessionStorage, and nothing found there is trusted.

use super::page::*;
use super::support::*;
use js_sys::Reflect;
use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;

fn stored() -> JsValue {
    js("sessionStorage.getItem('tokenwell:kept')")
}

fn store(value: &JsValue) {
    with("value", value, "sessionStorage.setItem('tokenwell:kept', value)");
}

fn clear() {
    js("sessionStorage.removeItem('tokenwell:kept')");
}

const KEPT: &str = "name: 'kept', storage: 'session'";

#[wasm_bindgen_test]
async fn a_reload_finds_the_session_at_once() {
    clear();
    let server = Server::new();
    let first = server.signed_in(KEPT).await;
    let expires_at = first.shows("expiresAt");
    drop(first);
    let second = server.tab(KEPT);
    assert_eq!(second.shows("status"), "signed-in");
    assert_eq!(second.shows("reason"), "stored");
    assert_eq!(second.shows("expiresAt"), expires_at);
    assert_eq!(second.call().await, 200);
    assert_eq!(server.refreshes(), 0);
}

#[wasm_bindgen_test]
async fn a_refresh_is_kept_too() {
    clear();
    let server = Server::new();
    let first = server.signed_in(KEPT).await;
    ok(first.refresh(&JsValue::UNDEFINED)).await;
    drop(first);
    assert_eq!(server.tab(KEPT).access_token().as_deref(), Some("access-2"));
}

#[wasm_bindgen_test]
async fn signing_out_leaves_nothing() {
    clear();
    let server = Server::new();
    let tab = server.signed_in(KEPT).await;
    assert!(stored().is_string());
    ok(tab.sign_out(&JsValue::UNDEFINED)).await;
    assert!(stored().is_null());
    drop(tab);
    assert_eq!(server.tab(KEPT).shows("status"), "signed-out");
}

#[wasm_bindgen_test]
async fn a_torn_record_means_signed_out() {
    let server = Server::new();
    clear();
    drop(server.signed_in(KEPT).await);
    let whole = stored().as_string().unwrap();
    for cut in (0..whole.len()).step_by(7) {
        store(&whole[..cut].into());
        assert_eq!(server.tab(KEPT).shows("status"), "signed-out", "{}", &whole[..cut]);
    }
    store(&whole.into());
    assert_eq!(server.tab(KEPT).shows("status"), "signed-in");
}

#[wasm_bindgen_test]
async fn a_record_with_any_member_of_a_wrong_kind_is_no_exception() {
    let server = Server::new();
    clear();
    drop(server.signed_in(KEPT).await);
    let whole = stored();
    let members = with("whole", &whole, "Object.keys(JSON.parse(whole))");
    for member in js_sys::Array::from(&members) {
        for wrong in ["{}", "[]", "true", "-1", "1e308", "\"\\n\"", "\"\u{0}\"", "[[[[]]]]"] {
            let record = with("whole", &whole, "JSON.parse(whole)");
            Reflect::set(&record, &member, &js(&format!("({wrong})"))).unwrap();
            store(&with("record", &record, "JSON.stringify(record)"));
            let tab = server.tab(KEPT);
            let shown = tab.shows("status");
            assert!(["signed-out", "signed-in", "expired"].contains(&shown.as_str()));
            let token = tab.access_token();
            assert!(token.is_none() || token.as_deref() == Some("access-1"), "{member:?} {wrong} {token:?}");
        }
    }
    clear();
}

#[wasm_bindgen_test]
async fn whatever_else_is_stored_means_signed_out_and_a_sign_in_replaces_it() {
    let server = Server::new();
    for value in [
        "''",
        "'null'",
        "'[]'",
        "'7'",
        "'\"\"'",
        "'{}'",
        "'{\"v\":1}'",
        "'[object Object]'",
        "'\\ud800'",
        "'{\"v\":2,\"id\":\"a\",\"key\":\"k\",\"generation\":1,\"access_token\":\"t\",\"obtained_ms\":5}'",
        "'{\"__proto__\":{\"v\":1,\"id\":\"a\",\"key\":\"k\",\"generation\":1,\"access_token\":\"t\",\"obtained_ms\":5}}'",
        "'['.repeat(1e6)",
        "'x'.repeat(2e6)",
        "'{\"v\":1,\"access_token\":\"' + 'x'.repeat(2e6) + '\"}'",
    ] {
        store(&js(value));
        let tab = server.tab(KEPT);
        assert_eq!(tab.shows("status"), "signed-out", "{value}");
        ok(tab.set_tokens(&server.issue())).await;
        drop(tab);
        assert_eq!(server.tab(KEPT).shows("status"), "signed-in", "{value}");
    }
    clear();
}

#[wasm_bindgen_test]
async fn what_inherits_from_object_prototype_is_not_read() {
    let server = Server::new();
    store(&"{}".into());
    let _polluted = Changed::set(
        "Object.prototype",
        &[
            ("v", "1"),
            ("id", "'a'"),
            ("key", "'k'"),
            ("generation", "1"),
            ("access_token", "'t'"),
            ("obtained_ms", "5"),
        ],
    );
    assert_eq!(server.tab(KEPT).shows("status"), "signed-out");
    clear();
}

#[wasm_bindgen_test]
async fn a_full_storage_is_told_once_and_the_session_goes_on() {
    clear();
    let server = Server::new();
    let tab = server.tab(KEPT);
    let heard = tab.heard("storage");
    js("(() => {
        for (let size = 2 ** 22, i = 0; size >= 1; ) {
            try { sessionStorage.setItem(`filler-${i++}`, 'x'.repeat(size)); } catch { size = Math.floor(size / 2); }
        }
    })()");
    ok(tab.set_tokens(&server.issue())).await;
    ok(tab.refresh(&JsValue::UNDEFINED)).await;
    settle().await;
    js("sessionStorage.clear()");
    assert_eq!(heard.length(), 1);
    assert_eq!(show(&at(&heard, "0.error.code")), "storage");
    assert_eq!(tab.access_token().as_deref(), Some("access-2"));
    assert_eq!(tab.call().await, 200);
}

#[wasm_bindgen_test]
async fn a_storage_that_may_not_even_be_touched_is_told_once_and_the_session_goes_on() {
    let server = Server::new();
    let _blocked = Changed::getter(
        "globalThis",
        "sessionStorage",
        "() => { throw new DOMException('no', 'SecurityError'); }",
    );
    let tab = server.tab(KEPT);
    let heard = tab.heard("storage");
    ok(tab.set_tokens(&server.issue())).await;
    ok(tab.refresh(&JsValue::UNDEFINED)).await;
    settle().await;
    assert_eq!(heard.length(), 1);
    assert_eq!(tab.call().await, 200);
}

#[wasm_bindgen_test]
async fn what_somebody_removed_is_not_brought_back_and_told_once() {
    clear();
    let server = Server::new();
    let tab = server.signed_in(KEPT).await;
    let heard = tab.heard("storage");
    clear();
    ok(tab.refresh(&JsValue::UNDEFINED)).await;
    ok(tab.refresh(&JsValue::UNDEFINED)).await;
    settle().await;
    assert_eq!(heard.length(), 1);
    assert!(stored().is_null());
    assert_eq!(tab.access_token().as_deref(), Some("access-3"));
}

#[wasm_bindgen_test]
async fn names_do_not_meet_in_the_storage() {
    let server = Server::new();
    js("sessionStorage.clear()");
    drop(server.signed_in("name: 'a', storage: 'session'").await);
    let other = server.tab("name: 'a:b', storage: 'session'");
    assert_eq!(other.shows("status"), "signed-out");
    assert_eq!(show(&js("Object.keys(sessionStorage)")), r#"["tokenwell:a"]"#);
    js("sessionStorage.clear()");
}
