//! Functions of ours for JavaScript to call. One WASM closure stands behind all of them, bound to the number of
//! its body: every further `Closure` type would bring code of its own to be made, called and dropped by.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use js_sys::Function;
use wasm_bindgen::prelude::*;

/// What happens at a call with these two arguments; missing ones are `undefined`.
type Body = dyn Fn(JsValue, JsValue) -> JsValue;

/// A function for JavaScript that works while this lives, and does nothing afterwards.
pub struct Callback {
    place: u32,
    serial: u32,
}

thread_local! {
    static ENTRY: Closure<dyn Fn(u32, u32, JsValue, JsValue) -> JsValue> = Closure::new(enter);
    /// Places of bodies, each with the serial number of its callback: places are used again, serials are not.
    static BODIES: RefCell<Vec<(u32, Option<Rc<Body>>)>> = const { RefCell::new(Vec::new()) };
    static FREE: RefCell<Vec<u32>> = const { RefCell::new(Vec::new()) };
    static LAST: Cell<u32> = const { Cell::new(0) };
}

fn enter(place: u32, serial: u32, a: JsValue, b: JsValue) -> JsValue {
    // A clone, so that the body may drop its own callback, and no borrow is held while it runs.
    let body = BODIES.with_borrow(|bodies| match bodies.get(place as usize) {
        Some((of, body)) if *of == serial => body.clone(),
        Some(_) | None => None,
    });
    body.map_or(JsValue::UNDEFINED, |body| body(a, b))
}

#[wasm_bindgen]
extern "C" {
    type Bindable;

    #[wasm_bindgen(method, js_name = bind)]
    fn bind(this: &Bindable, of: &JsValue, place: u32, serial: u32) -> Function;

    #[wasm_bindgen(method, js_name = bind)]
    fn bind_first(this: &Bindable, of: &JsValue, place: u32, serial: u32, first: &JsValue) -> Function;
}

impl Callback {
    /// A callback that lives as long as its owner wants.
    pub fn new(body: impl Fn(JsValue, JsValue) -> JsValue + 'static) -> Self {
        Self::of(Rc::new(body))
    }

    fn of(body: Rc<Body>) -> Self {
        let serial = LAST.get().wrapping_add(1);
        LAST.set(serial);
        let free = FREE.with_borrow_mut(Vec::pop);
        let place = BODIES.with_borrow_mut(|bodies| {
            let entry = (serial, Some(body));
            match free.and_then(|place| Some((place, bodies.get_mut(place as usize)?))) {
                Some((place, there)) => {
                    *there = entry;
                    place
                }
                None => {
                    bodies.push(entry);
                    bodies.len() as u32 - 1
                }
            }
        });
        Self { place, serial }
    }

    /// What to hand to JavaScript.
    pub fn function(&self) -> Function {
        ENTRY.with(|entry| {
            entry.as_ref().unchecked_ref::<Bindable>().bind(&JsValue::UNDEFINED, self.place, self.serial)
        })
    }

    /// The same, with its first argument fixed.
    pub fn function_with(&self, first: &JsValue) -> Function {
        ENTRY.with(|entry| {
            let entry = entry.as_ref().unchecked_ref::<Bindable>();
            entry.bind_first(&JsValue::UNDEFINED, self.place, self.serial, first)
        })
    }
}

impl Drop for Callback {
    fn drop(&mut self) {
        // The body is dropped after the borrow: what it holds may drop callbacks too.
        let body = BODIES.with_borrow_mut(|bodies| bodies.get_mut(self.place as usize)?.1.take());
        FREE.with_borrow_mut(|free| free.push(self.place));
        drop(body);
    }
}

/// A function that works once. One that is never called stays until the page is left.
pub fn once(body: impl FnOnce(JsValue, JsValue) -> JsValue + 'static) -> Function {
    let body = Cell::new(Some(body));
    keep(Rc::new(move |a, b| body.take().map_or(JsValue::UNDEFINED, |body| body(a, b))))
}

fn keep(body: Rc<Body>) -> Function {
    let own = Rc::new(Cell::new(None));
    let inner = own.clone();
    let callback = Callback::of(Rc::new(move |a, b| {
        drop(inner.take());
        body(a, b)
    }));
    let function = callback.function();
    own.set(Some(callback));
    function
}
