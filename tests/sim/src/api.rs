//! One API request and, where the core allows it, its replay: what `fetch` does around the core.

use tokenwell::proto::io::Epoch;

use crate::tab::Life;

/// A request on its way.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) life: Life,
    /// The access token that was sent.
    pub(crate) sent: Option<usize>,
    pub(crate) epoch: Epoch,
    /// Which attempt it is: a second one is a replay.
    pub(crate) replay: bool,
    /// Of the closing checks: must succeed.
    pub(crate) closing: bool,
}
