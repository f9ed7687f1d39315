//! The world: clock, queue, server, browser, tabs; and the loop that lets one thing after another happen.

use std::collections::VecDeque;

use fastrand::Rng;
use tokenwell::proto::io::{Input, Output};
use tokenwell::proto::record::Record;
use tokenwell::proto::time::Now;

use crate::api::Call;
use crate::broken::{Broken, Gossip};
use crate::browser::local::Local;
use crate::browser::locks::{Asker, Locks, Mode};
use crate::browser::vault::{Op, Vault};
use crate::clock::Clock;
use crate::describe;
use crate::faults::{ApiFault, TokenFault, VaultFault};
use crate::invariants::{Ledger, Violation};
use crate::names;
use crate::plan::{Plan, SLOTS, Setup};
use crate::queue::Queue;
use crate::server::{Rules, Server};
use crate::tab::{Delivery, Life, Runs, Tab};
use crate::trace::Trace;

/// Something that happens by itself, later.
pub(crate) enum Event {
    Timer {
        life: Life,
        arm: u32,
    },
    Deliver {
        life: Life,
        delivery: Delivery,
    },
    /// A hung main thread goes on.
    GoesOn(Life),
    LockAsked {
        asker: Asker,
        name: (String, u32),
        mode: Mode,
    },
    LockReleased(Asker),
    Vault {
        life: Life,
        op: Op,
    },
    LocalWritten {
        life: Life,
        record: Option<Record>,
    },
    /// The page makes its next call.
    Polls {
        life: Life,
        count: u32,
        every_ms: i64,
    },
    // At the server, which never sleeps.
    TokenArrives(usize),
    ApiArrives {
        call: Call,
        refuse: bool,
    },
    RevokeArrives(usize),
}

pub(crate) struct World<'p> {
    pub(crate) setup: &'p Setup,
    pub(crate) clock: Clock,
    pub(crate) rng: Rng,
    pub(crate) queue: Queue<Event>,
    pub(crate) trace: Trace,

    pub(crate) server: Server,
    pub(crate) requests: Vec<crate::token_request::TokenRequest>,
    pub(crate) offline: bool,
    pub(crate) api_refuses: bool,
    pub(crate) token_faults: VecDeque<TokenFault>,
    pub(crate) api_faults: VecDeque<ApiFault>,
    pub(crate) vault_faults: VecDeque<VaultFault>,

    pub(crate) tabs: [Option<Box<Tab>>; SLOTS],
    pub(crate) lives: u32,
    pub(crate) locks: Locks,
    pub(crate) vault: Vault,
    pub(crate) local: Local,

    pub(crate) ledger: Ledger,
    pub(crate) violation: Option<Violation>,
    pub(crate) broken: Option<Broken>,
    pub(crate) gossip: Gossip,
    events: u32,
    outputs: Vec<Output>,
    /// How many a core has given in all.
    pub(crate) outputs_given: u64,
}

/// A schedule that takes more events than this is running in circles, …
const MOST_EVENTS: i64 = 1_000_000;
/// … unless it goes on for days, with tokens of seconds: so often in all its time.
const EVENT_EVERY_MS: i64 = 20;
/// Tokens live for up to 400 days; a route that fails for all of them only takes time to simulate.
const LONGEST_OUTAGE_MS: i64 = 3 * 3_600_000;

impl<'p> World<'p> {
    pub(crate) fn new(plan: &'p Plan, broken: Option<Broken>, traced: bool) -> Self {
        let setup = &plan.setup;
        Self {
            setup,
            clock: Clock::new(setup.counts_sleep),
            rng: Rng::with_seed(plan.noise),
            queue: Queue::new(),
            trace: Trace::new(traced),
            server: Server::new(Rules {
                rotation: setup.rotation,
                access_ms: setup.access_ms,
                refresh_ms: setup.refresh_ms,
                opaque: setup.opaque,
            }),
            requests: Vec::new(),
            offline: false,
            api_refuses: false,
            token_faults: VecDeque::new(),
            api_faults: VecDeque::new(),
            vault_faults: VecDeque::new(),
            tabs: [const { None }; SLOTS],
            lives: 0,
            locks: Locks::default(),
            vault: Vault::default(),
            local: Local::default(),
            ledger: Ledger::default(),
            violation: None,
            broken,
            gossip: Gossip::default(),
            events: 0,
            outputs: Vec::new(),
            outputs_given: 0,
        }
    }

