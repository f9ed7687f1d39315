//! Whose code is in the package and under which licence: THIRD-PARTY.md, written from cargo's metadata and npm's lock.

use crate::sh;
use crate::wasm::TARGET;
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;

const LIST: &str = "THIRD-PARTY.md";

/// One of these, or a choice that holds one, or several together.
const FINE: [&str; 15] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BlueOak-1.0.0",
    "CC0-1.0",
    "ISC",
    "MIT",
    "MIT-0",
    "NCSA",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
    "Python-2.0",
];

/// Besides, for what only tests with: nothing of it is shipped or linked, so its terms, which bind copies of its own
/// files, ask nothing of us. axe-core is the one package under it.
const FINE_FOR_TESTS: [&str; 1] = ["MPL-2.0"];

/// Writes the list.
pub(crate) fn write() -> Result<()> {
    let (text, _) = list()?;
    Ok(fs::write(sh::root().join(LIST), text)?)
}

/// Whether the list that is committed is the one that would be written, and every licence in it is fine.
pub(crate) fn check() -> Result<usize> {
    let (text, count) = list()?;
    if fs::read_to_string(sh::root().join(LIST)).unwrap_or_default() != text {
        bail!("{LIST} is not up to date: run `cargo xtask licences`");
    }
    Ok(count)
}

fn list() -> Result<(String, usize)> {
    let shipped = shipped()?;
    let mut others = crates("Cargo.toml", &[])?;
    others.extend(crates("fuzz/Cargo.toml", &[])?);
    others.retain(|package, _| !shipped.contains_key(package));
    let packages = npm()?;
    let built = shipped.iter().chain(&others).map(|package| (package, &[][..]));
    let tested = packages.iter().map(|package| (package, &FINE_FOR_TESTS[..]));
    for ((package, licence), besides) in built.chain(tested) {
        if !is_fine(licence, besides) {
            bail!(
                "{package} is under {licence:?}, which nobody has looked at yet: see xtask/src/licences.rs"
            );
        }
    }
    let mut text = String::from(
        "# Third parties\n\nWritten by `cargo xtask licences`, checked by the tests. The npm package depends on nothing; what is \
         compiled into\nits WebAssembly is the first list. Everything else only builds and tests.\n\n## In the package\n\n",
    );
    for (package, licence) in &shipped {
        text.push_str(&format!("- {package}: {licence}\n"));
    }
    for (title, packages) in
        [("Crates that build and test", &others), ("npm packages that build and test", &packages)]
    {
        let mut by_licence: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (package, licence) in packages {
            by_licence.entry(licence).or_default().push(package);
        }
        text.push_str(&format!("\n## {title}\n\n"));
        for (licence, packages) in by_licence {
            text.push_str(&format!("- {licence}: {}\n", packages.join(", ")));
        }
    }
    Ok((text, shipped.len() + others.len() + packages.len()))
}

/// The crates that are linked into the WASM: normal dependencies for its target, but for what only runs at compile time.
fn shipped() -> Result<BTreeMap<String, String>> {
    let said = sh::read(Command::new("cargo").current_dir(sh::root()).args([
        "tree",
        "--package",
        "tokenwell",
        "--target",
        TARGET,
        "--edges",
        "no-dev,no-build,no-proc-macro",
        "--prefix",
        "none",
        "--format",
        "{p}",
    ]))?;
    let names: BTreeSet<&str> = said.lines().filter_map(|line| line.split(' ').next()).collect();
    let mut shipped = crates("Cargo.toml", &["--filter-platform", TARGET])?;
    shipped.retain(|package, _| names.contains(package.split(' ').next().unwrap_or_default()));
    Ok(shipped)
}

/// "name version" → licence, of all that is not our own.
fn crates(manifest: &str, more: &[&str]) -> Result<BTreeMap<String, String>> {
    let args = ["metadata", "--locked", "--format-version", "1", "--manifest-path", manifest];
    let said = sh::read(Command::new("cargo").current_dir(sh::root()).args(args).args(more))?;
    let metadata: Value = serde_json::from_str(&said).context("cargo metadata gave no JSON")?;
    let packages = metadata["packages"].as_array().context("cargo metadata names no packages")?;
    let text = |value: &Value| value.as_str().unwrap_or("unknown").replace('/', " OR ");
    let foreign = packages.iter().filter(|package| !package["source"].is_null());
    Ok(foreign
        .map(|package| {
            let name = format!("{} {}", text(&package["name"]), text(&package["version"]));
            (name, text(&package["license"]))
        })
        .collect())
}

/// The same of npm's lock file.
fn npm() -> Result<BTreeMap<String, String>> {
    let text = fs::read_to_string(sh::root().join("package-lock.json"))?;
    let lock: Value = serde_json::from_str(&text).context("package-lock.json is no JSON")?;
    let packages = lock["packages"].as_object().context("package-lock.json names no packages")?;
    let named = packages.iter().filter(|(path, package)| !path.is_empty() && package["link"].is_null());
    Ok(named
        .map(|(path, package)| {
            let name = path.rsplit("node_modules/").next().unwrap_or(path);
            let version = package["version"].as_str().unwrap_or("unknown");
            (format!("{name} {version}"), package["license"].as_str().unwrap_or("unknown").to_owned())
        })
        .collect())
}

fn is_fine(licence: &str, besides: &[&str]) -> bool {
    let bare = licence.replace(['(', ')'], "");
    let one = |licence: &str| FINE.contains(&licence.trim()) || besides.contains(&licence.trim());
    bare.split(" AND ").all(|part| part.split(" OR ").any(one))
}
