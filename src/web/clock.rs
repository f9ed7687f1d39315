//! The clocks and the dice.

use std::cell::OnceCell;
use std::mem::ManuallyDrop;

use wasm_bindgen::prelude::*;

use super::js;
use crate::proto::time::Now;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = Date, js_name = now)]
    fn date_now() -> f64;

    #[wasm_bindgen(js_namespace = Math, js_name = random)]
    fn math_random() -> f64;

    type Performance;

    #[wasm_bindgen(structural, method, catch)]
    fn now(this: &Performance) -> Result<f64, JsValue>;
}

thread_local! {
    /// `performance` and its `timeOrigin`; `None` where there is none.
    static PERFORMANCE: ManuallyDrop<OnceCell<Option<(Performance, f64)>>> = const { ManuallyDrop::new(OnceCell::new()) };
}

/// What the clocks and the dice say.
pub fn now() -> Now {
    let mut now = reading();
    now.noise = (math_random() * 4_294_967_296.0) as u32;
    now
}

/// What the clocks say, without a throw of the dice: enough to ask whether a token is fresh.
pub fn reading() -> Now {
    let wall = date_now();
    let mono = PERFORMANCE.with(|cell| match cell.get_or_init(performance) {
        Some((performance, origin)) => performance.now().map_or(wall, |since| origin + since),
        None => wall,
    });
    Now { wall_ms: wall as i64, mono_ms: mono as i64, noise: 0 }
}

fn performance() -> Option<(Performance, f64)> {
    let performance = js::global_value("performance");
    let origin = js::get(&performance, "timeOrigin").ok()?.as_f64()?;
    let performance: Performance = performance.unchecked_into();
    performance.now().ok()?;
    Some((performance, origin))
}
