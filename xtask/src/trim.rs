//! What a module carries and nobody gets to see, taken out before wasm-opt: the texts of panics with all that would
//! format them, the places in the source that they would name, and the hashes in the names of its imports.
//!
//! On this target a panic prints nowhere: it ends in a trap with its text or without. Here each function that panics
//! becomes the trap itself. As nothing else formats text (that would cost 10 KB), the formatting goes too; if something
//! begins to, this says who.

use anyhow::{Result, bail, ensure};
use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use wasm_encoder::reencode::{self, Reencode};
use wasm_encoder::{CodeSection, DataSection, EntityType, Function, ImportSection, Module};
use wasmparser::{
    Data, DataKind, FunctionBody, ImportSectionReader, KnownCustom, Name, Operator, Parser, Payload,
};

/// By a part of their names: functions of the standard library that never return, or serve only those.
const PANICS: [&str; 16] = [
    "::panicking::",
    "::panic_access_error",
    "::panic_already_",
    "::panic_poisoned",
    "::slice_index_fail",
    "::len_mismatch_fail",
    "::unwrap_failed",
    "::expect_failed",
    "::assert_failed",
    "::capacity_overflow",
    "::handle_error",
    "::handle_alloc_error",
    "::default_alloc_error_hook",
    "rust_begin_unwind",
    "rust_panic",
    "rust_alloc_error_handler",
];
const FORMATS: &str = "::fmt::";

/// Takes it out of a module that still has its names, and renames the imports in what goes with it.
pub(crate) fn trim(wasm: &[u8], glue: &str) -> Result<(Vec<u8>, String)> {
    let seen = Seen::of(wasm)?;
    let traps = seen.traps()?;
    let short = shorten(&seen.imports);
    let glue = rename(glue, &short)?;
    let data = without_places(&seen.data)?;
    let mut module = Module::new();
    let mut trimmer = Trimmer { traps, short, data: data.into_iter(), next: seen.first };
    trimmer.parse_core_module(&mut module, Parser::new(0), wasm)?;
    Ok((module.finish(), glue))
}

/// What there is in the module.
#[derive(Default)]
struct Seen<'a> {
    imports: Vec<&'a str>,
    /// The first function that is not imported.
    first: u32,
    names: BTreeMap<u32, &'a str>,
    /// Whom each function calls.
    calls: Vec<(u32, Vec<u32>)>,
    /// Where each piece of memory begins, and what is in it.
    data: Vec<(usize, Vec<u8>)>,
}

impl<'a> Seen<'a> {
    fn of(wasm: &'a [u8]) -> Result<Self> {
        let mut seen = Self::default();
        for payload in Parser::new(0).parse_all(wasm) {
            match payload? {
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        let import = import?;
                        seen.imports.push(import.name);
                        seen.first += u32::from(matches!(import.ty, wasmparser::TypeRef::Func(_)));
                    }
                }
                Payload::CodeSectionEntry(body) => {
                    let mut calls = Vec::new();
                    for operator in body.get_operators_reader()? {
                        if let Operator::Call { function_index } = operator? {
                            calls.push(function_index);
                        }
                    }
                    seen.calls.push((seen.first + seen.calls.len() as u32, calls));
                }
                Payload::DataSection(section) => {
                    for data in section {
                        let data = data?;
                        seen.data.push((start(&data)?, data.data.to_vec()));
                    }
                }
                Payload::CustomSection(section) => {
                    if let KnownCustom::Name(names) = section.as_known() {
                        for name in names {
                            let Name::Function(functions) = name? else { continue };
                            for function in functions {
                                let function = function?;
                                seen.names.insert(function.index, function.name);
                            }
                        }
                    }
                }
                _ => {}
            }
        }
        ensure!(!seen.names.is_empty(), "the module's functions have no names");
        Ok(seen)
    }

    /// The functions that need do nothing but trap.
    fn traps(&self) -> Result<BTreeSet<u32>> {
        let named = |holds: &dyn Fn(&str) -> bool| -> BTreeSet<u32> {
            let own = self.names.range(self.first..);
            own.filter(|(_, name)| holds(name)).map(|(index, _)| *index).collect()
        };
        let panics = named(&|name| PANICS.iter().any(|part| name.contains(part)));
        ensure!(!panics.is_empty(), "no function that panics is known by its name any more: see PANICS");
        let formats = named(&|name| name.contains(FORMATS));
        for (caller, calls) in &self.calls {
            if panics.contains(caller) || formats.contains(caller) {
                continue;
            }
            if let Some(called) = calls.iter().find(|called| formats.contains(called)) {
                let name = |index| self.names.get(index).copied().unwrap_or("?");
                bail!("{} formats text, by {}: write it without", name(caller), name(called));
            }
        }
        Ok(panics.union(&formats).copied().collect())
    }
}

/// Where a piece of data comes to lie in memory.
fn start(data: &Data<'_>) -> Result<usize> {
    let DataKind::Active { offset_expr, .. } = &data.kind else { bail!("data without a place") };
    match offset_expr.get_operators_reader().read()? {
        Operator::I32Const { value } => Ok(value as usize),
        _ => bail!("data whose place is not a number"),
    }
}

