//! Options may be any object at all.

use super::support::*;
use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;

fn refused(options: &JsValue) -> JsValue {
    match open(options) {
        Ok(_) => panic!("taken: {}", show(options)),
        Err(error) => error,
    }
}

#[wasm_bindgen_test]
fn every_wrong_option_is_named() {
    let server = Server::new();
    for (options, name) in [
        ("refresh: undefined", "refresh"),
        ("refresh: 7", "refresh"),
        ("refresh: {}", "refresh.url"),
        ("refresh: 'ftp://id.test/'", "refresh"),
        ("refresh: { url: '/t', mode: 'both' }", "refresh.mode"),
        ("refresh: { url: '/t', body: 'xml' }", "refresh.body"),
        ("refresh: { url: '/t', clientId: 7 }", "refresh.clientId"),
        ("refresh: { url: '/t', clientAuth: 'basic' }", "refresh.clientAuth"),
        ("refresh: { url: '/t', params: { a: 7 } }", "refresh.params"),
        ("refresh: { url: '/t', headers: 'x' }", "refresh.headers"),
        ("refresh: { url: '/t', headers: { 'a b': 'x' } }", "refresh.headers"),
        ("refresh: { url: '/t', headers: { '': 'x' } }", "refresh.headers"),
        ("refresh: { url: '/t', headers: { a: 'x\\r\\nb: y' } }", "refresh.headers"),
        ("refresh: { url: 'https://user:pass@id.test/t' }", "refresh.url"),
        ("refresh: 'https://user@id.test/t'", "refresh"),
        ("allow: ['https://api.test@evil.test']", "allow"),
        ("refresh: { url: '/t', fields: { user: [7] } }", "refresh.fields"),
        ("refresh: { url: '/t', terminal: 401 }", "refresh.terminal"),
        ("refresh: { url: '/t', timeout: -1 }", "refresh.timeout"),
        ("refresh: { url: '/t', timeout: Infinity }", "refresh.timeout"),
        ("name: ''", "name"),
        ("name: {}", "name"),
        ("allow: 'https://api.test'", "allow"),
        ("allow: ['//']", "allow"),
        ("allow: ['https://api.test/?q']", "allow"),
        ("scheme: 'Bear er'", "scheme"),
        ("leeway: -1", "leeway"),
        ("leeway: NaN", "leeway"),
        ("leeway: { fraction: 'half' }", "leeway"),
        ("retryOn: 'always'", "retryOn"),
        ("storage: 'cookies'", "storage"),
        ("storage: { getItem() {} }", "storage"),
        ("autoRefresh: 1", "autoRefresh"),
        ("crossTab: 'yes'", "crossTab"),
        ("fetch: {}", "fetch"),
        ("revoke: 7", "revoke"),
        ("revoke: 'https://:pass@id.test/t'", "revoke"),
    ] {
        let error = refused(&server.options_of(options));
        assert_eq!(show(&at(&error, "code")), "invalid_options", "{options}");
        assert!(
            show(&at(&error, "message")).starts_with(name),
            "{options}: {}",
            show(&at(&error, "message"))
        );
    }
    for options in ["undefined", "null", "7", "'https://id.test/'", "Symbol()"] {
        assert_eq!(show(&at(&refused(&js(options)), "code")), "invalid_options", "{options}");
    }
}

#[wasm_bindgen_test]
fn what_a_getter_throws_is_its_authors_to_see() {
    let server = Server::new();
    for name in [
        "refresh",
        "name",
        "allow",
        "scheme",
        "leeway",
        "retryOn",
        "storage",
        "autoRefresh",
        "crossTab",
        "fetch",
        "revoke",
    ] {
        let usual = server.options_of("");
        let options =
            with("usual", &usual, &format!("{{ __proto__: usual, get {name}() {{ throw '{name}'; }} }}"));
        assert_eq!(show(&refused(&options)), name);
    }
    let proxy = js("new Proxy({}, { get() { throw 'proxy'; } })");
    assert_eq!(show(&refused(&proxy)), "proxy");
}

#[wasm_bindgen_test]
async fn a_getter_may_call_back() {
    let server = Server::new();
    let name = "name: 'callback'";
    let tab = server.signed_in(name).await;
    js_sys::Reflect::set(&server, &"session".into(), &tab).unwrap();
    let options = server.options_of(&format!(
        "{name}, get scheme() {{
            const {{ session }} = server;
            session.signOut(); session.setTokens(server.issue()); session.getAccessToken(); session.snapshot;
            return 'Bearer';
        }}"
    ));
    let same = open(&options).unwrap();
    settle().await;
    assert_eq!(same.access_token().as_deref(), Some("access-1"));
}

#[wasm_bindgen_test]
async fn a_getter_may_open_the_very_session_that_is_being_opened() {
    let server = Server::new();
    let options = server.options_of("name: 'twice'");
    let inner = with("options", &options, "{ ...options }");
    let three = js_sys::Array::of3(&class(), &options, &inner);
    let outer = with(
        "three",
        &three,
        "{ ...three[1], get retryOn() { three[3] = new three[0](three[2]); return undefined; } }",
    );
    let tab = open(&outer).unwrap();
    ok(tab.set_tokens(&server.issue())).await;
    assert_eq!(show(&at(&three, "3.accessToken")), "access-1", "it is the same one");
}

#[wasm_bindgen_test]
async fn the_same_name_and_options_are_the_same_session_and_other_options_an_error() {
    let server = Server::new();
    let one = server.signed_in("name: 'shared'").await;
    let same = server.tab("name: 'shared'");
    assert_eq!(same.access_token().as_deref(), Some("access-1"));
    assert_eq!(same.snapshot(), one.snapshot());
    for other in [
        "scheme: 'JWT'",
        "allow: []",
        "leeway: 1",
        "storage: 'session'",
        "refresh: () => 'x'",
        "autoRefresh: true",
    ] {
        let error = refused(&server.options_of(&format!("name: 'shared', {other}")));
        assert_eq!(show(&at(&error, "code")), "invalid_options", "{other}");
    }
    let found = with("Class", &class(), "['shared', 'nobody'].map((name) => Class.get(name)?.accessToken)");
    assert_eq!(show(&found), r#"["access-1",null]"#);
}

#[wasm_bindgen_test]
async fn options_changed_afterwards_change_nothing() {
    let server = Server::new();
    let options = server.options_of("");
    let tab = open(&options).unwrap();
    with(
        "options",
        &options,
        "(options.scheme = 'Evil', options.allow.push('https://evil.test'), options.refresh.url = '/evil')",
    );
    ok(tab.set_tokens(&server.issue())).await;
    ok(tab.refresh(&JsValue::UNDEFINED)).await;
    assert_eq!(tab.call().await, 200);
    ok(tab.fetch(&"https://evil.test/".into(), &JsValue::UNDEFINED)).await;
    assert_eq!(server.calls("authorization"), ["Bearer access-2", "null"]);
}

#[wasm_bindgen_test]
async fn another_scheme_is_sent_as_it_is_written() {
    let server = Server::new();
    let tab = server.signed_in("scheme: 'JWT'").await;
    tab.call().await;
    assert!(server.calls("authorization")[0].starts_with("JWT access-1"));
}
