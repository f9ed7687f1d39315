//! Where rustup cannot download: Debian's own compiler, with the standard library for wasm32 built
//! from Debian's source. The result is a sysroot of our own in the cache, so it needs no root, and
//! a `bin` with `cargo`, `rustc` and `rust-lld` that any tool finds by the PATH alone.

use crate::wasm::{self, TARGET};
use crate::{apt, sh};
use anyhow::{Context, Result};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

const PACKAGES: [apt::Package; 4] = [
    ("rustc-web", "/usr/bin/rustc"),
    ("cargo-web", "/usr/bin/cargo"),
    ("rust-web-src", "/usr/lib/rustlib/src"),
    ("lld-19", "/usr/bin/lld-19"),
];

/// The `bin` directory of a toolchain that was built before.
pub(crate) fn built() -> Option<PathBuf> {
    let bin = home().ok()?.join("bin");
    let ready = bin.join("cargo").is_file() && wasm::has_std(&bin.join("rustc").to_string_lossy());
    ready.then_some(bin)
}

/// The `bin` directory, after installing and building what is missing.
pub(crate) fn ensure() -> Result<PathBuf> {
    apt::ensure(&PACKAGES)?;
    if let Some(bin) = built() {
        return Ok(bin);
    }
    println!("set-up: building the standard library for {TARGET} with Debian's rustc (half a minute, once)");
    // Aside first, and moved at the end: two builds at once do not meet.
    let home = home()?;
    let aside = home.with_extension(format!("{}.part", std::process::id()));
    let std = build_std(&aside.join("build"))?;
    lay_out(&aside, &home, &std).with_context(|| format!("cannot fill {}", aside.display()))?;
    fs::remove_dir_all(aside.join("build"))?;
    if fs::rename(&aside, &home).is_err() {
        fs::remove_dir_all(&home)
            .and_then(|()| fs::rename(&aside, &home))
            .with_context(|| format!("cannot replace {}", home.display()))?;
    }
    built().context("Debian's rustc does not find the standard library that was just built")
}

/// One directory per compiler version: an upgrade builds anew.
fn home() -> Result<PathBuf> {
    let version = sh::read(Command::new("/usr/bin/rustc").arg("--version"))?;
    let version = version.split_whitespace().nth(1).context("rustc names no version")?;
    Ok(sh::cache()?.join(format!("debian-rustc-{version}")))
}

/// Builds std by way of an empty crate; gives the directory of its rlibs.
fn build_std(dir: &Path) -> Result<PathBuf> {
    fs::create_dir_all(dir.join("src"))?;
    fs::write(dir.join("Cargo.toml"), "[package]\nname = \"empty\"\nedition = \"2021\"\n[workspace]\n")?;
    fs::write(dir.join("src/lib.rs"), "")?;
    let mut cargo = Command::new("/usr/bin/cargo");
    cargo.args([
        "build",
        "--quiet",
        "--release",
        "--target",
        TARGET,
        "-Zbuild-std=std,panic_abort,proc_macro,test",
    ]);
    cargo
        .env("RUSTC_BOOTSTRAP", "1")
        .env("RUSTC", "/usr/bin/rustc")
        .env("CARGO_TARGET_DIR", dir.join("target"));
    // Our release profile links with LTO, which wants the bitcode of std too.
    cargo.env("RUSTFLAGS", "-Cembed-bitcode=yes");
    for name in
        ["RUSTUP_TOOLCHAIN", "CARGO", "LD_LIBRARY_PATH", "CARGO_BUILD_TARGET", "CARGO_ENCODED_RUSTFLAGS"]
    {
        cargo.env_remove(name);
    }
    sh::run(cargo.current_dir(dir)).context("the standard library cannot be built")?;
    Ok(dir.join("target").join(TARGET).join("release/deps"))
}

/// Fills `dir`, which will be `home`.
fn lay_out(dir: &Path, home: &Path, std: &Path) -> Result<()> {
    let libs = dir.join("lib/rustlib");
    let target = libs.join(TARGET).join("lib");
    fs::create_dir_all(&target)?;
    for entry in fs::read_dir(std)?.flatten() {
        if entry.path().extension().is_some_and(|kind| kind == "rlib") {
            fs::copy(entry.path(), target.join(entry.file_name()))?;
        }
    }
    // The host's libraries, for build scripts and macros, stay where Debian put them.
    for entry in fs::read_dir("/usr/lib/rustlib")?.flatten() {
        let link = libs.join(entry.file_name());
        if !link.exists() {
            symlink(entry.path(), link)?;
        }
    }
    let bin = dir.join("bin");
    fs::create_dir_all(&bin)?;
    symlink("/usr/bin/lld-19", bin.join("rust-lld"))?;
    for program in ["rustc", "rustdoc"] {
        script(
            &bin.join(program),
            &format!("exec /usr/bin/{program} --sysroot '{}' \"$@\"", home.display()),
        )?;
    }
    let ours = home.join("bin");
    let body = format!(
        "unset CARGO LD_LIBRARY_PATH\nRUSTC='{0}/rustc' RUSTDOC='{0}/rustdoc' exec /usr/bin/cargo \"$@\"",
        ours.display()
    );
    script(&bin.join("cargo"), &body)
}

fn script(path: &Path, body: &str) -> Result<()> {
    fs::write(path, format!("#!/bin/sh\n{body}\n"))?;
    Ok(fs::set_permissions(path, fs::Permissions::from_mode(0o755))?)
}
