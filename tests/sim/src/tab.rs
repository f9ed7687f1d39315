//! A tab: the page's main thread with the real core on it, and what belongs to that page alone.

use std::collections::VecDeque;

use tokenwell::proto::io::{AttemptId, Epoch, Input, Message, WaiterId, Want};
use tokenwell::proto::record::Record;
use tokenwell::proto::secret::Secret;

use crate::api::Call;
use crate::broken::Subject;
use crate::browser::local::Copy;
use crate::browser::locks::Mode;
use crate::browser::vault::Op;

/// One page from its start to its end: a reload makes another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Life {
    pub(crate) slot: usize,
    pub(crate) number: u32,
}

/// Whether the main thread runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Runs {
    Yes,
    /// A long task; what comes waits.
    Hung,
    /// By the browser, as a background tab.
    Frozen,
    /// Put away in the back/forward cache.
    Away,
}

/// Something that reaches the main thread.
#[derive(Debug)]
pub(crate) enum Delivery {
    Input(Input),
    Timer {
        arm: u32,
    },
    Message {
        channel: (String, Secret),
        message: Message,
    },
    /// The lock of that request.
    Granted {
        ticket: u32,
    },
    Answer {
        request: usize,
    },
    Api {
        call: Call,
        result: ApiResult,
    },
    Storage(Option<Record>),
    StorageConfirmed,
    /// A transaction whose page stood still in its middle goes on.
    Vault(Op),
    /// What became of an operation on the entry with that id.
    VaultAnswer {
        id: String,
        input: Input,
    },
}

/// How an API request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ApiResult {
    Ok,
    Unauthorized,
    Failed,
}

/// A caller in this page that waits for its outcome.
pub(crate) struct Waiter {
    pub(crate) id: WaiterId,
    pub(crate) since: i64,
    /// The tab's `stalled_ms` when it came.
    pub(crate) stalled_before: i64,
    pub(crate) purpose: Purpose,
}

#[derive(Clone, Debug)]
pub(crate) enum Purpose {
    Call { closing: bool },
    Replay(Call),
    Other { want: Want, closing: bool },
}

/// A lock request of this page.
#[derive(Clone, Copy)]
pub(crate) struct Ticket {
    pub(crate) number: u32,
    pub(crate) attempt: AttemptId,
    pub(crate) claim: u32,
    pub(crate) mode: Mode,
}

pub(crate) struct Tab {
    pub(crate) life: Life,
    pub(crate) core: Subject,
    pub(crate) runs: Runs,
    pub(crate) hung_until: i64,
    /// Timers fire on multiples of so many ms only; 0: when they should.
    pub(crate) throttle_ms: i64,
    /// What waits for the main thread.
    pub(crate) inbox: VecDeque<Delivery>,
    pub(crate) time_origin_ms: i64,
    /// When it read its stored state.
    pub(crate) started_at: i64,

    pub(crate) timer_arm: u32,
    pub(crate) timer_at: Option<i64>,
    pub(crate) listening: Option<(String, Secret)>,
    /// Lock requests not given back.
    pub(crate) tickets: Vec<Ticket>,
    pub(crate) next_ticket: u32,
    /// BroadcastChannel keeps the order, and so do storage events.
    pub(crate) last_message_at: i64,
    pub(crate) last_storage_at: i64,
    /// And so do lock requests.
    pub(crate) last_lock_at: i64,
    /// It has missed what others said while it was frozen, or wrote while it could not read.
    pub(crate) missed: bool,

    /// sessionStorage now, and as of its last flush to disk.
    pub(crate) session_storage: Option<Record>,
    pub(crate) flushed: Option<Record>,
    pub(crate) local: Copy,
    pub(crate) storage_refuses: bool,

    pub(crate) waiters: Vec<Waiter>,
    pub(crate) next_waiter: u32,
    /// How long the main thread has stood still or its timers were late, for judging who waited too long.
    pub(crate) stalled_ms: i64,
    pub(crate) still_since: Option<i64>,
    pub(crate) went_on_at: i64,

    pub(crate) seen: Seen,
}

/// What the checks remember of this page's core.
#[derive(Default)]
pub(crate) struct Seen {
    /// The sign-in it held after the last input, as its number.
    pub(crate) sign_in: Option<usize>,
    pub(crate) epoch: Epoch,
    pub(crate) generation: u32,
    pub(crate) refresh: Option<usize>,
    /// When it got that.
    pub(crate) got_at: i64,
    /// When it last took a set over from another tab.
    pub(crate) adopted_at: i64,
    pub(crate) access: Option<usize>,
    /// When the access token ends by either clock, reckoned when it was first seen.
    pub(crate) expiry: Option<tokenwell::proto::time::Deadline>,
    /// It has heard or seen that this sign-in is over.
    pub(crate) told_over: Option<usize>,
    pub(crate) wakes: Wakes,
    pub(crate) talk: Talk,
}

/// Messages in the second since then.
#[derive(Default)]
pub(crate) struct Talk {
    pub(crate) since: i64,
    pub(crate) heard: u32,
    pub(crate) told: u32,
}

/// Timers fired in the second since then, and how many of them led to nothing.
#[derive(Default)]
pub(crate) struct Wakes {
    pub(crate) since: i64,
    pub(crate) count: u32,
    pub(crate) idle: u32,
}

impl Tab {
    pub(crate) fn takes_input(&self) -> bool {
        self.runs == Runs::Yes
    }

    /// The main thread stops.
    pub(crate) fn stop(&mut self, how: Runs, now: i64) {
        self.runs = how;
        self.still_since.get_or_insert(now);
    }

    /// It goes on.
    pub(crate) fn go_on(&mut self, now: i64) {
        self.runs = Runs::Yes;
        self.went_on_at = now;
        if let Some(since) = self.still_since.take() {
            self.stalled_ms += now - since;
        }
    }

    /// For how long of its running time a caller has waited.
    pub(crate) fn waited_ms(&self, waiter: &Waiter, now: i64) -> i64 {
        now - waiter.since - (self.stalled_ms(now) - waiter.stalled_before)
    }

    /// Timers fire on multiples of so many ms only, from now on.
    pub(crate) fn throttle(&mut self, ms: i64) {
        self.stalled_ms += self.throttle_ms;
        self.throttle_ms = ms;
    }

    /// For how long the page has stood still in all, and how late its next timer may be.
    pub(crate) fn stalled_ms(&self, now: i64) -> i64 {
        self.stalled_ms + self.throttle_ms + self.still_since.map_or(0, |since| now - since)
    }
}
