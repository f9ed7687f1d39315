//! Reading what an app gave, member by member, through getters that may be anything. The first mistake, or what
//! a getter throws, is kept, and whatever is read after it is absent and asks the app nothing: one look at the
//! end takes the place of a way out at every member, which is what most of the code would be.

use std::cell::OnceCell;

use js_sys::{Array, JsString, Object, Reflect};
use wasm_bindgen::{JsCast, JsValue};

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

    /// The members of an object.
    pub fn of<'a>(&'a self, object: &'a JsValue) -> Members<'a> {
        Members { from: self, object }
    }

    /// A number of seconds that is not negative, as ms.
    #[inline(never)]
    pub fn seconds(&self, value: &JsValue, wrong: &'static str, ms: &mut i64) {
        match value.as_f64() {
            Some(seconds) if seconds >= 0.0 && seconds.is_finite() => *ms = (seconds * 1000.0) as i64,
            Some(_) => self.wrong(wrong),
            None => self.unless_absent(value, wrong),
        }
    }

    pub fn unless_absent(&self, value: &JsValue, wrong: &'static str) {
        if !absent(value) {
            self.wrong(wrong);
        }
    }

    /// An http(s) URL, absolute and without a user in it, which `fetch` would refuse; relative ones are relative to the
    /// page. A server that renders the page's code has none: there they lead nowhere, and whoever follows one reads why.
    pub fn url(&self, value: &JsValue, wrong: &'static str) -> JsValue {
        let text = value.as_string().or_else(|| js::string_at(value, "href"));
        let base = own_base().unwrap_or_else(|| "https://relative-url-but-no-page.invalid".into());
        let url = match text {
            Some(text) if !text.is_empty() => js::construct("URL", &[&text.into(), &base.into()]),
            Some(_) | None => Err(JsValue::UNDEFINED),
        };
        let url = url.unwrap_or_default();
        let is_web = matches!(js::text_at(&url, "protocol").as_str(), "https:" | "http:");
        if is_web && js::text_at(&url, "username").is_empty() && js::text_at(&url, "password").is_empty() {
            return url;
        }
        self.wrong(wrong);
        JsValue::UNDEFINED
    }

    /// The same as text.
    pub fn href(&self, value: &JsValue, wrong: &'static str) -> String {
        js::text_at(&self.url(value, wrong), "href")
    }

    /// A list's members, till the first mistake. A Proxy may have any length, and throw at every member.
    pub fn each(&self, list: &JsValue, mut read: impl FnMut(JsValue)) {
        let length = self.at(list, "length").as_f64().unwrap_or_default() as u32;
        if length > MOST_MEMBERS {
            return self.wrong("A list in the options has more members than anyone has a use for.");
        }
        for at in 0..length {
            match self.0.get().is_none().then(|| Reflect::get(list, &at.into())) {
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

/// Names, and what each of them means.
pub type Choice<T> = (&'static [&'static str], &'static [T]);

/// The members of an object: what is absent leaves what was there before.
#[derive(Clone, Copy)]
pub struct Members<'a> {
    from: &'a Reader,
    object: &'a JsValue,
}

impl Members<'_> {
    /// A member, whatever it is.
    #[inline(never)]
    pub fn value(self, name: &str) -> JsValue {
        self.from.at(self.object, name)
    }

    /// A string that is not empty.
    #[inline(never)]
    pub fn string(self, name: &str, wrong: &'static str, into: &mut Option<String>) {
        let value = self.value(name);
        match value.as_string() {
            Some(text) if !text.is_empty() => *into = Some(text),
            Some(_) => self.from.wrong(wrong),
            None => self.from.unless_absent(&value, wrong),
        }
    }

    /// A boolean.
    #[inline(never)]
    pub fn flag(self, name: &str, wrong: &'static str, into: &mut bool) {
        let value = self.value(name);
        match value.as_bool() {
            Some(flag) => *into = flag,
            None => self.from.unless_absent(&value, wrong),
        }
    }

    /// What one of these names means.
    pub fn choice<T: Copy>(self, name: &str, among: Choice<T>, wrong: &'static str, into: &mut T) {
        if let Some(meaning) = among.1.get(self.place(name, among.0, wrong)) {
            *into = *meaning;
        }
    }

    /// The place of what is there among those names, or one that none has.
    #[inline(never)]
    fn place(self, name: &str, among: &[&str], wrong: &'static str) -> usize {
        let value = self.value(name);
        let text = value.as_string().unwrap_or_default();
        let place = among.iter().position(|name| text == *name);
        if place.is_none() {
            self.from.unless_absent(&value, wrong);
        }
        place.unwrap_or(usize::MAX)
    }

    /// An object whose members are strings.
    #[inline(never)]
    pub fn texts(self, name: &str, wrong: &'static str, into: &mut Vec<(String, Secret)>) {
        let value = self.value(name);
        if !value.is_object() {
            return self.from.unless_absent(&value, wrong);
        }
        match js::call_static("Object", "entries", &[&value]) {
            Ok(entries) => self.from.each(&entries, |entry| {
                let entry: Array = entry.unchecked_into();
                match entry.get(0).as_string().zip(entry.get(1).as_string()) {
                    Some((name, text)) => into.push((name, Secret::new(text))),
                    None => self.from.wrong(wrong),
                }
            }),
            Err(thrown) => self.from.threw(thrown),
        }
    }
}
