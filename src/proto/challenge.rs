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
    /// `use_dpop_nonce` (RFC 9449 §9), to a session that sends proofs: the same request with a nonce in its proof.
    Nonce,
    /// `invalid_dpop_proof` (RFC 9449 §7.1), likewise: the token itself was not looked at.
    Proof,
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
/// Challenges for other schemes do not count, except `DPoP` for `Bearer` and the other way round: the same token,
/// bound to a key (RFC 9449 §7.1). Of several that count, the first with an error that is known here decides, and
/// what is wrong with a proof only where nothing else is.
pub fn refusal(challenges: &[Challenge], scheme: &str) -> Refusal {
    let mut refusal = Refusal::None;
    for challenge in challenges {
        let sent = &challenge.scheme;
        let is = |scheme: &str, name: &str| scheme.eq_ignore_ascii_case(name);
        let is_kin = is(sent, "DPoP") && is(scheme, "Bearer") || is(sent, "Bearer") && is(scheme, "DPoP");
        if !is_kin && !is(sent, scheme) {
            continue;
        }
        match challenge.param("error") {
            Some("invalid_token") => return Refusal::InvalidToken,
            Some("insufficient_scope") => return Refusal::InsufficientScope,
            Some("insufficient_user_authentication") => {
                return Refusal::StepUp {
                    acr_values: challenge.param("acr_values").map(String::from),
                    max_age_s: challenge.param("max_age").and_then(|age| seconds::digits(age.as_bytes())),
                };
            }
            Some("use_dpop_nonce") if is(scheme, "DPoP") => refusal = Refusal::Nonce,
            Some("invalid_dpop_proof") if is(scheme, "DPoP") => refusal = Refusal::Proof,
            _ if matches!(refusal, Refusal::Nonce | Refusal::Proof) => {}
            _ => refusal = Refusal::Other,
        }
    }
    refusal
}

/// The challenges of a header, or of several joined by commas as `Headers.get` joins them.
pub fn parse(header: &str) -> Vec<Challenge> {
    let mut found: Vec<Challenge> = Vec::new();
    if header.len() > MAX_HEADER_LEN {
        return found;
    }
    let mut rest = Rest(header.as_bytes());
    // A scheme can only stand at the start or after a comma; a word elsewhere is a stray.
    let mut after_comma = true;
    loop {
        after_comma |= rest.take(is_separator).contains(&b',');
        let name = rest.take(is_tchar);
        if name.is_empty() {
            after_comma = false;
            // Something that cannot start an item. A quoted string is passed over whole, commas and all.
            if rest.quoted().is_none() && !rest.skip() {
                return found;
            }
            continue;
        }
        let is_spaced = !rest.take(is_space).is_empty();
        if rest.eat(b'=') {
            rest.take(is_space);
            let value = rest.quoted().unwrap_or_else(|| text(rest.take(is_unquoted)));
            if let Some(challenge) = found.last_mut() {
                let mut name = text(name);
                name.make_ascii_lowercase();
                challenge.params.push((name, value));
            }
        } else if after_comma {
            if found.len() == MAX_CHALLENGES {
                return found;
            }
            let token68 = if is_spaced { rest.token68() } else { None };
            found.push(Challenge { scheme: text(name), params: Vec::new(), token68 });
        }
        after_comma = false;
    }
}

/// The part of the header not yet read. As bytes: all that has a meaning is ASCII, and UTF-8 keeps its own apart.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    /// Takes all bytes up to the first that is not like that.
    fn take(&mut self, is_like: fn(u8) -> bool) -> &'a [u8] {
        let end = self.0.iter().position(|byte| !is_like(*byte)).unwrap_or(self.0.len());
        let (taken, rest) = self.0.split_at_checked(end).unwrap_or_default();
        self.0 = rest;
        taken
    }

    fn eat(&mut self, wanted: u8) -> bool {
        self.0.first() == Some(&wanted) && self.skip()
    }

    /// Passes over one byte; false at the end.
    fn skip(&mut self) -> bool {
        let Some((_, rest)) = self.0.split_first() else { return false };
        self.0 = rest;
        true
    }

    /// A quoted string (RFC 9110 §5.6.4), unquoted. One that is never closed ends with the header.
    fn quoted(&mut self) -> Option<String> {
        if !self.eat(b'"') {
            return None;
        }
        let mut value = Vec::new();
        let mut is_escaped = false;
        while let Some((byte, rest)) = self.0.split_first() {
            self.0 = rest;
            match byte {
                b'"' if !is_escaped => break,
                b'\\' if !is_escaped => is_escaped = true,
                byte => {
                    is_escaped = false;
                    value.push(*byte);
                }
            }
        }
        Some(text(&value))
    }

    /// A token68 (RFC 9110 §11.2), if that is all there is up to the next comma.
    fn token68(&mut self) -> Option<String> {
        let mut ahead = Rest(self.0);
        let mut token68 = text(ahead.take(is_token68));
        if token68.is_empty() {
            return None;
        }
        while ahead.eat(b'=') {
            token68.push('=');
        }
        ahead.take(is_space);
        if !matches!(ahead.0.first(), None | Some(b',')) {
            return None;
        }
        self.0 = ahead.0;
        Some(token68)
    }
}

