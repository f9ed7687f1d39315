//! Node and the development packages of both lock files.

use crate::sh;
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::Path;
use std::process::Command;

const OLDEST: u32 = 20;

const NPM_CI: [&str; 4] = ["ci", "--silent", "--no-audit", "--no-fund"];

pub(crate) fn ensure() -> Result<()> {
    let how = format!("Node {OLDEST} or newer is needed, with npm: https://nodejs.org/en/download");
    let said = sh::read(Command::new("node").arg("--version")).with_context(|| how.clone())?;
    let major = said.trim_start_matches('v').split('.').next().and_then(|text| text.parse::<u32>().ok());
    if major.is_none_or(|major| major < OLDEST) {
        bail!("{how} (found {said})");
    }

    install(&sh::root(), "npm ci")
}

/// The bundlers and frameworks of tests/hosts: apart, for they weigh more than all the rest.
pub(crate) fn hosts() -> Result<()> {
    ensure()?;
    install(&sh::root().join("tests/hosts"), "npm ci in tests/hosts")
}

/// The peers of bench/, for `cargo xtask bench` alone.
pub(crate) fn peers() -> Result<()> {
    install(&sh::root().join("bench"), "npm ci in bench")
}

/// The registry of tests/release, for `cargo xtask release --rehearse` alone.
pub(crate) fn registry() -> Result<()> {
    install(&sh::root().join("tests/release"), "npm ci in tests/release")
}

fn install(dir: &Path, what: &str) -> Result<()> {
    // The stamp is a copy of the lock file the modules were installed from.
    let lock = fs::read(dir.join("package-lock.json")).context("package-lock.json cannot be read")?;
    let stamp = dir.join("node_modules/.tokenwell-lock");
    if fs::read(&stamp).is_ok_and(|seen| seen == lock) {
        return Ok(());
    }
    println!("set-up: {what}");
    sh::run(Command::new("npm").args(NPM_CI).current_dir(dir))
        .context("the development packages cannot be installed")?;
    fs::write(&stamp, lock).with_context(|| format!("cannot write {}", stamp.display()))
}
