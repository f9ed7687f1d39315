//! What can go wrong, in the contract's words.

use super::answer::Refused;
use super::io::AttemptId;

/// Contract: `AuthErrorCode`.
#[derive(Clone, Copy, PartialEq, Eq)]
#[cfg_attr(not(target_family = "wasm"), derive(Debug))]
pub enum Code {
    /// No session to act on.
    SignedOut,
    /// The route refused the refresh token: signed out (RFC 6749 §5.2).
    InvalidGrant,
    /// Network, timeout, 429, 5xx: the session is kept.
    RefreshUnavailable,
    /// The route answered something that is no token answer: the session is kept.
    InvalidResponse,
    /// The caller's mistake.
    InvalidOptions,
    /// PKCE state missing or wrong (RFC 6749 §10.12).
    InvalidState,
    /// The authorization server's own error (RFC 6749 §4.1.2.1).
    AccessDenied,
    /// State could not be kept or read.
    Storage,
}

impl Code {
    /// The contract's spelling.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SignedOut => "signed_out",
            Self::InvalidGrant => "invalid_grant",
            Self::RefreshUnavailable => "refresh_unavailable",
            Self::InvalidResponse => "invalid_response",
            Self::InvalidOptions => "invalid_options",
            Self::InvalidState => "invalid_state",
            Self::AccessDenied => "access_denied",
            Self::Storage => "storage",
        }
    }

    /// Whether the same call may succeed later.
    pub fn retryable(self) -> bool {
        matches!(self, Self::RefreshUnavailable | Self::InvalidResponse)
    }
}

/// Contract: `AuthError`, before it becomes one.
#[derive(Clone, PartialEq)]
#[cfg_attr(not(target_family = "wasm"), derive(Debug))]
pub struct Failure {
    /// What kind.
    pub code: Code,
    /// One sentence for a human; never made from data.
    pub message: &'static str,
    /// The server's `error` (RFC 6749 §5.2), secrets blanked.
    pub error: Option<String>,
    /// The server's `error_description`, secrets blanked.
    pub description: Option<String>,
    /// The server's `error_uri`.
    pub uri: Option<String>,
    /// The HTTP status.
    pub status: Option<u16>,
    /// When to try again, epoch ms.
    pub retry_at_ms: Option<i64>,
    /// The attempt that failed so: the host may have what was thrown at it.
    pub attempt: Option<AttemptId>,
}

impl Failure {
    /// A failure with nothing from a server.
    pub fn new(code: Code, message: &'static str) -> Self {
        Self {
            code,
            message,
            error: None,
            description: None,
            uri: None,
            status: None,
            retry_at_ms: None,
            attempt: None,
        }
    }

    /// The refresh did not come about: when to try again, epoch ms.
    pub fn unavailable(message: &'static str, retry_at_ms: i64) -> Self {
        Self { retry_at_ms: Some(retry_at_ms), ..Self::new(Code::RefreshUnavailable, message) }
    }

    /// A failure with what the server said.
    pub fn said(code: Code, message: &'static str, said: Refused) -> Self {
        Self {
            error: said.code,
            description: said.description,
            uri: said.uri,
            status: (said.status != 0).then_some(said.status),
            ..Self::new(code, message)
        }
    }
}
