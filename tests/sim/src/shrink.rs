//! Cuts a plan down to what is needed to break the same promise again.

use crate::broken::Broken;
use crate::invariants::{Invariant, Violation};
use crate::plan::{Kept, Plan, Rotation, Setup, Told};
use crate::world::World;

/// Runs a plan; gives the first promise that it broke, and the trace's number.
pub(crate) fn run(plan: &Plan, broken: Option<Broken>) -> (Option<Violation>, u64) {
    let mut world = World::new(plan, broken, false);
    world.run(plan);
    let hash = world.trace.hash();
    (world.violation, hash)
}

/// The same, with every line of what happened.
pub(crate) fn run_traced(plan: &Plan, broken: Option<Broken>) -> (Option<Violation>, Vec<String>) {
    let mut world = World::new(plan, broken, true);
    world.run(plan);
    let lines = world.trace.lines.take().unwrap_or_default();
    (world.violation, lines)
}

/// Tries this many plans at most.
const MOST_TRIES: u32 = 4_000;

pub(crate) fn shrink(plan: &Plan, broken: Option<Broken>, invariant: Invariant) -> Plan {
    let mut shrinker = Shrinker { best: plan.clone(), broken, invariant, tries: 0 };
    loop {
        let before = shrinker.best.clone();
        shrinker.cut_steps();
        shrinker.simplify();
        shrinker.shorten_gaps();
        if shrinker.best == before || shrinker.tries > MOST_TRIES {
            return shrinker.best;
        }
    }
}

struct Shrinker {
    best: Plan,
    broken: Option<Broken>,
    invariant: Invariant,
    tries: u32,
}

impl Shrinker {
    /// Whether that plan breaks it too; then it is the best so far. Chance gets a few tries, for a plan with a
    /// step less draws other latencies.
    fn takes(&mut self, mut plan: Plan) -> bool {
        for again in 0..3 {
            if self.tries > MOST_TRIES || plan == self.best {
                return false;
            }
            self.tries += 1;
            if run(&plan, self.broken).0.is_some_and(|v| v.invariant == self.invariant) {
                self.best = plan;
                return true;
            }
            plan.noise = plan.noise.wrapping_add(again + 1);
        }
        false
    }

    fn cut_steps(&mut self) {
        let mut length = self.best.steps.len().div_ceil(2);
        while length > 0 {
            let mut from = 0;
            while from < self.best.steps.len() {
                let mut plan = self.best.clone();
                let to = (from + length).min(plan.steps.len());
                let gone: i64 = plan.steps.drain(from..to).map(|step| step.after_ms).sum();
                let mut waited = plan.clone();
                // First without the time these steps took, then with it.
                if !self.takes(plan) {
                    if let Some(next) = waited.steps.get_mut(from) {
                        next.after_ms += gone;
                    }
                    if !self.takes(waited) {
                        from += length;
                    }
                }
            }
            length /= 2;
        }
    }

    fn shorten_gaps(&mut self) {
        for at in 0..self.best.steps.len() {
            for divisor in [i64::MAX, 1_000, 10, 2] {
                let mut plan = self.best.clone();
                plan.steps[at].after_ms /= divisor;
                if self.takes(plan) {
                    break;
                }
            }
        }
    }

    fn simplify(&mut self) {
        let simpler: [fn(&mut Setup); 18] = [
            |s| s.kept = Kept::Session,
            |s| s.locks = true,
            |s| s.rotation = Rotation::Reuse,
            |s| s.told = Told::ExpiresIn,
            |s| s.refresh_ms = None,
            |s| s.refresh_told = false,
            |s| s.server_skew_ms = 0,
            |s| s.revokes = false,
            |s| s.opaque = true,
            |s| s.challenge = tokenwell::proto::io::Challenge401::InvalidToken,
            |s| s.retry_on = tokenwell::proto::unauthorized::RetryOn::Any,
            |s| s.timeout_ms = 15_000,
            |s| s.counts_sleep = false,
            |s| s.own_origins = false,
            |s| s.lossy_freeze = false,
            |s| s.hang_blocks = false,
            |s| s.slow = false,
            |s| s.restore_ms = 0,
        ];
        for change in simpler {
            let mut plan = self.best.clone();
            change(&mut plan.setup);
            self.takes(plan);
        }
        if self.invariant == Invariant::Ends {
            // Shorter lives take more steps, for a reason that isn't the same.
            return;
        }
        for access_ms in [3_600_000, 600_000] {
            let mut plan = self.best.clone();
            plan.setup.access_ms = access_ms;
            if self.takes(plan) {
                break;
            }
        }
    }
}
