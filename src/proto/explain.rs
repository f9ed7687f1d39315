//! The last decisions and why: what to paste into a bug report. Static words and numbers, so no secret can
//! get in.

use super::time::Now;

/// One decision.
#[derive(Clone, Copy)]
#[cfg_attr(not(target_family = "wasm"), derive(Debug))]
pub struct Decision {
    /// When, epoch ms.
    pub at_ms: i64,
    /// What was decided.
    pub what: &'static str,
    /// Why.
    pub why: &'static str,
    /// A number that matters, by name.
    pub detail: Option<(&'static str, i64)>,
}

const KEPT: usize = 100;

/// The last of them, bounded.
#[derive(Default)]
pub(super) struct Ring(Vec<Decision>);

impl Ring {
    pub(super) fn note(
        &mut self,
        now: &Now,
        what: &'static str,
        why: &'static str,
        detail: Option<(&'static str, i64)>,
    ) {
        if self.0.len() >= KEPT {
            self.0.remove(0);
        }
        self.0.push(Decision { at_ms: now.wall_ms, what, why, detail });
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Decision> {
        self.0.iter()
    }
}
