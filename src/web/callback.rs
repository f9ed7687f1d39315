//! Functions of ours for JavaScript to call. One WASM closure stands behind all of them, bound to the number of
//! its body: every further `Closure` type would bring code of its own to be made, called and dropped by.

use std::cell::RefCell;
use std::mem::ManuallyDrop;
use std::rc::Rc;

use js_sys::Function;
use wasm_bindgen::prelude::*;

/// What happens at a call with two arguments; missing ones are `undefined`.
enum Body {
    Often(Rc<dyn Fn(JsValue, JsValue) -> JsValue>),
    Once(Box<dyn FnOnce(JsValue, JsValue) -> JsValue>),
}

/// A function for JavaScript that works while this lives, and does nothing afterwards.
pub struct Callback(Number);

/// Where a body is, and the number of that place's use: places are used again, and a late call must not find another's
/// body.
#[derive(Clone, Copy)]
pub struct Number {
    place: u32,
    serial: u32,
}

type Entry = Closure<dyn Fn(u32, u32, JsValue, JsValue) -> JsValue>;

// Never dropped, like everything of the page's: that needs no code for an end that does not come.
thread_local! {
    static ENTRY: ManuallyDrop<JsValue> = ManuallyDrop::new(entry());
    static GUARD: ManuallyDrop<RefCell<Option<Function>>> = const { ManuallyDrop::new(RefCell::new(None)) };
    static BODIES: ManuallyDrop<RefCell<Bodies>> = const { ManuallyDrop::new(RefCell::new(Bodies::new())) };
}

struct Bodies {
    /// Each with its serial number.
    places: Vec<(u32, Option<Body>)>,
    free: Vec<u32>,
}

impl Bodies {
    const fn new() -> Self {
        Self { places: Vec::new(), free: Vec::new() }
    }

    /// What a call is to run: a clone, so that it may drop its own callback, or what runs once, which is gone then.
    fn at(&mut self, number: Number) -> Option<Body> {
        let (serial, body) = self.places.get(number.place as usize)?;
        match body {
            Some(_) if *serial != number.serial => None,
            Some(Body::Often(body)) => Some(Body::Often(body.clone())),
            Some(Body::Once(_)) => self.remove(number),
            None => None,
        }
    }

    fn add(&mut self, body: Body) -> Number {
        if let Some(place) = self.free.pop()
            && let Some((serial, free)) = self.places.get_mut(place as usize)
        {
            *serial = serial.wrapping_add(1);
            *free = Some(body);
            return Number { place, serial: *serial };
        }
        self.places.push((0, Some(body)));
        Number { place: self.places.len() as u32 - 1, serial: 0 }
    }

    fn remove(&mut self, number: Number) -> Option<Body> {
        self.free.push(number.place);
        self.places.get_mut(number.place as usize)?.1.take()
    }
}

/// Sets what makes of the function by which JavaScript calls back the one that is handed out: what stands in front of
/// the module learns so when one of those calls traps. Before the first session.
#[wasm_bindgen(js_name = setGuard)]
pub fn set_guard(guard: Function) {
    GUARD.with(|cell| cell.replace(Some(guard)));
}

fn entry() -> JsValue {
    let entry: Entry = Closure::new(enter);
    let function = entry.as_ref().clone();
    entry.forget();
    let guard = GUARD.with(|cell| cell.borrow().clone());
    guard.and_then(|guard| guard.call1(&JsValue::UNDEFINED, &function).ok()).unwrap_or(function)
}

fn enter(place: u32, serial: u32, a: JsValue, b: JsValue) -> JsValue {
    // No borrow is held while it runs.
    match BODIES.with(|bodies| bodies.borrow_mut().at(Number { place, serial })) {
        Some(Body::Often(body)) => body(a, b),
        Some(Body::Once(body)) => body(a, b),
        None => JsValue::UNDEFINED,
    }
}

fn add(body: Body) -> Number {
    BODIES.with(|bodies| bodies.borrow_mut().add(body))
}

#[wasm_bindgen]
extern "C" {
    type Bindable;

    #[wasm_bindgen(method, js_name = bind)]
    fn bind(this: &Bindable, of: &JsValue, place: u32, serial: u32) -> Function;

    #[wasm_bindgen(method, js_name = bind)]
    fn bind_first(this: &Bindable, of: &JsValue, place: u32, serial: u32, first: &JsValue) -> Function;
}

impl Number {
    /// What to hand to JavaScript.
    pub fn function(self) -> Function {
        ENTRY.with(|entry| {
            entry.unchecked_ref::<Bindable>().bind(&JsValue::UNDEFINED, self.place, self.serial)
        })
    }

    /// The same, with its first argument fixed.
    pub fn function_with(self, first: &JsValue) -> Function {
        ENTRY.with(|entry| {
            let entry = entry.unchecked_ref::<Bindable>();
            entry.bind_first(&JsValue::UNDEFINED, self.place, self.serial, first)
        })
    }
}

impl Callback {
    /// A callback that lives as long as its owner wants.
    pub fn new(body: impl Fn(JsValue, JsValue) -> JsValue + 'static) -> Self {
        Self(add(Body::Often(Rc::new(body))))
    }

    /// What to hand to JavaScript.
    pub fn function(&self) -> Function {
        self.0.function()
    }

    /// The same, with its first argument fixed.
    pub fn function_with(&self, first: &JsValue) -> Function {
        self.0.function_with(first)
    }
}

impl Drop for Callback {
    fn drop(&mut self) {
        // The body is dropped after the borrow: what it holds may drop callbacks too.
        drop(BODIES.with(|bodies| bodies.borrow_mut().remove(self.0)));
    }
}

/// A function that works once. One that is never called stays until the page is left.
pub fn once(body: impl FnOnce(JsValue, JsValue) -> JsValue + 'static) -> Function {
    single(Box::new(body)).function()
}

/// What runs once, by whichever of its functions is called first.
pub fn single(body: Box<dyn FnOnce(JsValue, JsValue) -> JsValue>) -> Number {
    add(Body::Once(body))
}
