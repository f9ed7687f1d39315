//! What a command needs, made ready: installed where missing, found where not. Every check is
//! cheap, so that a second run pays nothing.

use crate::{apt, node, python, sh, tools, wasm};
use anyhow::{Context, Result};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Need {
    Rustfmt,
    Clippy,
    Node,
    Hosts,
    Wasm,
    WasmBindgen,
    Chromium,
    Firefox,
    WasmPack,
    Python,
}

const CHROMIUM: [apt::Package; 2] =
    [("chromium", "/usr/bin/chromium"), ("chromium-driver", "/usr/bin/chromedriver")];
const FIREFOX: [apt::Package; 1] = [("firefox-esr", "/usr/bin/firefox-esr")];

/// What was made ready, and how to start it.
#[derive(Default)]
pub(crate) struct Ready {
    path: Vec<PathBuf>,
    wasm: Option<wasm::Toolchain>,
    python: Option<PathBuf>,
}

/// Makes everything in `needs` ready.
pub(crate) fn ensure(needs: &[Need]) -> Result<Ready> {
    let mut needs = needs.to_vec();
    needs.sort_unstable();
    needs.dedup();
    let mut ready = Ready::default();
    for need in needs {
        match need {
            Need::Rustfmt => component("rustfmt", "cargo-fmt")?,
            Need::Clippy => component("clippy", "cargo-clippy")?,
            Need::Node => node::ensure()?,
            Need::Hosts => node::hosts()?,
            Need::Wasm => ready.wasm = Some(wasm::ensure()?),
            Need::WasmBindgen => ready.path.push(tools::wasm_bindgen()?.ensure()?),
            Need::Chromium => apt::ensure(&CHROMIUM)?,
            Need::Firefox => {
                apt::ensure(&FIREFOX)?;
                ready.path.push(tools::geckodriver().ensure()?);
            }
            Need::WasmPack => ready.path.push(tools::wasm_pack().ensure()?),
            Need::Python => ready.python = Some(python::ensure()?),
        }
    }
    Ok(ready)
}

fn component(name: &str, program: &str) -> Result<()> {
    let answers = || sh::read(Command::new(program).arg("--version")).is_ok();
    if sh::which(program).is_some() && answers() {
        return Ok(());
    }
    println!("set-up: rustup component add {name}");
    sh::run_within(Command::new("rustup").args(["component", "add", name]), Duration::from_secs(90))
        .with_context(|| format!("{name} is missing; install with: rustup component add {name}"))
}

impl Ready {
    /// A program among what was made ready, else on the PATH; it runs in the checkout's root.
    pub(crate) fn command(&self, program: &str) -> Command {
        self.command_with(program, &[])
    }

    /// cargo, for anything compiled to wasm32: with the toolchain that has its standard library.
    pub(crate) fn cargo_wasm(&self) -> Command {
        self.for_wasm("cargo")
    }

    /// A program that calls cargo and rustc itself, for wasm32.
    pub(crate) fn for_wasm(&self, program: &str) -> Command {
        let first = self.wasm.as_ref().and_then(wasm::Toolchain::bin);
        self.command_with(program, first.as_slice())
    }

    fn command_with(&self, program: &str, first: &[PathBuf]) -> Command {
        let old = std::env::var_os("PATH").unwrap_or_default();
        let dirs: Vec<_> =
            first.iter().chain(&self.path).cloned().chain(std::env::split_paths(&old)).collect();
        let file = dirs.iter().map(|dir| dir.join(program)).find(|file| file.is_file());
        let mut command = Command::new(file.unwrap_or_else(|| PathBuf::from(program)));
        if let Ok(path) = std::env::join_paths(&dirs) {
            command.env("PATH", path);
        }
        if let Some(python) = &self.python {
            command.env(python::VARIABLE, python);
        }
        command.current_dir(sh::root());
        command
    }

    /// A program of the development packages.
    pub(crate) fn node_bin(&self, program: &str) -> Command {
        self.command(&sh::root().join("node_modules/.bin").join(program).to_string_lossy())
    }

    /// Whether the compiler for wasm32 is Debian's, which comes without clippy for that target.
    pub(crate) fn wasm_is_debian(&self) -> bool {
        self.wasm.as_ref().is_some_and(|toolchain| toolchain.bin().is_some())
    }
}
