//! A release: the tarball, checked file by file and against the size budgets, its notes out of CHANGELOG.md, and what the
//! crate would hold. With `--dry-run` that is all, and the notes may still be called "Unreleased". Without, what is not
//! ready is refused, then the tarball is published and the commit tagged. `--rehearse` does all of that in a clone of this
//! checkout, with a registry of its own (tests/release).

use crate::setup::{self, Ready};
use crate::wasm::TARGET;
use crate::{node, package, sh};
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Make and check everything, publish nothing
    #[arg(long)]
    dry_run: bool,
    /// Do all of it in a clone of what is committed, to a registry on this machine; a few minutes
    #[arg(long, conflicts_with = "dry_run")]
    rehearse: bool,
}

const UNRELEASED: &str = "Unreleased";

pub(crate) fn run(args: &Args) -> Result<()> {
    let ready = setup::ensure(&package::NEEDS)?;
    if args.rehearse {
        return rehearse(&ready);
    }
    let root = sh::root();
    let changelog = fs::read_to_string(root.join("CHANGELOG.md")).context("CHANGELOG.md cannot be read")?;
    let version = package::version(&ready)?;
    if !args.dry_run {
        check_ready(&ready, &changelog, &version)?;
    }
    let notes = section(&changelog, &version)
        .or_else(|| section(&changelog, UNRELEASED))
        .with_context(|| format!("CHANGELOG.md has nothing about {version}"))?;

    check_crate(&ready)?;
    package::run()?;
    sh::run(ready.command("node").args(["xtask/package/sizes.mjs", "--check"]))?;
    let out = root.join("target/xtask/release");
    if out.exists() {
        fs::remove_dir_all(&out)?;
    }
    fs::create_dir_all(&out)?;
    let tarball = pack(&ready, &out)?;
    let notes_file = out.join("notes.md");
    fs::write(&notes_file, notes).with_context(|| format!("cannot write {}", notes_file.display()))?;
    println!("tarball: {}\nnotes:   {}", tarball.display(), notes_file.display());
    if args.dry_run {
        println!("a dry run: nothing was published");
        return Ok(());
    }
    // That what the crate holds compiles where it is used; cargo wants the network for it.
    sh::run(ready.cargo_wasm().args(["publish", "--dry-run", "--package", "tokenwell", "--target", TARGET]))?;
    sh::run(ready.command("npm").arg("publish").arg(&tarball))?;
    let tag = format!("v{version}");
    sh::run(ready.command("git").args(["tag", "--annotate", &tag, "--file"]).arg(&notes_file))?;
    println!("published {version}, tagged {tag}: push it with `git push origin {tag}`");
    println!("the crate is ready: publish it with `cargo publish --package tokenwell --target {TARGET}`");
    Ok(())
}

fn rehearse(ready: &Ready) -> Result<()> {
    node::registry()?;
    let mut test = ready.command("node");
    test.args(["--test", "tests/release/publish.test.mjs"]);
    sh::run(test.env("TOKENWELL_XTASK", std::env::current_exe()?))
}

/// What `cargo publish` would take: all sources, and nothing that happens to lie about.
fn check_crate(ready: &Ready) -> Result<()> {
    let mut cargo = ready.command("cargo");
    let said = sh::read(cargo.args(["package", "--list", "--allow-dirty", "--package", "tokenwell"]))?;
    let found: BTreeSet<&str> = said.lines().collect();
    let mut git = ready.command("git");
    git.args(["ls-files", "--cached", "--others", "--exclude-standard", "src", "examples"]);
    let sources = sh::read(&mut git)?;
    let wanted: BTreeSet<&str> = sources.lines().chain(CRATE).collect();
    differs("the crate", &found, &wanted, "git (src, examples)")?;
    println!("the crate holds {} files", found.len());
    Ok(())
}

/// Besides its sources; the first four are cargo's own.
const CRATE: [&str; 8] = [
    ".cargo_vcs_info.json",
    "Cargo.lock",
    "Cargo.toml",
    "Cargo.toml.orig",
    "CHANGELOG.md",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
];

