//! What each feature costs: every byte of the module's code, by the line of ours that it was made from, whatever was
//! inlined into what. Writes JSON for bench/sections/features.mjs.
//!
//! Usage: tokenwell-profile MODULE.wasm: the module with its line tables, as cargo leaves it.

mod features;

use std::collections::BTreeMap;

use addr2line::gimli::{Dwarf, EndianSlice, LittleEndian};
use addr2line::{Context, FrameIter};
use anyhow::{Context as _, Result, anyhow};
use object::{Object, ObjectSection};
use serde_json::{Value, json};

type Reader<'data> = EndianSlice<'data, LittleEndian>;

fn main() -> Result<()> {
    let module = std::env::args().nth(1).context("which module?")?;
    let bytes = std::fs::read(&module).with_context(|| format!("cannot read {module}"))?;
    println!("{}", json(&by_file(&bytes)?));
    Ok(())
}

/// Bytes of code by the file that they were made from; what no line of ours has a part in, by `""`.
fn by_file(module: &[u8]) -> Result<BTreeMap<String, u64>> {
    let object = object::File::parse(module)?;
    let section =
        |name: &str| object.section_by_name(name).and_then(|section| section.data().ok()).unwrap_or(&[]);
    let dwarf = Dwarf::load(|id| Ok::<_, anyhow::Error>(Reader::new(section(id.name()), LittleEndian)))?;
    let context = Context::from_dwarf(dwarf)?;
    let mut files = BTreeMap::new();
    for range in context.find_location_range(0, u64::MAX)? {
        let (from, length, _) = range;
        if let Some(file) = owner(context.find_frames(from).skip_all_loads()?)? {
            *files.entry(file).or_default() += length;
        }
    }
    match files.is_empty() {
        true => Err(anyhow!("no line tables: build with CARGO_PROFILE_RELEASE_DEBUG=line-tables-only")),
        false => Ok(files),
    }
}

/// The innermost file of ours; `None` for what wasm-bindgen reads and takes out of the module.
fn owner(mut frames: FrameIter<'_, Reader<'_>>) -> Result<Option<String>> {
    let mut ours = None;
    while let Some(frame) = frames.next()? {
        if let Some(function) = &frame.function
            && function.raw_name()?.to_lowercase().contains("describe")
        {
            return Ok(None);
        }
        let file = frame.location.and_then(|location| location.file).unwrap_or_default();
        if ours.is_none()
            && let Some(own) = features::own(file)
        {
            ours = Some(own.to_owned());
        }
    }
    Ok(Some(ours.unwrap_or_default()))
}

fn json(files: &BTreeMap<String, u64>) -> Value {
    let mut features: BTreeMap<&str, u64> = BTreeMap::new();
    for (file, bytes) in files {
        *features.entry(features::of(file)).or_default() += bytes;
    }
    let mut rows: Vec<_> = features.into_iter().collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.1));
    rows.into_iter().map(|(feature, bytes)| json!({ "feature": feature, "bytes": bytes })).collect()
}
