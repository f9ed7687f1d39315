//! A server's words, fit to be shown: its errors may quote what they were sent.

use super::form;
use super::secret::Secret;

/// The longest text that is passed on, in characters.
pub const MAX_TEXT_CHARS: usize = 500;
/// The longest code that is passed on, in characters.
pub const MAX_CODE_CHARS: usize = 100;

/// What is left of a secret.
const BLANK: &str = "[secret]";
/// Shorter texts are no secrets, in bytes: blanking them would leave nothing to read.
const MIN_SECRET_LEN: usize = 4;
/// Of a longer text, in bytes, the rest is not looked at: servers may send megabytes.
const MAX_LOOKED_AT: usize = 4 * MAX_TEXT_CHARS;
/// From this length on, in bytes, a word may be a token.
const MIN_TOKEN_LEN: usize = 32;

/// A text without what must not be seen: the given secrets, plain or percent-encoded, and whatever looks like a
/// JWT or another long token. At most [`MAX_TEXT_CHARS`] characters.
pub fn blank(text: &str, secrets: &[&Secret]) -> String {
    let mut known = Known::default();
    for secret in secrets {
        known.add(secret);
    }
    known.blank(text)
}

/// The secrets that are looked for, in each way of writing them.
#[derive(Default)]
pub struct Known(Vec<String>);

impl Known {
    /// Looks for this one, too.
    pub fn add(&mut self, secret: &Secret) {
        let secret = secret.expose();
        if secret.len() >= MIN_SECRET_LEN {
            let mut encoded = String::new();
            form::encode(&mut encoded, secret);
            self.0.push(encoded);
            self.0.push(secret.to_owned());
        }
    }

    /// As [`blank`].
    pub fn blank(&self, text: &str) -> String {
        let text = self.without(text);
        let mut rest = text.as_str();
        let mut shown = String::new();
        while !rest.is_empty() {
            let word = take(&mut rest, is_token_char);
            shown.push_str(if is_opaque(word) { BLANK } else { word });
            shown.push_str(take(&mut rest, |byte| !is_token_char(byte)));
        }
        // Only now: a cut before might have left the recognisable half of a secret.
        let mut starts = shown.bytes().enumerate().filter(|byte| !is_continuation(byte.1));
        if let Some((end, _)) = starts.nth(MAX_TEXT_CHARS) {
            shown.truncate(end);
        }
        shown
    }

    /// RFC 6749 §5.2 `error`: NQSCHAR, which is printable ASCII without quotes and backslashes. `unreadable` for
    /// what is none or quotes a secret.
    pub fn code(&self, text: &str) -> String {
        let is_code = text.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\');
        let fits = is_code && text.len() <= MAX_CODE_CHARS && self.is_clean(text);
        String::from(if fits { text } else { "unreadable" })
    }

    /// RFC 6749 §5.2 `error_uri`, if it quotes no secret: with a hole in it, it would be of no use. Addresses are
    /// full of long words, so only what is known to be secret, or a JWT, is looked for. Of a web page: apps make links
    /// of it, and `javascript:` is no link to make.
    pub fn uri(&self, text: &str) -> Option<String> {
        let is_page = ["https://", "http://"].iter().any(|scheme| text.starts_with(scheme));
        let is_uri = is_page && text.bytes().all(|byte| matches!(byte, b'!'..=b'~'));
        (is_uri && text.len() <= MAX_TEXT_CHARS && self.is_clean(text)).then(|| text.to_owned())
    }

    fn is_clean(&self, text: &str) -> bool {
        !is_jwt(text) && self.without(text) == text
    }

    fn without(&self, text: &str) -> String {
        let mut blanked = String::new();
        let mut rest = text;
        loop {
            // More is never shown. A word that was cut might look like none of a token's length.
            if blanked.len() > MAX_LOOKED_AT {
                let end = blanked.bytes().rposition(|byte| !is_token_char(byte));
                blanked.truncate(end.map_or(0, |end| end + 1));
                return blanked;
            }
            if let Some(tail) = self.0.iter().find_map(|secret| after(rest, secret)) {
                blanked.push_str(BLANK);
                rest = tail;
                continue;
            }
            let character = 1 + rest.bytes().skip(1).take_while(|byte| is_continuation(*byte)).count();
            let Some((character, tail)) = rest.split_at_checked(character) else { return blanked };
            blanked.push_str(character);
            rest = tail;
        }
    }
}

/// What follows the secret, in whatever case: some write `%2f` for `%2F`, and some change all they quote.
fn after<'a>(text: &'a str, secret: &str) -> Option<&'a str> {
    let (head, tail) = text.split_at_checked(secret.len())?;
    head.eq_ignore_ascii_case(secret).then_some(tail)
}

/// Takes all up to the first byte that is not like that.
fn take<'a>(rest: &mut &'a str, is_like: fn(u8) -> bool) -> &'a str {
    let end = rest.bytes().position(|byte| !is_like(byte)).unwrap_or(rest.len());
    let (taken, left) = rest.split_at_checked(end).unwrap_or((rest, ""));
    *rest = left;
    taken
}

/// Whether it is no first byte of a character in UTF-8.
fn is_continuation(byte: u8) -> bool {
    matches!(byte, 0x80..=0xBF)
}

