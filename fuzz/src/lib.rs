//! What is fuzzed, one function a target: any bytes in, no panic, and what must hold for all of them.
//!
//! `fuzz_targets` hands these to libFuzzer; `tests/replay.rs` runs them over the corpus and its mutations on any
//! stable compiler.

pub mod allow;
pub mod answer;
pub mod challenge;
pub mod jwt;
pub mod session;
pub mod stored;

mod bytes;

use tokenwell::proto::json;

/// The JSON of the crate's own native tests.
#[allow(unreachable_pub)]
#[path = "../../src/proto/testing.rs"]
mod testing;

/// A target by its name, which is also its corpus's.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: [Target; 6] = [
    ("jwt", jwt::run),
    ("challenge", challenge::run),
    ("answer", answer::run),
    ("stored", stored::run),
    ("allow", allow::run),
    ("session", session::run),
];
