//! Functions of ours for JavaScript to call. One WASM closure stands behind all of them, bound to the number of
//! its body: every further `Closure` type would bring code of its own to be made, called and dropped by.

use std::cell::{Cell, RefCell};
use std::mem::ManuallyDrop;
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

type Entry = Closure<dyn Fn(u32, u32, JsValue, JsValue) -> JsValue>;

// Never dropped, like everything of the page's: that needs no code for an end that does not come.
thread_local! {
    static ENTRY: ManuallyDrop<JsValue> = ManuallyDrop::new(entry());
    static GUARD: ManuallyDrop<RefCell<Option<Function>>> = const { ManuallyDrop::new(RefCell::new(None)) };
    static BODIES: ManuallyDrop<RefCell<Bodies>> = const { ManuallyDrop::new(RefCell::new(Bodies::new())) };
}

struct Bodies {
    /// Each with the number of its use: places are used again, and a late call must not find another's body.
    places: Vec<(u32, Option<Rc<Body>>)>,
    free: Vec<u32>,
}

impl Bodies {
    const fn new() -> Self {
        Self { places: Vec::new(), free: Vec::new() }
    }

    fn at(&self, place: u32, serial: u32) -> Option<Rc<Body>> {
        let (of, body) = self.places.get(place as usize)?;
        if *of == serial { body.clone() } else { None }
    }

    fn add(&mut self, body: Rc<Body>) -> (u32, u32) {
        if let Some(place) = self.free.pop()
            && let Some((serial, free)) = self.places.get_mut(place as usize)
        {
            *serial = serial.wrapping_add(1);
            *free = Some(body);
            return (place, *serial);
        }
        self.places.push((0, Some(body)));
        (self.places.len() as u32 - 1, 0)
    }

    fn remove(&mut self, place: u32) -> Option<Rc<Body>> {
        self.free.push(place);
        self.places.get_mut(place as usize)?.1.take()
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
    // A clone, so that the body may drop its own callback, and no borrow is held while it runs.
    let body = BODIES.with(|bodies| bodies.borrow().at(place, serial));
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
        let (place, serial) = BODIES.with(|bodies| bodies.borrow_mut().add(body));
        Self { place, serial }
    }

    /// What to hand to JavaScript.
    pub fn function(&self) -> Function {
        ENTRY.with(|entry| {
            entry.unchecked_ref::<Bindable>().bind(&JsValue::UNDEFINED, self.place, self.serial)
        })
    }

    /// The same, with its first argument fixed.
    pub fn function_with(&self, first: &JsValue) -> Function {
        ENTRY.with(|entry| {
            let entry = entry.unchecked_ref::<Bindable>();
            entry.bind_first(&JsValue::UNDEFINED, self.place, self.serial, first)
        })
    }
}

impl Drop for Callback {
    fn drop(&mut self) {
        // The body is dropped after the borrow: what it holds may drop callbacks too.
        drop(BODIES.with(|bodies| bodies.borrow_mut().remove(self.place)));
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
