//! The targets without libFuzzer: the committed corpus, then its mutations from a seed, for a bounded time.
//!
//! The seed is the same each time, so that the tests say the same each time; FUZZ_SEED=N takes another, FUZZ_SECONDS=N changes how long each target has.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tokenwell_fuzz::TARGETS;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

fn corpus(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.into_iter().map(|path| (path.clone(), std::fs::read(path).unwrap())).collect()
}

/// Runs it, and says which bytes it was if that fails.
fn run(target: fn(&[u8]), data: &[u8], what: &dyn std::fmt::Display) {
    let outcome = std::panic::catch_unwind(|| target(data));
    assert!(outcome.is_ok(), "{what}: {}", data.escape_ascii());
}

#[test]
fn the_corpus_passes() {
    for (name, target) in TARGETS {
        let files = corpus(name);
        assert!(!files.is_empty(), "{name} has no corpus");
        for (path, data) in &files {
            run(target, data, &path.display());
        }
        println!("{name}: {} files", files.len());
    }
}

#[test]
fn mutations_of_the_corpus_pass() {
    let seed = number("FUZZ_SEED").unwrap_or(20_261_121);
    let time = Duration::from_secs(number("FUZZ_SECONDS").unwrap_or(5));
    println!("FUZZ_SEED={seed}");
    for (name, target) in TARGETS {
        let mut dice = fastrand::Rng::with_seed(seed);
        let files: Vec<Vec<u8>> = corpus(name).into_iter().map(|file| file.1).collect();
        let (begin, mut runs) = (Instant::now(), 0_u64);
        while begin.elapsed() < time {
            let data = mutated(&mut dice, &files);
            run(target, &data, &format_args!("FUZZ_SEED={seed} {name} run {runs}"));
            runs += 1;
        }
        assert!(runs > 100, "{name} ran {runs} times only");
        println!("{name}: {runs} mutations");
    }
}

/// A few of the changes that libFuzzer makes, too.
fn mutated(dice: &mut fastrand::Rng, files: &[Vec<u8>]) -> Vec<u8> {
    let mut data = files[dice.usize(..files.len())].clone();
    for _ in 0..dice.usize(1..6) {
        let at = dice.usize(..=data.len());
        let len = dice.usize(..=(data.len() - at).min(16));
        match dice.u8(..6) {
            0 if at < data.len() => data[at] = dice.u8(..),
            1 if at < data.len() => data[at] ^= 1 << dice.u8(..8),
            2 => drop(data.drain(at..at + len)),
            3 => data.insert(at, dice.u8(..)),
            4 => {
                let copy = data[at..at + len].to_vec();
                let to = dice.usize(..=data.len());
                data.splice(to..to, copy);
            }
            _ => {
                let other = &files[dice.usize(..files.len())];
                let from = dice.usize(..=other.len());
                data.splice(at..at + len, other[from..].iter().copied().take(64));
            }
        }
    }
    data
}
