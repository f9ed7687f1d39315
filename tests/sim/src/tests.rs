//! Quick checks of the simulation itself; the long run is `cargo xtask simulate`.

use crate::broken::Broken;
use crate::plan::Plan;
use crate::report::report;
use crate::runner::{Order, seed_of, simulate};
use crate::shrink::{run, shrink};

fn order(schedules: u64, broken: Option<Broken>) -> Order {
    Order { schedules, time: None, seed: 7, jobs: 2, broken, survey: false, quiet: true }
}

#[test]
fn the_core_keeps_its_promises_in_some_hundred_schedules() {
    if let Some((seed, _)) = simulate(order(600, None)).broke.first() {
        panic!("{}", report(*seed, None, true).unwrap_or_default());
    }
}

#[test]
fn one_seed_is_one_schedule_to_the_last_step() {
    for index in 0..60 {
        let plan = Plan::from_seed(seed_of(3, index));
        assert_eq!(plan, Plan::from_seed(seed_of(3, index)));
        assert_eq!(run(&plan, None).1, run(&plan, None).1);
    }
    let hash = |index| run(&Plan::from_seed(seed_of(3, index)), None).1;
    assert_ne!(hash(1), hash(2));
}

#[test]
fn every_broken_core_is_caught() {
    for (name, broken) in Broken::ALL {
        let result = simulate(order(10_000, Some(broken)));
        assert!(!result.broke.is_empty(), "{name} was not caught");
    }
}

#[test]
fn a_failing_seed_is_told_again_and_cut_down() {
    let broken = Some(Broken::SignOutOn503);
    let (seed, invariant) = simulate(order(10_000, broken)).broke[0];
    let plan = Plan::from_seed(seed);
    let shrunk = shrink(&plan, broken, invariant);
    assert!(shrunk.steps.len() < plan.steps.len());
    assert_eq!(run(&shrunk, broken).0.map(|violation| violation.invariant), Some(invariant));
    let text = report(seed, broken, true).unwrap_or_default();
    assert!(text.contains(invariant.sentence()) && text.contains(&seed.to_string()));
    assert_eq!(report(seed, broken, true).unwrap_or_default(), text);
}
