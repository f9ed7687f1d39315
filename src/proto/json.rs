//! JSON as the core sees it: a trait over the platform's own parser.
//!
//! A JSON parser in Rust costs more bytes than the rest of the crate, and every place this runs has one
//! already. In the browser this is `JSON.parse`; natively (tests, simulation) it is `serde_json`.

/// A parsed JSON value.
pub trait Json: Sized {
    /// Parses a text; `None` if it is not JSON.
    fn parse(text: &str) -> Option<Self>;
    /// The own property of that name, when this is an object that has one. Never an inherited one.
    fn get(&self, name: &str) -> Option<Self>;
    /// The own property of that name, unless it is `null`.
    fn given(&self, name: &str) -> Option<Self> {
        self.get(name).filter(|value| !value.is_null())
    }
    /// The string of that name, unless it is empty.
    fn filled(&self, name: &str) -> Option<String> {
        self.get(name)?.as_str().filter(|text| !text.is_empty())
    }
    /// The string, when this is one.
    fn as_str(&self) -> Option<String>;
    /// The number, when this is one. Never NaN or infinite.
    fn as_f64(&self) -> Option<f64>;
    /// Whether this is `null`.
    fn is_null(&self) -> bool;
    /// Whether this is an object (not an array, not `null`).
    fn is_object(&self) -> bool;
    /// This value as JSON text again.
    fn text(&self) -> String;
    /// Writes an object with these members, in this order.
    fn object(members: &[(&str, Member<'_>)]) -> String;
}

/// What [`Json::object`] can write.
#[derive(Clone, Copy)]
pub enum Member<'a> {
    /// `null`
    Null,
    /// A string.
    Text(&'a str),
    /// An integer of at most 53 bits.
    Int(i64),
    /// A value that is JSON text already.
    Raw(&'a str),
}
