//! The site as files: the demo's page with a server that lives in it, the package and the guides.

use crate::{node, package, sh};
use anyhow::Result;
use std::path::PathBuf;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Where to; what is there is replaced
    #[arg(long, default_value = "target/site")]
    out: PathBuf,
    /// Take pkg/ as it is
    #[arg(long)]
    no_build: bool,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    if args.no_build {
        node::ensure()?;
    } else {
        package::run()?;
    }
    let mut node = std::process::Command::new("node");
    sh::run(node.arg("www/server/build.mjs").arg(&args.out).current_dir(sh::root()))
}
