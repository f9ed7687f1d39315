//! The whole vocabulary between the core and its host: what goes in, what comes out.
//!
//! The host feeds an [`Input`], drains every [`Output`] before the next input, and asks for the next timeout.
//! Results of effects come back as inputs that carry the id of what asked for them; stale ones are ignored.

use super::answer::{Grant, Meaning};
use super::error::Failure;
use super::record::{Entry, Meta, Record};
use super::secret::Secret;

/// A caller that waits: the host's number for it.
#[derive(Clone, Copy, PartialEq, Eq)]
#[cfg_attr(not(target_family = "wasm"), derive(Debug, Hash, PartialOrd, Ord))]
pub struct WaiterId(pub u32);

/// One attempt to refresh, in this tab.
#[derive(Clone, Copy, PartialEq, Eq)]
#[cfg_attr(not(target_family = "wasm"), derive(Debug))]
pub struct AttemptId(pub u32);

/// Counts changes of the access token in this tab: "is the token that was sent still the current one?"
#[derive(Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(not(target_family = "wasm"), derive(Debug))]
pub struct Epoch(pub u32);

/// What a caller wants.
#[derive(Clone, Copy, PartialEq)]
#[cfg_attr(not(target_family = "wasm"), derive(Debug))]
pub enum Want {
    /// To send a request (`fetch`).
    Call,
    /// `getAccessToken`: a token good for this many more milliseconds, or for the leeway.
    Token {
        /// At least this long, where the token lives that long.
        min_validity_ms: Option<i64>,
    },
    /// `refreshAccessTokenIfNeeded`.
    IfNeeded,
    /// `refresh`, `resync`.
    Refresh,
}

/// What a 401 said, once its challenges were read. Which of them lead to a refresh is the core's to say.
#[derive(Clone, Copy, PartialEq, Eq)]
#[cfg_attr(not(target_family = "wasm"), derive(Debug))]
pub enum Challenge401 {
    /// RFC 6750 §3.1 `invalid_token`.
    InvalidToken,
    /// RFC 6750 §3.1 `insufficient_scope`: a new token would have the same scope.
    InsufficientScope,
    /// RFC 9470: a new token would be from the same login.
    StepUp,
    /// RFC 9449 §7.1, §9: the proof was refused, and no other one is left to try. The token was not looked at.
    Proof,
    /// Anything else, or nothing readable.
    Other,
}

