//! Debian packages: installed when we may, else named in one line.

use crate::sh;
use anyhow::{Result, bail};
use std::path::Path;
use std::process::{Command, Stdio};

/// A Debian package and a file that shows it is there.
pub(crate) type Package = (&'static str, &'static str);

pub(crate) fn ensure(packages: &[Package]) -> Result<()> {
    let missing: Vec<_> =
        packages.iter().filter(|(_, file)| !Path::new(file).exists()).map(|(name, _)| *name).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let by_hand =
        format!("apt-get update && apt-get install -y --no-install-recommends {}", missing.join(" "));
    let Some(prefix) = privilege() else {
        bail!("missing: {}. Install with: sudo sh -c '{by_hand}'", missing.join(", "));
    };
    println!("set-up: installing {} from Debian", missing.join(", "));
    // Lists may be missing or stale: the first failure is answered with an update.
    if install(&prefix, &missing).is_err() {
        sh::run(apt(&prefix).args(["-q", "update"]).stdout(Stdio::null()))?;
        install(&prefix, &missing)?;
    }
    match packages.iter().find(|(_, file)| !Path::new(file).exists()) {
        Some((name, file)) => bail!("{name} is installed, but there is no {file}"),
        None => Ok(()),
    }
}

fn install(prefix: &[&str], packages: &[&str]) -> Result<()> {
    sh::run(
        apt(prefix)
            .args(["-q", "-y", "--no-install-recommends", "install"])
            .args(packages)
            .stdout(Stdio::null()),
    )
}

fn apt(prefix: &[&str]) -> Command {
    let mut words = prefix.iter().copied().chain(["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"]);
    let mut command = Command::new(words.next().unwrap_or("env"));
    command.args(words).stdin(Stdio::null());
    command
}

/// What to put before apt-get: nothing for root, `sudo -n` where that asks nothing.
fn privilege() -> Option<Vec<&'static str>> {
    let uid = sh::read(Command::new("id").arg("-u")).ok()?;
    if sh::which("apt-get").is_none() {
        None
    } else if uid == "0" {
        Some(vec![])
    } else {
        sh::read(Command::new("sudo").args(["-n", "true"])).ok().map(|_| vec!["sudo", "-n"])
    }
}
