//! What a plan's steps do to the world.

use tokenwell::proto::config::{Config, Coordination};
use tokenwell::proto::io::{Input, Want};
use tokenwell::proto::record::Record;

use crate::broken::Subject;
use crate::browser::local::Copy;
use crate::names;
use crate::plan::{Action, Kept, Slot};
use crate::tab::{Delivery, Life, Runs, Seen, Tab};
use crate::world::{Event, World};

impl World<'_> {
    pub(crate) fn act(&mut self, action: &Action) {
        let now = self.now();
        self.trace.line(now, || format!("-- {action:?}"));
        match *action {
            Action::Open(slot) => self.open(slot, None),
            Action::Close(slot) => drop(self.die(slot)),
            Action::Reload(slot) => {
                if let Some(tab) = self.die(slot) {
                    self.open(slot, tab.session_storage.clone());
                }
            }
            Action::Crash { slot, restored, flushed } => {
                let Some(tab) = self.die(slot) else { return };
                if restored {
                    let kept = if flushed { &tab.flushed } else { &tab.session_storage };
                    self.open(slot, kept.clone());
                }
            }
            Action::Duplicate { from, to } => self.duplicate(from, to),
            Action::Freeze(slot) => self.freeze(slot, Runs::Frozen),
            Action::Thaw(slot) => {
                if self.runs(slot).is_some_and(|runs| matches!(runs, Runs::Frozen | Runs::Away)) {
                    self.go_on(slot, true);
                }
            }
            Action::Hang { slot, ms } => self.hang(slot, ms),
            Action::Leave(slot) => {
                let life = self.tabs[slot].as_ref().map(|tab| tab.life);
                if life.is_some_and(|life| !self.locks.of(life).is_empty()) {
                    drop(self.die(slot));
                }
                self.freeze(slot, Runs::Away);
            }
            Action::Throttle { slot, ms } => {
                if let Some(tab) = self.tabs[slot].as_deref_mut() {
                    tab.throttle(ms);
                }
            }
            Action::Focus(slot) => {
                if self.runs(slot) == Some(Runs::Yes) {
                    if let Some(tab) = self.tabs[slot].as_deref_mut() {
                        tab.throttle(0);
                    }
                    let input = if self.rng.bool() { Input::Wake } else { Input::Resume };
                    self.feed(slot, input);
                }
            }
            Action::Sleep { ms } => self.sleep(ms),
            Action::StepClock { ms } => self.clock.step(ms),
            Action::Offline => {
                self.offline = true;
                self.lose_some();
            }
            Action::Online => self.go_online(),
            Action::SignIn { slot } => self.sign_in(slot),
            Action::SignOut(slot) => self.sign_out(slot),
            Action::Call(slot) => self.call(slot, false),
            Action::Calls { slot, count } => (0..count).for_each(|_| self.call(slot, false)),
            Action::Poll { slot, count, every_ms } => {
                if let Some(life) = self.tabs[slot].as_ref().map(|tab| tab.life) {
                    self.poll(life, count, every_ms);
                }
            }
            Action::Token { slot, min_validity_ms } => {
                self.demand(slot, Want::Token { min_validity_ms }, false);
            }
            Action::IfNeeded(slot) => self.demand(slot, Want::IfNeeded, false),
            Action::Refresh(slot) => self.demand(slot, Want::Refresh, false),
            Action::Detach(slot) => self.detach(slot),
            Action::NextToken(fault) => self.token_faults.push_back(fault),
            Action::NextApi(fault) => self.api_faults.push_back(fault),
            Action::Api401(refuses) => self.set_api_refuses(refuses),
            Action::EndAtServer(slot) => {
                if let Some(sign_in) = self.sign_in_of(slot) {
                    self.server.end(sign_in);
                }
            }
            Action::NextVault(fault) => self.vault_faults.push_back(fault),
            Action::VaultDown(down) => {
                self.vault.set_down(down, now);
                self.forget_shared_cooling();
            }
            Action::VaultCleared => {
                self.vault.clear(now);
                self.ledger.sign_ins.iter_mut().for_each(|sign_in| sign_in.end_written = false);
                self.forget_shared_cooling();
            }
            Action::StorageRefuses { slot, refuses } => {
                if let Some(tab) = self.tabs[slot].as_deref_mut() {
                    tab.storage_refuses = refuses;
                }
            }
            Action::StorageCleared(slot) => self.clear_storage(slot),
            Action::Nothing => {}
        }
    }

    pub(crate) fn poll(&mut self, life: Life, count: u32, every_ms: i64) {
        if count == 0 || self.living(life).is_none() {
            return;
        }
        self.call(life.slot, false);
        let at = self.now() + every_ms;
        self.queue.push(at, Event::Polls { life, count: count - 1, every_ms });
    }

    fn runs(&self, slot: Slot) -> Option<Runs> {
        self.tabs[slot].as_ref().map(|tab| tab.runs)
    }

    /// A page starts in an empty slot, with that in its sessionStorage.
    fn open(&mut self, slot: Slot, session_storage: Option<Record>) {
        if self.tabs[slot].is_some() {
            return;
        }
        let alone = self.setup.coordination == Coordination::Alone;
        if alone && self.setup.kept == Kept::Local && self.tabs.iter().any(Option::is_some) {
            // Tabs that share a token and don't coordinate: what the app asked for, and nothing to be checked.
            return;
        }
        self.lives += 1;
        let life = Life { slot, number: self.lives };
        let time_origin_ms = if self.setup.own_origins {
            self.clock.time_origin_ms()
        } else {
            self.clock.first_time_origin_ms()
        };
        let config = Config {
            retry_on: self.setup.retry_on,
            auto_refresh: self.setup.auto_refresh,
            timeout_ms: self.setup.timeout_ms,
            coordination: self.setup.coordination,
            ..Config::default()
        };
        let now = tokenwell::proto::time::Now {
            wall_ms: self.clock.wall_ms(),
            mono_ms: time_origin_ms + self.clock.machine_ms(),
            noise: self.rng.u32(..),
        };
        self.tabs[slot] = Some(Box::new(Tab {
            life,
            core: Subject::new(config, now, self.broken, &self.gossip),
            runs: Runs::Yes,
            hung_until: 0,
            throttle_ms: 0,
            inbox: Default::default(),
            time_origin_ms,
            started_at: i64::MIN / 2,
            timer_arm: 0,
            timer_at: None,
            listening: None,
            tickets: Vec::new(),
            next_ticket: 0,
            last_message_at: 0,
            last_storage_at: 0,
            last_lock_at: 0,
            missed: false,
            flushed: session_storage.clone(),
            session_storage,
            local: Copy { record: self.local.record.clone(), unconfirmed: 0 },
            storage_refuses: false,
            waiters: Vec::new(),
            next_waiter: 0,
            stalled_ms: 0,
            still_since: None,
            went_on_at: i64::MIN / 2,
            seen: Seen::default(),
        }));
        let input = Input::Restored(self.stored(slot).cloned());
        if self.setup.restore_ms == 0 {
            return self.feed(slot, input);
        }
        let at = self.now() + self.rng.i64(0..=self.setup.restore_ms);
        self.queue.push(at, Event::Deliver { life, delivery: Delivery::Input(input) });
    }

    /// A page ends: its locks are freed, what was on its way to it is lost.
    fn die(&mut self, slot: Slot) -> Option<Box<Tab>> {
        let tab = self.tabs[slot].take()?;
        self.orphan(tab.life);
        self.unblock_vault(tab.life);
        // What it has written to localStorage is in the pipe already.
        let life = tab.life;
        let writes =
            self.queue.extract(|event| matches!(event, Event::LocalWritten { life: by, .. } if *by == life));
        for write in writes {
            if let Event::LocalWritten { life, record } = write {
                self.local_written(Some(life), record);
            }
        }
        for asker in self.locks.of(tab.life) {
            let at = self.now() + self.ipc_ms();
            self.queue.push(at, Event::LockReleased(asker));
        }
        Some(tab)
    }

    fn duplicate(&mut self, from: Slot, to: Slot) {
        if from == to || self.setup.coordination == Coordination::Alone {
            return;
        }
        if let Some(tab) = &self.tabs[from] {
            let copy = tab.session_storage.clone();
            self.open(to, copy);
        }
    }

    fn freeze(&mut self, slot: Slot, how: Runs) {
        let now = self.now();
        if let Some(tab) = self.tabs[slot].as_deref_mut().filter(|tab| tab.runs == Runs::Yes) {
            // Background pages are flushed.
            tab.flushed.clone_from(&tab.session_storage);
            tab.stop(how, now);
        }
    }

    fn hang(&mut self, slot: Slot, ms: i64) {
        let now = self.now();
        if let Some(tab) = self.tabs[slot].as_deref_mut().filter(|tab| tab.runs == Runs::Yes) {
            tab.stop(Runs::Hung, now);
            tab.hung_until = now + ms;
            let life = tab.life;
            self.queue.push(now + ms, Event::GoesOn(life));
        }
    }

    /// The whole machine sleeps; the server does not.
    fn sleep(&mut self, ms: i64) {
        self.clock.go_to(self.now() + ms);
        let put_off = self.clock.slept(ms);
        let at_server = |event: &Event| {
            matches!(event, Event::TokenArrives(_) | Event::ApiArrives { .. } | Event::RevokeArrives(_))
        };
        self.queue.reschedule(|at, event| if at_server(event) { at } else { at + put_off });
        self.lose_some();
        let now = self.now();
        for slot in 0..self.tabs.len() {
            let resumed = self.rng.bool();
            let Some(tab) = self.tabs[slot].as_deref_mut() else { continue };
            tab.timer_at = tab.timer_at.map(|at| at + put_off);
            tab.last_lock_at += put_off; // As what it has said to the lock manager: the order stays.
            tab.hung_until += put_off;
            if tab.still_since.is_none() {
                tab.stalled_ms += ms;
            }
            // Not every browser says so to every page.
            if resumed {
                let delivery = Delivery::Input(Input::Resume);
                let life = tab.life;
                self.queue.push(now, Event::Deliver { life, delivery });
            }
        }
    }

    pub(crate) fn go_online(&mut self) {
        if !std::mem::take(&mut self.offline) {
            return;
        }
        for slot in 0..self.tabs.len() {
            if let Some(life) = self.tabs[slot].as_ref().map(|tab| tab.life) {
                self.later_ipc(life, Delivery::Input(Input::Online));
            }
        }
    }

    fn sign_in(&mut self, slot: Slot) {
        if self.runs(slot) != Some(Runs::Yes) {
            return;
        }
        let now = self.now();
        let pair = self.server.sign_in(now);
        let number = self.ledger.sign_ins.len();
        self.ledger.sign_ins.push(Default::default());
        let grant = self.grant(pair, now);
        self.feed(slot, Input::SignIn { grant, id: names::sign_in(number), key: names::key(number) });
    }

    fn sign_out(&mut self, slot: Slot) {
        if self.runs(slot) != Some(Runs::Yes) {
            return;
        }
        if let Some(sign_in) = self.sign_in_of(slot) {
            let name = names::sign_in(sign_in);
            let hears = |tab: &&Tab| tab.listening.as_ref().is_some_and(|channel| channel.0 == name);
            let tabs = self.tabs.iter().filter_map(|tab| tab.as_deref());
            let listeners = tabs.filter(hears).map(|tab| tab.life).collect();
            self.ledger.sign_ins[sign_in].ended_before.get_or_insert(listeners);
            if let Some(tab) = self.tabs[slot].as_deref_mut() {
                tab.seen.told_over = Some(sign_in);
            }
        }
        self.feed(slot, Input::SignOut);
    }

    fn detach(&mut self, slot: Slot) {
        if self.runs(slot) != Some(Runs::Yes) {
            return;
        }
        let gone = self.tabs[slot].as_deref_mut().and_then(|tab| tab.waiters.pop());
        if let Some(waiter) = gone {
            self.feed(slot, Input::Detach(waiter.id));
        }
    }

    fn clear_storage(&mut self, slot: Slot) {
        match self.setup.kept {
            Kept::Local => self.local_written(None, None),
            Kept::Session | Kept::Memory => {
                if let Some(tab) = self.tabs[slot].as_deref_mut() {
                    tab.session_storage = None;
                }
            }
        }
    }
}
