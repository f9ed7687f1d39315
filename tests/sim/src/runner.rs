//! Many schedules on several threads, until there are enough, time is up, or one breaks a promise.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::broken::Broken;
use crate::invariants::Invariant;
use crate::plan::Plan;
use crate::shrink::run;

/// What to run.
#[derive(Clone, Copy)]
pub(crate) struct Order {
    pub(crate) schedules: u64,
    pub(crate) time: Option<Duration>,
    pub(crate) seed: u64,
    pub(crate) jobs: usize,
    pub(crate) broken: Option<Broken>,
    /// Goes on after a broken promise, to count them.
    pub(crate) survey: bool,
    pub(crate) quiet: bool,
}

pub(crate) struct Result {
    pub(crate) schedules: u64,
    pub(crate) seconds: f64,
    /// Seeds that break a promise; the first in the order of seeds, unless it is a survey.
    pub(crate) broke: Vec<(u64, Invariant)>,
}

/// The seed of one schedule: mixed, so that neighbours have nothing in common (SplitMix64).
pub(crate) fn seed_of(base: u64, index: u64) -> u64 {
    let mut z = base.wrapping_add(index.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    (z ^ (z >> 31)) >> 16
}

/// Schedules between two looks at the clock and the counters.
const BATCH: u64 = 64;

pub(crate) fn simulate(order: Order) -> Result {
    let start = Instant::now();
    let next = AtomicU64::new(0);
    let done = AtomicU64::new(0);
    // No schedule after this one is of interest: the first broken promise, in the order of seeds.
    let end = AtomicU64::new(order.schedules);
    let broke = Mutex::new(Vec::new());
    let bar = bar(order);
    std::thread::scope(|scope| {
        for _ in 0..order.jobs.max(1) {
            scope.spawn(|| {
                loop {
                    let from = next.fetch_add(BATCH, Ordering::Relaxed);
                    let to = (from + BATCH).min(end.load(Ordering::Relaxed));
                    if from >= to {
                        break;
                    }
                    for index in from..to {
                        let seed = seed_of(order.seed, index);
                        if let Some(invariant) = breaks(seed, order.broken) {
                            let mut broke = broke.lock().unwrap_or_else(PoisonError::into_inner);
                            broke.push((index, seed, invariant));
                            if !order.survey {
                                end.fetch_min(index + 1, Ordering::Relaxed);
                                break;
                            }
                        }
                    }
                    bar.inc(to - from);
                    done.fetch_add(to - from, Ordering::Relaxed);
                    if order.time.is_some_and(|time| start.elapsed() >= time) {
                        end.fetch_min(next.load(Ordering::Relaxed), Ordering::Relaxed);
                    }
                }
            });
        }
    });
    bar.finish_and_clear();
    let mut broke = broke.into_inner().unwrap_or_else(PoisonError::into_inner);
    broke.sort_unstable_by_key(|found| found.0);
    if !order.survey {
        broke.truncate(1);
    }
    let schedules = match broke.first() {
        Some((index, ..)) if !order.survey => index + 1,
        _ => done.load(Ordering::Relaxed),
    };
    Result {
        schedules,
        seconds: start.elapsed().as_secs_f64(),
        broke: broke.into_iter().map(|(_, seed, invariant)| (seed, invariant)).collect(),
    }
}

/// The promise that this seed breaks. A core that is broken on purpose is caught only where the sound one holds.
fn breaks(seed: u64, broken: Option<Broken>) -> Option<Invariant> {
    let plan = Plan::from_seed(seed);
    let violation = run(&plan, broken).0?;
    (broken.is_none() || run(&plan, None).0.is_none()).then_some(violation.invariant)
}

fn bar(order: Order) -> ProgressBar {
    if order.quiet {
        return ProgressBar::hidden();
    }
    let bar = if order.schedules == u64::MAX {
        ProgressBar::new_spinner()
    } else {
        ProgressBar::new(order.schedules)
    };
    let template = "{spinner} {wide_bar} {human_pos} schedules, {per_sec}, {elapsed} ({eta} to go)";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar
}
