//! Time as an argument.

/// What the host's clocks and dice say at the moment of an input. All the randomness the core has is here.
#[derive(Clone, Copy)]
#[cfg_attr(not(target_family = "wasm"), derive(Debug))]
pub struct Now {
    /// Epoch milliseconds, as `Date.now()`: may step either way when the user or NTP sets the clock.
    pub wall_ms: i64,
    /// Milliseconds that never go back, alike in all tabs of a browser (`timeOrigin + performance.now()`).
    /// May stand still while the machine sleeps.
    pub mono_ms: i64,
    /// A fresh random number.
    pub noise: u32,
}

impl Now {
    /// A number from `0..=limit`, from this input's noise.
    pub fn up_to(&self, limit: i64) -> i64 {
        let span = (limit.max(0) as u64).saturating_add(1);
        // 53 bits are plenty and the product can't overflow: limits are below 2^31 ms.
        ((u64::from(self.noise).wrapping_mul(span)) >> 32) as i64
    }

    /// That many milliseconds from now, monotonic ms.
    pub fn mono_in(&self, delay_ms: i64) -> i64 {
        sum(self.mono_ms, delay_ms)
    }

    /// That many milliseconds from now, epoch ms.
    pub fn wall_in(&self, delay_ms: i64) -> i64 {
        sum(self.wall_ms, delay_ms)
    }

    /// How many milliseconds ago that was, monotonic.
    pub fn mono_since(&self, at_ms: i64) -> i64 {
        difference(self.mono_ms, at_ms)
    }

    /// How many milliseconds ago that was, epoch.
    pub fn wall_since(&self, at_ms: i64) -> i64 {
        difference(self.wall_ms, at_ms)
    }
}

/// `saturating_add`, which is a dozen instructions, once and not at each place.
#[inline(never)]
pub fn sum(one_ms: i64, other_ms: i64) -> i64 {
    one_ms.saturating_add(other_ms)
}

/// `saturating_sub`, likewise.
#[inline(never)]
pub fn difference(one_ms: i64, other_ms: i64) -> i64 {
    one_ms.saturating_sub(other_ms)
}

/// A moment on both clocks. It has come when either says so: the wall clock misses no sleep, the other no
/// step back.
#[derive(Clone, Copy, PartialEq)]
#[cfg_attr(not(target_family = "wasm"), derive(Debug))]
pub struct Deadline {
    /// Epoch milliseconds.
    pub wall_ms: i64,
    /// Monotonic milliseconds.
    pub mono_ms: i64,
}

impl Deadline {
    /// `delay_ms` from now, on both clocks.
    pub fn after(now: Now, delay_ms: i64) -> Self {
        Self { wall_ms: now.wall_in(delay_ms), mono_ms: now.mono_in(delay_ms) }
    }

    /// This moment, `delay_ms` later.
    pub fn plus(self, delay_ms: i64) -> Self {
        Self { wall_ms: sum(self.wall_ms, delay_ms), mono_ms: sum(self.mono_ms, delay_ms) }
    }

    /// Milliseconds to go, negative when it has passed.
    pub fn remaining_ms(self, now: Now) -> i64 {
        difference(self.wall_ms, now.wall_ms).min(difference(self.mono_ms, now.mono_ms))
    }

    /// Milliseconds to go until both clocks have reached it.
    pub fn later_remaining_ms(self, now: Now) -> i64 {
        difference(self.wall_ms, now.wall_ms).max(difference(self.mono_ms, now.mono_ms))
    }

    /// Whether either clock has reached it.
    pub fn passed(self, now: Now) -> bool {
        self.remaining_ms(now) <= 0
    }
}

/// The longest delay a timer takes: `setTimeout` wraps past 2^31−1 ms and fires at once.
pub const MAX_TIMEOUT_MS: i64 = 0x7FFF_FFFF;
