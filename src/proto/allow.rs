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
    // "null" is the origin of every opaque URL alike, and file: and the like are not for tokens. A blob: URL has the
    // origin of the page that made it, but no path.
    (origin.starts_with("https://") || origin.starts_with("http://"))
        && path.starts_with('/')
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

#[cfg(test)]
#[cfg(not(target_family = "wasm"))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ORIGIN: &str = "https://api.example.com";

    fn below(prefix: &str, path: &str) -> bool {
        let rules = [Rule { origin: ORIGIN.into(), path: prefix.into() }];
        allows(&rules, &Target { origin: ORIGIN, path })
    }

    #[test]
    fn without_rules_nothing_is_allowed() {
        assert!(!allows(&[], &Target { origin: ORIGIN, path: "/" }));
    }

    #[test]
    fn origins_are_compared_whole() {
        let rules = [Rule { origin: ORIGIN.into(), path: "/".into() }];
        assert!(allows(&rules, &Target { origin: ORIGIN, path: "/any/..%2fthing" }));
        for origin in [
            "https://api.example.com.evil.test",
            "https://api.example.com.",
            "https://api.example.com:8443",
            "http://api.example.com",
            "https://example.com",
            "https://xapi.example.com",
            "null",
            "",
        ] {
            assert!(!allows(&rules, &Target { origin, path: "/" }), "{origin}");
        }
    }

    #[test]
    fn origins_that_are_no_web_servers_are_never_allowed() {
        for origin in ["null", "file://", "blob:https://x.test", "ftp://x.test", "wss://x.test", "https:", ""]
        {
            let rules = [Rule { origin: origin.into(), path: "/".into() }];
            assert!(!allows(&rules, &Target { origin, path: "/" }), "{origin}");
        }
    }

    #[test]
    fn a_blob_is_no_place_for_tokens_whoever_made_it() {
        // As `URL` reads blob:https://api.example.com/0-0-0.
        assert!(!below("/", "https://api.example.com/0-0-0"));
        assert!(!below("", ""));
    }

    #[test]
    fn prefixes_end_at_segment_borders() {
        for path in ["/api", "/api/", "/api/x", "/api//x", "/api/x/y"] {
            assert!(below("/api", path), "{path}");
        }
        for path in ["/apix", "/ap", "/", "", "/API/x", "/x/api", "//api/x", "/api%2fx", "/%61pi/x"] {
            assert!(!below("/api", path), "{path}");
        }
        assert!(below("/api/", "/api/") && below("/api/", "/api/x"));
        assert!(!below("/api/", "/api") && !below("/api/", "/apix"));
    }

    #[test]
    fn a_path_that_some_server_would_climb_with_is_refused() {
        for path in [
            "/api/..%2fadmin",
            "/api/%2e%2e%2Fadmin",
            "/api/.%2e%5cadmin",
            "/api/x%2f..%2f..%2fadmin",
            "/api/%252e%252e%252fadmin",
            "/api/%25252e%25252e/admin",
            "/api/%2525252525252e%2525252525252e/admin",
            "/api/..;/admin",
            "/api/..;a=b/admin",
            "/api/..%00/admin",
            "/api/..\\admin",
            "/api/..",
        ] {
            assert!(!below("/api", path), "{path}");
        }
    }

    #[test]
    fn encoded_slashes_and_dots_that_stay_below_are_fine() {
        for path in [
            "/api/projects/group%2Fname",
            "/api/a..b",
            "/api/x.%2e",
            "/api/100%",
            "/api/%zz%2",
            "/api/%E2%82%AC",
        ] {
            assert!(below("/api", path), "{path}");
        }
    }

    /// What a server may make of a path: decoded that often, then resolved.
    fn resolved(path: &str, times: usize) -> Vec<Vec<u8>> {
        let mut path = path.as_bytes().to_vec();
        for _ in 0..times {
            path = decode(&path);
        }
        let mut resolved = Vec::new();
        for segment in path.split(|byte| matches!(byte, b'/' | b'\\')) {
            match segment.split(|byte| *byte == b';').next().unwrap() {
                b".." => drop(resolved.pop()),
                b"" | b"." => {}
                name => resolved.push(name.to_vec()),
            }
        }
        resolved
    }

    proptest! {
        #[test]
        fn plain_paths_are_below_when_their_segments_are(
            prefix in prop::collection::vec("[ab]{1,2}", 1..3), path in prop::collection::vec("[ab]{1,2}", 0..4),
        ) {
            let is_below = path.starts_with(&prefix);
            prop_assert_eq!(below(&format!("/{}", prefix.join("/")), &format!("/{}", path.join("/"))), is_below);
        }

        #[test]
        fn what_is_allowed_stays_below_however_often_it_is_decoded(
            path in "(/|\\\\|a|\\.|;|%2e|%2F|%5c|%25|2e|2f|%00){0,14}", times in 0_usize..6,
        ) {
            let path = format!("/api{path}");
            if below("/api", &path) {
                let resolved = resolved(&path, times);
                prop_assert_eq!(resolved.first().map(Vec::as_slice), Some(b"api".as_slice()));
            }
        }

        #[test]
        fn any_path_is_read_without_panic(path in any::<String>()) {
            let _ = below("/api", &format!("/api/{path}"));
        }
    }
}
