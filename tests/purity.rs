//! The wall around `src/proto`: it names nothing of the browser, no clock, no dice, nothing asynchronous. And the
//! shape of `src`: what the browser needs is compiled for it alone, and no file is too long to be read.

#![cfg(not(target_family = "wasm"))]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::wildcard_enum_match_arm
)]

use proc_macro2::{TokenStream, TokenTree};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// What a pure file has no use for, as whole names. A `*` stands for any ending.
const FORBIDDEN: &[&str] = &[
    "wasm_bindgen*",
    "js_sys",
    "web_sys",
    "gloo*",
    "JsValue", // the browser
    "async",
    "await",
    "Future",
    "tokio",
    "futures*", // waiting
    "SystemTime",
    "Instant",
    "chrono", // clocks
    "rand",
    "fastrand",
    "getrandom",
    "RandomState", // dice
    "HashMap",
    "HashSet", // their order is a throw of the dice too
    "thread_local",
    "Atomic*",
    "Mutex",
    "RwLock",
    "OnceLock",
    "LazyLock",
    "OnceCell",
    "LazyCell", // what outlives a session
    "print",
    "println",
    "eprint",
    "eprintln",
    "dbg",
    "env",
    "option_env", // the process
    "unsafe",
    "extern",
];

/// All of the standard library that it may use; neither `time` nor `fs`, `net`, `env`, `thread`, `process` or `io`.
const STANDARD: &[&str] =
    &["collections", "fmt", "iter", "mem", "ops", "cmp", "str", "string", "vec", "boxed", "rc", "cell"];

/// What only the browser needs.
const BROWSERS: &[&str] =
    &["wasm-bindgen", "wasm-bindgen-futures", "wasm-bindgen-test", "js-sys", "web-sys", "gloo"];

const MOST_LINES: usize = 450;

#[test]
fn the_core_names_nothing_impure() {
    let files = sources("src/proto");
    assert!(files.len() > 20, "where is src/proto?");
    let found: Vec<_> = files
        .iter()
        .flat_map(|(path, text)| impure(text).into_iter().map(move |what| format!("{path}: {what}")))
        .collect();
    assert!(
        found.is_empty(),
        "src/proto decides, and is pure (CONTRIBUTING.md); it names\n{}",
        found.join("\n")
    );
}

#[test]
fn the_scanner_sees_what_it_looks_for() {
    for sample in [
        "use wasm_bindgen::JsValue;",
        "use wasm_bindgen_futures as f;",
        "js_sys::Date::now()",
        "web_sys::console::log_0()",
        "gloo_timers::x()",
        "async fn wait() {}",
        "let x = async move { 1 };",
        "later.await",
        "use std::time::Duration;",
        "std::time::Instant::now()",
        "use core::time::Duration;",
        "SystemTime::now()",
        "use std::{fmt, fs};",
        "use std::{collections::{BTreeMap, HashMap}};",
        "::std::net::TcpStream",
        "std::thread::spawn(f)",
        "use std::env;",
        "use std::*;",
        "use std as s;",
        "std::env::var(\"X\")",
        "rand::random()",
        "thread_local! { static X: u8 = 0; }",
        "static mut X: u8 = 0;",
        "static X: AtomicU32 = AtomicU32::new(0);",
        "for x in HashMap::new() {}",
        "println!(\"x\")",
        "unsafe { *x }",
        "extern \"C\" { fn x(); }",
        "crate::web::clock::now()",
        "use crate::{web, proto};",
        "mod a { mod b { fn c() { d![e.await] } } }",
        "use super::super::bindings;",
    ] {
        assert!(!impure(sample).is_empty(), "nothing found in `{sample}`");
    }
}

#[test]
fn the_scanner_takes_nothing_for_what_it_is_not() {
    for sample in [
        "// std::time, async and await\n/* js_sys /* nested */ */",
        "/// [`wasm_bindgen`]\nfn documented() {}",
        "let x = \"println!(std::env)\";",
        "let x = r#\"async \"await\" \"#;",
        "let x = 'a'; fn f<'async_>(x: &'async_ u8) {}",
        "use std::{fmt, collections::{BTreeMap, VecDeque}};",
        "fn f(await_it: Instantly, randomness: u8) {}",
        "static X: &str = \"mut\";",
        "self.rand_up_to(now); self.time; time::Now; crate::proto::time::Now",
        "use super::secret::Secret;",
    ] {
        assert_eq!(impure(sample), Vec::<String>::new(), "in `{sample}`");
    }
}

