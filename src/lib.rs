//! tokenwell: the token session for single-page apps.
//!
//! [`proto`] decides, without I/O, clock or randomness of its own; `web` carries its decisions out in a browser
//! and decides nothing; `bindings` is what JavaScript sees.
//!
//! ```text
//!  JS call ─→ bindings ─→ Input ─→ proto::session ─→ Effect ─→ web::{fetch, storage, lock, vault, …}
//!     ↑                              │      ↑                        │
//!     └── promise ←─── Settle ───────┤      └──────── Input ←────────┘
//!     └── event   ←─── Event  ───────┘
//! ```

//! # From Rust
//!
//! For `wasm32-unknown-unknown`, in a page or a worker. `AuthSession` takes JavaScript's options and answers with its
//! promises, as the class of the npm package does; `examples/app.rs` is an app. This crate brings its own small global
//! allocator: an app that has another takes the crate with `default-features = false`.

pub mod proto;

#[cfg(target_family = "wasm")]
mod bindings;
#[cfg(target_family = "wasm")]
mod web;

/// The standard library's allocator would be a tenth of what users download.
#[cfg(all(target_family = "wasm", feature = "allocator"))]
#[global_allocator]
static ALLOCATOR: rlsf::SmallGlobalTlsf = rlsf::SmallGlobalTlsf::new();

#[cfg(target_family = "wasm")]
pub use bindings::{AuthSession, decode_jwt};
