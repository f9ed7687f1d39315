//! Proofs of possession (DPoP, RFC 9449): what goes into one, what servers want of the next, and when a request
//! that was refused for its proof alone is sent once more.
//!
//! Such a refusal comes before the server has done anything with the request, so sending it again is no second
//! presentation of a token. It happens once for a nonce and once for the clock, whatever the server says.

use super::answer::{Grant, Meaning, Refused};
use super::challenge::{self, Refusal};
use super::json::{Json, Member};
use super::retry_after::http_date_ms;
use super::session::{Because, View};
use super::text::joined;
use super::time::{difference, sum};

/// The authorization scheme (RFC 9449 §7.1), and the `token_type` of answers (§5).
pub const SCHEME: &str = "DPoP";

/// Nonces of this many origins are remembered.
const MOST_ORIGINS: usize = 32;
/// A longer nonce is no nonce, bytes.
const MAX_NONCE_LEN: usize = 1024;
/// Length of a coordinate of P-256: 32 bytes as base64url (RFC 7518 §6.2.1.2).
const COORDINATE_LEN: usize = 43;

/// A public key as a JWK of its required members in the order of RFC 7638 §3: what a proof's header has, and what
/// the thumbprint is made of. `None`: these are no coordinates.
pub fn jwk(x: &str, y: &str) -> Option<String> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let is_coordinate = |text: &str| text.len() == COORDINATE_LEN && text.bytes().all(fits);
    (is_coordinate(x) && is_coordinate(y))
        .then(|| joined(&[r#"{"crv":"P-256","kty":"EC","x":""#, x, r#"","y":""#, y, "\"}"]))
}

/// The header of every proof by that key (RFC 9449 §4.2).
pub fn header(jwk: &str) -> String {
    joined(&[r#"{"typ":"dpop+jwt","alg":"ES256","jwk":"#, jwk, "}"])
}

/// A request, and what its last proof was made with.
#[cfg_attr(not(target_family = "wasm"), derive(Debug))]
pub struct Proven {
    /// `htm`: the method as it goes out.
    method: String,
    /// `htu`: the URL without query and fragment.
    uri: String,
    /// As far as this it is the origin.
    origin_len: usize,
    nonce: Option<String>,
    /// By this much the server's clock is ahead of ours, milliseconds.
    offset_ms: i64,
    /// When it was made, epoch milliseconds.
    made_ms: i64,
    again_for_nonce: bool,
    again_for_clock: bool,
}

impl Proven {
    /// A request by this method to this absolute URL, both in the platform's spelling.
    pub fn new(method: String, mut uri: String) -> Self {
        let (mut slashes, mut origin_len) = (0, None);
        // Byte by byte: searching for text would bring the unicode tables along.
        for (at, byte) in uri.bytes().enumerate() {
            if matches!(byte, b'?' | b'#') {
                uri.truncate(at);
                break;
            }
            slashes += i32::from(byte == b'/');
            if slashes == 3 && origin_len.is_none() {
                origin_len = Some(at);
            }
        }
        Self {
            origin_len: origin_len.unwrap_or(uri.len()),
            method,
            uri,
            nonce: None,
            offset_ms: 0,
            made_ms: 0,
            again_for_nonce: false,
            again_for_clock: false,
        }
    }

    /// The payload of the next proof (RFC 9449 §4.2). `jti` is random; `ath` is the access token's SHA-256, where one
    /// goes with it (§4.3).
    pub fn claims<J: Json>(&self, jti: &str, ath: Option<&str>) -> String {
        let now_s = sum(self.made_ms, self.offset_ms).div_euclid(1000);
        let mut members = vec![
            ("jti", Member::Text(jti)),
            ("htm", Member::Text(&self.method)),
            ("htu", Member::Text(&self.uri)),
            ("iat", Member::Int(now_s)),
        ];
        members.extend(ath.map(|ath| ("ath", Member::Text(ath))));
        members.extend(self.nonce.as_deref().map(|nonce| ("nonce", Member::Text(nonce))));
        J::object(&members)
    }

    fn origin(&self) -> &str {
        self.uri.get(..self.origin_len).unwrap_or_default()
    }
}

/// What an answer finds wrong with the proof.
#[derive(Clone, Copy, PartialEq, Eq)]
#[cfg_attr(not(target_family = "wasm"), derive(Debug))]
pub enum Complaint {
    /// Nothing.
    None,
    /// `use_dpop_nonce` (RFC 9449 §8, §9).
    Nonce,
    /// `invalid_dpop_proof` (RFC 9449 §5, §7.1): its clock, if it is anything that can be mended.
    Proof,
    /// A 401 whose challenge CORS hides: perhaps one of these.
    Hidden,
}

impl Complaint {
    /// Of a token endpoint's `error` (RFC 9449 §5, §8).
    pub fn of_code(code: &str) -> Self {
        match code {
            "use_dpop_nonce" => Self::Nonce,
            "invalid_dpop_proof" => Self::Proof,
            _ => Self::None,
        }
    }

    /// Of an API's answer (RFC 9449 §7.1, §9).
    pub fn of_answer(status: Option<u16>, challenge: Option<&str>) -> Self {
        if status != Some(401) {
            return Self::None;
        }
        let Some(header) = challenge else { return Self::Hidden };
        match challenge::refusal(&challenge::parse(header), SCHEME) {
            Refusal::Nonce => Self::Nonce,
            Refusal::Proof => Self::Proof,
            Refusal::InvalidToken
            | Refusal::InsufficientScope
            | Refusal::StepUp { .. }
            | Refusal::Other
            | Refusal::None => Self::None,
        }
    }
}

/// What of an answer matters to proofs.
#[derive(Clone, Copy)]
pub struct Facts<'a> {
    /// What it finds wrong.
    pub complaint: Complaint,
    /// The `DPoP-Nonce` header.
    pub nonce: Option<&'a str>,
    /// The `Date` header.
    pub date: Option<&'a str>,
    /// Epoch milliseconds at receipt.
    pub now_ms: i64,
}

/// What is known of the servers that proofs are for.
#[derive(Default)]
pub struct Servers {
    /// The last nonce of each origin (RFC 9449 §8.2), the last used one at the end.
    nonces: Vec<(String, String)>,
    /// By this much their clocks are ahead of ours, milliseconds. One number: it is ours that is wrong.
    offset_ms: i64,
}

impl Servers {
    /// Readies a request for its next proof.
    pub fn ready(&self, request: &mut Proven, now_ms: i64) {
        request.nonce = self.nonce(request.origin()).map(String::from);
        request.offset_ms = self.offset_ms;
        request.made_ms = now_ms;
    }

    /// Takes in what an answer says. Gives whether the request, which was refused for its proof alone, is to be sent
    /// again at once, with another one.
    pub fn answered(&mut self, request: &mut Proven, facts: &Facts<'_>) -> bool {
        if let Some(nonce) = facts.nonce.filter(|nonce| is_nonce(nonce)) {
            self.remember(request.origin(), nonce);
        }
        // Only answers that complain: others may have lain in a cache, and their Date with them.
        if matches!(facts.complaint, Complaint::Nonce | Complaint::Proof)
            && let Some(date_ms) = facts.date.and_then(|date| http_date_ms(date, facts.now_ms))
        {
            self.learn_time(date_ms, request.made_ms, facts.now_ms);
        } else if facts.complaint == Complaint::Proof && request.offset_ms == self.offset_ms {
            // It may have been right once, and the device's clock was set since.
            self.offset_ms = 0;
        }
        let nonce = self.nonce(request.origin());
        let has_nonce = nonce.is_some() && nonce != request.nonce.as_deref();
        let has_time = self.offset_ms != request.offset_ms;
        match facts.complaint {
            Complaint::None => false,
            Complaint::Proof if has_time && !request.again_for_clock => {
                request.again_for_clock = true;
                true
            }
            Complaint::Nonce | Complaint::Proof | Complaint::Hidden
                if has_nonce && !request.again_for_nonce =>
            {
                request.again_for_nonce = true;
                true
            }
            Complaint::Nonce | Complaint::Proof | Complaint::Hidden => false,
        }
    }

    fn nonce(&self, origin: &str) -> Option<&str> {
        self.nonces.iter().find(|known| known.0 == origin).map(|known| known.1.as_str())
    }

    fn remember(&mut self, origin: &str, nonce: &str) {
        self.nonces.retain(|known| known.0 != origin);
        self.nonces.drain(..self.nonces.len().saturating_sub(MOST_ORIGINS - 1));
        self.nonces.push((origin.into(), nonce.into()));
    }

    /// A server said that it was `date_ms`, to the second, at some moment between these two of ours. Where that fits
    /// what is known already, nothing changes. Else of all offsets that fit the lowest is taken: a proof from the
    /// past is a little old, one from the future is refused.
    fn learn_time(&mut self, date_ms: i64, sent_ms: i64, now_ms: i64) {
        let lowest = difference(date_ms, now_ms);
        let highest = difference(sum(date_ms, 999), sent_ms);
        for known in [0, self.offset_ms] {
            if (lowest..=highest).contains(&known) {
                self.offset_ms = known;
                return;
            }
        }
        self.offset_ms = lowest;
    }
}

/// RFC 9449 §8.1: `1*NQCHAR` of RFC 6749 Appendix A.
fn is_nonce(text: &str) -> bool {
    let fits = |byte: u8| matches!(byte, b'!' | b'#'..=b'[' | b']'..=b'~');
    (1..=MAX_NONCE_LEN).contains(&text.len()) && text.bytes().all(fits)
}

/// What a token endpoint finds wrong with the proof.
pub fn complaint(meaning: &Meaning) -> Complaint {
    match meaning {
        Meaning::Granted(_) => Complaint::None,
        Meaning::Ended(said) | Meaning::Unavailable { said, .. } | Meaning::Invalid(said) => {
            said.code.as_deref().map_or(Complaint::None, Complaint::of_code)
        }
    }
}

/// An answer to a request with a proof, without tokens that are not bound to its key: those must be discarded.
pub fn bound(meaning: Meaning) -> Meaning {
    match &meaning {
        Meaning::Granted(grant) if !is_bound(grant) => {
            Meaning::Invalid(Refused { description: Some(NOT_BOUND.into()), ..Refused::default() })
        }
        Meaning::Granted(_) | Meaning::Ended(_) | Meaning::Unavailable { .. } | Meaning::Invalid(_) => {
            meaning
        }
    }
}

const NOT_BOUND: &str = "The answer's token_type is not DPoP: its tokens are not bound to the key.";

/// Whether a grant's token is bound to the key (RFC 9449 §5). Where it is not, and the app wants it so, the answer must
/// be discarded. One that does not say is taken at the app's word: it is never sent as a bearer token.
pub fn is_bound(grant: &Grant) -> bool {
    grant.token_type.as_deref().is_none_or(|kind| kind.eq_ignore_ascii_case(SCHEME))
}

/// Whether the session's tokens may be bound to a key that was kept before, so that no other will do. Those of a login
/// that this very page was given can't be.
pub fn needs_kept_key(view: &View<'_>) -> bool {
    view.record.is_some() && view.because != Because::SignedIn
}

#[cfg(test)]
#[cfg(not(target_family = "wasm"))]
mod tests;