/// RFC 9110 §11.2 token68, and `%` for one that is percent-encoded.
fn is_token_char(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'+' | b'/' | b'=' | b'%')
}

/// Error codes and paths are long words too, but in lower case throughout, as no random token is.
fn is_opaque(word: &str) -> bool {
    let is_random = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    is_jwt(word) || (word.len() >= MIN_TOKEN_LEN && word.bytes().any(is_random))
}

/// Whether there is the base64url of `{"`, with which every JWT begins.
fn is_jwt(text: &str) -> bool {
    text.as_bytes().windows(3).any(|three| three == b"eyJ")
}

#[cfg(test)]
#[cfg(not(target_family = "wasm"))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn blanked(text: &str, secrets: &[&str]) -> String {
        let secrets: Vec<Secret> = secrets.iter().map(|text| Secret::new(*text)).collect();
        blank(text, &secrets.iter().collect::<Vec<_>>())
    }

    fn knowing(secret: &str) -> Known {
        let mut known = Known::default();
        known.add(&Secret::new(secret));
        known
    }

    #[test]
    fn secrets_are_blanked_plain_and_percent_encoded() {
        assert_eq!(blanked("token a/b+c==! is old", &["a/b+c=="]), "token [secret]! is old");
        assert_eq!(blanked("t=a%2Fb%2Bc%3D%3D&x", &["a/b+c=="]), "t=[secret]&x");
        assert_eq!(blanked("t=a%2fb%2bc%3d%3d&x", &["a/b+c=="]), "t=[secret]&x");
        assert_eq!(blanked("NO SUCH TOKEN: S3CR3T-VALUE", &["s3cr3t-value"]), "NO SUCH TOKEN: [secret]");
    }

    #[test]
    fn tokens_nobody_named_are_blanked_too() {
        assert_eq!(blanked("got eyJhbGciOi.J9.x, sorry", &[]), "got [secret], sorry");
        assert_eq!(blanked("id '0123456789abcdef0123456789abcdef' unknown", &[]), "id '[secret]' unknown");
    }

    #[test]
    fn a_text_of_megabytes_is_cut_before_it_is_read_and_no_half_of_a_token_shows() {
        let token = "aB3".repeat(20);
        let quoted = [token.as_str(), " "].concat().repeat(100_000);
        assert_eq!(blanked(&quoted, &[]).replace("[secret] ", ""), "");
        let secret = "s3cr3t ".repeat(1_000);
        let shown = blanked(&["x ", &secret, "s3cr3t"].concat().repeat(1_000), &[&secret]);
        assert!(shown.starts_with("x [secret]s3cr3tx [secret]") && shown.chars().count() <= MAX_TEXT_CHARS);
    }

    #[test]
    fn ordinary_words_stay() {
        let text =
            "AADSTS70008: insufficient_user_authentication, see /docs/errors/authentication/expired-tokens";
        assert_eq!(blanked(text, &["", "a"]), text);
    }

    #[test]
    fn codes_are_short_plain_and_without_secrets() {
        let known = knowing("s3cr3t-value");
        assert_eq!(known.code("insufficient_user_authentication"), "insufficient_user_authentication");
        for bad in ["a\"b", "a\\b", "caf\u{e9}", "a\nb", &"a".repeat(101), "not s3cr3t-value", "eyJhbGciOiJ9"]
        {
            assert_eq!(known.code(bad), "unreadable", "{bad}");
        }
    }

    #[test]
    fn addresses_are_whole_or_absent() {
        let github =
            "https://docs.github.com/apps/troubleshooting-oauth-app-access-token-request-errors/#Bad2";
        let known = knowing("s3cr3t value");
        assert_eq!(known.uri(github).as_deref(), Some(github));
        assert_eq!(known.uri("https://x.test/?t=s3cr3t+value"), None);
        assert_eq!(known.uri("https://x.test/?t=S3CR3T+VALUE"), None);
        assert_eq!(
            known.uri("https://x.test/?t=s3cr3t-value").as_deref(),
            Some("https://x.test/?t=s3cr3t-value")
        );
        assert_eq!(known.uri("https://x.test/ y"), None);
    }

    #[test]
    fn addresses_that_run_or_carry_something_are_none() {
        let known = Known::default();
        for bad in
            ["javascript:alert(1)", "data:text/html,x", "JavaScript:x", "blob:https://x.test/1", "/errors/1"]
        {
            assert_eq!(known.uri(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_secret_survives_wherever_it_is_quoted(
            before in "[a-z \"'&=]{0,600}", secret in "[A-Za-z0-9+/=_. -]{8,80}", after in any::<String>(),
        ) {
            let mut encoded = String::new();
            form::encode(&mut encoded, &secret);
            for quoted in [&secret, &encoded] {
                let shown = blanked(&format!("{before}{quoted}{after}"), &[&secret]);
                prop_assert!(shown.chars().count() <= MAX_TEXT_CHARS);
                prop_assert!(!shown.contains(secret.as_str()) && !shown.contains(encoded.as_str()));
            }
        }

        #[test]
        fn a_text_without_long_words_is_shown_as_it_is(text in "([a-zA-Z0-9]{1,12}[ ,;:!]){0,30}") {
            prop_assume!(!text.contains("eyJ"));
            prop_assert_eq!(blanked(&text, &[]), text);
        }
    }
}
