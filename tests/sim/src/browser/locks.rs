//! Web Locks: one holder per name, a queue, stealing. The browser frees what a dead page held; a page that
//! stands still keeps what it has.

use std::collections::VecDeque;

use tokenwell::proto::io::AttemptId;

use crate::tab::Life;

type Asker = (Life, AttemptId);

#[derive(Default)]
pub(crate) struct Locks(Vec<Lock>);

struct Lock {
    name: String,
    holder: Option<Asker>,
    queue: VecDeque<Asker>,
}

/// Who must be told what.
#[derive(Default)]
pub(crate) struct Told {
    pub(crate) granted: Option<Asker>,
    pub(crate) lost: Option<Asker>,
}

impl Locks {
    pub(crate) fn ask(&mut self, name: &str, asker: Asker, steal: bool) -> Told {
        let lock = match self.0.iter().position(|lock| lock.name == name) {
            Some(at) => &mut self.0[at],
            None => {
                self.0.push(Lock { name: name.to_owned(), holder: None, queue: VecDeque::new() });
                let last = self.0.len() - 1;
                &mut self.0[last]
            }
        };
        if steal {
            return Told { granted: Some(asker), lost: lock.holder.replace(asker) };
        }
        if lock.holder.is_some() {
            lock.queue.push_back(asker);
            return Told::default();
        }
        lock.holder = Some(asker);
        Told { granted: Some(asker), lost: None }
    }

    /// Gives a lock back, or leaves the queue.
    pub(crate) fn release(&mut self, asker: Asker) -> Told {
        let mut told = Told::default();
        for lock in &mut self.0 {
            lock.queue.retain(|a| *a != asker);
            if lock.holder == Some(asker) {
                lock.holder = lock.queue.pop_front();
                told.granted = lock.holder;
            }
        }
        told
    }

    /// All that a page has asked for and not given back.
    pub(crate) fn of(&self, life: Life) -> Vec<Asker> {
        self.0
            .iter()
            .flat_map(|lock| lock.holder.iter().chain(&lock.queue))
            .filter(|a| a.0 == life)
            .copied()
            .collect()
    }
}
