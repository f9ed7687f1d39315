//! What "tested" means: every step, in the order in which they run, the quick ones first. A step
//! whose files are missing fails; nothing is left out in silence.

use crate::setup::{Need, Ready};
use crate::test::{self, Job, Run};
use crate::wasm::TARGET;
use crate::{again, licences, sh, simulate};
use anyhow::{Result, bail};
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

pub(crate) struct Step {
    pub(crate) name: &'static str,
    pub(crate) what: &'static str,
    pub(crate) needs: &'static [Need],
    /// Whether it drives a browser: `--fast` leaves it out.
    pub(crate) browser: bool,
    pub(crate) run: Run,
}

const fn step(name: &'static str, what: &'static str, needs: &'static [Need], run: Run) -> Step {
    Step { name, what, needs, browser: false, run }
}

const fn browser(name: &'static str, what: &'static str, needs: &'static [Need], run: Run) -> Step {
    Step { name, what, needs, browser: true, run }
}

use Need::{Chromium, Clippy, Firefox, Hosts, Node, Python, Rustfmt, Wasm, WasmBindgen, WasmPack};

pub(crate) const STEPS: [Step; 19] = [
    step("fmt", "rustfmt --check", &[Rustfmt], fmt),
    step("js-lint", "biome: lint and format of all JavaScript", &[Node], js_lint),
    step("types", "tsc over tests/types", &[Node], types),
    step("clippy", "clippy, warnings denied, native", &[Clippy], clippy),
    step("clippy-wasm", "clippy, warnings denied, wasm32", &[Clippy, Wasm], clippy_wasm),
    step("doc", "cargo doc, warnings denied", &[Wasm], doc),
    step("licences", "what is shipped and tested with is listed: THIRD-PARTY.md", &[], licences),
    step("native", "native tests of every crate here", &[], native),
    step("simulate", "a minute of simulated tabs and faults: tests/sim", &[], simulation),
    step("fuzz", "the fuzz targets over their corpora and mutations: fuzz", &[], fuzz),
    step(
        "package",
        "cargo xtask release --dry-run: every file, within the size budget",
        &[Node, Wasm, WasmBindgen],
        package,
    ),
    step("npm", "the packed tarball in Node, publint, attw: tests/npm", &[Node, Wasm, WasmBindgen], npm),
    browser("web-chromium", "wasm-bindgen-test in Chromium", &[Wasm, WasmBindgen, Chromium], web_chromium),
    browser("web-firefox", "wasm-bindgen-test in Firefox", &[Wasm, WasmBindgen, Firefox], web_firefox),
    browser(
        "e2e",
        "the demo in Chromium, many tabs in both browsers: tests/e2e",
        &[Node, Wasm, WasmBindgen, Chromium, Firefox],
        e2e,
    ),
    browser(
        "hosts",
        "apps of every bundler and framework in Chromium: tests/hosts",
        &[Node, Hosts, Wasm, WasmBindgen, Chromium],
        hosts,
    ),
    browser(
        "interop",
        "real backends and rival clients in Chromium: tests/interop",
        &[Node, Wasm, WasmBindgen, Chromium, Python],
        interop,
    ),
    browser(
        "wasm-pack",
        "wasm-pack build, the crate alone in use, and wasm-pack test in both browsers",
        &[Node, Wasm, WasmBindgen, WasmPack, Chromium, Firefox],
        wasm_pack,
    ),
    step(
        "secrets",
        "no secret that the suites' servers issued is in what they printed: tests/secrets",
        &[Node],
        secrets,
    ),
];

fn fmt(ready: &Ready, job: &mut Job) -> Result<()> {
    job.run(ready.command("cargo").args(["fmt", "--all", "--check"]))?;
    job.run(ready.command("cargo").args(["fmt", "--manifest-path", FUZZ, "--check"])).map(drop)
}

fn js_lint(ready: &Ready, job: &mut Job) -> Result<()> {
    job.run(ready.node_bin("biome").args(["ci", "--colors=off", "--error-on-warnings", "."])).map(drop)
}

fn clippy(ready: &Ready, job: &mut Job) -> Result<()> {
    job.run(ready.command("cargo").args([
        "clippy",
        "--quiet",
        "--workspace",
        "--all-targets",
        "--",
        "-Dwarnings",
    ]))
    .map(drop)
}

fn clippy_wasm(ready: &Ready, job: &mut Job) -> Result<()> {
    let what = ["--quiet", "--package", "tokenwell", "--all-targets", "--target", TARGET];
    if ready.wasm_is_debian() {
        job.note("Debian's compiler has no clippy for wasm32: rustc's own warnings were denied instead");
        return job.run(ready.cargo_wasm().arg("check").args(what).env("RUSTFLAGS", "-Dwarnings")).map(drop);
    }
    job.run(ready.cargo_wasm().arg("clippy").args(what).args(["--", "-Dwarnings"])).map(drop)
}

