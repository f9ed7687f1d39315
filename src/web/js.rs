//! Dealing with JavaScript values of which nothing is known. Every access can run user code (getters,
//! Proxies) and throw: no borrow may be held across any of these.

use std::cell::RefCell;
use std::mem::ManuallyDrop;

use js_sys::{Array, Object};
use wasm_bindgen::prelude::*;

use super::task::{self, Settled};

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = Reflect, js_name = get, catch)]
    fn reflect_get(target: &JsValue, name: &str) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(js_namespace = Reflect, js_name = set, catch)]
    fn reflect_set(target: &JsValue, name: &str, value: &JsValue) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(js_namespace = Reflect, js_name = apply, catch)]
    fn reflect_apply(function: &JsValue, this: &JsValue, args: &Array) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(js_namespace = Reflect, js_name = construct, catch)]
    fn reflect_construct(class: &JsValue, args: &Array) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(thread_local_v2, js_name = globalThis)]
    static GLOBAL: JsValue;
}

/// `globalThis`.
pub fn global() -> JsValue {
    GLOBAL.with(JsValue::clone)
}

thread_local! {
    /// What stands for the page, where the page is another thread.
    static PAGE: ManuallyDrop<RefCell<Option<JsValue>>> = const { ManuallyDrop::new(RefCell::new(None)) };
}

/// Sets what stands for the page: an `EventTarget` with its `document`, `location`, `history` and storages.
#[wasm_bindgen(js_name = setPage)]
pub fn set_page(page: JsValue) {
    PAGE.with(|cell| cell.replace(Some(page)));
}

/// What stands for the page, if it is another thread.
pub fn other_page() -> Option<JsValue> {
    PAGE.with(|cell| cell.borrow().clone())
}

/// The page: where events, address and storages come from. Else than in a worker that is `globalThis`.
pub fn page() -> JsValue {
    other_page().unwrap_or_else(global)
}

/// `page[name]`, or `undefined` where it is missing or refused.
pub fn page_value(name: &str) -> JsValue {
    peek(&page(), name)
}

/// `target[name]`; throws where that does, or where `target` is no object.
#[inline(never)]
pub fn get(target: &JsValue, name: &str) -> Result<JsValue, JsValue> {
    reflect_get(target, name)
}

/// `target[name]`, or `undefined` where that throws.
#[inline(never)]
pub fn peek(target: &JsValue, name: &str) -> JsValue {
    // An exception costs some 20 µs.
    if !target.is_object() && !target.is_function() {
        return JsValue::UNDEFINED;
    }
    get(target, name).unwrap_or(JsValue::UNDEFINED)
}

/// `globalThis[name]`, or `undefined` where it is missing or refused.
#[inline(never)]
pub fn global_value(name: &str) -> JsValue {
    peek(&global(), name)
}

/// `target[name](...args)`.
#[inline(never)]
pub fn call(target: &JsValue, name: &str, args: &[&JsValue]) -> Result<JsValue, JsValue> {
    apply(&get(target, name)?, target, args)
}

/// `target[name](text)`.
#[inline(never)]
pub fn call_text(target: &JsValue, name: &str, text: &str) -> Result<JsValue, JsValue> {
    call(target, name, &[&text.into()])
}

/// `function.apply(this, args)`; throws where it is no function.
#[inline(never)]
pub fn apply(function: &JsValue, this: &JsValue, args: &[&JsValue]) -> Result<JsValue, JsValue> {
    reflect_apply(function, this, &list(args))
}

/// `globalThis[class][name](...args)`: for what may meet a value whose traps throw.
#[inline(never)]
pub fn call_static(class: &str, name: &str, args: &[&JsValue]) -> Result<JsValue, JsValue> {
    call(&global_value(class), name, args)
}

/// Whether this is an array. A revoked Proxy is none, and would throw at the question.
pub fn is_array(value: &JsValue) -> bool {
    call_static("Array", "isArray", &[value]).is_ok_and(|is| is.is_truthy())
}

/// `new globalThis[name](...args)`.
#[inline(never)]
pub fn construct(name: &str, args: &[&JsValue]) -> Result<JsValue, JsValue> {
    new(&global_value(name), args)
}

/// `new class(...args)`.
pub fn new(class: &JsValue, args: &[&JsValue]) -> Result<JsValue, JsValue> {
    reflect_construct(class, &list(args))
}

#[inline(never)]
pub fn list(args: &[&JsValue]) -> Array {
    let list = Array::new();
    for arg in args {
        list.push(arg);
    }
    list
}

/// `{ name: value, … }`
#[inline(never)]
pub fn object(members: &[(&str, JsValue)]) -> JsValue {
    let object = Object::new();
    for (name, value) in members {
        set(&object, name, value);
    }
    object.into()
}

/// `target[name] = value`, on an object of ours.
#[inline(never)]
pub fn set(target: &JsValue, name: &str, value: &JsValue) {
    let _ = reflect_set(target, name, value);
}

/// `target[name] = text`, on an object of ours.
#[inline(never)]
pub fn set_text(target: &JsValue, name: &str, text: &str) {
    set(target, name, &text.into());
}

/// A text, or `null`.
#[inline(never)]
pub fn text(text: Option<&str>) -> JsValue {
    text.map_or(JsValue::NULL, JsValue::from_str)
}

/// A time or duration in ms, or `null`.
#[inline(never)]
pub fn ms(ms: Option<i64>) -> JsValue {
    ms.map_or(JsValue::NULL, |ms| JsValue::from_f64(ms as f64))
}

/// The text at `target[name]`, if there is one.
#[inline(never)]
pub fn string_at(target: &JsValue, name: &str) -> Option<String> {
    peek(target, name).as_string()
}

/// The text at `target[name]`, empty if there is none.
#[inline(never)]
pub fn text_at(target: &JsValue, name: &str) -> String {
    string_at(target, name).unwrap_or_default()
}

/// A header of a `Response`, or of whatever somebody's `fetch` answers with.
pub fn header(response: &JsValue, name: &str) -> Option<String> {
    call_text(&peek(response, "headers"), "get", name).ok()?.as_string()
}

/// Waits for a value that may be a promise, anyone's. By value: what is borrowed would be kept as long.
#[inline(never)]
pub fn settled(value: JsValue) -> Settled {
    task::settled(&value)
}

/// Calls a method and waits for what it gives. Not in the same statement: its arguments would be kept as long.
#[inline(never)]
pub fn call_settled(target: &JsValue, name: &str, args: &[&JsValue]) -> Settled {
    settled_or(call(target, name, args))
}

/// Waits for what a call gave, if it did not throw.
pub fn settled_or(given: Result<JsValue, JsValue>) -> Settled {
    match given {
        Ok(given) => task::settled(&given),
        Err(thrown) => Settled::failed(thrown),
    }
}

/// Whether this is an object whose `then` is a function.
pub fn is_thenable(value: &JsValue) -> bool {
    value.is_object() && peek(value, "then").is_function()
}
