//! Programs that come from crates.io. They are built once per version and kept outside the
//! checkout, so that a fresh clone on the same machine finds them.

use crate::sh;
use anyhow::{Context, Result};
use std::path::PathBuf;
use std::process::Command;

pub(crate) struct Tool {
    name: &'static str,
    program: &'static str,
    version: String,
    /// Whether only this very version will do; else whatever is on the PATH is taken.
    exact: bool,
}

/// Must equal the library's version, hence read from Cargo.lock.
pub(crate) fn wasm_bindgen() -> Result<Tool> {
    let lock = std::fs::read_to_string(sh::root().join("Cargo.lock")).context("Cargo.lock cannot be read")?;
    let version = lock
        .split_once("name = \"wasm-bindgen\"\nversion = \"")
        .and_then(|(_, rest)| rest.split_once('"'))
        .context("Cargo.lock names no wasm-bindgen")?
        .0;
    Ok(Tool { name: "wasm-bindgen-cli", program: "wasm-bindgen", version: version.to_owned(), exact: true })
}

pub(crate) fn wasm_pack() -> Tool {
    Tool { name: "wasm-pack", program: "wasm-pack", version: "0.15.1".to_owned(), exact: false }
}

pub(crate) fn geckodriver() -> Tool {
    Tool { name: "geckodriver", program: "geckodriver", version: "0.37.1".to_owned(), exact: false }
}

impl Tool {
    /// The directory that holds the program, after building it if need be.
    pub(crate) fn ensure(&self) -> Result<PathBuf> {
        let home = sh::cache()?.join("tools").join(format!("{}-{}", self.name, self.version));
        let bin = home.join("bin");
        if bin.join(self.program).is_file() {
            return Ok(bin);
        }
        if let Some(found) = self.on_path() {
            return Ok(found);
        }
        println!("set-up: building {} {} (a minute or two, once on this machine)", self.name, self.version);
        let install = |locked: bool| {
            let mut cargo = Command::new("cargo");
            cargo.args(["install", "--quiet", self.name, "--version"]).arg(format!("={}", self.version));
            cargo.arg("--root").arg(&home).args(locked.then_some("--locked"));
            // These run for a second at a time: build them fast rather than fast to run.
            cargo.env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1").env("CARGO_PROFILE_RELEASE_LTO", "off");
            cargo.env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16").current_dir(std::env::temp_dir());
            cargo
        };
        // A lock file that names a yanked release is no reason to stop.
        sh::read(&mut install(true)).map(drop).or_else(|_| sh::run(&mut install(false))).with_context(
            || {
                format!(
                    "{0} {1} cannot be built; try `cargo install {0} --version {1}`",
                    self.name, self.version
                )
            },
        )?;
        Ok(bin)
    }

    fn on_path(&self) -> Option<PathBuf> {
        let program = sh::which(self.program)?;
        let said = sh::read(Command::new(&program).arg("--version")).ok()?;
        let same = said.split_whitespace().any(|word| word == self.version);
        (same || !self.exact).then(|| program.parent().map(PathBuf::from))?
    }
}
