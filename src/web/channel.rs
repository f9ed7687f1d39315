//! Talking to the other tabs of a sign-in. The channel's name holds the sign-in's key, so whoever doesn't
//! have that can neither listen nor speak.

use std::cell::RefCell;
use std::rc::Weak;

use wasm_bindgen::prelude::*;

use super::callback::Callback;
use super::driver::Driver;
use super::js;
use super::json::JsJson;
use crate::proto::io::{Input, Message};
use crate::proto::secret::Secret;
use crate::proto::stored;

/// The channel, while there is a sign-in.
#[derive(Default)]
pub struct Channel(RefCell<Option<Open>>);

struct Open {
    channel: JsValue,
    _heard: Callback,
}

/// Whether this platform has channels.
pub fn available() -> bool {
    js::global_value("BroadcastChannel").is_function()
}

impl Channel {
    /// Listens to that sign-in's tabs, and no other's.
    pub fn listen(&self, driver: &Weak<Driver>, whom: Option<(String, Secret)>) {
        drop(self.0.take());
        let Some((id, key)) = whom else { return };
        let name = ["tokenwell", &id, key.expose()].join("/");
        let Ok(channel) = js::construct("BroadcastChannel", &[&name.into()]) else { return };
        // Node: not a reason to keep the process alive.
        let _ = js::call(&channel, "unref", &[]);
        let driver = driver.clone();
        let heard = Callback::new(move |event, _| {
            let text = js::string_at(&event, "data");
            let message = text.and_then(|text| stored::read_message::<JsJson>(&text));
            if let (Some(driver), Some(message)) = (driver.upgrade(), message) {
                driver.feed(Input::Heard(message));
            }
            JsValue::UNDEFINED
        });
        js::set(&channel, "onmessage", &heard.function());
        self.0.replace(Some(Open { channel, _heard: heard }));
    }

    /// Tells the others.
    pub fn tell(&self, message: &Message) {
        let channel = self.0.borrow().as_ref().map(|open| open.channel.clone());
        if let Some(channel) = channel {
            let text = stored::write_message::<JsJson>(message);
            let _ = js::call(&channel, "postMessage", &[&text.into()]);
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        js::set(&self.channel, "onmessage", &JsValue::NULL);
        let _ = js::call(&self.channel, "close", &[]);
    }
}
