//! Web Locks: exclusive or shared, granted in the order in which they were asked for. The browser frees what
//! a dead page held; a page that stands still keeps what it has.

use crate::tab::Life;

/// One request of one page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Asker {
    pub(crate) life: Life,
    pub(crate) ticket: u32,
}

#[derive(Default)]
pub(crate) struct Locks(Vec<Lock>);

struct Lock {
    name: (String, u32),
    /// In the order of asking; those before `held` have been granted.
    requests: Vec<(Asker, Mode)>,
    held: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Exclusive,
    Shared,
}

impl Locks {
    /// Asks; gives who has been granted a lock.
    pub(crate) fn ask(&mut self, name: (String, u32), asker: Asker, mode: Mode) -> Vec<Asker> {
        let at = self.0.iter().position(|lock| lock.name == name).unwrap_or_else(|| {
            self.0.push(Lock { name, requests: Vec::new(), held: 0 });
            self.0.len() - 1
        });
        self.0[at].requests.push((asker, mode));
        self.0[at].grant()
    }

    /// Gives a lock back, or leaves the queue; gives who has been granted a lock by that.
    pub(crate) fn release(&mut self, asker: Asker) -> Vec<Asker> {
        let Some(at) = self.0.iter().position(|lock| lock.requests.iter().any(|r| r.0 == asker)) else {
            return Vec::new();
        };
        let lock = &mut self.0[at];
        if let Some(place) = lock.requests.iter().position(|r| r.0 == asker) {
            lock.requests.remove(place);
            if place < lock.held {
                lock.held -= 1;
            }
        }
        let granted = lock.grant();
        if lock.requests.is_empty() {
            self.0.swap_remove(at);
        }
        granted
    }

    /// All that a page has asked for and not given back.
    pub(crate) fn of(&self, life: Life) -> Vec<Asker> {
        let all = self.0.iter().flat_map(|lock| &lock.requests);
        all.map(|request| request.0).filter(|asker| asker.life == life).collect()
    }
}

impl Lock {
    /// Grants what may be granted: the first, or as many shared ones as come first.
    fn grant(&mut self) -> Vec<Asker> {
        let mut granted = Vec::new();
        while let Some((asker, mode)) = self.requests.get(self.held) {
            let all_shared = self.requests.iter().take(self.held + 1).all(|r| r.1 == Mode::Shared);
            if self.held > 0 && !(all_shared && *mode == Mode::Shared) {
                break;
            }
            granted.push(*asker);
            self.held += 1;
        }
        granted
    }
}
