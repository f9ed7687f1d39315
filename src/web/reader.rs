//! Reading what an app gave, member by member, through getters that may be anything. The first mistake, or what
//! a getter throws, is kept, and whatever is read after it is absent and asks the app nothing: one look at the
//! end takes the place of a way out at every member, which is what most of the code would be.

use std::cell::OnceCell;

use js_sys::{Array, JsString, Object, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::Url;

use super::errors::mistake;
use super::fetch::base_url;
use super::js;
use crate::proto::secret::Secret;

/// No list or map in the options is longer.
const MOST_MEMBERS: u32 = 1_000;

/// Reads until the first mistake.
#[derive(Default)]
pub struct Reader(OnceCell<JsValue>);

/// Whether a member is there only because something has put it on `Object.prototype`: a merge of somebody's JSON must
/// not name a route for our tokens.
fn is_planted(object: &JsValue, name: &str) -> bool {
    let has = |of: &JsValue| {
        let of: &Object = of.unchecked_ref();
        Object::has_own_str(of, &JsString::from(name)).unwrap_or(true)
    };
    has(&js::peek(&js::global_value("Object"), "prototype")) && !has(object)
}

/// What the options' URLs are relative to: the page's base, unless that is on another origin. Assets may be there; who
/// gets the tokens is not for a `<base>` to say.
fn own_base() -> Option<String> {
    let location = js::page_value("location");
    let (base, origin) = (base_url().as_string(), js::string_at(&location, "origin"));
    // A frame without an address of its own has its parent's base, and no origin that could be compared.
    let origin = origin.filter(|origin| origin.starts_with("http"));
    let elsewhere = base
        .as_deref()
        .zip(origin.as_deref())
        .is_some_and(|(base, origin)| !base.strip_prefix(origin).is_some_and(|path| path.starts_with('/')));
    if elsewhere { js::string_at(&location, "href") } else { base }
}

/// What an app leaves out, one way or the other.
pub fn absent(value: &JsValue) -> bool {
    value.is_undefined() || value.is_null()
}

impl Reader {
    /// What was read, if nothing was wrong with it.
    pub fn check<T>(self, read: T) -> Result<T, JsValue> {
        self.0.into_inner().map_or(Ok(read), Err)
    }

    /// Notes a mistake.
    pub fn wrong(&self, message: &'static str) {
        if self.0.get().is_none() {
            let _ = self.0.set(mistake(message));
        }
    }

    fn threw(&self, thrown: JsValue) {
        let _ = self.0.set(thrown);
    }

    /// A member of an object. What its getter throws is the app's own error to see.
    pub fn at(&self, object: &JsValue, name: &str) -> JsValue {
        if self.0.get().is_none() && object.is_object() && !is_planted(object, name) {
            match js::get(object, name) {
                Ok(value) => return value,
                Err(thrown) => self.threw(thrown),
            }
        }
        JsValue::UNDEFINED
    }

    /// A string that is not empty.
    pub fn string(&self, value: &JsValue, wrong: &'static str) -> Option<String> {
        let text = value.as_string().filter(|text| !text.is_empty());
        if text.is_none() && !absent(value) {
            self.wrong(wrong);
        }
        text
    }

    /// A boolean.
    pub fn flag(&self, value: &JsValue, wrong: &'static str) -> Option<bool> {
        let flag = value.as_bool();
        if flag.is_none() && !absent(value) {
            self.wrong(wrong);
        }
        flag
    }

    /// One of these names, by its place among them.
    pub fn choice(&self, value: &JsValue, among: &[&str], wrong: &'static str) -> Option<usize> {
        if absent(value) {
            return None;
        }
        let text = value.as_string();
        let found = among.iter().position(|name| text.as_deref() == Some(name));
        if found.is_none() {
            self.wrong(wrong);
        }
        found
    }

    /// A number of seconds that is not negative, as ms.
    pub fn seconds(&self, value: &JsValue, wrong: &'static str) -> Option<i64> {
        if absent(value) {
            return None;
        }
        let seconds = value.as_f64().filter(|seconds| *seconds >= 0.0 && seconds.is_finite());
        if seconds.is_none() {
            self.wrong(wrong);
        }
        seconds.map(|seconds| (seconds * 1000.0) as i64)
    }

    /// An http(s) URL, absolute and without a user in it, which `fetch` would refuse; relative ones are relative to the
    /// page. A server that renders the page's code has none: there they lead nowhere, and whoever follows one reads why.
    pub fn url(&self, value: &JsValue, wrong: &'static str) -> Option<Url> {
        let text = value.as_string().or_else(|| js::string_at(value, "href"));
        let base = own_base();
        let base = base.as_deref().unwrap_or("https://relative-url-but-no-page.invalid");
        let url = text.filter(|text| !text.is_empty()).and_then(|text| Url::new_with_base(&text, base).ok());
        let url = url.filter(|url| {
            matches!(url.protocol().as_str(), "https:" | "http:")
                && url.username().is_empty()
                && url.password().is_empty()
        });
        if url.is_none() {
            self.wrong(wrong);
        }
        url
    }

    /// The same as text.
    pub fn href(&self, value: &JsValue, wrong: &'static str) -> String {
        self.url(value, wrong).map(|url| url.href()).unwrap_or_default()
    }

    /// An object whose members are strings.
    pub fn texts(&self, value: &JsValue, wrong: &'static str) -> Vec<(String, Secret)> {
        let mut texts = Vec::new();
        if absent(value) {
            return texts;
        }
        if !value.is_object() {
            self.wrong(wrong);
            return texts;
        }
        match js::call_static("Object", "entries", &[value]) {
            Ok(entries) => self.each(&entries, |entry| {
                let entry: Array = entry.unchecked_into();
                match entry.get(0).as_string().zip(entry.get(1).as_string()) {
                    Some((name, text)) => texts.push((name, Secret::new(text))),
                    None => self.wrong(wrong),
                }
            }),
            Err(thrown) => self.threw(thrown),
        }
        texts
    }

    /// A list's members, till the first mistake. A Proxy may have any length, and throw at every member.
    pub fn each(&self, list: &JsValue, mut read: impl FnMut(JsValue)) {
        let length = self.at(list, "length").as_f64().unwrap_or_default() as u32;
        if length > MOST_MEMBERS {
            return self.wrong("A list in the options has more members than anyone has a use for.");
        }
        for at in 0..length {
            match self.0.get().is_none().then(|| Reflect::get_u32(list, at)) {
                Some(Ok(member)) => read(member),
                Some(Err(thrown)) => self.threw(thrown),
                None => return,
            }
        }
    }

    /// A list.
    pub fn list(&self, value: &JsValue, wrong: &'static str, read: impl FnMut(JsValue)) {
        match js::is_array(value) {
            true => self.each(value, read),
            false => self.wrong(wrong),
        }
    }
}