/// What goes in.
#[cfg_attr(not(target_family = "wasm"), derive(Debug))]
pub enum Input {
    /// A timer fired, or the page woke (visibilitychange, pageshow, focus): look at the deadlines again.
    Wake,
    /// As `Wake`, after the page may have missed messages: also look what other tabs did.
    Resume,
    /// The browser says that the network is back.
    Online,
    /// Stored state was read at start; `None`: nothing there, or nothing readable.
    Restored(Option<Record>),
    /// Another tab wrote this to a storage that tabs share (`storage` event); `None`: it was removed.
    StorageChanged(Option<Record>),
    /// The storage refused a write, or lost what was there: go on in memory.
    StorageFailed(&'static str),
    /// A caller comes.
    Demand {
        /// Who.
        waiter: WaiterId,
        /// What for.
        want: Want,
    },
    /// The API answered 401 to a request that can be replayed.
    Unauthorized {
        /// Who waits for [`Outcome::Replay`] or [`Outcome::Surrender`].
        waiter: WaiterId,
        /// The token that was sent.
        sent: Epoch,
        /// What the answer said.
        challenge: Challenge401,
    },
    /// A replay was answered.
    Replayed {
        /// The token the replay was sent with.
        sent: Epoch,
        /// Whether that answer was 401 again.
        refused: bool,
    },
    /// A caller has gone (its signal aborted). Never touches the refresh.
    Detach(WaiterId),
    /// Tokens of a login. `id` and `key` are fresh and random.
    SignIn {
        /// What the login gave.
        grant: Grant,
        /// Names this sign-in; public.
        id: String,
        /// Seals what other tabs of this sign-in may see.
        key: Secret,
    },
    /// The user signs out.
    SignOut,
    /// The session object goes away; stored state stays.
    Dispose,
    /// `Effect::Hold` was granted.
    Locked(AttemptId),
    /// What `Effect::Await` waited for has come: nobody holds that lock any more.
    Freed {
        /// The attempt that waited.
        attempt: AttemptId,
        /// The claim whose lock it was.
        claim: u32,
    },
    /// There are no locks on this platform.
    LockUnavailable(AttemptId),
    /// What `Effect::Look` found.
    Looked {
        /// The attempt it was for; `None` for a look between attempts.
        attempt: Option<AttemptId>,
        /// The sign-in it was for.
        id: String,
        /// What is there.
        found: Found,
    },
    /// What `Effect::Swap` did.
    Swapped {
        /// The attempt it was for; `None` for a write between attempts.
        attempt: Option<AttemptId>,
        /// The sign-in it was for.
        id: String,
        /// Whether it was written.
        result: Swapped,
    },
    /// The refresh route answered, or the refresher function settled.
    Answered(AttemptId, Meaning),
    /// No answer can come any more: the network failed, or the function threw.
    Unanswered(AttemptId),
    /// Another tab of this sign-in says something.
    Heard(Message),
}

/// What a look at the shared entry found.
#[cfg_attr(not(target_family = "wasm"), derive(Debug))]
pub enum Found {
    /// Nothing under that id.
    Nothing,
    /// This.
    Entry(Box<Entry>),
    /// The place can't be read on this platform or not any more.
    Unavailable,
}

/// What became of a compare-and-swap.
#[cfg_attr(not(target_family = "wasm"), derive(Debug))]
pub enum Swapped {
    /// Written, as this version.
    Done {
        /// The version now there.
        version: u32,
    },
    /// Not written: something else is there now.
    Conflict(Found),
    /// The place can't be written.
    Unavailable,
}

/// What tabs of one sign-in tell each other. The channel's name is a hash of the sign-in's key, so nobody else can
/// listen; where the platform can, what carries tokens is sealed under that key too.
#[derive(Clone)]
#[cfg_attr(not(target_family = "wasm"), derive(Debug))]
pub enum Message {
    /// There is a newer token set; look. Carries it where there is no shared place to look at.
    Refreshed {
        /// Its generation.
        generation: u32,
        /// The set itself, only where there is no sealed shared place.
        record: Option<Record>,
    },
    /// Signed out, or ended by the server.
    Ended {
        /// By the server, not by the user.
        rejected: bool,
    },
    /// Has anyone a newer set than this, or is anyone refreshing it? (Where there is no shared place.)
    Ask {
        /// The asker's generation.
        generation: u32,
        /// The asker's claim: the lower one goes first.
        claim: u32,
    },
    /// Someone is refreshing that generation already.
    Busy {
        /// The generation being refreshed.
        generation: u32,
        /// The claim that the shared entry is about to show; `u32::MAX`: the request is under way, and may show nowhere.
        claim: u32,
    },
    /// A refresh of that generation has ended without a result.
    Idle {
        /// The generation that stays.
        generation: u32,
    },
    /// What bounds the rate of token requests. (Where there is no shared place.)
    Paced(Meta),
}

/// What comes out.
#[cfg_attr(not(target_family = "wasm"), derive(Debug))]
pub enum Output {
    /// Something for an adapter to carry out.
    Effect(Effect),
    /// A waiting caller's outcome.
    Settle(WaiterId, Outcome),
    /// Something for the session's listeners.
    Event(Event),
}

/// What an adapter carries out: exactly this, deciding nothing.
#[cfg_attr(not(target_family = "wasm"), derive(Debug))]
pub enum Effect {
    /// Take the lock of this claim of this sign-in, and hold it → `Locked`, `LockUnavailable`. The platform
    /// releases it when the tab dies.
    Hold {
        /// The sign-in.
        id: String,
        /// The claim; 0 is the queue of tabs that share no place.
        claim: u32,
        /// For which attempt.
        attempt: AttemptId,
    },
    /// Wait until nobody holds the lock of this claim → `Freed`, `LockUnavailable`.
    Await {
        /// The sign-in.
        id: String,
        /// The claim.
        claim: u32,
        /// For which attempt.
        attempt: AttemptId,
    },
    /// Give an attempt's lock back, and stop its asking and waiting for any.
    Unlock(AttemptId),
    /// Read the shared entry → `Looked`.
    Look {
        /// The sign-in.
        id: String,
        /// What opens the sealed part.
        key: Secret,
        /// For which attempt.
        attempt: Option<AttemptId>,
    },
    /// Write the shared entry in one transaction if what is there is as expected → `Swapped`. The version
    /// becomes one more than what was there. Where nothing was it is random: who last saw an entry that was cleared
    /// since must not take the new one for it.
    Swap {
        /// The sign-in.
        id: String,
        /// What seals and opens the sealed part.
        key: Secret,
        /// For which attempt.
        attempt: Option<AttemptId>,
        /// What must be there.
        expect: Expect,
        /// The readable part to write.
        meta: Meta,
        /// What becomes of the sealed part.
        sealed: Sealed,
    },
    /// Present the refresh token at the route, or call the refresher → `Answered`, `Unanswered`. Never aborted.
    Present {
        /// For which attempt.
        attempt: AttemptId,
        /// The refresh token.
        refresh_token: Option<Secret>,
        /// The access token, for refreshers.
        access_token: Option<Secret>,
        /// Why, for refreshers.
        reason: Reason,
    },
    /// Write the session's own storage.
    Store {
        /// What to write.
        record: Record,
        /// A new sign-in: replaces whatever is there.
        fresh: bool,
    },
    /// A grant that begins a session: give it an id and a key → `SignIn`; or, where there is no randomness for
    /// them, `Unanswered`.
    Begin {
        /// Whose answer it is.
        attempt: AttemptId,
        /// What was granted.
        grant: Grant,
    },
    /// Remove what this sign-in wrote to the session's own storage.
    Forget {
        /// The sign-in.
        id: String,
    },
    /// Listen to the tabs of this sign-in; replaces any listening before. `None`: stop.
    Listen(Option<(String, Secret)>),
    /// Tell the other tabs of this sign-in.
    Tell(Message),
    /// A refresh token that must not live on: revoke it, if the session has a route for that.
    Revoke {
        /// The refresh token.
        refresh_token: Option<Secret>,
        /// The access token.
        access_token: Option<Secret>,
    },
}

/// What a compare-and-swap expects.
#[derive(Clone, Copy, PartialEq, Eq)]
#[cfg_attr(not(target_family = "wasm"), derive(Debug))]
pub enum Expect {
    /// This version; `None`: nothing.
    Version(Option<u32>),
    /// Whatever is there.
    Anything,
}

/// What becomes of the sealed part of the shared entry.
#[cfg_attr(not(target_family = "wasm"), derive(Debug))]
pub enum Sealed {
    /// It stays as it is.
    Keep,
    /// This set takes its place.
    Put(Record),
    /// It is removed.
    Clear,
}

/// Why a refresh was started. Contract: `RefreshContext.reason`.
#[derive(Clone, Copy, PartialEq, Eq)]
#[cfg_attr(not(target_family = "wasm"), derive(Debug))]
pub enum Reason {
    /// The token is due.
    Expiry,
    /// The API refused the token.
    Unauthorized,
    /// Someone asked.
    Manual,
    /// There is no token yet.
    Startup,
}

/// What a caller gets.
#[cfg_attr(not(target_family = "wasm"), derive(Debug))]
pub enum Outcome {
    /// Go on with the current token.
    Token,
    /// There is no session: go on without.
    NoSession,
    /// A refresh took place (`true`) or none was needed (`false`).
    Refreshed(bool),
    /// Send the request once more, with the current token.
    Replay,
    /// Give the caller the 401 it got.
    Surrender,
    /// This.
    Failed(Failure),
}

/// What listeners hear.
#[cfg_attr(not(target_family = "wasm"), derive(Debug))]
pub enum Event {
    /// The snapshot is another one.
    Change,
    /// A refresh succeeded.
    Refreshed {
        /// How many attempts it took.
        attempts: u32,
        /// Whether another tab did it.
        by_other_tab: bool,
    },
    /// A refresh failed; the session is kept.
    RefreshFailed {
        /// Why.
        failure: Failure,
        /// When the next attempt will be, epoch ms.
        retry_at_ms: Option<i64>,
    },
    /// The session is over.
    SignedOut {
        /// How it ended.
        how: Ended,
        /// What the server said, when it was the server.
        failure: Option<Failure>,
    },
    /// State could not be kept.
    Storage(Failure),
}

/// How a session ended.
#[derive(Clone, Copy, PartialEq, Eq)]
#[cfg_attr(not(target_family = "wasm"), derive(Debug))]
pub enum Ended {
    /// The user signed out.
    SignedOut,
    /// The server refused the refresh token.
    Rejected,
    /// Access and refresh token have both expired, or there is nothing to refresh with.
    Expired,
}
