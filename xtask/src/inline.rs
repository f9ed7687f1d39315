//! The module as JavaScript text. How the bytes are written down is known here alone.
//!
//! Base64 tears bytes apart, so that brotli finds little to repeat: 105 KB for 83 KB of module. Here each byte is one
//! character, or two if it is rare: 85 KB. Plain ASCII without quotes, backslashes and `<`, so that no charset, minifier
//! or script tag gets in the way.

use wasm_encoder::{
    BlockType, CodeSection, ConstExpr, DataSection, ExportKind, ExportSection, Function, FunctionSection,
    MemArg, MemArgTarget, MemorySection, MemoryType, Module, TypeSection, ValType,
};

/// All printable ASCII that means nothing in a string, a template or HTML. The last two begin pairs.
const ALPHABET: &str =
    " !#%&()*+,-./0123456789:;=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_abcdefghijklmnopqrstuvwxyz{|}~";
const PAIRS: usize = 2;
const SINGLES: usize = ALPHABET.len() - PAIRS;
const _: () = assert!(SINGLES + PAIRS * SINGLES >= 256);

/// Where the decoder has its table, by the rows of singles and of what each of the two leads begins; then the text, which
/// the bytes take the place of.
const TEXT_AT: usize = ROW * (1 + PAIRS);
const ROW: usize = 128;
/// The first character that begins a pair.
const LEAD: u8 = ALPHABET.as_bytes()[SINGLES];

/// The text of `bytes.js`: a function, so that nothing is decoded at import.
pub(crate) fn module(wasm: &[u8]) -> String {
    let often = often(wasm);
    let text = text(wasm, &often);
    let decoder = decoder(table(&often), text.len());
    format!(
        r#"// The bytes of tokenwell.wasm; made by `cargo xtask package`. A byte is a character; a rare one is two. A small module
// reads them: a loop of JavaScript's this long would take ten times as long when it runs for the first time.

const text =
  "{text}";

export const bytes = () => {{
  const decoder = new WebAssembly.Module(new Uint8Array({decoder:?}));
  const {{ memory, decode }} = new WebAssembly.Instance(decoder).exports;
  const room = new Uint8Array(memory.buffer);
  const {{ written }} = new TextEncoder().encodeInto(text, room.subarray({TEXT_AT}));
  return room.subarray({TEXT_AT}, decode({TEXT_AT} + written));
}};
"#
    )
}

/// The byte that each character means: alone, or after the lead that its row is for.
fn table(often: &[u8]) -> Vec<u8> {
    let mut table = vec![0; TEXT_AT];
    let rare = rare(often);
    for (row, bytes) in std::iter::once(often).chain(rare.chunks(SINGLES)).enumerate() {
        for (char, byte) in ALPHABET.bytes().zip(bytes) {
            table[row * ROW + usize::from(char)] = *byte;
        }
    }
    table
}

/// A module that puts the bytes in the place of their characters, up to the address that it is given; it gives back that
/// where they end.
fn decoder(table: Vec<u8>, length: usize) -> Vec<u8> {
    let (end, from, to, at) = (0, 1, 2, 3);
    let byte = MemArg { offset: 0, align: 0, target: MemArgTarget::Memory(0), ordering: None };
    let mut decode = Function::new([(3, ValType::I32)]);
    let mut code = decode.instructions();
    code.i32_const(TEXT_AT as i32).local_tee(from).local_set(to);
    code.loop_(BlockType::Empty);
    code.local_get(from).i32_load8_u(byte).local_tee(at);
    code.i32_const(LEAD.into()).i32_ge_u().if_(BlockType::Empty);
    code.local_get(from).i32_const(1).i32_add().local_tee(from).i32_load8_u(byte);
    code.local_get(at).i32_const(i32::from(LEAD) - 1).i32_sub().i32_const(ROW as i32).i32_mul();
    code.i32_add().local_set(at).end();
    code.local_get(to).local_get(at).i32_load8_u(byte).i32_store8(byte);
    code.local_get(to).i32_const(1).i32_add().local_set(to);
    code.local_get(from).i32_const(1).i32_add().local_tee(from);
    code.local_get(end).i32_lt_u().br_if(0).end();
    code.local_get(to).end();

    let mut types = TypeSection::new();
    types.ty().function([ValType::I32], [ValType::I32]);
    let mut functions = FunctionSection::new();
    functions.function(0);
    let mut memories = MemorySection::new();
    let minimum = (TEXT_AT + length).div_ceil(1 << 16) as u64;
    let plain = MemoryType { minimum, maximum: None, memory64: false, shared: false, page_size_log2: None };
    memories.memory(plain);
    let mut exports = ExportSection::new();
    exports.export("memory", ExportKind::Memory, 0).export("decode", ExportKind::Func, 0);
    let mut body = CodeSection::new();
    body.function(&decode);
    let mut data = DataSection::new();
    data.active(0, &ConstExpr::i32_const(0), table);
    let mut module = Module::new();
    module
        .section(&types)
        .section(&functions)
        .section(&memories)
        .section(&exports)
        .section(&body)
        .section(&data);
    module.finish()
}

/// The most frequent bytes, in ascending order.
fn often(wasm: &[u8]) -> Vec<u8> {
    let mut bytes: Vec<u8> = (0..=u8::MAX).collect();
    bytes.sort_by_key(|&byte| std::cmp::Reverse(wasm.iter().filter(|&&b| b == byte).count()));
    bytes.truncate(SINGLES);
    bytes.sort_unstable();
    bytes
}

/// All others, in ascending order.
fn rare(often: &[u8]) -> Vec<u8> {
    (0..=u8::MAX).filter(|byte| !often.contains(byte)).collect()
}

fn text(wasm: &[u8], often: &[u8]) -> String {
    let alphabet: Vec<char> = ALPHABET.chars().collect();
    let rare = rare(often);
    let mut text = String::with_capacity(wasm.len() + wasm.len() / 8);
    for byte in wasm {
        if let Ok(place) = often.binary_search(byte) {
            text.push(alphabet[place]);
        } else if let Ok(place) = rare.binary_search(byte) {
            text.push(alphabet[SINGLES + place / SINGLES]);
            text.push(alphabet[place % SINGLES]);
        }
    }
    text
}
