//! Measuring beside other libraries: bench/. Its packages are installed for this command alone, and no test
//! takes part in it.

use crate::setup::{self, Need};
use crate::{node, package, sh};
use anyhow::Result;

#[derive(clap::Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Args {
    /// size, features, cold, call, stampede, jwt, memory, day, fleet [default: all]; --quick; --only PEER,…; --draw
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<String>,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let ready = setup::ensure(&[Need::Node, Need::Wasm, Need::WasmBindgen, Need::Chromium])?;
    node::peers()?;
    // What is measured is what would be published.
    if !args.args.iter().any(|arg| arg == "--draw") {
        package::run()?;
    }
    // With the cargo that has the target: one section compiles the module.
    sh::run(ready.for_wasm("node").arg("bench/run.mjs").args(&args.args))
}
