//! The commands of this repository. Each one sets up what it needs first, and finds it ready the
//! second time; each file here is one idea, and `steps.rs` is the list of what "tested" means.

mod again;
mod apt;
mod bench;
mod debian;
mod demo;
mod inline;
mod licences;
mod node;
mod package;
mod python;
mod release;
mod setup;
mod sh;
mod simulate;
mod site;
mod steps;
mod test;
mod tools;
mod trim;
mod wasm;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", about = "The commands of tokenwell")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build the package, start the demo's server and say what to look at
    Demo(demo::Args),
    /// Run every test there is, or the named steps
    Test(test::Args),
    /// Run the core in many model tabs under every fault; the arguments are the simulation's own
    Simulate(simulate::Args),
    /// Write THIRD-PARTY.md: whose code is in the package and in the tests
    Licences,
    /// Write the page, the package and the guides out as files, for any host of files
    Site(site::Args),
    /// Measure beside the peers, in Chromium, and write docs/bench; sections may be named
    Bench(bench::Args),
    /// Leave the complete npm package in pkg/ and print its sizes
    Package,
    /// Make and check the tarball and its notes; without --dry-run, publish them
    Release(release::Args),
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Demo(args) => demo::run(&args),
        Command::Test(args) => test::run(&args),
        Command::Simulate(args) => simulate::run(&args),
        Command::Licences => licences::write(),
        Command::Site(args) => site::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::Package => package::run(),
        Command::Release(args) => release::run(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
