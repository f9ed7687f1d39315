//! A compiler with the standard library for wasm32-unknown-unknown: rustup's where that can be
//! had, else Debian's (`debian.rs`).

use crate::{debian, sh};
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

pub(crate) const TARGET: &str = "wasm32-unknown-unknown";

/// How long `rustup target add` may take before it counts as unable to download.
const DOWNLOAD: Duration = Duration::from_secs(90);

pub(crate) enum Toolchain {
    /// The cargo and rustc on the PATH.
    Default,
    /// A directory to put before the PATH.
    Debian(PathBuf),
}

impl Toolchain {
    pub(crate) fn bin(&self) -> Option<PathBuf> {
        match self {
            Self::Default => None,
            Self::Debian(bin) => Some(bin.clone()),
        }
    }
}

/// `TOKENWELL_WASM=debian` takes the fallback at once, so that it can be tried anywhere.
pub(crate) fn ensure() -> Result<Toolchain> {
    if std::env::var_os("TOKENWELL_WASM").is_some_and(|choice| choice == "debian") {
        return debian::ensure().map(Toolchain::Debian);
    }
    if has_std("rustc") {
        return Ok(Toolchain::Default);
    }
    if let Some(bin) = debian::built() {
        return Ok(Toolchain::Debian(bin));
    }
    if sh::which("rustup").is_some() {
        println!("set-up: rustup target add {TARGET}");
        let added = sh::run_within(
            Command::new("rustup").args(["target", "add", TARGET]).current_dir(sh::root()),
            DOWNLOAD,
        );
        match added {
            Ok(()) if has_std("rustc") => return Ok(Toolchain::Default),
            Ok(()) => println!("set-up: rustup added it, but rustc does not find it"),
            Err(error) => println!("set-up: {error}; taking Debian's rustc-web instead"),
        }
    }
    debian::ensure().map(Toolchain::Debian).with_context(|| {
        format!("no standard library for {TARGET}; install with: rustup target add {TARGET}")
    })
}

/// Whether this rustc would find a standard library for the target.
pub(crate) fn has_std(rustc: &str) -> bool {
    let asked = sh::read(
        Command::new(rustc).args(["--print", "target-libdir", "--target", TARGET]).current_dir(sh::root()),
    );
    asked.is_ok_and(|dir| has_rlibs(Path::new(&dir)))
}

fn has_rlibs(dir: &Path) -> bool {
    let Ok(entries) = fs::read_dir(dir) else { return false };
    entries.flatten().any(|entry| {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        name.starts_with("libstd-") && name.ends_with(".rlib")
    })
}