/// Both halves: what is pure, and what only wasm32 has, which is what the crate's users call.
fn doc(ready: &Ready, job: &mut Job) -> Result<()> {
    for (mut cargo, target) in
        [(ready.command("cargo"), &[][..]), (ready.cargo_wasm(), &["--target", TARGET][..])]
    {
        cargo.args(["doc", "--quiet", "--no-deps", "--package", "tokenwell"]).args(target);
        job.run(cargo.env("RUSTDOCFLAGS", "-Dwarnings"))?;
    }
    Ok(())
}

fn native(ready: &Ready, job: &mut Job) -> Result<()> {
    if sh::which("cargo-nextest").is_some() {
        job.run(ready.command("cargo").args([
            "nextest",
            "run",
            "--workspace",
            "--no-fail-fast",
            "--status-level",
            "fail",
        ]))?;
        // nextest leaves the examples in the documentation to cargo.
        return job
            .run(ready.command("cargo").args(["test", "--quiet", "--package", "tokenwell", "--doc"]))
            .map(drop);
    }
    job.run(ready.command("cargo").args(["test", "--quiet", "--workspace", "--no-fail-fast"])).map(drop)
}

/// A minute. The open breaks of docs/simulation.md are a few in a million; any core that is really broken has
/// thousands.
const SURVEY: [&str; 5] = ["--survey", "--seconds", "60", "--at-most-per-million", "2"];

fn simulation(ready: &Ready, job: &mut Job) -> Result<()> {
    job.run(simulate::command(&mut ready.command("cargo")).args(SURVEY)).map(drop)
}

/// The targets' own crate, with a lock file of its own.
const FUZZ: &str = "fuzz/Cargo.toml";

/// Without libFuzzer, which needs a nightly compiler: docs/fuzzing.md has the way with it.
fn fuzz(ready: &Ready, job: &mut Job) -> Result<()> {
    let what =
        ["test", "--quiet", "--locked", "--manifest-path", FUZZ, "--no-default-features", "--test", "replay"];
    let mut cargo = ready.command("cargo");
    job.run(cargo.args(what).args(["--", "--nocapture"]).env("CARGO_TARGET_DIR", "target/fuzz")).map(drop)
}

/// The package as a release would take it.
fn package(_ready: &Ready, job: &mut Job) -> Result<()> {
    job.run(xtask("release").arg("--dry-run"))?;
    PACKAGED.store(true, Ordering::Relaxed);
    Ok(())
}

fn npm(ready: &Ready, job: &mut Job) -> Result<()> {
    packaged(job)?;
    node_tests(ready, job, "tests/npm")
}

fn types(ready: &Ready, job: &mut Job) -> Result<()> {
    let configs = files("tests/types", |name| name.starts_with("tsconfig") && name.ends_with(".json"))?;
    for config in &configs {
        job.run(ready.node_bin("tsc").arg("--project").arg(config))?;
    }
    job.note(&format!("tsc, {} configurations", configs.len()));
    Ok(())
}

fn e2e(ready: &Ready, job: &mut Job) -> Result<()> {
    packaged(job)?;
    node_tests(ready, job, "tests/e2e")
}

fn hosts(ready: &Ready, job: &mut Job) -> Result<()> {
    packaged(job)?;
    job.run(ready.command("node").arg("tests/hosts/install.mjs"))?;
    node_tests(ready, job, "tests/hosts")
}

fn interop(ready: &Ready, job: &mut Job) -> Result<()> {
    packaged(job)?;
    node_tests(ready, job, "tests/interop")
}

fn node_tests(ready: &Ready, job: &mut Job, dir: &str) -> Result<()> {
    let tests = files(dir, |name| name.ends_with(".test.mjs"))?;
    let said = job.run_twice(&mut node_test(ready, &[], &tests), |said| {
        let failures = again::failures(said);
        let names: Vec<_> = failures.iter().map(|failure| failure.name).collect();
        let again = match again::failed_files(&failures, dir, &tests) {
            Some(failed) => node_test(ready, &[], &failed),
            // What stories share is named as the place, not the file that told one: by its name, then.
            None => node_test(ready, &names, &tests),
        };
        (names.join(", "), again)
    })?;
    // A name that is not found is a run in which nothing fails.
    if said.lines().any(|line| line.trim() == "ℹ pass 0") {
        bail!("no test was run");
    }
    Ok(())
}

