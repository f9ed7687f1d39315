//! A Python with the packages of the integration tests' Django: a virtual environment in the cache,
//! one per list of requirements, so that a changed list builds anew and an old checkout keeps its own.

use crate::{apt, sh};
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const REQUIREMENTS: &str = "tests/interop/servers/django/requirements.txt";

/// Debian splits venv off from Python itself.
const DEBIAN: [apt::Package; 2] =
    [("python3", "/usr/bin/python3"), ("python3-venv", "/var/lib/dpkg/info/python3-venv.list")];

/// Where a test finds the program; see tests/interop/servers/django.mjs.
pub(crate) const VARIABLE: &str = "TOKENWELL_PYTHON";

/// The environment's Python, after building it if need be.
pub(crate) fn ensure() -> Result<PathBuf> {
    let list = sh::root().join(REQUIREMENTS);
    let wanted = fs::read(&list).with_context(|| format!("{} cannot be read", list.display()))?;
    let home = sh::cache()?.join(format!("venv-{:016x}", fnv(&wanted)));
    let python = Path::new("bin/python");
    if home.join(python).is_file() {
        return Ok(home.join(python));
    }
    println!("set-up: a Python environment with Django (ten seconds, once)");
    // Aside first, and moved when whole: two at once do not meet, and half a one is never found.
    let aside = home.with_extension(format!("{}.part", std::process::id()));
    sh::run(Command::new(base()?).args(["-m", "venv", "--clear"]).arg(&aside))?;
    sh::run_within(
        Command::new(aside.join(python))
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"])
            .args(["--no-deps", "--only-binary=:all:", "--require-hashes", "--requirement"])
            .arg(&list),
        Duration::from_secs(300),
    )
    .context("Django cannot be installed from PyPI")?;
    if fs::rename(&aside, &home).is_err() {
        fs::remove_dir_all(&aside).with_context(|| format!("cannot remove {}", aside.display()))?;
    }
    Ok(home.join(python))
}

/// A Python that can make environments.
fn base() -> Result<PathBuf> {
    let able = |program: &Path| {
        sh::read(
            Command::new(program)
                .args(["-c", "import sys, venv, ensurepip; assert sys.version_info >= (3, 10)"]),
        )
        .is_ok()
    };
    if let Some(found) = sh::which("python3").filter(|program| able(program)) {
        return Ok(found);
    }
    apt::ensure(&DEBIAN)?;
    let debian = PathBuf::from("/usr/bin/python3");
    able(&debian).then_some(debian).context("Python 3.10 or newer is needed, with venv")
}

/// FNV-1a: a name for a list, the same whatever compiler built us.
fn fnv(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3))
}