/// Fails with what is too much and too little.
fn differs<T: Ord + std::fmt::Display>(
    what: &str,
    found: &BTreeSet<T>,
    wanted: &BTreeSet<T>,
    list: &str,
) -> Result<()> {
    let (more, less) = (found.difference(wanted), wanted.difference(found));
    let differences: Vec<_> =
        more.map(|file| format!("+ {file}")).chain(less.map(|file| format!("- {file}"))).collect();
    if !differences.is_empty() {
        bail!("{what} does not hold what {list} says:\n{}", differences.join("\n"));
    }
    Ok(())
}

/// What must hold before anything is published.
fn check_ready(ready: &Ready, changelog: &str, version: &str) -> Result<()> {
    if section(changelog, version).is_none() {
        bail!("CHANGELOG.md has no section [{version}]: give what is unreleased its name and date first");
    }
    let changed = sh::read(ready.command("git").args(["status", "--porcelain"]))?;
    if !changed.is_empty() {
        bail!("there are changes that are not committed:\n{changed}");
    }
    let tag = format!("v{version}");
    if !sh::read(ready.command("git").args(["tag", "--list", &tag]))?.is_empty() {
        bail!("{tag} is there already: raise the version in Cargo.toml");
    }
    Ok(())
}

/// The tarball as npm makes it, with exactly the files of the committed list.
fn pack(ready: &Ready, out: &Path) -> Result<PathBuf> {
    let mut npm = ready.command("npm");
    npm.args(["pack", "--json", "--loglevel=error", "--pack-destination"])
        .arg(out)
        .arg(sh::root().join("pkg"));
    let said: Value = serde_json::from_str(&sh::read(&mut npm)?).context("npm pack gave no JSON")?;
    // A list, or an object by name, as npm's version has it.
    let packed = said
        .as_array()
        .and_then(|list| list.first())
        .or_else(|| said.as_object().and_then(|object| object.values().next()))
        .context("npm pack names no package")?;
    let names = |values: &Value| -> BTreeSet<String> {
        let files = values.as_array().into_iter().flatten();
        files.filter_map(|file| file["path"].as_str()).map(str::to_owned).collect()
    };
    let found = names(&packed["files"]);
    let list = fs::read_to_string(sh::root().join(LIST)).with_context(|| format!("{LIST} cannot be read"))?;
    let wanted: BTreeSet<String> = list.lines().map(str::to_owned).collect();
    differs("the tarball", &found, &wanted, LIST)?;
    println!("the tarball holds the {} files of {LIST}", found.len());
    Ok(out.join(packed["filename"].as_str().context("npm pack names no file")?))
}

const LIST: &str = "xtask/package/files.txt";

/// What CHANGELOG.md says under `## [name]`, without the heading.
fn section(changelog: &str, name: &str) -> Option<String> {
    let heading = format!("## [{name}]");
    let mut lines = changelog.lines().skip_while(|line| !line.starts_with(&heading)).skip(1).peekable();
    lines.peek()?;
    let text: Vec<_> = lines.take_while(|line| !line.starts_with("## ")).collect();
    Some(text.join("\n").trim().to_owned() + "\n").filter(|text| text != "\n")
}

#[cfg(test)]
mod tests {
    use super::section;

    const CHANGELOG: &str = "# Changelog\n\n## [Unreleased]\n\n## [0.2.0] - 2027-01-01\n\n### Added\n\n- Two.\n\n## [0.1.0] - 2026-12-01\n\n- One.\n";

    #[test]
    fn the_notes_are_the_section_of_the_version() {
        assert_eq!(section(CHANGELOG, "0.2.0").as_deref(), Some("### Added\n\n- Two.\n"));
        assert_eq!(section(CHANGELOG, "0.1.0").as_deref(), Some("- One.\n"));
    }

    #[test]
    fn an_empty_section_is_as_none() {
        assert_eq!(section(CHANGELOG, "Unreleased"), None);
        assert_eq!(section(CHANGELOG, "0.3.0"), None);
    }
}
