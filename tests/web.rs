//! The adapters in a real browser: what JavaScript can do to a session, and what a session does to the page.

#![cfg(target_family = "wasm")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice
)]

use wasm_bindgen_test::wasm_bindgen_test_configure;

wasm_bindgen_test_configure!(run_in_browser);

mod web {
    mod page;
    mod support;

    mod attaching;
    mod disposal;
    mod dpop;
    mod errors;
    mod jwt;
    mod kept;
    mod listeners;
    mod missing;
    mod odd_fetch;
    mod options;
    mod own_storage;
    mod refreshers;
    mod refreshing;
    mod replaying;
    mod signals;
    mod tabs;
    mod timers;
    mod tokens;
}