/// The data without the `core::panic::Location`s, four words each, and the names of files that they point to. No
/// name of a directory of the machine that built it is left.
fn without_places(data: &[(usize, Vec<u8>)]) -> Result<Vec<Vec<u8>>> {
    let at = |address: usize, length: usize| {
        data.iter().find_map(|(start, bytes)| bytes.get(address.checked_sub(*start)?..)?.get(..length))
    };
    let mut blank = Vec::new();
    for (start, bytes) in data {
        for offset in (start.next_multiple_of(4) - start..bytes.len()).step_by(4) {
            let Some(words) = bytes.get(offset..offset + 16) else { break };
            let word =
                |n: usize| words[n * 4..].first_chunk().map_or(0, |word| u32::from_le_bytes(*word) as usize);
            let (file, length) = (word(0), word(1));
            let is_file = |name: &[u8]| {
                // Each ends with a NUL which does not count.
                name.ends_with(b".rs\0") && name[..length].iter().all(|byte| byte.is_ascii_graphic())
            };
            let is_place = (4..500).contains(&length) && (1..100_000).contains(&word(2)) && word(3) < 1_000;
            if is_place && at(file, length + 1).is_some_and(is_file) {
                blank.extend([(start + offset, 16), (file, length)]);
            }
        }
    }
    ensure!(
        !blank.is_empty(),
        "no place in the source is found any more: has core::panic::Location changed?"
    );
    let mut data = data.to_vec();
    for (address, length) in blank {
        for (start, bytes) in &mut data {
            if let Some(from) = address.checked_sub(*start)
                && let Some(found) = bytes.get_mut(from..from + length)
            {
                found.fill(0);
            }
        }
    }
    Ok(data.into_iter().map(|(_, bytes)| bytes).collect())
}

/// `__wbg_then_0d9fe2c7b1857d32` → `then`, `then_2`, …: sixteen digits that no compression makes shorter, twice.
fn shorten<'a>(imports: &[&'a str]) -> BTreeMap<&'a str, String> {
    let mut taken = BTreeSet::new();
    let mut short = BTreeMap::new();
    for name in imports {
        let Some((bare, hash)) = name.rsplit_once('_') else { continue };
        if hash.len() != 16 || !hash.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            continue;
        }
        let bare = bare.trim_start_matches("__wbg_").trim_start_matches("__wbindgen_");
        let numbered = (2..).map(|n| format!("{bare}_{n}"));
        let free = std::iter::once(bare.to_owned()).chain(numbered).find(|name| !taken.contains(name));
        if let Some(free) = free {
            taken.insert(free.clone());
            short.insert(*name, free);
        }
    }
    short
}

/// Renames the members of the object that has the imports.
fn rename(glue: &str, short: &BTreeMap<&str, String>) -> Result<String> {
    let mut glue = glue.to_owned();
    for (name, short) in short {
        let member = format!("        {name}: ");
        let found = glue.matches(name).count();
        ensure!(
            found == 1 && glue.contains(&member),
            "the glue has the import {name} {found} times, not once"
        );
        glue = glue.replace(&member, &format!("        {short}: "));
    }
    Ok(glue)
}

struct Trimmer<'a, D> {
    traps: BTreeSet<u32>,
    short: BTreeMap<&'a str, String>,
    data: D,
    /// The function that comes next.
    next: u32,
}

type Done = Result<(), reencode::Error>;

impl<D: Iterator<Item = Vec<u8>>> Reencode for Trimmer<'_, D> {
    type Error = Infallible;

    fn parse_import_section(
        &mut self,
        imports: &mut ImportSection,
        section: ImportSectionReader<'_>,
    ) -> Done {
        for import in section.into_imports() {
            let import = import?;
            let ty: EntityType = self.entity_type(import.ty)?;
            imports.import(import.module, self.short.get(import.name).map_or(import.name, |name| name), ty);
        }
        Ok(())
    }

    fn parse_function_body(&mut self, code: &mut CodeSection, body: FunctionBody<'_>) -> Done {
        let index = self.next;
        self.next += 1;
        if !self.traps.contains(&index) {
            return reencode::utils::parse_function_body(self, code, body);
        }
        let mut trap = Function::new([]);
        trap.instructions().unreachable().end();
        code.function(&trap);
        Ok(())
    }

    fn parse_data(&mut self, section: &mut DataSection, data: Data<'_>) -> Done {
        let bytes = self.data.next().unwrap_or_default();
        reencode::utils::parse_data(self, section, Data { data: &bytes, ..data })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_lose_their_hash_and_stay_apart() {
        let names =
            ["__wbg_get_0123456789abcdef", "__wbg_get_fedcba9876543210", "__wbindgen_init_externref_table"];
        let short = shorten(&names);
        assert_eq!(short.get(names[0]).map(String::as_str), Some("get"));
        assert_eq!(short.get(names[1]).map(String::as_str), Some("get_2"));
        assert_eq!(short.get(names[2]), None);
        let glue = format!("const imports = {{\n        {}: a,\n        {}: b,\n}};", names[0], names[1]);
        let renamed = rename(&glue, &short).unwrap_or_default();
        assert_eq!(renamed, "const imports = {\n        get: a,\n        get_2: b,\n};");
        assert!(rename("other glue", &short).is_err());
    }

    #[test]
    fn places_in_the_source_are_blanked_and_nothing_else() {
        let file = b"/root/.cargo/registry/src/index/some-1.0.0/src/lib.rs\0";
        let mut bytes = b"lib.rs is kept".to_vec();
        bytes.resize(16, 0);
        bytes.extend(file);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        let place = bytes.len();
        let start = 0x10_0000;
        for word in [start + 16, file.len() as u32 - 1, 120, 9] {
            bytes.extend(word.to_le_bytes());
        }
        bytes.extend(b"and this");
        let blanked = without_places(&[(start as usize, bytes.clone())]).unwrap_or_default().concat();
        assert_eq!(blanked.len(), bytes.len());
        assert!(blanked.starts_with(b"lib.rs is kept") && blanked.ends_with(b"and this"));
        assert!(blanked[16..place + 16].iter().all(|byte| *byte == 0));
        assert!(without_places(&[(0, b"nothing of the kind".to_vec())]).is_err());
    }
}
