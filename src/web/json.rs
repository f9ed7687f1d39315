//! [`Json`] over the platform's own parser.

use crate::proto::json::{Json, Member};
use js_sys::{JSON, JsString, Object};
use wasm_bindgen::{JsCast, JsValue};

use super::js;

/// A value that `JSON.parse` made: plain data, no getters.
pub struct JsJson(JsValue);

impl JsJson {
    /// What somebody's value is as plain data: getters, Proxies and cycles have their last chance to throw
    /// here. `None` if it can't be written as JSON.
    pub fn of(value: &JsValue) -> Option<Self> {
        let text = String::from(JSON::stringify(value).ok().filter(|text| text.is_string())?);
        Self::parse(&text)
    }
}

impl Json for JsJson {
    fn parse(text: &str) -> Option<Self> {
        JSON::parse(text).ok().map(Self)
    }

    fn get(&self, name: &str) -> Option<Self> {
        let object = self.0.dyn_ref::<Object>()?;
        let own = Object::has_own_str(object, &JsString::from(name)).unwrap_or(false);
        if own { js::get(&self.0, name).ok().map(Self) } else { None }
    }

    fn as_str(&self) -> Option<String> {
        self.0.as_string()
    }

    fn as_f64(&self) -> Option<f64> {
        self.0.as_f64().filter(|number| number.is_finite())
    }

    fn is_null(&self) -> bool {
        self.0.is_null()
    }

    fn is_object(&self) -> bool {
        self.0.is_object() && !js_sys::Array::is_array(&self.0)
    }

    fn text(&self) -> String {
        text(&self.0)
    }

    fn object(members: &[(&str, Member<'_>)]) -> String {
        let object = Object::new();
        for (name, member) in members {
            let value = match member {
                Member::Null => JsValue::NULL,
                Member::Text(text) => JsValue::from_str(text),
                Member::Int(number) => JsValue::from_f64(*number as f64),
                Member::Raw(json) => JSON::parse(json).unwrap_or(JsValue::NULL),
            };
            js::set(&object, name, &value);
        }
        Self(object.into()).text()
    }
}

/// A value as JSON text; nothing where it can't be written so.
pub fn text(value: &JsValue) -> String {
    JSON::stringify(value).ok().and_then(|text| text.as_string()).unwrap_or_default()
}

/// JSON text as a value; `null` where it is none.
pub fn value(text: &str) -> JsValue {
    JSON::parse(text).unwrap_or(JsValue::NULL)
}
