//! localStorage between renderer processes: a write is seen at once by its writer, by the others when the
//! browser's own process has passed it on, up to a second later. Until then they read what was.

use tokenwell::proto::record::Record;

/// What the browser's own process holds. New pages start from it.
#[derive(Default)]
pub(crate) struct Local {
    pub(crate) record: Option<Record>,
}

/// One page's copy.
#[derive(Default)]
pub(crate) struct Copy {
    pub(crate) record: Option<Record>,
    /// Own writes that the browser's process has not confirmed; older news from others is passed over.
    pub(crate) unconfirmed: u32,
}

impl Copy {
    /// What another page wrote has arrived.
    pub(crate) fn arrived(&mut self, record: Option<Record>) {
        if self.unconfirmed == 0 {
            self.record = record;
        }
    }
}
