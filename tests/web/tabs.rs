//! Copies of a tab: the same stored state in two places, and one refresh between them.

use super::page::*;
use super::support::*;
use js_sys::{Array, Promise, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_test::wasm_bindgen_test;

/// A tab and its copy, as "duplicate tab" makes one: what is stored under the one name lies under the other too.
async fn tab_and_copy(server: &Server, more: &str) -> (Tab, Tab) {
    js("(sessionStorage.removeItem('tokenwell:tab'), sessionStorage.removeItem('tokenwell:copy'))");
    let tab = server.signed_in(&format!("name: 'tab', storage: 'session', {more}")).await;
    js("sessionStorage.setItem('tokenwell:copy', sessionStorage.getItem('tokenwell:tab'))");
    let copy = server.tab(&format!("name: 'copy', storage: 'session', {more}"));
    assert_eq!(copy.access_token(), tab.access_token());
    (tab, copy)
}

async fn one_refresh_serves_both(server: &Server, tab: &Tab, copy: &Tab) {
    let calls = [tab, copy, tab, copy].map(|tab| tab.fetch(&API.into(), &JsValue::UNDEFINED));
    let answers = Array::from(&ok(Promise::all(&calls.into_iter().collect::<Array>())).await);
    assert!(answers.iter().all(|answer| status(&answer) == 200));
    assert_eq!(server.refreshes(), 1);
    assert_eq!(tab.access_token().as_deref(), Some("access-2"));
    assert_eq!(copy.access_token().as_deref(), Some("access-2"));
}

#[wasm_bindgen_test]
async fn one_refresh_serves_both_and_the_other_says_so() {
    let (time, server) = (Time::running(), Server::new());
    let (tab, copy) = tab_and_copy(&server, "").await;
    let heard = [tab.heard("refreshed"), copy.heard("refreshed")];
    time.sleep(3_601_000.0);
    one_refresh_serves_both(&server, &tab, &copy).await;
    settle().await;
    let mut by = heard.map(|heard| show(&at(&heard, "0.by")));
    by.sort();
    assert_eq!(by, ["other-tab", "this-tab"]);
    for name in ["tab", "copy"] {
        assert!(show(&js(&format!("sessionStorage.getItem('tokenwell:{name}')"))).contains("refresh-2"));
    }
}

#[wasm_bindgen_test]
async fn a_copy_that_comes_late_takes_the_newer_tokens_without_a_request() {
    let server = Server::new();
    let (tab, copy) = tab_and_copy(&server, "").await;
    let old = js("sessionStorage.getItem('tokenwell:copy')");
    drop(copy);
    ok(tab.refresh(&JsValue::UNDEFINED)).await;
    drop(tab);
    with("old", &old, "sessionStorage.setItem('tokenwell:copy', old)");
    let late = server.tab("name: 'copy', storage: 'session'");
    assert_eq!(late.access_token().as_deref(), Some("access-1"));
    until("the newer tokens", || late.access_token().as_deref() == Some("access-2")).await;
    assert_eq!(server.refreshes(), 1);
}

/// Before it listens; and where no place that tabs share would tell it.
#[wasm_bindgen_test]
async fn what_another_tab_stores_while_this_one_begins_is_taken() {
    let _missing = Changed::missing("globalThis", "indexedDB");
    let server = Server::new();
    let options = "name: 'begins', storage: 'local'";
    js("localStorage.removeItem('tokenwell:begins')");
    let stored = || js("localStorage.getItem('tokenwell:begins')");
    let store = |text: &JsValue| with("text", text, "localStorage.setItem('tokenwell:begins', text)");
    let other = server.signed_in(options).await;
    let before = stored();
    ok(other.refresh(&JsValue::UNDEFINED)).await;
    drop(other);
    let after = stored();
    store(&before);
    let time = Time::stopped();
    let tab = server.tab(options);
    assert_eq!(tab.access_token().as_deref(), Some("access-1"));
    settle().await;
    store(&after);
    time.pass_s(1).await;
    assert_eq!(tab.access_token().as_deref(), Some("access-2"));
    js("localStorage.removeItem('tokenwell:begins')");
}

#[wasm_bindgen_test]
async fn a_401_in_one_is_answered_by_the_refresh_of_the_other() {
    let server = Server::new();
    let (tab, copy) = tab_and_copy(&server, "").await;
    server.forget();
    let calls: Array =
        [&tab, &copy].map(|tab| tab.fetch(&API.into(), &JsValue::UNDEFINED)).into_iter().collect();
    let answers = Array::from(&ok(Promise::all(&calls)).await);
    assert!(answers.iter().all(|answer| status(&answer) == 200));
    assert_eq!(server.refreshes(), 1);
}

#[wasm_bindgen_test]
async fn signing_out_signs_out_both() {
    let server = Server::new();
    let (tab, copy) = tab_and_copy(&server, "").await;
    settle().await;
    let heard = copy.heard("signed-out");
    ok(tab.sign_out(&JsValue::UNDEFINED)).await;
    until("the news", || copy.shows("status") == "signed-out").await;
    settle().await;
    assert_eq!(heard.length(), 1);
    assert!(js("sessionStorage.getItem('tokenwell:copy')").is_null());
}

#[wasm_bindgen_test]
async fn a_copy_of_a_session_that_is_over_does_not_come_back() {
    let server = Server::new();
    let (tab, copy) = tab_and_copy(&server, "").await;
    let old = js("sessionStorage.getItem('tokenwell:copy')");
    drop(copy);
    ok(tab.sign_out(&JsValue::UNDEFINED)).await;
    with("old", &old, "sessionStorage.setItem('tokenwell:copy', old)");
    let late = server.tab("name: 'copy', storage: 'session'");
    until("the news", || late.shows("status") == "signed-out").await;
}

#[wasm_bindgen_test]
async fn without_locks_one_refresh_serves_both() {
    let _missing = Changed::missing("navigator", "locks");
    let (time, server) = (Time::running(), Server::new());
    let (tab, copy) = tab_and_copy(&server, "").await;
    time.sleep(3_601_000.0);
    one_refresh_serves_both(&server, &tab, &copy).await;
}

#[wasm_bindgen_test]
async fn without_cross_tab_each_is_on_its_own() {
    let server = Server::new();
    let (tab, copy) = tab_and_copy(&server, "crossTab: false").await;
    ok(tab.sign_out(&JsValue::UNDEFINED)).await;
    settle().await;
    assert_eq!(copy.shows("status"), "signed-in");
}

#[wasm_bindgen_test]
async fn what_tabs_share_shows_no_token() {
    let server = Server::new();
    let (tab, _copy) = tab_and_copy(&server, "").await;
    ok(tab.refresh(&JsValue::UNDEFINED)).await;
    let all = ok(js("new Promise((resolve, reject) => {
            const opening = indexedDB.open('tokenwell');
            opening.onerror = reject;
            opening.onsuccess = () => {
                const asked = opening.result.transaction('sessions').objectStore('sessions').getAll();
                asked.onsuccess = () => (opening.result.close(), resolve(asked.result));
            };
        })")
    .into())
    .await;
    let shown = with(
        "all",
        &all,
        "JSON.stringify(all, (_, value) => value instanceof Uint8Array ? String.fromCharCode(...value) : value)",
    );
    let shown = show(&shown);
    assert!(shown.contains("sealed"), "{shown}");
    for secret in ["access-", "refresh-2", "refresh_token"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
}

/// A `BroadcastChannel` whose names and messages are noted.
fn overheard() -> Changed {
    js("globalThis.overheard = []");
    Changed::set(
        "globalThis",
        &[(
            "BroadcastChannel",
            "class extends BroadcastChannel {
                constructor(name) {
                    super(name);
                    overheard.push(name);
                }
                postMessage(data) {
                    overheard.push(data);
                    super.postMessage(data);
                }
            }",
        )],
    )
}

