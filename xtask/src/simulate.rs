//! The simulation of many tabs, in the profile that is made for it.

use crate::sh;
use anyhow::Result;
use std::process::Command;

#[derive(clap::Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Args {
    /// For the simulation: --schedules N, --seconds S, --seed S, --replay SEED, --broken all, --help …
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<String>,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    sh::run(command(&mut Command::new("cargo")).args(&args.args).current_dir(sh::root()))
}

/// The command itself, before its own arguments.
pub(crate) fn command(cargo: &mut Command) -> &mut Command {
    cargo.args(["run", "--quiet", "--profile", "sim", "--package", "tokenwell-sim", "--", "simulate"])
}