/// All tests of these files, or those of these names. What comes after a file's name is one too, to Node.
fn node_test(ready: &Ready, names: &[&str], tests: &[PathBuf]) -> Command {
    let mut node = ready.command("node");
    node.args(["--test", "--test-reporter=spec"]);
    node.args(names.iter().map(|name| format!("--test-name-pattern={}", again::literal(name)))).args(tests);
    // Every Node process of the suite notes what its servers issue.
    let register = sh::root().join("tests/secrets/register.mjs");
    node.env("NODE_OPTIONS", format!("--import=file://{}", register.display()));
    node.env("TOKENWELL_SECRETS", sh::root().join(test::SECRETS));
    node
}

/// After all that print.
fn secrets(ready: &Ready, job: &mut Job) -> Result<()> {
    node_tests(ready, job, "tests/secrets")?;
    let logs = files(test::LOGS, |name| name.ends_with(".log") && name != "secrets.log")?;
    job.run(ready.command("node").args(["tests/secrets/scan.mjs", test::SECRETS]).args(logs)).map(drop)
}

fn licences(_: &Ready, job: &mut Job) -> Result<()> {
    let count = licences::check()?;
    job.note(&format!("{count} packages, all under licences that THIRD-PARTY.md lists"));
    Ok(())
}

fn web_chromium(ready: &Ready, job: &mut Job) -> Result<()> {
    web(ready, job, "CHROMEDRIVER", "/usr/bin/chromedriver".into())
}

fn web_firefox(ready: &Ready, job: &mut Job) -> Result<()> {
    web(ready, job, "GECKODRIVER", ready.command("geckodriver").get_program().into())
}

/// The crate's tests for wasm32, run by wasm-bindgen's runner through one WebDriver.
fn web(ready: &Ready, job: &mut Job, driver: &str, path: PathBuf) -> Result<()> {
    let cargo = || {
        let mut cargo = ready.cargo_wasm();
        cargo.args(["test", "--package", "tokenwell", "--lib", "--tests", "--target", TARGET]);
        cargo.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", "wasm-bindgen-test-runner");
        cargo.env_remove("CHROMEDRIVER").env_remove("GECKODRIVER").env(driver, &path);
        cargo
    };
    whole_twice(job, cargo)
}

/// For a runner that can't run what failed alone.
fn whole_twice(job: &mut Job, command: impl Fn() -> Command) -> Result<()> {
    let said = job.run_twice(&mut command(), |_| ("the run".into(), command()))?;
    some_passed(&said)
}

/// The runner is content with no tests at all; we are not.
fn some_passed(said: &str) -> Result<()> {
    let passed = said
        .lines()
        .filter_map(|line| line.trim().strip_prefix("test result: ok. "))
        .any(|rest| !rest.starts_with("0 passed"));
    if !passed {
        bail!("no test was run");
    }
    Ok(())
}

fn wasm_pack(ready: &Ready, job: &mut Job) -> Result<()> {
    let out = sh::root().join("target/xtask/wasm-pack");
    let mut build = ready.for_wasm("wasm-pack");
    job.run(build.args(["build", "--mode", "no-install", "--target", "web", "--out-dir"]).arg(&out))?;
    node_tests(ready, job, "tests/wasm-pack")?;
    // An app in Rust, with a `wasm-pack test` of its own.
    let chrome = ("--chrome", "--chromedriver", PathBuf::from("/usr/bin/chromedriver"));
    let firefox = ("--firefox", "--geckodriver", PathBuf::from(ready.command("geckodriver").get_program()));
    for (krate, (browser, driver, path)) in
        [(Some("tests/wasm-pack/app"), &chrome), (None, &chrome), (None, &firefox)]
    {
        whole_twice(job, || {
            let mut test = ready.for_wasm("wasm-pack");
            test.args(["test", "--mode", "no-install", "--headless", browser, driver]).arg(path).args(krate);
            test
        })?;
    }
    Ok(())
}

static PACKAGED: AtomicBool = AtomicBool::new(false);

/// Makes pkg/ by `cargo xtask package`, once in a run of the tests.
fn packaged(job: &mut Job) -> Result<()> {
    if PACKAGED.load(Ordering::Relaxed) {
        return Ok(());
    }
    job.run(&mut xtask("package"))?;
    PACKAGED.store(true, Ordering::Relaxed);
    Ok(())
}

/// This program again, so that a step does what the command does.
fn xtask(command: &str) -> Command {
    let mut itself = Command::new(std::env::current_exe().unwrap_or_else(|_| PathBuf::from("xtask")));
    itself.arg(command).current_dir(sh::root());
    itself
}

/// The files of a directory that a step is about; none is a failure.
fn files(dir: &str, wanted: impl Fn(&str) -> bool) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(sh::root().join(dir)).into_iter().flatten().flatten();
    let mut found: Vec<_> = entries
        .filter(|entry| wanted(&entry.file_name().to_string_lossy()))
        .map(|entry| entry.path())
        .collect();
    found.sort();
    if found.is_empty() {
        bail!("{dir} holds no test");
    }
    Ok(found)
}