#[wasm_bindgen_test]
async fn what_tabs_tell_each_other_shows_no_token_and_no_key() {
    let _missing = Changed::missing("globalThis", "indexedDB");
    let _overheard = overheard();
    let (time, server) = (Time::running(), Server::new());
    let (tab, copy) = tab_and_copy(&server, "").await;
    let key = show(&js("JSON.parse(sessionStorage.getItem('tokenwell:tab')).key"));
    time.sleep(3_601_000.0);
    one_refresh_serves_both(&server, &tab, &copy).await;
    let said = Array::from(&js("overheard"));
    assert!(said.iter().any(|data| data.is_instance_of::<Uint8Array>()), "the set was told");
    for data in said {
        let shown = match data.dyn_into::<Uint8Array>() {
            Ok(sealed) => String::from_utf8_lossy(&sealed.to_vec()).into_owned(),
            Err(text) => show(&text),
        };
        for secret in ["access-", "refresh-", "_token", &key, &key[..16], &key[key.len() - 16..]] {
            assert!(!shown.contains(secret), "{secret} in {shown}");
        }
    }
}

#[wasm_bindgen_test]
async fn where_nothing_can_be_sealed_one_refresh_serves_both_all_the_same() {
    let _missing = Changed::missing("crypto", "subtle");
    let (time, server) = (Time::running(), Server::new());
    let (tab, copy) = tab_and_copy(&server, "").await;
    time.sleep(3_601_000.0);
    one_refresh_serves_both(&server, &tab, &copy).await;
}

