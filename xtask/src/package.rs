//! From the crate to the npm package: compile, bind, optimise, and lay the result beside the
//! hand-written files of pkg-template/. Everything is put together aside and moved to pkg/ at the
//! end, so that a server on pkg/ never sees half a package.

use crate::setup::{self, Need, Ready};
use crate::wasm::TARGET;
use crate::{inline, sh, trim};
use anyhow::{Context, Result};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

/// What the compiler emits and browsers have had for years; `--all-features` would let wasm-opt
/// emit more than browsers take.
const WASM_FEATURES: [&str; 6] = [
    "--enable-bulk-memory",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
];

/// Files of the root that every package carries.
const FROM_ROOT: [&str; 3] = ["CHANGELOG.md", "LICENSE-APACHE", "LICENSE-MIT"];

pub(crate) const NEEDS: [Need; 3] = [Need::Node, Need::Wasm, Need::WasmBindgen];

pub(crate) fn run() -> Result<()> {
    let ready = setup::ensure(&NEEDS)?;
    let root = sh::root();
    let krate = Crate::read(&ready)?;
    let work = krate.target.join("xtask");
    let stage = work.join("pkg");
    if stage.exists() {
        fs::remove_dir_all(&stage)?;
    }
    copy_dir(&root.join("pkg-template"), &stage)?;
    fs::create_dir_all(stage.join("dist"))?;

    let bound = work.join("bindgen");
    bind(&ready, &krate, &bound)?;
    let (wasm, glue) =
        trim::trim(&fs::read(bound.join("glue_bg.wasm"))?, &fs::read_to_string(bound.join("glue.js"))?)?;
    fs::write(bound.join("trimmed.wasm"), wasm)?;
    write(&stage.join("dist/glue.js"), &glue)?;
    optimise(&ready, &bound.join("trimmed.wasm"), &stage.join("dist/tokenwell.wasm"))?;
    let wasm = fs::read(stage.join("dist/tokenwell.wasm"))?;
    write(&stage.join("dist/bytes.js"), &inline::module(&wasm))?;
    classic(&ready, &stage.join("dist"))?;
    for file in FROM_ROOT {
        copy(&root.join(file), &stage.join(file))?;
    }
    set_version(&stage.join("package.json"), &krate.version)?;
    doors(&stage)?;

    let pkg = root.join("pkg");
    if pkg.exists() {
        fs::remove_dir_all(&pkg)?;
    }
    fs::rename(&stage, &pkg).with_context(|| format!("cannot move the package to {}", pkg.display()))?;
    println!("pkg/ holds tokenwell {}", krate.version);
    sh::run(ready.command("node").arg("xtask/package/sizes.mjs"))
}

/// The version that crate and package have.
pub(crate) fn version(ready: &Ready) -> Result<String> {
    Ok(Crate::read(ready)?.version)
}

/// What cargo knows of the crate.
struct Crate {
    version: String,
    target: PathBuf,
}

impl Crate {
    fn read(ready: &Ready) -> Result<Self> {
        let said = sh::read(ready.command("cargo").args(["metadata", "--no-deps", "--format-version", "1"]))?;
        let metadata: Value = serde_json::from_str(&said).context("cargo metadata gave no JSON")?;
        let target =
            metadata["target_directory"].as_str().context("cargo metadata names no target directory")?;
        let version = metadata["packages"]
            .as_array()
            .and_then(|packages| packages.iter().find(|package| package["name"] == "tokenwell"))
            .and_then(|package| package["version"].as_str())
            .context("cargo metadata does not name tokenwell")?;
        Ok(Self { version: version.to_owned(), target: target.into() })
    }
}

fn bind(ready: &Ready, krate: &Crate, out: &Path) -> Result<()> {
    sh::run(ready.cargo_wasm().args([
        "build",
        "--quiet",
        "--release",
        "--package",
        "tokenwell",
        "--lib",
        "--target",
        TARGET,
    ]))?;
    let mut bindgen = ready.command("wasm-bindgen");
    // Loading is the front's business: without its default path, no bundler goes looking for a file.
    bindgen.args(["--target", "web", "--out-name", "glue", "--no-typescript", "--omit-default-module-path"]);
    // For starting again after a trap: what is left of an instance must not reach the next one.
    bindgen.arg("--experimental-reset-state-function");
    bindgen.args(["--remove-producers-section", "--out-dir"]).arg(out);
    sh::run(bindgen.arg(krate.target.join(TARGET).join("release/tokenwell.wasm")))
}

fn optimise(ready: &Ready, from: &Path, to: &Path) -> Result<()> {
    let mut opt = ready.node_bin("wasm-opt");
    // Some functions are shorter than a call of them, and browsers compile one after the other, each when it is first called.
    opt.args(["--always-inline-max-function-size=6", "-Oz"]);
    // The stack ends where memory begins: nothing that a pointer leads to is there, so sums with one fit into the access.
    opt.args(["--low-memory-unused", "--optimize-added-constants", "-Oz"]);
    // Alike by name, alike in code, for what compresses it.
    opt.arg("--reorder-functions-by-name");
    opt.args(WASM_FEATURES).args(["--strip-target-features", "--strip-debug"]);
    sh::run(opt.arg(from).arg("-o").arg(to))
}

/// All of it as a classic script, for pages without modules and for `importScripts`: one global, `tokenwell`.
fn classic(ready: &Ready, dist: &Path) -> Result<()> {
    let mut esbuild = ready.node_bin("esbuild");
    esbuild.args(["--bundle", "--minify", "--format=iife", "--global-name=tokenwell", "--target=es2022"]);
    esbuild.arg("--log-level=warning").arg(dist.join("index.js"));
    sh::run(esbuild.arg(format!("--outfile={}", dist.join("tokenwell.global.js").display())))
}

/// For what does not read `exports`, as Parcel and TypeScript's old "node" resolution: `tokenwell/slim` is a file there.
fn doors(stage: &Path) -> Result<()> {
    let manifest: Value = serde_json::from_str(&fs::read_to_string(stage.join("package.json"))?)?;
    let exports = manifest["exports"].as_object().context("package.json has no exports")?;
    for (entry, targets) in exports {
        let (Some(name), Some(file)) = (entry.strip_prefix("./"), targets["default"].as_str()) else {
            continue;
        };
        let door = format!("export * from \"{file}\";\n");
        for extension in ["js", "d.ts"] {
            write(&stage.join(name).with_extension(extension), &door)?;
        }
    }
    Ok(())
}

/// One version for crate and package: Cargo.toml's.
fn set_version(file: &Path, version: &str) -> Result<()> {
    let mut json: Value = serde_json::from_str(&fs::read_to_string(file).with_context(|| missing(file))?)
        .with_context(|| format!("{} is no JSON", file.display()))?;
    json["version"] = version.into();
    write(file, &format!("{json:#}\n"))
}

fn copy_dir(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| missing(from))? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_dir(&entry.path(), &target)?;
        } else {
            copy(&entry.path(), &target)?;
        }
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to).map(drop).with_context(|| missing(from))
}

fn write(file: &Path, text: &str) -> Result<()> {
    fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))
}

fn missing(file: &Path) -> String {
    format!("the package needs {}", file.display())
}
