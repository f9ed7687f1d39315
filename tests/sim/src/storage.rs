//! A page's own storage: sessionStorage, localStorage with its stale copies, or none; refused, cleared.

use tokenwell::proto::io::Input;
use tokenwell::proto::record::Record;

use crate::plan::Kept;
use crate::tab::{Delivery, Life};
use crate::world::{Event, World};

impl World<'_> {
    pub(crate) fn stored(&self, slot: usize) -> Option<&Record> {
        let tab = self.tabs[slot].as_deref()?;
        match self.setup.kept {
            Kept::Session => tab.session_storage.as_ref(),
            Kept::Local => tab.local.record.as_ref(),
            Kept::Memory => None,
        }
    }

    pub(crate) fn store(&mut self, slot: usize, record: Record, fresh: bool) {
        if self.setup.kept == Kept::Memory {
            return;
        }
        let Some(tab) = self.tabs[slot].as_deref() else { return };
        if tab.storage_refuses {
            return self.storage_failed(slot, "it refused");
        }
        if !fresh {
            match self.stored(slot) {
                None => return self.storage_failed(slot, "it has lost what was there"),
                Some(there) if there.id != record.id || there.generation >= record.generation => return,
                Some(_) => {}
            }
        }
        self.write(slot, Some(record));
    }

    pub(crate) fn forget(&mut self, slot: usize, id: &str) {
        if self.stored(slot).is_some_and(|there| there.id == id) {
            self.write(slot, None);
        }
    }

    fn write(&mut self, slot: usize, record: Option<Record>) {
        let Some(tab) = self.tabs[slot].as_deref_mut() else { return };
        match self.setup.kept {
            Kept::Session => tab.session_storage = record,
            Kept::Local => {
                tab.local.record.clone_from(&record);
                tab.local.unconfirmed += 1;
                let life = tab.life;
                let at = self.now() + self.ipc_ms();
                self.queue.push(at, Event::LocalWritten { life, record });
            }
            Kept::Memory => {}
        }
    }

    fn storage_failed(&mut self, slot: usize, why: &'static str) {
        let Some(life) = self.tabs[slot].as_ref().map(|tab| tab.life) else { return };
        let delivery = Delivery::Input(Input::StorageFailed(why));
        self.queue.push(self.clock.true_ms(), Event::Deliver { life, delivery });
    }

    /// A write has reached the browser's own process, which passes it on in its own time.
    pub(crate) fn local_written(&mut self, by: Option<Life>, record: Option<Record>) {
        self.local.record.clone_from(&record);
        let now = self.now();
        for slot in 0..self.tabs.len() {
            let delay = if self.rng.u32(..4) == 0 { self.rng.i64(0..1_000) } else { self.ipc_ms() };
            let Some(tab) = self.tabs[slot].as_deref_mut() else { continue };
            let life = tab.life;
            let delivery =
                if by == Some(life) { Delivery::StorageConfirmed } else { Delivery::Storage(record.clone()) };
            let at = (now + delay).max(tab.last_storage_at);
            tab.last_storage_at = at;
            self.queue.push(at, Event::Deliver { life, delivery });
        }
    }
}