#[wasm_bindgen_test]
async fn what_takes_long_to_seal_or_to_open_is_still_heard_before_what_was_said_later() {
    for slow in ["encrypt", "decrypt"] {
        let _missing = Changed::missing("globalThis", "indexedDB");
        let _slow = Changed::set(
            "SubtleCrypto.prototype",
            &[(
                slow,
                &format!(
                    "(({slow}) => async function (...args) {{
                        await new Promise((resolve) => setTimeout(resolve, 200));
                        return {slow}.apply(this, args);
                    }})(SubtleCrypto.prototype.{slow})"
                ),
            )],
        );
        let server = Server::new();
        let (tab, copy) = tab_and_copy(&server, "").await;
        settle().await;
        let heard = Array::new();
        for kind in ["refreshed", "signed-out"] {
            copy.on(kind, &with("heard", &heard, "(event) => heard.push(event.by ?? event.reason)")).unwrap();
        }
        ok(tab.refresh(&JsValue::UNDEFINED)).await;
        ok(tab.sign_out(&JsValue::UNDEFINED)).await;
        until("the news", || copy.shows("status") == "signed-out").await;
        settle().await;
        assert_eq!(show(&heard), r#"["other-tab","signed-out"]"#, "{slow}");
    }
}

#[wasm_bindgen_test]
async fn a_stranger_who_finds_the_channel_is_not_believed() {
    let _missing = Changed::missing("globalThis", "indexedDB");
    let _overheard = overheard();
    let server = Server::new();
    let (tab, _copy) = tab_and_copy(&server, "").await;
    settle().await;
    js("((channel) => {
            for (const data of [new Uint8Array(0), new Uint8Array(60), [], {}, null, 7, '{', 'null']) channel.postMessage(data);
            channel.close();
        })(new BroadcastChannel(overheard.find((name) => typeof name === 'string' && name.startsWith('tokenwell/'))))");
    settle().await;
    assert_eq!(tab.call().await, 200);
    assert_eq!(tab.access_token().as_deref(), Some("access-1"));
    assert_eq!(server.refreshes(), 0);
}

#[wasm_bindgen_test]
async fn nothing_that_another_page_may_write_there_is_trusted() {
    for value in [
        "null",
        "7",
        "{}",
        "{ version: 'x' }",
        "{ version: 1, meta: {}, sealed: null }",
        "{ version: 9, meta: '{', sealed: new Uint8Array(3) }",
        "{ version: 9, meta: '{\"v\":1,\"generation\":9}', sealed: new Uint8Array(40) }",
        "{ version: 4294967296.5, meta: '{\"v\":1,\"generation\":4294967295}', sealed: 'x' }",
    ] {
        let (time, server) = (Time::running(), Server::new());
        let (tab, copy) = tab_and_copy(&server, "").await;
        settle().await;
        let put = with(
            "value",
            &js(&format!("({value})")),
            "new Promise((resolve, reject) => {
                const id = JSON.parse(sessionStorage.getItem('tokenwell:tab')).id;
                const opening = indexedDB.open('tokenwell');
                opening.onerror = reject;
                opening.onsuccess = () => {
                    const writing = opening.result.transaction('sessions', 'readwrite');
                    writing.objectStore('sessions').put(value, id);
                    writing.oncomplete = () => (opening.result.close(), resolve());
                    writing.onabort = reject;
                };
            })",
        );
        ok(put.into()).await;
        drop(copy);
        time.sleep(3_601_000.0);
        assert_eq!(tab.call().await, 200, "{value}");
        assert_eq!(tab.access_token().as_deref(), Some("access-2"), "{value}");
    }
}
