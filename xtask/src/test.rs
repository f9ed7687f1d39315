//! Runs the steps of `steps.rs`: set-up first, then one after the other, each with its duration
//! and the runner's own closing lines; the whole output of a step only when it failed.

use crate::setup::{self, Ready};
use crate::sh;
use crate::steps::{STEPS, Step};
use anyhow::{Context, Result, bail};
use std::fs::File;
use std::io::{IsTerminal, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What the steps print, one file each.
pub(crate) const LOGS: &str = "target/xtask/logs";
/// What the servers of the suites have issued, a line each.
pub(crate) const SECRETS: &str = "target/xtask/secrets.txt";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Steps to run, by name; all when none is named
    steps: Vec<String>,
    /// Leave out what needs a browser
    #[arg(long)]
    fast: bool,
    /// Go on after a failure
    #[arg(long)]
    keep_going: bool,
    /// What fails where a browser or a server takes part runs once more by itself; what passes then is named as unsteady
    #[arg(long)]
    second_try: bool,
    /// Show everything the steps print, as they print it
    #[arg(long, short)]
    verbose: bool,
    /// Print the names of the steps and what they do
    #[arg(long)]
    list: bool,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let steps = chosen(args)?;
    if args.list {
        for step in steps {
            println!("{:14} {}", step.name, step.what);
        }
        return Ok(());
    }
    let start = Instant::now();
    // What an earlier run issued says nothing of this one's logs. `secrets` alone looks at the last run again.
    if steps.iter().any(|step| step.name != "secrets") {
        let _ = std::fs::remove_dir_all(sh::root().join(LOGS));
        let _ = std::fs::remove_file(sh::root().join(SECRETS));
    }
    let needs: Vec<_> = steps.iter().flat_map(|step| step.needs).copied().collect();
    let ready = setup::ensure(&needs)?;
    let set_up = start.elapsed();

    let (mut passed, mut failed) = (0, Vec::new());
    for step in &steps {
        let begin = Instant::now();
        let mut job = Job::new(step.name, args)?;
        let result = (step.run)(&ready, &mut job);
        let took = seconds(begin.elapsed());
        job.clear_line();
        match result {
            Ok(()) => {
                passed += 1;
                println!("✓ {:14} {took:>8}", step.name);
                for line in closing_lines(&job.output) {
                    println!("    {line}");
                }
            }
            Err(error) => {
                println!("✗ {:14} {took:>8}", step.name);
                if !args.verbose {
                    print!("{}", job.output);
                }
                println!("    {error:#}");
                failed.push(step.name);
                if !args.keep_going {
                    break;
                }
            }
        }
    }
    println!(
        "\n{passed} of {} steps passed in {} (set-up {})",
        steps.len(),
        seconds(start.elapsed()),
        seconds(set_up)
    );
    if !failed.is_empty() {
        bail!("failed: {0}; again with: cargo xtask test {0}", failed.join(" "));
    }
    Ok(())
}

fn chosen(args: &Args) -> Result<Vec<&'static Step>> {
    if let Some(unknown) = args.steps.iter().find(|name| STEPS.iter().all(|step| step.name != **name)) {
        let names: Vec<_> = STEPS.iter().map(|step| step.name).collect();
        bail!("there is no step `{unknown}`; there are: {}", names.join(", "));
    }
    let named = |step: &&Step| args.steps.is_empty() || args.steps.iter().any(|name| name == step.name);
    Ok(STEPS.iter().filter(named).filter(|step| !(args.fast && step.browser)).collect())
}

