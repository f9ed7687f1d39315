//! Tokens and sign-ins are numbers in here and text in the core.

use tokenwell::proto::record::Record;
use tokenwell::proto::secret::Secret;

pub(crate) fn access(number: usize) -> Secret {
    Secret::new(format!("a{number}"))
}

pub(crate) fn refresh(number: usize) -> Secret {
    Secret::new(format!("r{number}"))
}

pub(crate) fn sign_in(number: usize) -> String {
    format!("s{number}")
}

pub(crate) fn key(number: usize) -> Secret {
    Secret::new(format!("k{number}"))
}

/// The number in any of these names.
pub(crate) fn number(name: &str) -> usize {
    name.get(1..).and_then(|digits| digits.parse().ok()).unwrap_or(usize::MAX)
}

/// The numbers of a record's sign-in, access token and refresh token.
pub(crate) fn of(record: &Record) -> (usize, Option<usize>, Option<usize>) {
    let token = |token: &Option<Secret>| token.as_ref().map(|token| number(token.expose()));
    (number(&record.id), token(&record.tokens.access_token), token(&record.tokens.refresh_token))
}
