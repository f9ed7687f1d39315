//! The pure part: decisions without I/O, clock or randomness of its own.
//!
//! Events in, decisions out. Nothing here names the browser; time and entropy are arguments.

pub mod allow;
pub mod answer;
pub mod challenge;
pub mod form;
pub mod json;
pub mod jwt;
pub mod redact;
pub mod retry_after;
pub mod route;
pub mod seconds;
pub mod secret;
#[cfg(all(test, not(target_family = "wasm")))]
pub mod testing;