/// Lines with which test runners sum up.
fn closing_lines(output: &str) -> impl Iterator<Item = &str> {
    const STARTS: [&str; 8] =
        ["Summary [", "test result: ", "ℹ tests ", "ℹ pass ", "ℹ fail ", "ℹ skipped ", "Checked ", "ok: "];
    // The last is the simulation's, which begins with a number.
    let sums_up =
        |line: &str| STARTS.iter().any(|start| line.starts_with(start)) || line.contains(" schedules, ");
    let empty = |line: &str| line.contains(". 0 passed; 0 failed");
    output.lines().map(str::trim).filter(move |line| sums_up(line) && !empty(line))
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

/// One step under way: what its programs print goes to a log, and to the terminal if asked.
pub(crate) struct Job {
    name: &'static str,
    log: PathBuf,
    verbose: bool,
    ticking: bool,
    second_try: bool,
    begin: Instant,
    pub(crate) output: String,
}

/// What runs longer than this hangs.
const LIMIT: Duration = Duration::from_secs(30 * 60);

impl Job {
    fn new(name: &'static str, args: &Args) -> Result<Self> {
        let dir = sh::root().join(LOGS);
        std::fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
        let log = dir.join(format!("{name}.log"));
        File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        let Args { verbose, second_try, .. } = *args;
        let ticking = !verbose && std::io::stdout().is_terminal();
        Ok(Self { name, log, verbose, ticking, second_try, begin: Instant::now(), output: String::new() })
    }

    /// Runs to the end. If it fails, and second tries were asked for, what `again` makes of the output runs too: a test
    /// that fails on a busy machine and passes by itself is not what stops a landing, but it is not hushed up either.
    pub(crate) fn run_twice(
        &mut self,
        command: &mut Command,
        again: impl FnOnce(&str) -> (String, Command),
    ) -> Result<String> {
        let before = self.output.len();
        let first = self.run(command);
        if first.is_ok() || !self.second_try {
            return first;
        }
        let (what, mut second) = again(self.output.get(before..).unwrap_or_default());
        let failed = self.output.split_off(before);
        let result = self.run(&mut second);
        match &result {
            Ok(_) => {
                let sums: Vec<_> = closing_lines(&failed).map(|line| line.trim_start_matches("ℹ ")).collect();
                let log = self.log.display();
                self.note(&format!(
                    "UNSTEADY: {what} failed at first ({}) and passed by itself; log: {log}",
                    sums.join(", ")
                ));
            }
            Err(_) => self.output.insert_str(before, &failed),
        }
        result
    }

    /// Runs to the end; gives what this command printed. Through a file, not a pipe, so that a
    /// browser left behind by a crashed test cannot keep us waiting.
    pub(crate) fn run(&mut self, command: &mut Command) -> Result<String> {
        let shown = sh::shown(command);
        if self.verbose {
            println!("$ {shown}");
        }
        let out = File::options().append(true).open(&self.log)?;
        let mut read = File::open(&self.log)?;
        read.seek(SeekFrom::End(0))?;
        let mut printed = Vec::new();

        command.stdin(Stdio::null()).stdout(out.try_clone()?).stderr(out);
        let mut child = command.spawn().with_context(|| format!("cannot start `{shown}`"))?;
        let begin = Instant::now();
        let status = loop {
            let ended = child.try_wait()?;
            let from = printed.len();
            read.read_to_end(&mut printed)?;
            self.show(&printed[from..])?;
            if let Some(status) = ended {
                break status;
            }
            if begin.elapsed() > LIMIT {
                child.kill()?;
                break child.wait()?;
            }
            std::thread::sleep(Duration::from_millis(50));
        };
        let text = String::from_utf8_lossy(&printed).into_owned();
        self.output.push_str(&text);
        if !status.success() {
            bail!("`{shown}` failed ({status}); log: {}", self.log.display());
        }
        Ok(text)
    }

    fn show(&self, new: &[u8]) -> Result<()> {
        let mut out = std::io::stdout();
        if self.verbose {
            out.write_all(new)?;
        } else if self.ticking {
            write!(out, "\r… {:14} {:>8}", self.name, format!("{} s", self.begin.elapsed().as_secs()))?;
        }
        Ok(out.flush()?)
    }

    fn clear_line(&self) {
        if self.ticking {
            print!("\r");
        }
    }

    /// Adds a closing line of our own.
    pub(crate) fn note(&mut self, line: &str) {
        let line = format!("ok: {line}\n");
        if self.verbose {
            print!("{line}");
        }
        self.output.push_str(&line);
    }
}

pub(crate) type Run = fn(&Ready, &mut Job) -> Result<()>;
