//! The place that tabs share: IndexedDB behind compare-and-swap. Each operation takes effect at one instant,
//! some time after it was asked for and some time before its answer.

use tokenwell::proto::io::{AttemptId, Expect, Found, Sealed, Swapped};
use tokenwell::proto::record::{Entry, Meta, Record};
use tokenwell::proto::secret::Secret;

use crate::tab::Life;

#[derive(Default)]
pub(crate) struct Vault {
    entries: Vec<(String, Kept)>,
    /// Can't be read or written at present.
    pub(crate) down: bool,
    /// Transactions are carried out in the order in which they were begun.
    pub(crate) busy_until: i64,
    /// A page that hangs in the middle of a writing transaction keeps everyone else waiting.
    pub(crate) blocked_by: Option<Life>,
    pub(crate) waiting: Vec<(Life, Op)>,
    /// When the user last cleared it, true ms.
    pub(crate) cleared_at: Option<i64>,
    /// When it last went out or came back, true ms.
    pub(crate) outage_at: Option<i64>,
    /// When an operation last failed, true ms.
    pub(crate) refused_at: Option<i64>,
    /// When an operation last failed, or it was cleared, true ms.
    pub(crate) trouble_at: Option<i64>,
}

struct Kept {
    version: u32,
    meta: Meta,
    /// Sealed with the key in it.
    sealed: Option<Record>,
}

/// An operation on its way.
#[derive(Debug)]
pub(crate) struct Op {
    pub(crate) id: String,
    pub(crate) key: Secret,
    pub(crate) attempt: Option<AttemptId>,
    /// `None`: a look.
    pub(crate) write: Option<Write>,
    /// Befalls it.
    pub(crate) fails: bool,
    pub(crate) mute: bool,
}

#[derive(Debug)]
pub(crate) struct Write {
    pub(crate) expect: Expect,
    pub(crate) meta: Meta,
    pub(crate) sealed: Sealed,
}

impl Vault {
    pub(crate) fn look(&self, id: &str, key: &Secret) -> Found {
        if self.down {
            return Found::Unavailable;
        }
        self.get(id).map_or(Found::Nothing, |kept| {
            let record = kept.sealed.clone().filter(|record| record.key == *key);
            Found::Entry(Box::new(Entry { version: kept.version, meta: kept.meta.clone(), record }))
        })
    }

    /// `first`: the version where nothing is.
    pub(crate) fn swap(&mut self, id: &str, key: &Secret, write: Write, first: u32) -> Swapped {
        if self.down {
            return Swapped::Unavailable;
        }
        let there = self.get(id).map(|kept| kept.version);
        if write.expect != Expect::Anything && write.expect != Expect::Version(there) {
            return Swapped::Conflict(self.look(id, key));
        }
        let version = there.map_or(first, |there| there.wrapping_add(1));
        let sealed = match write.sealed {
            Sealed::Keep => self.get(id).and_then(|kept| kept.sealed.clone()),
            Sealed::Put(record) => Some(record),
            Sealed::Clear => None,
        };
        self.entries.retain(|entry| entry.0 != id);
        self.entries.push((id.to_owned(), Kept { version, meta: write.meta, sealed }));
        Swapped::Done { version }
    }

    /// It goes out or comes back.
    pub(crate) fn set_down(&mut self, down: bool, now: i64) {
        if self.down != down {
            self.down = down;
            self.outage_at = Some(now);
            self.trouble_at = Some(now);
        }
    }

    pub(crate) fn clear(&mut self, now: i64) {
        self.cleared_at = Some(now);
        self.trouble_at = Some(now);
        self.entries.clear();
    }

    /// The token set under that id, while the place can be read: a page that hangs in a transaction keeps all out.
    pub(crate) fn sealed(&self, id: &str) -> Option<&Record> {
        self.get(id).filter(|_| !self.down && self.blocked_by.is_none())?.sealed.as_ref()
    }

    fn get(&self, id: &str) -> Option<&Kept> {
        self.entries.iter().find(|entry| entry.0 == id).map(|entry| &entry.1)
    }
}