    /// Carries the plan out, then the closing checks.
    pub(crate) fn run(&mut self, plan: &Plan) {
        for step in &plan.steps {
            self.run_for(step.after_ms.min(LONGEST_OUTAGE_MS));
            if step.after_ms > LONGEST_OUTAGE_MS {
                self.end_outages();
                self.run_for(step.after_ms - LONGEST_OUTAGE_MS);
            }
            if self.violation.is_some() {
                return;
            }
            self.trace.number(self.clock.true_ms());
            self.act(&step.action);
        }
        self.close();
    }

    pub(crate) fn run_for(&mut self, ms: i64) {
        let until = self.clock.true_ms() + ms;
        while self.violation.is_none()
            && let Some((at, event)) = self.queue.pop_until(until)
        {
            self.clock.go_to(at);
            self.events += 1;
            if i64::from(self.events) > MOST_EVENTS.max(at / EVENT_EVERY_MS) {
                self.break_off("the schedule never ends: something runs in circles");
            }
            self.happen(at, event);
        }
        self.clock.go_to(until);
    }

    fn happen(&mut self, at: i64, event: Event) {
        match event {
            Event::Timer { life, arm } => self.deliver(life, Delivery::Timer { arm }),
            Event::Deliver { life, delivery } => self.deliver(life, delivery),
            Event::GoesOn(life) => {
                let now = self.now();
                if self.living(life).is_some_and(|tab| tab.runs == Runs::Hung && tab.hung_until <= now) {
                    self.go_on(life.slot, false);
                }
            }
            Event::LockAsked { asker, name, mode } => {
                if self.living(asker.life).is_some() {
                    let granted = self.locks.ask(name, asker, mode);
                    self.tell_granted(granted);
                }
            }
            Event::LockReleased(asker) => {
                let granted = self.locks.release(asker);
                self.tell_granted(granted);
            }
            Event::Vault { life, op } => self.vault_commits(life, op),
            Event::LocalWritten { life, record } => self.local_written(Some(life), record),
            Event::Polls { life, count, every_ms } => self.poll(life, count, every_ms),
            Event::TokenArrives(request) => self.token_arrives(at, request),
            Event::ApiArrives { call, refuse } => self.api_arrives(at, call, refuse),
            Event::RevokeArrives(token) => {
                if let Some(family) = self.server.family_of_refresh(token) {
                    self.trace.line(at, || format!("server: r{token} is revoked"));
                    self.server.end(family);
                }
            }
        }
    }

    fn tell_granted(&mut self, granted: Vec<Asker>) {
        for Asker { life, ticket } in granted {
            self.later_ipc(life, Delivery::Granted { ticket });
        }
    }

    /// Something reaches a page. It waits while the main thread stands still.
    pub(crate) fn deliver(&mut self, life: Life, delivery: Delivery) {
        let lossy = self.setup.lossy_freeze;
        let Some(tab) = self.living_mut(life) else { return };
        if tab.takes_input() {
            return self.receive(life.slot, delivery);
        }
        let put_away = tab.runs != Runs::Hung;
        match delivery {
            Delivery::Message { .. } if put_away && lossy => tab.missed = true,
            Delivery::Answer { request } if put_away && self.rng.bool() => self.lose(request),
            delivery => {
                if let Some(tab) = self.living_mut(life) {
                    tab.inbox.push_back(delivery);
                }
            }
        }
    }

    /// The core takes an input, and the host carries out what it says.
    pub(crate) fn feed(&mut self, slot: usize, input: Input) {
        let now = self.now_in(slot);
        let at = self.clock.true_ms();
        let Some(tab) = self.tabs[slot].as_deref_mut() else { return };
        self.trace.line(at, || format!("tab {slot} <- {}", describe::input(&input)));
        let switches = matches!(input, Input::SignIn { .. } | Input::Restored(_) | Input::StorageChanged(_));
        if matches!(input, Input::Restored(_)) {
            tab.started_at = at;
        }
        tab.core.handle(now, input);
        let mut outputs = std::mem::take(&mut self.outputs);
        while let Some(output) = tab.core.poll() {
            outputs.push(output);
        }
        self.trace.number(at ^ ((slot as i64) << 48) ^ ((outputs.len() as i64) << 56));
        self.outputs_given += outputs.len() as u64;
        let mut settled = Vec::new();
        for output in outputs.drain(..) {
            self.trace.line(at, || format!("tab {slot}    -> {}", describe::output(&output)));
            match output {
                Output::Effect(effect) => self.perform(slot, effect),
                Output::Settle(waiter, outcome) => settled.push((waiter, outcome)),
                Output::Event(_) => {}
            }
        }
        self.outputs = outputs;
        self.check_tab(slot, switches);
        for (waiter, outcome) in settled {
            self.settled(slot, waiter, outcome);
        }
        self.arm(slot);
    }

