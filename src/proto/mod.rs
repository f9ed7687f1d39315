//! The pure part: decisions without I/O, clock or randomness of its own.
//!
//! Events in, decisions out. Nothing here names the browser; time and entropy are arguments.

pub mod allow;
pub mod answer;
pub mod base64;
pub mod challenge;
mod commit;
pub mod config;
mod coordination;
mod demand;
pub mod dpop;
mod ending;
pub mod error;
pub mod explain;
pub mod form;
mod held;
pub mod io;
pub mod json;
pub mod jwt;
mod late;
mod reconcile;
pub mod record;
pub mod redact;
mod refresh;
pub mod retry_after;
pub mod route;
mod schedule;
pub mod seconds;
pub mod secret;
pub mod session;
pub mod sign_in;
pub mod stored;
mod talk;
#[cfg(all(test, not(target_family = "wasm")))]
pub mod testing;
pub mod text;
pub mod time;
pub mod token;
pub mod unauthorized;
