//! The module as JavaScript text. How the bytes are written down is known here alone.
//!
//! Base64 tears bytes apart, so that brotli finds little to repeat: 105 KB for 83 KB of module. Here each byte is one
//! character, or two if it is rare: 85 KB. Plain ASCII without quotes, backslashes and `<`, so that no charset, minifier
//! or script tag gets in the way.

/// All printable ASCII that means nothing in a string, a template or HTML. The last two begin pairs.
const ALPHABET: &str =
    " !#%&()*+,-./0123456789:;=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_abcdefghijklmnopqrstuvwxyz{|}~";
const PAIRS: usize = 2;
const SINGLES: usize = ALPHABET.len() - PAIRS;
const _: () = assert!(SINGLES + PAIRS * SINGLES >= 256);

/// The text of `bytes.js`: a function, so that nothing is decoded at import.
pub(crate) fn module(wasm: &[u8]) -> String {
    let often = often(wasm);
    let text = text(wasm, &often);
    let length = wasm.len();
    format!(
        r#"// The bytes of tokenwell.wasm; made by `cargo xtask package`. A byte is a character; a rare one is two.

const text =
  "{text}";

export const bytes = () => {{
  const alphabet = "{ALPHABET}";
  const often = {often:?};
  const rare = [...Array(256).keys()].filter((byte) => !often.includes(byte));
  const places = new Uint8Array(128);
  for (let i = 0; i < alphabet.length; i++) places[alphabet.charCodeAt(i)] = i;
  const bytes = new Uint8Array({length});
  for (let i = 0, at = 0; i < bytes.length; i++) {{
    const place = places[text.charCodeAt(at++)];
    bytes[i] =
      place < {SINGLES} ? often[place] : rare[(place - {SINGLES}) * {SINGLES} + places[text.charCodeAt(at++)]];
  }}
  return bytes;
}};
"#
    )
}

/// The most frequent bytes, in ascending order.
fn often(wasm: &[u8]) -> Vec<u8> {
    let mut bytes: Vec<u8> = (0..=u8::MAX).collect();
    bytes.sort_by_key(|&byte| std::cmp::Reverse(wasm.iter().filter(|&&b| b == byte).count()));
    bytes.truncate(SINGLES);
    bytes.sort_unstable();
    bytes
}

fn text(wasm: &[u8], often: &[u8]) -> String {
    let alphabet: Vec<char> = ALPHABET.chars().collect();
    let rare: Vec<u8> = (0..=u8::MAX).filter(|byte| !often.contains(byte)).collect();
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