/// Bytes as the text that they are a part of, cut at ASCII characters.
fn text(bytes: &[u8]) -> String {
    str::from_utf8(bytes).unwrap_or_default().to_owned()
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

fn is_separator(byte: u8) -> bool {
    byte == b',' || is_space(byte)
}

/// What is taken for an unquoted value: more than the tokens of the grammar.
fn is_unquoted(byte: u8) -> bool {
    !is_separator(byte)
}

/// RFC 9110 §5.6.2.
fn is_tchar(byte: u8) -> bool {
    matches!(byte, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^'..=b'`' | b'|' | b'~')
        || byte.is_ascii_alphanumeric()
}

/// RFC 9110 §11.2, less the padding.
fn is_token68(byte: u8) -> bool {
    matches!(byte, b'-' | b'.' | b'_' | b'~' | b'+' | b'/') || byte.is_ascii_alphanumeric()
}

#[cfg(test)]
#[cfg(not(target_family = "wasm"))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn challenge(scheme: &str, params: &[(&str, &str)]) -> Challenge {
        let params = params.iter().map(|(name, value)| ((*name).to_string(), (*value).to_string())).collect();
        Challenge { scheme: scheme.into(), params, token68: None }
    }

    fn bearer(header: &str) -> Refusal {
        refusal(&parse(header), "Bearer")
    }

    #[test]
    fn reads_the_example_of_the_rfc() {
        // RFC 9110 §11.6.1.
        let header = r#"Basic realm="simple", Newauth realm="apps", type=1, title="Login to \"apps\"""#;
        let newauth = [("realm", "apps"), ("type", "1"), ("title", "Login to \"apps\"")];
        assert_eq!(
            parse(header),
            [challenge("Basic", &[("realm", "simple")]), challenge("Newauth", &newauth)]
        );
    }

    #[test]
    fn token68_is_told_from_parameters() {
        let found = parse("Negotiate YWJj/+==, Basic realm=x, NTLM, Digest realm = \"\" , a=b");
        let negotiate = Challenge { token68: Some("YWJj/+==".into()), ..challenge("Negotiate", &[]) };
        let digest = challenge("Digest", &[("realm", ""), ("a", "b")]);
        assert_eq!(found, [negotiate, challenge("Basic", &[("realm", "x")]), challenge("NTLM", &[]), digest]);
    }

    #[test]
    fn servers_that_forget_commas_or_quotes_are_understood() {
        let expected = challenge("Bearer", &[("realm", "x"), ("error", "invalid_token")]);
        for header in [
            "Bearer realm=\"x\", error=\"invalid_token\"",
            "Bearer realm=\"x\" error=\"invalid_token\"",
            ",, \t Bearer  realm =x ,,error= invalid_token,",
            "Bearer REALM=x, Error=\"invalid\\_token",
            "\"a, Basic b=c\" , Bearer realm=x stray error=invalid_token; more",
            "{}, Bearer required: realm=x, error=invalid_token",
        ] {
            let found = parse(header);
            assert_eq!(found.len(), 1, "{header}");
            assert_eq!(found[0].scheme, "Bearer");
            assert_eq!(found[0].param("realm"), expected.param("realm"), "{header}");
            assert_eq!(found[0].param("error").unwrap().trim_end_matches(';'), "invalid_token", "{header}");
        }
    }

    #[test]
    fn a_real_servers_refusal_is_understood() {
        let oidc_provider = r#"Bearer realm="http://localhost:3000", error="invalid_token", error_description="invalid token provided""#;
        assert_eq!(bearer(oidc_provider), Refusal::InvalidToken);
        assert_eq!(refusal(&parse("JWT realm=\"api\""), "jwt"), Refusal::Other);
    }

    #[test]
    fn only_the_sessions_scheme_counts() {
        assert_eq!(bearer(""), Refusal::None);
        assert_eq!(bearer("Basic realm=x, error=invalid_token"), Refusal::None);
        assert_eq!(bearer("Basic realm=x, bearer error=invalid_token"), Refusal::InvalidToken);
        assert_eq!(bearer("DPoP algs=\"ES256\", error=\"invalid_token\""), Refusal::InvalidToken);
        assert_eq!(refusal(&parse("DPoP error=invalid_token"), "JWT"), Refusal::None);
        assert_eq!(bearer("Bearer"), Refusal::Other);
        assert_eq!(bearer("Bearer error=use_dpop_nonce, Bearer error=invalid_token"), Refusal::InvalidToken);
    }

    #[test]
    fn what_is_wrong_with_a_proof_matters_to_a_session_that_sends_them() {
        let dpop = |header: &str| refusal(&parse(header), "DPoP");
        // RFC 9449 §9.
        let nonce = r#"DPoP error="use_dpop_nonce", error_description="Resource server requires nonce in DPoP proof""#;
        assert_eq!(dpop(nonce), Refusal::Nonce);
        assert_eq!(bearer(nonce), Refusal::Other);
        assert_eq!(dpop("DPoP error=\"invalid_dpop_proof\", algs=\"ES256\""), Refusal::Proof);
        assert_eq!(dpop("DPoP error=use_dpop_nonce, Bearer realm=x"), Refusal::Nonce);
        assert_eq!(dpop("Bearer, DPoP error=use_dpop_nonce"), Refusal::Nonce);
        assert_eq!(dpop("Bearer error=invalid_token, DPoP error=use_dpop_nonce"), Refusal::InvalidToken);
        assert_eq!(dpop("DPoP error=use_dpop_nonce, DPoP error=invalid_token"), Refusal::InvalidToken);
    }

    #[test]
    fn what_a_new_token_cannot_mend_is_told_apart() {
        assert_eq!(bearer("Bearer error=\"insufficient_scope\", scope=\"a b\""), Refusal::InsufficientScope);
        // RFC 9470 §3.
        let step_up = r#"Bearer error="insufficient_user_authentication", error_description="More recent authentication is required", acr_values="a b", max_age="5""#;
        assert_eq!(bearer(step_up), Refusal::StepUp { acr_values: Some("a b".into()), max_age_s: Some(5) });
        let no_age = "Bearer error=insufficient_user_authentication, max_age=-5";
        assert_eq!(bearer(no_age), Refusal::StepUp { acr_values: None, max_age_s: None });
    }

    #[test]
    fn length_and_count_are_bounded() {
        assert!(parse(&"a,".repeat(MAX_HEADER_LEN)).is_empty());
        assert_eq!(parse(&"a,".repeat(MAX_HEADER_LEN / 2)).len(), MAX_CHALLENGES);
    }

    /// Name, value, and how it is written: quoted, escaped, with whitespace.
    type Param = (String, String, bool, String);

    fn written(challenges: &[(String, Vec<Param>, bool)]) -> String {
        let mut header = String::new();
        for (scheme, params, empty_element) in challenges {
            header += &format!("{}{scheme} ", if *empty_element { ", ,\t" } else { ", " });
            for (at, (name, value, quoted, space)) in params.iter().enumerate() {
                let value = match quoted {
                    true => format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"")),
                    false => value.clone(),
                };
                header += &format!("{}{name}{space}={space}{value}", if at == 0 { "" } else { "," });
            }
        }
        header
    }

    fn param() -> impl Strategy<Value = Param> {
        let value = prop_oneof![
            ("[!#-~é ,\"\\\\=]{0,12}", Just(true)),
            // Not "=" alone: a token68 may end in those.
            ("[a-zA-Z0-9!#$%&'*+.^_`|~-]{1,12}", Just(false)),
        ];
        ("[a-z][a-z0-9_-]{0,8}", value, "[ \t]{0,2}")
            .prop_map(|(name, (value, quoted), space)| (name, value, quoted, space))
    }

    proptest! {
        #[test]
        fn what_is_written_by_the_grammar_is_read_back(
            challenges in prop::collection::vec(("[A-Za-z][A-Za-z0-9-]{0,8}", prop::collection::vec(param(), 0..4), any::<bool>()), 0..5),
        ) {
            let found = parse(&written(&challenges));
            prop_assert_eq!(found.len(), challenges.len());
            for (found, (scheme, params, _)) in found.iter().zip(&challenges) {
                prop_assert_eq!(&found.scheme, scheme);
                let params: Vec<_> = params.iter().map(|param| (param.0.clone(), param.1.clone())).collect();
                prop_assert_eq!(&found.params, &params);
            }
        }

        #[test]
        fn any_text_is_read_without_panic(text in any::<String>(), like in "(Bearer|error|[ =,\"\\\\\t]|=|x){0,40}") {
            let _ = bearer(&text);
            let _ = bearer(&like);
        }
    }
}
