//! A storage of the app's: synchronous or not, well-behaved or not.

use super::support::*;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_test::wasm_bindgen_test;

/// A storage in a map, with these methods (JavaScript) in place of its own.
fn storage(methods: &str) -> String {
    format!(
        "storage: server.storage = {{
            map: server.map ??= new Map(),
            getItem(key) {{ return this.map.get(key); }},
            setItem(key, value) {{ this.map.set(key, value); }},
            removeItem(key) {{ this.map.delete(key); }},
            {methods}
        }}"
    )
}

#[wasm_bindgen_test]
async fn a_synchronous_one_is_there_at_once() {
    let server = Server::new();
    let options = format!("name: 'own', {}", storage(""));
    drop(server.signed_in(&options).await);
    settle().await; // It is written within the turn, which is all that a page can see.
    assert_eq!(server.tab(&options).shows("status"), "signed-in");
}

#[wasm_bindgen_test]
async fn create_waits_for_one_that_gives_promises() {
    let server = Server::new();
    let options = format!("name: 'later', {}", storage("async getItem(key) { return this.map.get(key); }"));
    drop(server.signed_in(&options).await);
    settle().await;
    let pair = js_sys::Array::of2(&class(), &server.options_of(&options));
    let created: Session = ok(with("pair", &pair, "pair[0].create(pair[1])").into()).await.unchecked_into();
    assert_eq!(show(&at(&created.snapshot(), "reason")), "stored");
    created.dispose();
}

#[wasm_bindgen_test]
async fn new_tells_when_the_promise_has_come() {
    let server = Server::new();
    let options = format!("name: 'told', {}", storage("async getItem(key) { return this.map.get(key); }"));
    drop(server.signed_in(&options).await);
    settle().await;
    let tab = server.tab(&options);
    let heard = tab.heard("change");
    assert_eq!(tab.shows("status"), "signed-out");
    until("the change", || heard.length() > 0).await;
    assert_eq!(tab.shows("reason"), "stored");
}

#[wasm_bindgen_test]
async fn a_sign_in_is_not_undone_by_a_slow_read() {
    let server = Server::new();
    let options = format!(
        "name: 'slow', {}",
        storage("getItem() { return new Promise((done) => { server.read = done; }); }")
    );
    let tab = server.signed_in(&options).await;
    with("server", &server, "server.read(null)");
    settle().await;
    assert_eq!(tab.shows("status"), "signed-in");
}

#[wasm_bindgen_test]
async fn one_that_refuses_to_write_is_told_once_and_the_session_goes_on() {
    for refuses in [
        "setItem() { throw new Error('full'); }",
        "async setItem() { throw new Error('full'); }",
        "setItem: () => Promise.reject()",
        "setItem() { throw null; }, removeItem() { throw null; }",
    ] {
        let server = Server::new();
        let tab = server.tab(&storage(refuses));
        let heard = tab.heard("storage");
        ok(tab.set_tokens(&server.issue())).await;
        ok(tab.refresh(&JsValue::UNDEFINED)).await;
        until("the event", || heard.length() > 0).await;
        assert_eq!(tab.call().await, 200, "{refuses}");
        ok(tab.sign_out(&JsValue::UNDEFINED)).await;
        settle().await;
        assert_eq!(heard.length(), 1, "{refuses}");
        assert_eq!(show(&at(&heard, "0.error.code")), "storage");
    }
}

#[wasm_bindgen_test]
async fn one_that_cannot_be_read_is_told_once_and_means_signed_out() {
    for refuses in ["getItem() { throw new Error('no'); }", "getItem: () => Promise.reject(new Error('no'))"]
    {
        let server = Server::new();
        let tab = server.tab(&storage(refuses));
        let heard = tab.heard("storage");
        until("the event", || heard.length() > 0).await;
        assert_eq!(tab.shows("status"), "signed-out", "{refuses}");
        ok(tab.set_tokens(&server.issue())).await;
        assert_eq!(tab.call().await, 200, "{refuses}");
        assert_eq!(heard.length(), 1, "{refuses}");
    }
}

#[wasm_bindgen_test]
async fn whatever_it_gives_that_is_no_text_means_signed_out() {
    for given in [
        "7",
        "{}",
        "[]",
        "true",
        "Symbol()",
        "() => 1",
        "{ then: 7 }",
        "{ get then() { throw 1; } }",
        "new String('x')",
    ] {
        let server = Server::new();
        let tab = server.tab(&storage(&format!("getItem: () => ({given})")));
        settle().await;
        assert_eq!(tab.shows("status"), "signed-out", "{given}");
    }
}

#[wasm_bindgen_test]
async fn slow_writes_do_not_overtake_each_other() {
    let server = Server::new();
    let slow = "setItem(key, value) {
        server.running = (server.running ?? 0) + 1;
        server.most = Math.max(server.most ?? 0, server.running);
        return new Promise((done) => setTimeout(done, 5)).then(() => { server.running -= 1; this.map.set(key, value); });
    }";
    let options = format!("name: 'order', {}", storage(slow));
    let tab = server.signed_in(&options).await;
    ok(tab.refresh(&JsValue::UNDEFINED)).await;
    ok(tab.refresh(&JsValue::UNDEFINED)).await;
    let last = || show(&with("server", &server, "server.map.get('tokenwell:order')"));
    until("the last write", || last().contains("access-3")).await;
    ok(tab.sign_out(&JsValue::UNDEFINED)).await;
    until("the removal", || last() == "null" || !last().contains("access")).await;
    assert_eq!(show(&at(&server, "most")), "1");
}

#[wasm_bindgen_test]
async fn it_is_called_as_its_own_method_with_nothing_borrowed() {
    let server = Server::new();
    let options = storage(
        "setItem(key, value) { server.seen = [this === server.storage, server.session?.accessToken]; this.map.set(key, value); }",
    );
    let tab = server.tab(&options);
    js_sys::Reflect::set(&server, &"session".into(), &tab).unwrap();
    ok(tab.set_tokens(&server.issue())).await;
    until("the write", || !at(&server, "seen").is_undefined()).await;
    assert_eq!(show(&at(&server, "seen")), r#"[true,"access-1"]"#);
}