    /// Sets the page's timer to what the core wants now.
    pub(crate) fn arm(&mut self, slot: usize) {
        let now = self.now_in(slot);
        let at = self.clock.true_ms();
        let Some(tab) = self.tabs[slot].as_deref_mut() else { return };
        let mut wanted = tab.core.next_timeout(now).map(|ms| at + ms.max(1));
        if let Some(wanted) = &mut wanted
            && tab.throttle_ms > 0
        {
            *wanted += tab.throttle_ms - 1 - (*wanted + tab.throttle_ms - 1) % tab.throttle_ms;
        }
        if wanted == tab.timer_at {
            return;
        }
        tab.timer_at = wanted;
        tab.timer_arm += 1;
        let (life, arm) = (tab.life, tab.timer_arm);
        if let Some(wanted) = wanted {
            self.queue.push(wanted, Event::Timer { life, arm });
        }
    }

    /// The main thread goes on; what has waited is handed in, and the page may be told that it woke.
    pub(crate) fn go_on(&mut self, slot: usize, resumed: bool) {
        let now = self.now();
        let first = self.rng.bool();
        let Some(tab) = self.tabs[slot].as_deref_mut() else { return };
        tab.go_on(now);
        let life = tab.life;
        let waiting = std::mem::take(&mut tab.inbox);
        self.trace.line(now, || format!("tab {slot} goes on"));
        let resume = || Event::Deliver { life, delivery: Delivery::Input(Input::Resume) };
        if resumed && first {
            self.queue.push(now, resume());
        }
        for delivery in waiting {
            self.queue.push(now, Event::Deliver { life, delivery });
        }
        if resumed && !first {
            self.queue.push(now, resume());
        }
    }

    pub(crate) fn now(&self) -> i64 {
        self.clock.true_ms()
    }

    /// What the clocks and dice say in that page.
    pub(crate) fn now_in(&mut self, slot: usize) -> Now {
        let origin = self.tabs[slot].as_ref().map_or(0, |tab| tab.time_origin_ms);
        Now {
            wall_ms: self.clock.wall_ms(),
            mono_ms: origin + self.clock.machine_ms(),
            noise: self.rng.u32(..),
        }
    }

    pub(crate) fn living(&self, life: Life) -> Option<&Tab> {
        self.tabs[life.slot].as_deref().filter(|tab| tab.life == life)
    }

    pub(crate) fn living_mut(&mut self, life: Life) -> Option<&mut Tab> {
        self.tabs[life.slot].as_deref_mut().filter(|tab| tab.life == life)
    }

    /// Delivers after a passage through the browser's own process.
    pub(crate) fn later_ipc(&mut self, life: Life, delivery: Delivery) {
        let at = self.now() + self.ipc_ms();
        self.queue.push(at, Event::Deliver { life, delivery });
    }

    /// How long a message between processes takes.
    pub(crate) fn ipc_ms(&mut self) -> i64 {
        match self.rng.u32(..64) {
            0 => self.rng.i64(0..if self.setup.slow { 400 } else { 60 }),
            _ => self.rng.i64(0..if self.setup.slow { 20 } else { 4 }),
        }
    }

    /// How long a way through the network takes.
    pub(crate) fn net_ms(&mut self) -> i64 {
        match self.rng.u32(..32) {
            0 => self.rng.i64(0..3_000),
            _ => self.rng.i64(1..if self.setup.slow { 800 } else { 100 }),
        }
    }

    /// Whose sign-in a page holds, as a number.
    pub(crate) fn sign_in_of(&self, slot: usize) -> Option<usize> {
        self.tabs[slot].as_ref()?.seen.sign_in
    }

    /// The record under a sign-in in the shared place.
    pub(crate) fn in_vault(&self, sign_in: usize) -> Option<&Record> {
        self.vault.sealed(&names::sign_in(sign_in))
    }
}
