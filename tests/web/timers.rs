//! Background refresh: in time, without loops, by timers that do not overflow.

use super::page::*;
use super::support::*;
use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;

const DAY_S: u32 = 86_400;

async fn signed_in_for(server: &Server, seconds: u32, more: &str) -> Tab {
    js_sys::Reflect::set(server, &"expiresIn".into(), &seconds.into()).unwrap();
    server.signed_in(&format!("autoRefresh: true, {more}")).await
}

#[wasm_bindgen_test]
async fn the_token_is_refreshed_before_it_expires_again_and_again() {
    let (time, server) = (Time::stopped(), Server::new());
    let tab = signed_in_for(&server, 20, "").await;
    for _ in 0..30 {
        time.pass_s(20).await;
        assert_eq!(tab.shows("status"), "signed-in");
    }
    assert!((30..=40).contains(&server.refreshes()), "{}", server.refreshes());
}

#[wasm_bindgen_test]
async fn a_400_day_token_waits_400_days_in_steps_that_a_timer_takes() {
    let (time, server) = (Time::stopped(), Server::new());
    let tab = signed_in_for(&server, 400 * DAY_S, "").await;
    for _ in 0..399 {
        time.pass_s(DAY_S).await;
    }
    assert_eq!(server.refreshes(), 0);
    assert!(time.delays().iter().all(|ms| (0.0..=2_147_483_647.0).contains(ms)), "{:?}", time.delays());
    assert!(time.delays().len() < 40, "{}", time.delays().len());
    time.pass_s(DAY_S).await;
    assert_eq!(server.refreshes(), 1);
    assert_eq!(tab.shows("status"), "signed-in");
}

#[wasm_bindgen_test]
async fn a_leeway_longer_than_the_life_of_the_token_does_not_loop() {
    let (time, server) = (Time::stopped(), Server::new());
    let tab = signed_in_for(&server, 5, "leeway: 300").await;
    assert_eq!(tab.call().await, 200);
    time.pass_s(3).await;
    assert_eq!(server.refreshes(), 0);
    time.pass_s(57).await;
    assert!((12..=20).contains(&server.refreshes()), "{}", server.refreshes());
}

#[wasm_bindgen_test]
async fn an_absurd_lifetime_does_not_loop_either() {
    for life in ["0", "-5", "1e-9", "1e300", "'Infinity'", "NaN", "'soon'", "{}", "null", "0.001"] {
        let (time, server) = (Time::stopped(), Server::new());
        js_sys::Reflect::set(&server, &"expiresIn".into(), &js(life)).unwrap();
        let tab = server.signed_in("autoRefresh: true").await;
        time.pass_s(5).await;
        assert!(server.refreshes() <= 3, "{life}: {}", server.refreshes());
        assert!(time.delays().len() < 30, "{life}: {}", time.delays().len());
        drop(tab);
    }
}

#[wasm_bindgen_test]
async fn a_failing_route_is_asked_more_and_more_seldom() {
    let (time, server) = (Time::stopped(), Server::new());
    let tab = signed_in_for(&server, 60, "").await;
    server.answer_route("() => new Response('', { status: 503 })");
    time.pass_s(3600).await;
    assert!((3..=60).contains(&server.refreshes()), "{}", server.refreshes());
    assert_eq!(tab.shows("status"), "expired");
    server.answer_route("() => Response.json(server.renew())");
    time.pass_s(1800).await;
    assert_eq!(tab.shows("status"), "signed-in");
}

#[wasm_bindgen_test]
async fn without_auto_refresh_nothing_is_asked_for_until_somebody_calls() {
    let (time, server) = (Time::stopped(), Server::new());
    let tab = server.signed_in("autoRefresh: false").await;
    let changes = tab.heard("change");
    time.pass_s(7200).await;
    assert_eq!(server.refreshes(), 0);
    assert_eq!(tab.shows("status"), "expired");
    assert!(changes.length() > 0, "and that is told");
}

