//! What is kept: in the session's own storage, and sealed in the place that tabs share.

use super::io::Ended;
use super::secret::Secret;
use super::token::TokenSet;

/// One sign-in's token set, as stored.
#[derive(Clone)]
#[cfg_attr(not(target_family = "wasm"), derive(Debug, PartialEq))]
pub struct Record {
    /// Names the sign-in. Random, public; copies of a tab share it, other sign-ins never.
    pub id: String,
    /// The sign-in's key. Lives only where the user chose to keep state.
    pub key: Secret,
    /// 1 at sign-in, one more at every refresh.
    pub generation: u32,
    /// The tokens.
    pub tokens: TokenSet,
}

/// The part of the shared entry that holds no secret.
#[derive(Clone, Default)]
#[cfg_attr(not(target_family = "wasm"), derive(Debug, PartialEq))]
pub struct Meta {
    /// Generation of the sealed token set, or of the set that the writer has.
    pub generation: u32,
    /// Who is presenting the refresh token of that generation, if anyone.
    pub claim: Option<Claim>,
    /// The last token requests of all tabs, newest last; a handful at most.
    pub requests: Vec<Request>,
    /// Failures in a row.
    pub failures: u32,
    /// When the last failure was, epoch ms.
    pub failed_at_ms: i64,
    /// No request before this, epoch ms.
    pub not_before_ms: i64,
    /// Whether the server itself asked for that (Retry-After).
    pub by_server: bool,
    /// The sign-in is over, and stays so.
    pub ended: Option<Ended>,
}

/// A token request, by the clocks of the tab that made it.
#[derive(Clone, Copy, PartialEq, Eq)]
#[cfg_attr(not(target_family = "wasm"), derive(Debug))]
pub struct Request {
    /// Monotonic ms; no two requests of a sign-in have the same.
    pub mono_ms: i64,
    /// Epoch ms.
    pub wall_ms: i64,
}

/// A tab's word that it is presenting a refresh token.
#[derive(Clone, Copy, PartialEq, Eq)]
#[cfg_attr(not(target_family = "wasm"), derive(Debug))]
pub struct Claim {
    /// Random, not 0; tells claims apart and names the lock that tells whether its tab lives.
    pub id: u32,
    /// How often the token was presented with unknown outcome, this time included.
    pub tries: u32,
}

/// The shared entry of one sign-in.
#[derive(Clone)]
#[cfg_attr(not(target_family = "wasm"), derive(Debug, PartialEq))]
pub struct Entry {
    /// Counts writes; what compare-and-swap compares.
    pub version: u32,
    /// The readable part.
    pub meta: Meta,
    /// The sealed part, opened; `None` if there is none or it could not be opened.
    pub record: Option<Record>,
}
