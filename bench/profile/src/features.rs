//! Which file serves which feature.

const FEATURES: &[(&str, &[&str])] = &[
    (
        "`fetch`: the request, the allow-list, challenges, the replay after a 401, step-up",
        &[
            "web/fetch",
            "web/init",
            "web/callers",
            "proto/allow",
            "proto/challenge",
            "proto/unauthorized",
            "proto/demand",
        ],
    ),
    (
        "The refresh: request, answer, function, what ends a session",
        &[
            "proto/refresh",
            "proto/answer",
            "proto/route",
            "proto/form",
            "proto/ending",
            "web/refresher",
            "proto/redact",
        ],
    ),
    (
        "Time: expiry, leeway, back-off, `Retry-After`, sleep",
        &[
            "proto/schedule",
            "proto/time",
            "proto/retry_after",
            "proto/seconds",
            "proto/token",
            "web/timer",
            "web/wake",
            "web/clock",
        ],
    ),
    (
        "Several tabs: locks, the shared entry, sealing, messages",
        &[
            "proto/coordination",
            "proto/commit",
            "proto/reconcile",
            "proto/talk",
            "proto/late",
            "web/lock",
            "web/channel",
            "web/vault",
            "web/seal",
        ],
    ),
    (
        "The session itself: state, effects, their order",
        &["proto/session", "proto/io", "proto/held", "proto/text", "web/driver"],
    ),
    (
        "What is kept: records, sessionStorage and its like",
        &["proto/stored", "proto/record", "proto/json", "proto/secret", "web/storage", "web/json"],
    ),
    ("Options, read and refused by name", &["web/options", "web/reader", "proto/config"]),
    ("Sign-in (PKCE, discovery)", &["proto/sign_in", "web/sign_in"]),
    ("Sign-out and revocation", &["web/revoke"]),
    ("DPoP", &["proto/dpop", "web/dpop", "web/keypair"]),
    ("JWT and base64url", &["proto/jwt", "proto/base64"]),
    (
        "Snapshots, events, errors, `explain()`",
        &["web/snapshot", "web/listeners", "web/errors", "proto/error", "proto/explain"],
    ),
    ("Promises and callbacks of JavaScript's in Rust", &["web/task", "web/callback", "web/js"]),
    ("The class as JavaScript sees it", &["bindings", "lib"]),
];

const REST: &str =
    "Of Rust's standard library and of crates: allocation, text, containers, bindings, SHA-256";

/// A file of ours by its path below `src`, without `.rs`.
pub(crate) fn own(path: &str) -> Option<&str> {
    let (before, after) = path.rsplit_once("src/")?;
    // The standard library and crates have a `src` of their own.
    let foreign = before.contains("/library/") || before.contains("registry") || before.contains("rustc");
    let name = after.strip_suffix(".rs")?;
    (!foreign && (name.starts_with("proto/") || name.starts_with("web/") || name == "bindings"))
        .then_some(name)
}

/// The feature that a file serves.
pub(crate) fn of(file: &str) -> &'static str {
    let serves = |files: &&[&str]| files.contains(&file);
    FEATURES
        .iter()
        .find(|(_, files)| serves(files))
        .map_or(if file.is_empty() { REST } else { "Else" }, |row| row.0)
}
