//! Node and the development packages of package-lock.json.

use crate::sh;
use anyhow::{Context, Result, bail};
use std::fs;
use std::process::Command;

const OLDEST: u32 = 20;

pub(crate) fn ensure() -> Result<()> {
    let how = format!("Node {OLDEST} or newer is needed, with npm: https://nodejs.org/en/download");
    let said = sh::read(Command::new("node").arg("--version")).with_context(|| how.clone())?;
    let major = said.trim_start_matches('v').split('.').next().and_then(|text| text.parse::<u32>().ok());
    if major.is_none_or(|major| major < OLDEST) {
        bail!("{how} (found {said})");
    }

    // The stamp is a copy of the lock file the modules were installed from.
    let root = sh::root();
    let lock = fs::read(root.join("package-lock.json")).context("package-lock.json cannot be read")?;
    let stamp = root.join("node_modules/.tokenwell-lock");
    if fs::read(&stamp).is_ok_and(|seen| seen == lock) {
        return Ok(());
    }
    println!("set-up: npm ci");
    sh::run(Command::new("npm").args(["ci", "--silent", "--no-audit", "--no-fund"]).current_dir(&root))
        .context("the development packages cannot be installed")?;
    fs::write(&stamp, lock).with_context(|| format!("cannot write {}", stamp.display()))
}
