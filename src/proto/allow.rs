//! Which requests may carry the token: exact origins, optionally below a path.
//!
//! URLs are never parsed here. The platform that will send the request has parsed both sides, and what it
//! made of them is compared, so there is no second reading of a URL to disagree with. All doubt means no.

/// Where a request goes, as the platform's `URL` tells it.
#[derive(Clone, Copy)]
#[cfg_attr(not(target_family = "wasm"), derive(Debug))]
pub struct Target<'a> {
    /// `URL.origin`, with `"null"` for what has none.
    pub origin: &'a str,
    /// `URL.pathname`.
    pub path: &'a str,
}

/// One entry of the `allow` option, parsed by the platform as well.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(not(target_family = "wasm"), derive(Debug))]
pub struct Rule {
    /// `URL.origin`.
    pub origin: String,
    /// `URL.pathname`: `/` (or nothing) for the whole origin, `/api` for it and all below, `/api/` for what is
    /// below alone.
    pub path: String,
}

/// Whether one of the rules lets the token go there. No rules, no token.
pub fn allows(rules: &[Rule], target: &Target<'_>) -> bool {
    let Target { origin, path } = *target;
    // "null" is the origin of every opaque URL alike, and file:, blob: and the like are not for tokens.
    (origin.starts_with("https://") || origin.starts_with("http://"))
        && rules.iter().any(|rule| rule.origin == origin && is_below(&rule.path, path))
}

fn is_below(prefix: &str, path: &str) -> bool {
    if prefix.is_empty() || prefix == "/" {
        return true;
    }
    match path.strip_prefix(prefix) {
        Some(rest) => (rest.is_empty() || prefix.ends_with('/') || rest.starts_with('/')) && !climbs(path),
        None => false,
    }
}

/// Whether a server that decodes a path before it routes might be led upwards by it.
///
/// The platform has resolved `..` and `%2e%2e` between real slashes. Left are those between encoded ones
/// (`..%2f`), encoded twice (`%252e`), or with something behind them that servers cut off (`..;x`, `..%00`).
/// A plain encoded slash, as in GitLab's `/projects/group%2Fname`, is fine.
fn climbs(path: &str) -> bool {
    /// More layers of encoding than anyone has a use for.
    const MAX_LAYERS: usize = 4;
    let mut path = path.as_bytes().to_vec();
    for _ in 0..MAX_LAYERS {
        if path.split(|byte| matches!(byte, b'/' | b'\\')).any(|segment| segment.starts_with(b"..")) {
            return true;
        }
        let decoded = decode(&path);
        if decoded.len() == path.len() {
            return false;
        }
        path = decoded;
    }
    true
}

/// One layer of percent-encoding taken off (RFC 3986 §2.1).
fn decode(path: &[u8]) -> Vec<u8> {
    let hex = |byte: Option<&u8>| char::from(*byte?).to_digit(16);
    let mut decoded = Vec::with_capacity(path.len());
    let mut rest = path;
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        let mut byte = *first;
        if byte == b'%'
            && let (Some(high), Some(low)) = (hex(tail.first()), hex(tail.get(1)))
        {
            byte = (high * 16 + low) as u8;
            rest = tail.get(2..).unwrap_or_default();
        }
        decoded.push(byte);
    }
    decoded
}
