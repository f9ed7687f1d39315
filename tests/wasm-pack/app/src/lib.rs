//! The example, as a crate of its own.

#[cfg(target_family = "wasm")]
#[path = "../../../../examples/app.rs"]
pub mod app;
