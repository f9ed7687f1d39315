//! Rust's `async` on JavaScript's promises. All that our tasks ever wait for are promises, so a task is polled
//! when one of them settles, and no waker is needed.

use std::cell::{Cell, RefCell};
use std::mem::ManuallyDrop;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use js_sys::{Function, Promise};
use wasm_bindgen::prelude::*;

use super::callback::{self, Callback};

type Work = Pin<Box<dyn Future<Output = ()>>>;

/// `None` while it is polled, and when it is done.
type Task = Rc<Cell<Option<Work>>>;

thread_local! {
    static POLLED: ManuallyDrop<RefCell<Option<Task>>> = const { ManuallyDrop::new(RefCell::new(None)) };
}

/// Begins when the JavaScript that runs now has ended, and goes on as its promises settle.
pub fn spawn(work: impl Future<Output = ()> + 'static) {
    begin(Box::pin(work));
}

fn begin(work: Work) {
    soon(move || run(&Rc::new(Cell::new(Some(work)))));
}

/// A promise of what it gives. Begins at once, as JavaScript's own async functions do: of two calls without
/// waiting in between, the first happens first.
pub fn promise(work: impl Future<Output = Result<JsValue, JsValue>> + 'static) -> Promise {
    let (promise, settle) = deferred();
    run(&Rc::new(Cell::new(Some(Box::pin(async move { settle.with(work.await) })))));
    promise
}

fn run(task: &Task) {
    let Some(mut work) = task.take() else { return };
    let before = POLLED.with(|polled| polled.replace(Some(task.clone())));
    let polled = work.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    POLLED.with(|polled| polled.replace(before));
    if polled.is_pending() {
        task.set(Some(work));
    }
}

/// Waits for a value that may be a promise, anyone's.
pub async fn settled(value: &JsValue) -> Result<JsValue, JsValue> {
    let waiting = Rc::new(Waiting::default());
    then(value, waiting.clone());
    std::future::poll_fn(|_| match waiting.result.take() {
        Some(result) => Poll::Ready(result),
        None => {
            waiting.task.set(POLLED.with(|polled| polled.borrow().clone()));
            Poll::Pending
        }
    })
    .await
}

#[derive(Default)]
struct Waiting {
    result: Cell<Option<Result<JsValue, JsValue>>>,
    task: Cell<Option<Task>>,
    callback: Cell<Option<Callback>>,
}

fn then(value: &JsValue, waiting: Rc<Waiting>) {
    let own = waiting.clone();
    let callback = Callback::new(move |well, value| {
        drop(own.callback.take());
        own.result.set(Some(if well.is_truthy() { Ok(value) } else { Err(value) }));
        if let Some(task) = own.task.take() {
            run(&task);
        }
        JsValue::UNDEFINED
    });
    let (well, ill) = (callback.function_with(&JsValue::TRUE), callback.function_with(&JsValue::FALSE));
    waiting.callback.set(Some(callback));
    let _ = chain(&adopted(value), &well, &ill);
}

#[wasm_bindgen]
extern "C" {
    type Chain;

    #[wasm_bindgen(method)]
    fn then(this: &Chain, well: &JsValue, ill: &JsValue) -> Promise;

    #[wasm_bindgen(js_name = queueMicrotask)]
    fn queue_microtask(run: &Function);

    #[wasm_bindgen(js_name = Promise)]
    type New;

    #[wasm_bindgen(constructor, js_class = Promise)]
    fn new(executor: &Function) -> New;
}

/// A promise of the platform's that settles as this value does. Not `Promise.resolve`, which takes any promise for the
/// platform's own, and throws what its `constructor` throws; here that rejects, and so does what a `then` throws.
pub fn adopted(value: &JsValue) -> Promise {
    Promise::race(&js_sys::Array::of1(value))
}

/// `promise.then(well, ill)`, on a promise of the platform's.
pub fn chain(promise: &Promise, well: &JsValue, ill: &JsValue) -> Promise {
    promise.unchecked_ref::<Chain>().then(well, ill)
}

/// Runs when the JavaScript that runs now has ended.
pub fn soon(work: impl FnOnce() + 'static) {
    queue_microtask(&callback::once(move |_, _| {
        work();
        JsValue::UNDEFINED
    }));
}

/// A promise's other end.
#[derive(Default)]
pub struct Settle {
    pub resolve: JsValue,
    pub reject: JsValue,
}

impl Settle {
    pub fn with(&self, result: Result<JsValue, JsValue>) {
        let (function, value) = match &result {
            Ok(value) => (&self.resolve, value),
            Err(error) => (&self.reject, error),
        };
        // The platform's own functions: they don't throw.
        let _ = function.unchecked_ref::<Function>().call1(&JsValue::UNDEFINED, value);
    }
}

/// A promise, and what settles it.
pub fn deferred() -> (Promise, Settle) {
    let settle = Rc::new(Cell::new(Settle::default()));
    let fill = settle.clone();
    let executor = Callback::new(move |resolve, reject| {
        fill.set(Settle { resolve, reject });
        JsValue::UNDEFINED
    });
    let promise = New::new(&executor.function());
    (promise.unchecked_into(), settle.take())
}
