//! Many schedules on several threads, until there are enough, time is up, or one breaks a promise.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
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
    let stop = AtomicBool::new(false);
    let broke = Mutex::new(Vec::new());
    let bar = bar(order);
    std::thread::scope(|scope| {
        for _ in 0..order.jobs.max(1) {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let from = next.fetch_add(BATCH, Ordering::Relaxed);
                    let to = (from + BATCH).min(order.schedules);
                    for index in from..to {
                        let seed = seed_of(order.seed, index);
                        if let Some(violation) = run(&Plan::from_seed(seed), order.broken).0 {
                            let mut broke = broke.lock().unwrap_or_else(|e| e.into_inner());
                            broke.push((index, seed, violation.invariant));
                            if !order.survey {
                                stop.store(true, Ordering::Relaxed);
                                break;
                            }
                        }
                    }
                    bar.inc(to.saturating_sub(from));
                    let late = order.time.is_some_and(|time| start.elapsed() >= time);
                    if to >= order.schedules || late {
                        stop.store(true, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    bar.finish_and_clear();
    let mut broke = broke.into_inner().unwrap_or_else(|e| e.into_inner());
    broke.sort_unstable_by_key(|found| found.0);
    if !order.survey {
        broke.truncate(1);
    }
    Result {
        schedules: next.load(Ordering::Relaxed).min(order.schedules),
        seconds: start.elapsed().as_secs_f64(),
        broke: broke.into_iter().map(|(_, seed, invariant)| (seed, invariant)).collect(),
    }
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
