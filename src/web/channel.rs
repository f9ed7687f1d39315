//! Talking to the other tabs of a sign-in. The channel's name is a hash of the sign-in's key, so whoever doesn't have
//! that can neither listen nor speak; and what carries tokens is sealed under it, as in the shared entry.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use js_sys::Uint8Array;
use sha2::{Digest, Sha256};
use wasm_bindgen::prelude::*;

use super::callback::Callback;
use super::driver::Driver;
use super::json::JsJson;
use super::{js, seal, task};
use crate::proto::base64;
use crate::proto::io::{Input, Message};
use crate::proto::secret::Secret;
use crate::proto::stored;
use crate::proto::text::joined;

/// The channel, while there is a sign-in.
#[derive(Default)]
pub struct Channel(RefCell<Option<Rc<Open>>>);

struct Open {
    channel: JsValue,
    key: Secret,
    outward: Rc<Way>,
    inward: Rc<Way>,
    /// Nothing is heard any more.
    left: Cell<bool>,
    heard: RefCell<Option<Callback>>,
}

/// Whether this platform has channels.
pub fn available() -> bool {
    js::global_value("BroadcastChannel").is_function()
}

/// What tabs of that sign-in find each other by. The prefix keeps the hash from being that of anything else.
fn name(key: &Secret) -> String {
    let hash = Sha256::digest(joined(&["tokenwell channel ", key.expose()]));
    joined(&["tokenwell/", &base64::encode_url(&hash)])
}

impl Channel {
    /// Listens to that sign-in's tabs, and no other's.
    pub fn listen(&self, driver: &Weak<Driver>, whom: Option<(String, Secret)>) {
        if let Some(open) = self.0.take() {
            open.leave();
        }
        let Some((_, key)) = whom else { return };
        let Ok(channel) = js::construct("BroadcastChannel", &[&name(&key).into()]) else { return };
        // Node: not a reason to keep the process alive.
        let _ = js::call(&channel, "unref", &[]);
        let open = Rc::new(Open {
            channel,
            key,
            outward: Rc::default(),
            inward: Rc::default(),
            left: Cell::default(),
            heard: RefCell::default(),
        });
        let (driver, own) = (driver.clone(), Rc::downgrade(&open));
        let heard = Callback::new(move |event, _| {
            if let Some(open) = own.upgrade() {
                open.hear(&driver, js::peek(&event, "data"));
            }
            JsValue::UNDEFINED
        });
        js::set(&open.channel, "onmessage", &heard.function());
        open.heard.replace(Some(heard));
        self.0.replace(Some(open));
    }

    /// Tells the others.
    pub fn tell(&self, message: &Message) {
        let open = self.0.borrow().clone();
        if let Some(open) = open {
            open.tell(message);
        }
    }
}

impl Open {
    fn tell(&self, message: &Message) {
        let text = stored::write_message::<JsJson>(message).into();
        // Where the platform can't seal, the channel's name is all that keeps a message among the tabs.
        let seals = matches!(message, Message::Refreshed { record: Some(_), .. }) && seal::available();
        let channel = self.channel.clone();
        let post = move |data| {
            let _ = js::call(&channel, "postMessage", &[&data]);
        };
        Way::pass(&self.outward, self.key_if(seals), text, Box::new(post));
    }

    fn hear(self: &Rc<Self>, driver: &Weak<Driver>, data: JsValue) {
        let (own, driver) = (self.clone(), driver.clone());
        let is_sealed = data.is_instance_of::<Uint8Array>();
        let feed = move |text: JsValue| {
            let message = text.as_string().and_then(|text| stored::read_message::<JsJson>(&text));
            if let (Some(driver), Some(message), false) = (driver.upgrade(), message, own.left.get()) {
                driver.feed(Input::Heard(message));
            }
        };
        Way::pass(&self.inward, self.key_if(is_sealed), data, Box::new(feed));
    }

    fn key_if(&self, needed: bool) -> Option<Secret> {
        needed.then(|| self.key.clone())
    }

    /// Stops listening. What was said last is still sent.
    fn leave(&self) {
        self.left.set(true);
        js::set(&self.channel, "onmessage", &JsValue::NULL);
        drop(self.heard.take());
        let channel = self.channel.clone();
        let close = move |_| {
            let _ = js::call(&channel, "close", &[]);
        };
        Way::pass(&self.outward, None, JsValue::UNDEFINED, Box::new(close));
    }
}

/// One direction. Messages arrive in the order in which they were sent: what takes sealing or opening holds up what
/// comes after it, and where nothing is held up, all else passes at once.
#[derive(Default)]
struct Way {
    held_up: Cell<u32>,
    last: RefCell<JsValue>,
}

impl Way {
    /// With a key, what passes is sealed or opened; what can't be goes nowhere.
    fn pass(way: &Rc<Self>, key: Option<Secret>, data: JsValue, arrive: Box<dyn FnOnce(JsValue)>) {
        if key.is_none() && way.held_up.get() == 0 {
            return arrive(data);
        }
        way.held_up.set(way.held_up.get() + 1);
        let (own, before) = (way.clone(), way.last.borrow().clone());
        let passed = task::promise(async move {
            let turned = match key {
                Some(key) => seal::turn(&key, data).await,
                None => Some(data),
            };
            let _ = js::settled(before).await;
            own.held_up.set(own.held_up.get() - 1);
            if let Some(data) = turned {
                arrive(data);
            }
            Ok(JsValue::UNDEFINED)
        });
        way.last.replace(passed.into());
    }
}
