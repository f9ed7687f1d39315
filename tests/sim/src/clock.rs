//! Virtual time: the true clock, which the server lives by, and what a browser's clocks make of it.

/// Where the wall clock starts, epoch ms.
const WALL_START_MS: i64 = 1_700_000_000_000;

/// All clocks there are.
pub(crate) struct Clock {
    true_ms: i64,
    /// What the user or NTP has added to the wall clock.
    stepped_ms: i64,
    slept_ms: i64,
    /// Whether the monotonic clock goes on while the machine sleeps: so on Windows, not on Linux and macOS.
    counts_sleep: bool,
    /// When the last clock step was, true ms.
    pub(crate) stepped_at: i64,
}

impl Clock {
    pub(crate) fn new(counts_sleep: bool) -> Self {
        Self { true_ms: 0, stepped_ms: 0, slept_ms: 0, counts_sleep, stepped_at: i64::MIN / 2 }
    }

    /// Milliseconds since the start, as a stopwatch outside tells them.
    pub(crate) fn true_ms(&self) -> i64 {
        self.true_ms
    }

    /// `Date.now()`.
    pub(crate) fn wall_ms(&self) -> i64 {
        WALL_START_MS + self.true_ms + self.stepped_ms
    }

    /// The machine's monotonic clock.
    pub(crate) fn machine_ms(&self) -> i64 {
        if self.counts_sleep { self.true_ms } else { self.true_ms - self.slept_ms }
    }

    /// `performance.timeOrigin + performance.now()` counts from here in a process that starts now.
    pub(crate) fn time_origin_ms(&self) -> i64 {
        self.wall_ms() - self.machine_ms()
    }

    /// The same in a browser that reckons it once for all its processes.
    pub(crate) fn first_time_origin_ms(&self) -> i64 {
        WALL_START_MS
    }

    pub(crate) fn go_to(&mut self, true_ms: i64) {
        self.true_ms = self.true_ms.max(true_ms);
    }

    pub(crate) fn step(&mut self, ms: i64) {
        self.stepped_ms += ms;
        self.stepped_at = self.true_ms;
    }

    /// The machine has slept until now; gives by how much timers, which don't count that, are put off.
    pub(crate) fn slept(&mut self, ms: i64) -> i64 {
        self.slept_ms += ms;
        if self.counts_sleep { 0 } else { ms }
    }
}