#[test]
fn what_the_browser_needs_is_compiled_for_it_alone() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    assert_eq!(ungated(&manifest), Vec::<String>::new());
    let gated = "[target.'cfg(target_family = \"wasm\")'.dependencies]\njs-sys = \"1\"\n";
    assert_eq!(ungated(gated), Vec::<String>::new());
    for sample in [
        "[dependencies]\njs-sys = \"1\"",
        "[dependencies.web-sys]\nversion = \"1\"",
        "[dev-dependencies]\ngloo = \"1\"",
        "[target.'cfg(not(target_family = \"wasm\"))'.dependencies]\nwasm-bindgen = { version = \"1\" }",
    ] {
        assert_eq!(ungated(sample).len(), 1, "{sample}");
    }
}

#[test]
fn no_file_is_too_long_to_be_read() {
    let lengths: BTreeMap<_, _> =
        sources("src").into_iter().map(|(path, text)| (path, text.lines().count())).collect();
    let too_long: Vec<_> = lengths.iter().filter(|(_, lines)| **lines > MOST_LINES).collect();
    assert!(too_long.is_empty(), "split by ideas: {too_long:?}");
}

/// What in a file's code, comments and texts aside, is not pure.
fn impure(text: &str) -> Vec<String> {
    let tokens: TokenStream = text.parse().unwrap_or_else(|error| panic!("{error} in {text}"));
    let mut words = Vec::new();
    flatten(tokens, &mut words);
    let mut found = Vec::new();
    for (at, word) in words.iter().enumerate() {
        let before = |steps: usize| at.checked_sub(steps).map_or("", |at| words[at].as_str());
        let forbidden = FORBIDDEN.iter().any(|name| match name.strip_suffix('*') {
            Some(start) => word.starts_with(start),
            None => word == name,
        });
        if forbidden || (word == "mut" && before(1) == "static") {
            found.push(word.clone());
        }
        if matches!(word.as_str(), "std" | "core" | "alloc") && before(1) != "." {
            found.extend(
                members(&words[at + 1..]).into_iter().filter(|name| !STANDARD.contains(&name.as_str())),
            );
        }
        if word == "crate" {
            found.extend(members(&words[at + 1..]).into_iter().filter(|name| name != "proto"));
        }
        if matches!(word.as_str(), "web" | "bindings") && before(1) == ":" && before(3) == "super" {
            found.push(word.clone());
        }
    }
    found
}

/// The names right behind a path's beginning: `a` of `::a::b`, `a` and `b` of `::{a::x, b::{c}}`.
fn members(rest: &[String]) -> Vec<String> {
    match rest {
        [first, second, group, ..] if first == ":" && second == ":" && group != "{" => vec![group.clone()],
        [first, second, _, group @ ..] if first == ":" && second == ":" => {
            let (mut depth, mut names, mut begins) = (0, Vec::new(), true);
            for word in group {
                match word.as_str() {
                    "{" => depth += 1,
                    "}" if depth == 0 => break,
                    "}" => depth -= 1,
                    "," if depth == 0 => begins = true,
                    name if begins && depth == 0 => {
                        names.push(name.to_owned());
                        begins = false;
                    }
                    _ => {}
                }
            }
            names
        }
        // Renamed, or something else called so.
        [first, ..] if first == "as" => vec![first.clone()],
        _ => Vec::new(),
    }
}

fn flatten(tokens: TokenStream, words: &mut Vec<String>) {
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Group(group) => {
                words.push("{".into());
                flatten(group.stream(), words);
                words.push("}".into());
            }
            // A lifetime.
            TokenTree::Punct(punct) if punct.as_char() == '\'' => drop(tokens.next()),
            TokenTree::Punct(punct) => words.push(punct.as_char().to_string()),
            TokenTree::Ident(ident) => words.push(ident.to_string()),
            TokenTree::Literal(_) => words.push("\"\"".into()),
        }
    }
}

/// Browser crates that a manifest names outside of a table for wasm.
fn ungated(manifest: &str) -> Vec<String> {
    let (mut header, mut found) = (String::new(), Vec::new());
    for line in manifest.lines().map(str::trim) {
        let name = if line.starts_with('[') {
            header = line.to_owned();
            line.trim_matches(['[', ']']).rsplit('.').next()
        } else {
            line.split(['=', '.']).next().filter(|_| header.contains("dependencies"))
        };
        let name = name.unwrap_or_default().trim().trim_matches('"');
        if BROWSERS.contains(&name) && !header.starts_with("[target.'cfg(target_family = \"wasm\")'.") {
            found.push(format!("{name} in {header}"));
        }
    }
    found
}

/// The Rust files under a directory: path below `src`, and text.
fn sources(directory: &str) -> Vec<(String, String)> {
    let (mut files, mut directories) = (Vec::new(), vec![root().join(directory)]);
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name =
                    path.strip_prefix(root().join("src")).unwrap().to_string_lossy().replace('\\', "/");
                files.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    files.sort();
    files
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_path_buf()
}