#[wasm_bindgen_test]
async fn a_page_that_slept_looks_again_when_it_wakes() {
    for (target, event) in [
        ("document", "visibilitychange"),
        ("document", "resume"),
        ("window", "pageshow"),
        ("window", "focus"),
        ("window", "online"),
    ] {
        let (time, server) = (Time::stopped(), Server::new());
        let tab = signed_in_for(&server, 3600, "").await;
        time.sleep(3_601_000.0);
        settle().await;
        assert_eq!(server.refreshes(), 0, "{event}");
        js(&format!("{target}.dispatchEvent(new Event('{event}'))"));
        until(event, || tab.access_token().as_deref() == Some("access-2")).await;
        assert_eq!(server.refreshes(), 1, "{event}");
    }
}

#[wasm_bindgen_test]
async fn the_network_back_ends_a_cool_down_of_our_own() {
    let (time, server) = (Time::stopped(), Server::new());
    let tab = signed_in_for(&server, 60, "").await;
    server.answer_route("() => Promise.reject(new TypeError('offline'))");
    time.pass_s(600).await;
    assert_eq!(tab.shows("status"), "expired");
    server.answer_route("() => Response.json(server.renew())");
    js("window.dispatchEvent(new Event('online'))");
    until("the refresh", || tab.shows("status") == "signed-in").await;
}

#[wasm_bindgen_test]
async fn the_constructor_starts_nothing_in_its_callers_turn() {
    let (time, server) = (Time::stopped(), Server::new());
    let name = "name: 'turn', storage: 'session', crossTab: false, autoRefresh: true";
    js("sessionStorage.removeItem('tokenwell:turn')");
    drop(server.signed_in(name).await);
    time.sleep(3_601_000.0);
    let armed = time.armed();
    let requested = js("{ count: 0 }");
    let fetch =
        format!("{name}, fetch: (...args) => {{ server.count.count += 1; return server.fetch(...args); }}");
    js_sys::Reflect::set(&server, &"count".into(), &requested).unwrap();
    let tab = server.tab(&fetch);
    assert_eq!(time.armed(), armed);
    assert_eq!(show(&at(&requested, "count")), "0");
    until("the refresh afterwards", || tab.access_token().as_deref() == Some("access-2")).await;
}

#[wasm_bindgen_test]
async fn with_a_stored_token_the_first_requests_leave_before_other_tabs_are_looked_for() {
    let options = "name: 'early', storage: 'session'";
    let (time, server) = (Time::stopped(), Server::new());
    js("sessionStorage.removeItem('tokenwell:early')");
    drop(server.signed_in(options).await);
    let _channels = Changed::set(
        "globalThis",
        &[("BroadcastChannel", "class { constructor() { early.made += 1; } postMessage() {} close() {} }")],
    );
    let made = || show(&js("early.made"));
    for by_itself in [true, false] {
        js("globalThis.early = { made: 0 }");
        let tab = server.tab(options);
        assert_eq!(status(&ok(tab.fetch(&API.into(), &JsValue::UNDEFINED)).await), 200);
        settle().await;
        assert_eq!(made(), "0");
        if by_itself {
            time.pass_s(1).await;
        } else {
            // What needs the others does not wait for the timer.
            ok(tab.refresh(&JsValue::UNDEFINED)).await;
        }
        assert_eq!(made(), "1");
    }
    js("delete globalThis.early");
}

#[wasm_bindgen_test]
async fn a_disposed_session_leaves_no_timer_and_no_listener() {
    let _listening = Changed::set(
        "EventTarget.prototype",
        &[
            ("addEventListener", "function () { globalThis.listening = (globalThis.listening ?? 0) + 1; }"),
            ("removeEventListener", "function () { globalThis.listening -= 1; }"),
        ],
    );
    let (time, server) = (Time::stopped(), Server::new());
    let tab = signed_in_for(&server, 3600, "").await;
    assert_eq!(time.armed(), 1);
    assert!(js("globalThis.listening").as_f64().unwrap() > 0.0);
    tab.dispose();
    assert_eq!(time.armed(), 0);
    assert_eq!(show(&js("globalThis.listening")), "0");
    js("delete globalThis.listening");
    time.pass_s(7200).await;
    assert_eq!(server.refreshes(), 0);
}
