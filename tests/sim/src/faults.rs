//! What goes wrong on the way, one at a time: each is queued by a plan and befalls the next to come by.

/// What befalls a token request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum TokenFault {
    /// Lost on the way there. `noticed_ms`: when the tab learns it, if ever.
    DropBefore { noticed_ms: Option<i64> },
    /// The server has committed; its answer is lost.
    DropAfter { noticed_ms: Option<i64> },
    /// It takes so long there and so long back.
    Delay { there_ms: i64, back_ms: i64 },
    /// A failure's status; behind a gateway the server may have committed all the same.
    Status { status: u16, retry_after_ms: Option<i64>, committed: bool },
    /// 200 and HTML, or nothing.
    Garbage { committed: bool },
}

/// What befalls an API request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum ApiFault {
    /// The network fails.
    Drop,
    /// 401 whatever the token.
    Refuse,
    /// It takes so long.
    Delay(i64),
}

/// What befalls an operation on the shared place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum VaultFault {
    /// It takes so long.
    Slow(i64),
    /// It fails.
    Fail,
    /// It is carried out; the tab never hears of it.
    Mute,
}
