//! What a 401 says: `WWW-Authenticate` (RFC 9110 §11.6.1) and what its challenges mean to a bearer of tokens.
//!
//! Headers are as servers write them: parameters without commas between them, stray words, quotes left open.
//! Whatever comes is read from left to right, once, and what makes no sense is passed over.

use super::seconds;

/// A longer header, in bytes, is not read at all.
pub const MAX_HEADER_LEN: usize = 8192;
/// Challenges after this many are not read.
pub const MAX_CHALLENGES: usize = 16;

/// One challenge of a header.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(not(target_family = "wasm"), derive(Debug))]
pub struct Challenge {
    /// The scheme as it was sent; its case has no meaning.
    pub scheme: String,
    /// Its parameters, names in lower case, values unquoted.
    pub params: Vec<(String, String)>,
    /// What stands in place of parameters with some schemes, such as `Negotiate`.
    pub token68: Option<String>,
}

/// What the challenges for the session's scheme ask for.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(not(target_family = "wasm"), derive(Debug))]
pub enum Refusal {
    /// `invalid_token` (RFC 6750 §3.1): expired, revoked or malformed. A new token may help.
    InvalidToken,
    /// `insufficient_scope` (RFC 6750 §3.1): a new token with the same scope cannot help.
    InsufficientScope,
    /// `insufficient_user_authentication` (RFC 9470 §3): only a stronger or fresher login helps.
    StepUp {
        /// `acr_values`: the kinds of login that would do, as sent.
        acr_values: Option<String>,
        /// `max_age`: how old the login may be, in seconds.
        max_age_s: Option<i64>,
    },
    /// A challenge for the scheme that names no error, or another one.
    Other,
    /// No challenge for the scheme: no header, one that CORS hides, or one for other schemes only.
    None,
}

impl Challenge {
    /// The parameter of that lower-case name. Of several, which must not be, the first.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|param| param.0 == name).map(|param| param.1.as_str())
    }
}

/// What a 401 means to a session of this scheme.
///
/// Challenges for other schemes do not count, except `DPoP` for `Bearer`: the same token, bound to a key
/// (RFC 9449 §7.1). Of several that count, the first that names an error decides.
pub fn refusal(challenges: &[Challenge], scheme: &str) -> Refusal {
    let counts = |challenge: &&Challenge| {
        let sent = &challenge.scheme;
        sent.eq_ignore_ascii_case(scheme)
            || (sent.eq_ignore_ascii_case("DPoP") && scheme.eq_ignore_ascii_case("Bearer"))
    };
    let with_error =
        |challenge: &Challenge| challenge.param("error").map(|error| (challenge.clone(), error.to_owned()));
    let Some((challenge, error)) = challenges.iter().filter(counts).find_map(with_error) else {
        return if challenges.iter().any(|challenge| counts(&challenge)) {
            Refusal::Other
        } else {
            Refusal::None
        };
    };
    match error.as_str() {
        "invalid_token" => Refusal::InvalidToken,
        "insufficient_scope" => Refusal::InsufficientScope,
        "insufficient_user_authentication" => Refusal::StepUp {
            acr_values: challenge.param("acr_values").map(String::from),
            max_age_s: challenge.param("max_age").and_then(seconds::digits),
        },
        _ => Refusal::Other,
    }
}

/// The challenges of a header, or of several joined by commas as `Headers.get` joins them.
pub fn parse(header: &str) -> Vec<Challenge> {
    let mut found: Vec<Challenge> = Vec::new();
    if header.len() > MAX_HEADER_LEN {
        return found;
    }
    let mut rest = Rest(header);
    // A scheme can only stand at the start or after a comma; a word elsewhere is a stray.
    let mut after_comma = true;
    loop {
        after_comma |= rest.take(|c| c == ',' || is_space(c)).contains(',');
        let name = rest.take(is_tchar);
        if name.is_empty() {
            after_comma = false;
            // Something that cannot start an item. A quoted string is passed over whole, commas and all.
            if rest.quoted().is_none() && !rest.skip() {
                return found;
            }
            continue;
        }
        rest.take(is_space);
        if rest.eat('=') {
            rest.take(is_space);
            let value = rest.quoted().unwrap_or_else(|| rest.take(|c| c != ',' && !is_space(c)).to_owned());
            if let Some(challenge) = found.last_mut() {
                challenge.params.push((name.to_ascii_lowercase(), value));
            }
        } else if after_comma {
            if found.len() == MAX_CHALLENGES {
                return found;
            }
            let token68 = rest.token68();
            found.push(Challenge { scheme: name.to_owned(), params: Vec::new(), token68 });
        }
        after_comma = false;
    }
}

/// The part of the header not yet read.
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    /// Takes all characters up to the first that is not like that.
    fn take(&mut self, is_like: fn(char) -> bool) -> &'a str {
        let end = self.0.find(|c| !is_like(c)).unwrap_or(self.0.len());
        let (taken, rest) = self.0.split_at_checked(end).unwrap_or((self.0, ""));
        self.0 = rest;
        taken
    }

    fn eat(&mut self, c: char) -> bool {
        let rest = self.0.strip_prefix(c);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    /// Passes over one character; false at the end.
    fn skip(&mut self) -> bool {
        let mut chars = self.0.chars();
        let skipped = chars.next().is_some();
        self.0 = chars.as_str();
        skipped
    }

    /// A quoted string (RFC 9110 §5.6.4), unquoted. One that is never closed ends with the header.
    fn quoted(&mut self) -> Option<String> {
        let mut chars = self.0.strip_prefix('"')?.chars();
        let mut text = String::new();
        while let Some(c) = chars.next() {
            match c {
                '"' => break,
                '\\' => text.extend(chars.next()),
                c => text.push(c),
            }
        }
        self.0 = chars.as_str();
        Some(text)
    }

    /// A token68 (RFC 9110 §11.2), if that is all there is up to the next comma.
    fn token68(&mut self) -> Option<String> {
        let mut ahead = Rest(self.0);
        let text = ahead.take(is_token68);
        let padding = ahead.take(|c| c == '=');
        ahead.take(is_space);
        if text.is_empty() || !(ahead.0.is_empty() || ahead.0.starts_with(',')) {
            return None;
        }
        self.0 = ahead.0;
        Some([text, padding].concat())
    }
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t')
}

/// RFC 9110 §5.6.2.
fn is_tchar(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)
}

/// RFC 9110 §11.2, less the padding.
fn is_token68(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-._~+/".contains(c)
}
