//! Dealing with JavaScript values of which nothing is known. Every access can run user code (getters,
//! Proxies) and throw: no borrow may be held across any of these.

use js_sys::{Array, Function, Object, Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

/// `globalThis`.
pub fn global() -> JsValue {
    js_sys::global().into()
}

/// `target[name]`; throws where that does, or where `target` is no object.
pub fn get(target: &JsValue, name: &str) -> Result<JsValue, JsValue> {
    Reflect::get(target, &JsValue::from_str(name))
}

/// `globalThis[name]`, or `undefined` where it is missing or refused.
pub fn global_value(name: &str) -> JsValue {
    get(&global(), name).unwrap_or(JsValue::UNDEFINED)
}

/// `target[name](...args)`.
pub fn call(target: &JsValue, name: &str, args: &[&JsValue]) -> Result<JsValue, JsValue> {
    apply(&get(target, name)?, target, args)
}

/// `function.apply(this, args)`; throws where it is no function.
pub fn apply(function: &JsValue, this: &JsValue, args: &[&JsValue]) -> Result<JsValue, JsValue> {
    function.dyn_ref::<Function>().ok_or(JsValue::UNDEFINED)?.apply(this, &list(args))
}

/// `new globalThis[name](...args)`.
pub fn construct(name: &str, args: &[&JsValue]) -> Result<JsValue, JsValue> {
    let class = global_value(name);
    Reflect::construct(class.dyn_ref::<Function>().ok_or(JsValue::UNDEFINED)?, &list(args))
}

fn list(args: &[&JsValue]) -> Array {
    args.iter().copied().collect()
}

/// `{ name: value, … }`
pub fn object(members: &[(&str, JsValue)]) -> JsValue {
    let object = Object::new();
    for (name, value) in members {
        set(&object, name, value);
    }
    object.into()
}

/// `target[name] = value`, on an object of ours.
pub fn set(target: &JsValue, name: &str, value: &JsValue) {
    let _ = Reflect::set(target, &JsValue::from_str(name), value);
}

/// A text, or `null`.
pub fn text(text: Option<&str>) -> JsValue {
    text.map_or(JsValue::NULL, JsValue::from_str)
}

/// A time or duration in ms, or `null`.
pub fn ms(ms: Option<i64>) -> JsValue {
    ms.map_or(JsValue::NULL, |ms| JsValue::from_f64(ms as f64))
}

/// Waits for a value that may be a promise, anyone's.
pub async fn settled(value: JsValue) -> Result<JsValue, JsValue> {
    JsFuture::from(Promise::resolve(&value)).await
}

/// Calls a method and waits for what it gives.
pub async fn call_settled(target: &JsValue, name: &str, args: &[&JsValue]) -> Result<JsValue, JsValue> {
    settled(call(target, name, args)?).await
}

/// Whether this is an object whose `then` is a function.
pub fn is_thenable(value: &JsValue) -> bool {
    value.is_object() && get(value, "then").is_ok_and(|then| then.is_function())
}
