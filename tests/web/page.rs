//! Changes to the page that a test makes, and takes back.

use super::support::*;
use wasm_bindgen::prelude::*;

/// Properties of a global object that are not what they were.
pub struct Changed(JsValue);

impl Changed {
    /// Gives them these values (JavaScript).
    pub fn set(target: &str, members: &[(&str, &str)]) -> Self {
        let members: Vec<_> =
            members.iter().map(|(name, value)| format!("{name}: {{ value: {value} }}")).collect();
        Self::define(target, &members.join(", "))
    }

    /// Takes them away, as on a platform that does not have them.
    pub fn missing(target: &str, name: &str) -> Self {
        Self::set(target, &[(name, "undefined")])
    }

    /// Puts a getter in the place of one.
    pub fn getter(target: &str, name: &str, function: &str) -> Self {
        Self::define(target, &format!("{name}: {{ get: {function} }}"))
    }

    fn define(target: &str, descriptors: &str) -> Self {
        Self(js(&format!(
            "((target, changes) => {{
                const before = Object.keys(changes).map((name) => [name, Object.getOwnPropertyDescriptor(target, name)]);
                for (const [name, change] of Object.entries(changes)) {{
                    Object.defineProperty(target, name, {{ configurable: true, ...change }});
                }}
                return () => {{
                    for (const [name, was] of before) {{
                        delete target[name];
                        if (was) Object.defineProperty(target, name, was);
                    }}
                }};
            }})({target}, {{ {descriptors} }})"
        )))
    }
}

impl Drop for Changed {
    fn drop(&mut self) {
        with("back", &self.0, "back()");
    }
}
