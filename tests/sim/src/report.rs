//! A broken promise as a person reads it: the seed, the shrunk plan, and what happened step by step.

use std::fmt::Write;

use crate::broken::Broken;
use crate::plan::Plan;
use crate::shrink::{run, run_traced, shrink};

/// Runs the seed again and tells all about it.
pub(crate) fn report(seed: u64, broken: Option<Broken>, shrunk: bool) -> Option<String> {
    let plan = Plan::from_seed(seed);
    let violation = run(&plan, broken).0?;
    let plan = if shrunk { shrink(&plan, broken, violation.invariant) } else { plan };
    let (violation, lines) = run_traced(&plan, broken);
    let violation = violation?;
    let mut text = String::new();
    let _ = writeln!(text, "seed {seed} breaks: {}", violation.invariant.sentence());
    let _ = writeln!(text, "  {} (at {} ms)", violation.what, violation.at);
    let _ = writeln!(text, "{:?}", plan.setup);
    for step in &plan.steps {
        let _ = writeln!(text, "  +{:>8} ms  {:?}", step.after_ms, step.action);
    }
    let _ = writeln!(text, "trace:");
    for line in lines {
        let _ = writeln!(text, "{line}");
    }
    let _ = writeln!(text, "replay: cargo run --profile sim -p tokenwell-sim -- simulate --replay {seed}");
    Some(text)
}
