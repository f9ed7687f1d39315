//! Errors as they are without the package in front: plain `Error`s with the contract's properties.

use super::support::*;
use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;

#[wasm_bindgen_test]
async fn an_error_is_an_error_with_every_property_of_the_contract() {
    let server = Server::new();
    let tab = server.signed_in("").await;
    server.answer_route(
        "() => Response.json({
            error: 'invalid_grant',
            error_description: 'refresh-1 was revoked',
            error_uri: 'https://id.test/why',
        }, { status: 400 })",
    );
    let error = err(tab.refresh(&JsValue::UNDEFINED)).await;
    assert!(with("error", &error, "error instanceof Error").is_truthy());
    assert!(with("error", &error, "String(error).startsWith('AuthError: ')").is_truthy());
    for (member, value) in [
        ("name", "AuthError"),
        ("code", "invalid_grant"),
        ("error", "invalid_grant"),
        ("uri", "https://id.test/why"),
        ("status", "400"),
        ("retryable", "false"),
        ("retryAt", "null"),
    ] {
        assert_eq!(show(&at(&error, member)), value, "{member}");
    }
    let described = show(&at(&error, "description"));
    assert!(described.contains("was revoked") && !described.contains("refresh-1"), "{described}");
    assert!(!show(&at(&error, "stack")).contains("refresh-1"));
    assert_eq!(tab.shows("error.code"), "invalid_grant");
}

#[wasm_bindgen_test]
async fn what_nobody_said_is_null() {
    let tab = Server::new().tab("");
    let error = err(tab.refresh(&JsValue::UNDEFINED)).await;
    assert_eq!(show(&at(&error, "code")), "signed_out");
    for member in ["error", "description", "uri", "status", "retryAt"] {
        assert!(at(&error, member).is_null(), "{member}");
    }
}
