//! The simulation: 1 to 8 model tabs run the real core under a virtual clock, against a model server and under
//! every fault that a browser and a network can produce. All of it follows from a seed.

mod acts;
mod api;
mod broken;
mod browser;
mod callers;
mod clock;
mod close;
mod describe;
mod excuses;
mod faults;
mod generate;
mod host;
mod invariants;
mod names;
mod plan;
mod queue;
mod report;
mod runner;
mod server;
mod shrink;
mod storage;
mod tab;
#[cfg(test)]
mod tests;
mod token_request;
mod trace;
mod vault_ops;
mod world;

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;

use broken::Broken;
use runner::{Order, simulate};

/// The token session under many tabs and every fault, from a seed.
#[derive(Parser)]
#[command(name = "tokenwell-sim")]
enum Command {
    /// Runs schedules until there are enough, time is up, or one breaks a promise.
    Simulate(Simulate),
}

#[derive(clap::Args)]
struct Simulate {
    /// How many schedules [default: 100000, or no end with --seconds]
    #[arg(long)]
    schedules: Option<u64>,
    /// Stop after so many seconds.
    #[arg(long)]
    seconds: Option<u64>,
    /// Where to start: the same seed, the same schedules.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Threads.
    #[arg(long, default_value_t = 2)]
    jobs: usize,
    /// Runs a core that is broken on purpose, to show that it is caught; `all` for each of them.
    #[arg(long)]
    broken: Option<String>,
    /// Runs this one schedule again and tells what happens, cut down to what matters.
    #[arg(long)]
    replay: Option<u64>,
    /// With --replay: the whole plan, not cut down.
    #[arg(long)]
    whole: bool,
    /// Goes on after a broken promise and counts them.
    #[arg(long)]
    survey: bool,
    /// With --survey: how many in a million may break a promise before it fails. Those that still do are the
    /// open ones of docs/simulation.md; a core that loses anything breaks thousands.
    #[arg(long, default_value_t = 0)]
    at_most_per_million: u64,
}

fn main() -> ExitCode {
    let Command::Simulate(options) = Command::parse();
    if options.broken.as_deref() == Some("all") {
        return all_broken(options.schedules.unwrap_or(10_000), options.seed, options.jobs);
    }
    let broken = match options.broken.as_deref().map(Broken::by_name).transpose() {
        Ok(broken) => broken,
        Err(message) => {
            eprintln!("{message}");
            return ExitCode::from(2);
        }
    };
    if let Some(seed) = options.replay {
        return replay(seed, broken, !options.whole);
    }
    let unbounded = if options.seconds.is_some() { u64::MAX } else { 100_000 };
    let order = Order {
        schedules: options.schedules.unwrap_or(unbounded),
        time: options.seconds.map(Duration::from_secs),
        seed: options.seed,
        jobs: options.jobs,
        broken,
        survey: options.survey,
        quiet: false,
    };
    if options.survey { survey(order, options.at_most_per_million) } else { once(order) }
}

fn once(order: Order) -> ExitCode {
    let result = simulate(order);
    let rate = result.schedules as f64 / result.seconds.max(0.001);
    let Some((seed, invariant)) = result.broke.first() else {
        println!("{} schedules, {rate:.0}/s, seed {}: no invariant broken", result.schedules, order.seed);
        return if order.broken.is_some() { ExitCode::FAILURE } else { ExitCode::SUCCESS };
    };
    if let Some(broken) = order.broken {
        println!("{broken:?}: caught within {} schedules: {}", result.schedules, invariant.sentence());
        return ExitCode::SUCCESS;
    }
    print!("{}", report::report(*seed, None, true).unwrap_or_default());
    println!("{} schedules, {rate:.0}/s, seed {}: BROKEN by seed {seed}", result.schedules, order.seed);
    ExitCode::FAILURE
}

/// Shows that the checks bite.
fn all_broken(schedules: u64, seed: u64, jobs: usize) -> ExitCode {
    let mut missed = false;
    for (name, broken) in Broken::ALL {
        let order =
            Order { schedules, time: None, seed, jobs, broken: Some(broken), survey: false, quiet: true };
        let result = simulate(order);
        match result.broke.first() {
            Some((seed, invariant)) => {
                println!(
                    "{name:20} caught within {:5}, seed {seed}: {}",
                    result.schedules,
                    invariant.sentence()
                );
            }
            None => {
                missed = true;
                println!("{name:20} NOT caught within {schedules}");
            }
        }
    }
    if missed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn survey(order: Order, at_most_per_million: u64) -> ExitCode {
    let result = simulate(order);
    let rate = result.schedules as f64 / result.seconds.max(0.001);
    let mut counts: Vec<(String, Vec<u64>)> = Vec::new();
    for (seed, invariant) in &result.broke {
        let name = format!("{invariant:?}");
        match counts.iter_mut().find(|count| count.0 == name) {
            Some(count) => count.1.push(*seed),
            None => counts.push((name, vec![*seed])),
        }
    }
    for (name, seeds) in &counts {
        println!("{name:18} {:6}  e.g. {:?}", seeds.len(), &seeds[..seeds.len().min(6)]);
    }
    println!(
        "{} schedules, {rate:.0}/s, seed {}: {} broke a promise",
        result.schedules,
        order.seed,
        result.broke.len()
    );
    let allowed = result.schedules.saturating_mul(at_most_per_million) / 1_000_000;
    if result.broke.len() as u64 <= allowed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn replay(seed: u64, broken: Option<Broken>, shrunk: bool) -> ExitCode {
    match report::report(seed, broken, shrunk) {
        Some(text) => {
            print!("{text}");
            ExitCode::FAILURE
        }
        None => {
            println!("seed {seed}: no invariant broken");
            ExitCode::SUCCESS
        }
    }
}
