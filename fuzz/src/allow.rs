//! The allow-list: whatever two texts the `url` crate makes URLs of, the list says what an independent reading says.

use tokenwell::proto::allow::{Rule, Target, allows};
use url::Url;

/// Rule, base and request, divided by line ends.
pub fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut lines = text.splitn(3, '\n');
    let (rule, base, request) = (lines.next(), lines.next(), lines.next());
    let (Some(rule), Some(base), Some(request)) = (rule, base, request) else { return };
    let Ok(rule) = Url::parse(rule) else { return };
    let base = Url::parse(base).unwrap_or_else(|_| rule.clone());
    // The `url` crate's own assertions fail on some of these (2.5.8); no page has such a base and a session.
    if base.scheme() == "file" || request.trim_start().to_ascii_lowercase().starts_with("file") {
        return;
    }
    let Ok(url) = base.join(request) else { return };
    let origin = url.origin().ascii_serialization();
    let rules = [Rule { origin: rule.origin().ascii_serialization(), path: rule.path().into() }];
    let allowed = allows(&rules, &Target { origin: &origin, path: url.path() });
    let same_origin = rule.scheme() == url.scheme()
        && rule.host_str() == url.host_str()
        && rule.port_or_known_default() == url.port_or_known_default();
    let is_web = matches!(url.scheme(), "http" | "https");
    if allowed {
        assert!(same_origin && is_web, "{rule} and {url}");
        for times in 0..8 {
            assert!(rule.path() == "/" || stays(rule.path(), url.path(), times), "{rule} and {url}");
        }
    }
    let plain = !url.path().contains(['%', '\\']) && !url.path().contains("..");
    if same_origin && is_web && plain {
        assert_eq!(allowed, is_prefix(rule.path(), url.path()), "{rule} and {url}");
    }
    assert!(!allows(&[], &Target { origin: &origin, path: url.path() }));
}

/// Whether the segments of the prefix are the path's first; one that ends in a slash wants something below it.
fn is_prefix(prefix: &str, path: &str) -> bool {
    let path: Vec<&str> = path.split('/').collect();
    let mut prefix: Vec<&str> = prefix.split('/').collect();
    let only_below = prefix.last() == Some(&"");
    if only_below {
        prefix.pop();
    }
    path.starts_with(&prefix) && (!only_below || path.len() > prefix.len())
}

/// Whether a server that decodes the path that often and then resolves it ends below the prefix, which it reads in
/// the same way.
fn stays(prefix: &str, path: &str, times: usize) -> bool {
    let read = |path: &str| {
        let mut path = path.as_bytes().to_vec();
        for _ in 0..times {
            path = percent(&path);
        }
        resolve(&path)
    };
    read(path).starts_with(&read(prefix))
}

fn percent(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let pair = text.get(at + 1..at + 3).and_then(|pair| std::str::from_utf8(pair).ok());
        let byte = pair.filter(|_| text[at] == b'%').filter(|pair| !pair.starts_with('+'));
        match byte.and_then(|pair| u8::from_str_radix(pair, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(text[at]);
                at += 1;
            }
        }
    }
    out
}

fn resolve(path: &[u8]) -> Vec<Vec<u8>> {
    let mut resolved: Vec<Vec<u8>> = Vec::new();
    for segment in path.split(|byte| matches!(byte, b'/' | b'\\')) {
        let name = segment.split(|byte| matches!(byte, b';' | 0)).next().unwrap_or_default();
        match name {
            b".." => drop(resolved.pop()),
            b"" | b"." => {}
            _ => resolved.push(segment.to_vec()),
        }
    }
    resolved
}
