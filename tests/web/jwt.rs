//! `decodeJwt`, with the platform's own JSON.

use super::support::*;
use tokenwell::decode_jwt;
use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;

/// A token with this payload (JavaScript); padded or not.
fn token(payload: &str, padded: bool) -> JsValue {
    let encode = "(text) => btoa(String.fromCharCode(...new TextEncoder().encode(text)))";
    js(&format!(
        "[{{ alg: 'none' }}, {payload}].map((part) => JSON.stringify(part)).map({encode})
            .map((part) => part.replaceAll('+', '-').replaceAll('/', '_'))
            .map((part) => {padded} ? part : part.replaceAll('=', '')).join('.') + '.c2ln'"
    ))
}

#[wasm_bindgen_test]
fn claims_come_whole_with_padding_and_without() {
    let claims = "{ sub: 'adà ☕ 🙈', exp: 1.5, iat: 1e3, nested: { list: [null, true] } }";
    for padded in [true, false] {
        let decoded = decode_jwt(&token(claims, padded));
        assert_eq!(show(&decoded), show(&js(claims)));
        assert!(js_sys::Object::is_frozen(&decoded.into()));
    }
}

#[wasm_bindgen_test]
fn whatever_is_no_jwt_is_null() {
    for wrong in [
        "''",
        "'.'",
        "'..'",
        "'a.b'",
        "'a.b.c'",
        "'a.b.c.d'",
        "'🙈.🙈.🙈'",
        "null",
        "undefined",
        "7",
        "{}",
        "[]",
        "Symbol()",
        "'e30.' + btoa('[]') + '.'",
        "'e30.' + btoa('7') + '.'",
        "'e30.' + btoa('null') + '.'",
        "'e30.' + btoa('{') + '.'",
        "'e30.' + btoa('\\xff') + '.'",
        "'x'.repeat(1e6)",
        "'.'.repeat(1e6)",
        "{ toString() { throw 1; } }",
        "new String('a.b.c')",
    ] {
        assert!(decode_jwt(&js(wrong)).is_null(), "{wrong}");
    }
}

#[wasm_bindgen_test]
fn a_claim_called_proto_is_a_claim() {
    let decoded = decode_jwt(&token("JSON.parse('{\"__proto__\":{\"admin\":true}}')", false));
    assert!(at(&decoded, "admin").is_undefined());
}
