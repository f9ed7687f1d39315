//! Signs that time may have passed unnoticed: the page is shown, focused, brought back, or online again.

use std::cell::RefCell;
use std::rc::Rc;

use wasm_bindgen::prelude::*;

use super::driver::Driver;
use super::js;
use crate::proto::io::Input;

/// Listeners on `window` and `document`, while it lives.
#[derive(Default)]
pub struct Wake(RefCell<Vec<Listening>>);

struct Listening {
    target: JsValue,
    event: &'static str,
    callback: Closure<dyn FnMut(JsValue)>,
}

impl Wake {
    /// Begins to listen, where there is something to listen to.
    pub fn start(driver: &Rc<Driver>) {
        let (window, document) = (js::global(), js::global_value("document"));
        driver.listen(&document, "visibilitychange", |_| Some(Input::Resume));
        // The page was frozen with its timers.
        driver.listen(&document, "resume", |_| Some(Input::Resume));
        driver.listen(&window, "pageshow", |_| Some(Input::Resume));
        driver.listen(&window, "focus", |_| Some(Input::Wake));
        driver.listen(&window, "online", |_| Some(Input::Online));
    }

    /// Stops.
    pub fn stop(&self) {
        self.0.take();
    }
}

impl Driver {
    /// Feeds what `input` makes of an event, as long as this session lives.
    pub fn listen(
        self: &Rc<Self>,
        target: &JsValue,
        event: &'static str,
        input: impl Fn(&JsValue) -> Option<Input> + 'static,
    ) {
        let driver = Rc::downgrade(self);
        let callback = Closure::<dyn FnMut(JsValue)>::new(move |event: JsValue| {
            if let Some(driver) = driver.upgrade()
                && let Some(input) = input(&event)
            {
                driver.feed(input);
            }
        });
        if target.is_object()
            && js::call(target, "addEventListener", &[&event.into(), callback.as_ref()]).is_ok()
        {
            let listening = Listening { target: target.clone(), event, callback };
            self.wake.0.borrow_mut().push(listening);
        }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let args = [&self.event.into(), self.callback.as_ref()];
        let _ = js::call(&self.target, "removeEventListener", &args);
    }
}
