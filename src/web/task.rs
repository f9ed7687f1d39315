//! Rust's `async` on JavaScript's promises. All that our tasks ever wait for are promises, so a task is polled
//! when one of them settles, and no waker is needed.

use std::cell::{Cell, RefCell};
use std::mem::ManuallyDrop;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use js_sys::{Function, Promise};
use wasm_bindgen::prelude::*;

use super::callback::{self, Callback, Number};

/// What a task gives in the end.
pub type Given = Result<JsValue, JsValue>;

type Work = Pin<Box<dyn Future<Output = Given>>>;

struct Task {
    /// `None` while it is polled, and when it is done.
    work: Cell<Option<Work>>,
    /// Whom to tell what it gave.
    settle: Option<Settle>,
}

thread_local! {
    static POLLED: ManuallyDrop<RefCell<Option<Rc<Task>>>> = const { ManuallyDrop::new(RefCell::new(None)) };
}

/// Begins when the JavaScript that runs now has ended, and goes on as its promises settle. Nobody learns what it gives.
pub fn spawn(work: impl Future<Output = Given> + 'static) {
    let task = Task::new(Box::pin(work), None);
    soon(move || task.run());
}

/// A promise of what it gives. Begins at once, as JavaScript's own async functions do: of two calls without
/// waiting in between, the first happens first.
pub fn promise(work: impl Future<Output = Given> + 'static) -> Promise {
    promised(Box::pin(work))
}

fn promised(work: Work) -> Promise {
    let (promise, settle) = deferred();
    Task::new(work, Some(settle)).run();
    promise
}

impl Task {
    fn new(work: Work, settle: Option<Settle>) -> Rc<Self> {
        Rc::new(Self { work: Cell::new(Some(work)), settle })
    }

    fn run(self: &Rc<Self>) {
        let Some(mut work) = self.work.take() else { return };
        let before = POLLED.with(|polled| polled.replace(Some(self.clone())));
        let polled = work.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        POLLED.with(|polled| polled.replace(before));
        match (polled, &self.settle) {
            (Poll::Pending, _) => self.work.set(Some(work)),
            (Poll::Ready(given), Some(settle)) => settle.with(given),
            (Poll::Ready(_), None) => {}
        }
    }
}

/// Waits for a value that may be a promise, anyone's.
pub fn settled(value: &JsValue) -> Settled {
    let waiting = Rc::new(Waiting::default());
    let own = waiting.clone();
    let _ = after(value, move |given| {
        own.result.set(Some(given));
        if let Some(task) = own.task.take() {
            task.run();
        }
        JsValue::UNDEFINED
    });
    Settled(waiting)
}

/// What [`settled`] waits by. Not an async function: each of those is code of its own in every other that waits for it.
pub struct Settled(Rc<Waiting>);

impl Settled {
    /// What has failed already.
    pub fn failed(thrown: JsValue) -> Self {
        Self(Rc::new(Waiting { result: Cell::new(Some(Err(thrown))), ..Waiting::default() }))
    }
}

impl Future for Settled {
    type Output = Given;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Given> {
        match self.0.result.take() {
            Some(result) => Poll::Ready(result),
            None => {
                self.0.task.set(POLLED.with(|polled| polled.borrow().clone()));
                Poll::Pending
            }
        }
    }
}

#[derive(Default)]
struct Waiting {
    result: Cell<Option<Given>>,
    task: Cell<Option<Rc<Task>>>,
}

/// A promise of what `next` makes of what a value settles with, which may be anyone's promise.
pub fn after(value: &JsValue, next: impl FnOnce(Given) -> JsValue + 'static) -> Promise {
    let next = move |well: JsValue, value| next(if well.is_truthy() { Ok(value) } else { Err(value) });
    chained(value, callback::single(Box::new(next)))
}

fn chained(value: &JsValue, next: Number) -> Promise {
    chain(&adopted(value), &next.function_with(&JsValue::TRUE), &next.function_with(&JsValue::FALSE))
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
    pub fn with(&self, result: Given) {
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
