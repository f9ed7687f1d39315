//! A schedule as data: the circumstances, and what happens when. Made from a seed, and cut down when it has
//! shown a fault.

use tokenwell::proto::config::Coordination;
use tokenwell::proto::io::Challenge401;
use tokenwell::proto::unauthorized::RetryOn;

use super::faults::{ApiFault, TokenFault, VaultFault};

/// As many tabs as a schedule may have.
pub(crate) const SLOTS: usize = 8;

/// One schedule.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Plan {
    /// Seeds everything the plan leaves open: latencies, the core's noise.
    pub(crate) noise: u64,
    pub(crate) setup: Setup,
    pub(crate) steps: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Step {
    /// After the step before.
    pub(crate) after_ms: i64,
    pub(crate) action: Action,
}

/// Where a session is kept.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kept {
    Session,
    Local,
    Memory,
}

/// What the server does with a presented refresh token.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Rotation {
    /// A new one each time; the old one again kills the family.
    Reuse,
    /// The same, but for so long the old one again gives its successor.
    Grace { ms: i64 },
    /// A new one each time; the old one again is refused, no more.
    Plain,
    /// The same one for ever.
    None,
}

/// How the app learns a token's lifetime.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Told {
    ExpiresIn,
    /// A JWT with `exp` and `iat`.
    Claims,
    /// A JWT with `exp` alone, by the server's clock.
    ExpAlone,
    Nothing,
}

/// The circumstances of a schedule.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Setup {
    pub(crate) kept: Kept,
    pub(crate) coordination: Coordination,
    pub(crate) locks: bool,
    pub(crate) rotation: Rotation,
    pub(crate) access_ms: i64,
    pub(crate) told: Told,
    pub(crate) refresh_ms: Option<i64>,
    /// The lifetime of refresh tokens is in the answers.
    pub(crate) refresh_told: bool,
    pub(crate) server_skew_ms: i64,
    /// Sign-out revokes at the server.
    pub(crate) revokes: bool,
    /// Access tokens die with their family.
    pub(crate) opaque: bool,
    pub(crate) challenge: Challenge401,
    pub(crate) retry_on: RetryOn,
    pub(crate) auto_refresh: bool,
    pub(crate) timeout_ms: i64,
    /// The monotonic clock goes on while the machine sleeps.
    pub(crate) counts_sleep: bool,
    /// Each process reckons its `timeOrigin` for itself, so a clock step sets tabs apart.
    pub(crate) own_origins: bool,
    /// What other tabs say to a frozen one is lost, not kept.
    pub(crate) lossy_freeze: bool,
    /// A page that hangs in a writing transaction keeps the other pages' transactions waiting.
    pub(crate) hang_blocks: bool,
    /// The host's own latencies are long and spread.
    pub(crate) slow: bool,
    /// Stored state comes this late, ms; 0: in the constructor's turn.
    pub(crate) restore_ms: i64,
}

/// A tab, by its slot. Acts on nothing where the slot is empty, so that steps can be cut out.
pub(crate) type Slot = usize;

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Action {
    // Tabs.
    Open(Slot),
    Close(Slot),
    Reload(Slot),
    /// The process dies; the browser opens the tab again, with sessionStorage as of now, as of its last flush,
    /// or not at all.
    Crash {
        slot: Slot,
        restored: bool,
        flushed: bool,
    },
    Duplicate {
        from: Slot,
        to: Slot,
    },
    /// Nothing runs until it thaws.
    Freeze(Slot),
    Thaw(Slot),
    /// The main thread is busy for so long.
    Hang {
        slot: Slot,
        ms: i64,
    },
    /// Into the back/forward cache: a page that holds a lock is evicted instead.
    Leave(Slot),
    /// Timers fire on multiples of so many ms only; 0: as they should.
    Throttle {
        slot: Slot,
        ms: i64,
    },
    /// The page comes to the front.
    Focus(Slot),
    // The machine.
    Sleep {
        ms: i64,
    },
    StepClock {
        ms: i64,
    },
    Offline,
    Online,
    // The user and the app.
    /// Each time as another user.
    SignIn {
        slot: Slot,
    },
    SignOut(Slot),
    Call(Slot),
    Calls {
        slot: Slot,
        count: u32,
    },
    /// The page polls: so many calls, one every so many ms.
    Poll {
        slot: Slot,
        count: u32,
        every_ms: i64,
    },
    Token {
        slot: Slot,
        min_validity_ms: Option<i64>,
    },
    IfNeeded(Slot),
    Refresh(Slot),
    Detach(Slot),
    // The server.
    NextToken(TokenFault),
    NextApi(ApiFault),
    /// The API says 401 to everything, or stops saying so.
    Api401(bool),
    /// An administrator ends the sign-in that tab holds.
    EndAtServer(Slot),
    // The browser.
    NextVault(VaultFault),
    VaultDown(bool),
    VaultCleared,
    /// The tab's storage refuses writes, or takes them again.
    StorageRefuses {
        slot: Slot,
        refuses: bool,
    },
    /// The user clears what is stored.
    StorageCleared(Slot),
    Nothing,
}
