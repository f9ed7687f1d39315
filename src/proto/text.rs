//! Texts put together.

/// These texts as one. `concat` for slices of everything, unrolled for few texts, is 1 KB of code.
pub fn joined(texts: &[&str]) -> String {
    let mut joined = String::new();
    for text in texts {
        joined.push_str(text);
    }
    joined
}
