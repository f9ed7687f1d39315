//! The host of a core, as the real adapter is: hands in what happened, carries out exactly what comes out,
//! decides nothing.

use tokenwell::proto::io::{AttemptId, Effect, Found, Input, Message, Outcome, Swapped, WaiterId, Want};
use tokenwell::proto::record::Record;
use tokenwell::proto::secret::Secret;

use crate::api::Call;
use crate::browser::locks::{Asker, Mode};
use crate::browser::vault::{Op, Write};
use crate::faults::{ApiFault, VaultFault};
use crate::names;
use crate::plan::Kept;
use crate::tab::{ApiResult, Delivery, Life, Purpose, Runs, Ticket, Waiter};
use crate::world::{Event, World};

impl World<'_> {
    /// The main thread takes something up.
    pub(crate) fn receive(&mut self, slot: usize, delivery: Delivery) {
        let Some(tab) = self.tabs[slot].as_deref_mut() else { return };
        match delivery {
            Delivery::Input(input) => {
                self.feed(slot, input);
            }
            Delivery::Timer { arm } if tab.timer_arm == arm => {
                tab.timer_at = None;
                self.woke(slot);
                self.feed(slot, Input::Wake);
            }
            Delivery::Timer { .. } => {}
            Delivery::Message { channel, message } => {
                if tab.listening.as_ref() != Some(&channel) {
                    return;
                }
                if matches!(message, Message::Ended { .. }) {
                    tab.seen.told_over = Some(names::number(&channel.0));
                }
                self.feed(slot, Input::Heard(message));
            }
            Delivery::Granted { ticket } => self.granted(slot, ticket),
            Delivery::Answer { request } => self.answered(slot, request),
            Delivery::Api { call, result } => self.api_answered(slot, call, result),
            Delivery::Storage(record) => {
                tab.local.arrived(record.clone());
                self.feed(slot, Input::StorageChanged(record));
            }
            Delivery::StorageConfirmed => tab.local.unconfirmed -= 1,
            Delivery::Vault(op) => {
                let life = tab.life;
                self.queue.push(self.clock.true_ms(), Event::Vault { life, op });
                self.unblock_vault(life);
            }
            Delivery::VaultAnswer { id, input } => {
                let over = |found: &Found| matches!(found, Found::Entry(e) if e.meta.ended.is_some());
                let ended = match &input {
                    Input::Looked { found, .. } => over(found),
                    Input::Swapped { result: Swapped::Conflict(found), .. } => over(found),
                    _ => false,
                };
                if ended {
                    tab.seen.told_over = Some(names::number(&id));
                }
                self.feed(slot, input);
            }
        }
    }

    /// Carries out one effect.
    pub(crate) fn perform(&mut self, slot: usize, effect: Effect) {
        let now = self.now();
        let Some(tab) = self.tabs[slot].as_deref_mut() else { return };
        let life = tab.life;
        match effect {
            Effect::Hold { attempt, .. } | Effect::Await { attempt, .. } if !self.setup.locks => {
                let delivery = Delivery::Input(Input::LockUnavailable(attempt));
                self.queue.push(now, Event::Deliver { life, delivery });
            }
            Effect::Hold { id, claim, attempt } => self.ask_lock(slot, id, claim, attempt, Mode::Exclusive),
            Effect::Await { id, claim, attempt } => self.ask_lock(slot, id, claim, attempt, Mode::Shared),
            Effect::Unlock(attempt) => {
                let all = tab.tickets.clone();
                tab.tickets.retain(|ticket| ticket.attempt != attempt);
                for ticket in all.iter().filter(|ticket| ticket.attempt == attempt) {
                    self.release_lock(slot, ticket.number);
                }
            }
            Effect::Look { id, key, attempt } => self.ask_vault(life, id, key, attempt, None),
            Effect::Swap { id, key, attempt, expect, meta, sealed } => {
                self.ask_vault(life, id, key, attempt, Some(Write { expect, meta, sealed }));
            }
            Effect::Present { attempt, refresh_token, reason, .. } => {
                let token = refresh_token.map_or(usize::MAX, |token| names::number(token.expose()));
                self.check_presented(slot, token);
                self.present(life, attempt, token, reason);
            }
            Effect::Store { record, fresh } => self.store(slot, record, fresh),
            Effect::Begin(_) => {}
            Effect::Forget { id } => self.forget(slot, &id),
            Effect::Listen(channel) => tab.listening = channel,
            Effect::Tell(message) => self.tell(slot, message),
            Effect::Revoke { refresh_token, .. } => {
                if let Some(token) = refresh_token.filter(|_| self.setup.revokes && !self.offline) {
                    let at = now + self.net_ms();
                    self.queue.push(at, Event::RevokeArrives(names::number(token.expose())));
                }
            }
        }
    }

    fn ask_lock(&mut self, slot: usize, id: String, claim: u32, attempt: AttemptId, mode: Mode) {
        let at = self.lock_message_at(slot);
        let Some(tab) = self.tabs[slot].as_deref_mut() else { return };
        tab.next_ticket += 1;
        let number = tab.next_ticket;
        tab.tickets.push(Ticket { number, attempt, claim, mode });
        let asker = Asker { life: tab.life, ticket: number };
        self.queue.push(at, Event::LockAsked { asker, name: (id, claim), mode });
    }

    fn release_lock(&mut self, slot: usize, ticket: u32) {
        let at = self.lock_message_at(slot);
        let Some(life) = self.tabs[slot].as_ref().map(|tab| tab.life) else { return };
        self.queue.push(at, Event::LockReleased(Asker { life, ticket }));
    }

    /// A lock is there. A request that was taken back while its grant was on the way grants nothing.
    fn granted(&mut self, slot: usize, number: u32) {
        let Some(tab) = self.tabs[slot].as_deref_mut() else { return };
        let Some(at) = tab.tickets.iter().position(|ticket| ticket.number == number) else { return };
        let Ticket { attempt, claim, mode, .. } = tab.tickets[at];
        match mode {
            Mode::Exclusive => self.feed(slot, Input::Locked(attempt)),
            // Wanted only to know that it could be had.
            Mode::Shared => {
                tab.tickets.remove(at);
                self.release_lock(slot, number);
                self.feed(slot, Input::Freed { attempt, claim });
            }
        }
    }

    /// When what a page says to the lock manager arrives there: in the order in which it was said.
    fn lock_message_at(&mut self, slot: usize) -> i64 {
        let at = self.now() + self.ipc_ms();
        let Some(tab) = self.tabs[slot].as_deref_mut() else { return at };
        tab.last_lock_at = tab.last_lock_at.max(at);
        tab.last_lock_at
    }

    fn tell(&mut self, slot: usize, message: Message) {
        let Some(channel) = self.tabs[slot].as_ref().and_then(|tab| tab.listening.clone()) else { return };
        let now = self.now();
        for other in 0..self.tabs.len() {
            let delay = self.ipc_ms();
            let Some(tab) = self.tabs[other].as_deref_mut() else { continue };
            if other == slot || tab.listening.as_ref() != Some(&channel) {
                continue;
            }
            let at = (now + delay).max(tab.last_message_at);
            tab.last_message_at = at;
            let life = tab.life;
            let delivery = Delivery::Message { channel: channel.clone(), message: message.clone() };
            self.queue.push(at, Event::Deliver { life, delivery });
        }
    }

    fn ask_vault(
        &mut self,
        life: Life,
        id: String,
        key: Secret,
        attempt: Option<AttemptId>,
        write: Option<Write>,
    ) {
        let fault = self.vault_faults.pop_front();
        let slow_ms = if let Some(VaultFault::Slow(ms)) = fault { ms } else { self.ipc_ms() };
        let at = (self.now() + slow_ms).max(self.vault.busy_until);
        self.vault.busy_until = at;
        if fault.is_some() {
            self.forget_shared_cooling();
        }
        let (fails, mute) = (fault == Some(VaultFault::Fail), fault == Some(VaultFault::Mute));
        self.queue.push(at, Event::Vault { life, op: Op { id, key, attempt, write, fails, mute } });
    }

    /// An operation on the shared place takes effect. A transaction needs its page between reading and writing:
    /// it may have died, or stand still.
    pub(crate) fn vault_commits(&mut self, life: Life, op: Op) {
        if self.vault.blocked_by.is_some_and(|by| by != life) {
            return self.vault.waiting.push((life, op));
        }
        let still = self.living(life).is_some_and(|tab| !tab.takes_input());
        let alive = self.living(life).is_some();
        if (!alive || still) && self.rng.bool() {
            let blocks = self.setup.hang_blocks && op.write.is_some();
            if still && let Some(tab) = self.living_mut(life) {
                let hung = tab.runs == Runs::Hung;
                tab.inbox.push_back(Delivery::Vault(op));
                if blocks && hung {
                    self.vault.blocked_by = Some(life);
                }
            }
            return;
        }
        let Op { id, key, attempt, write, fails, mute } = op;
        let sign_in = names::number(&id);
        let input = match write {
            None => {
                let found = if fails { Found::Unavailable } else { self.vault.look(&id, &key) };
                Input::Looked { attempt, id: id.clone(), found }
            }
            Some(write) => {
                let (by_server, ended) = (write.meta.by_server, write.meta.ended.is_some());
                let result = if fails { Swapped::Unavailable } else { self.vault.swap(&id, &key, write) };
                if by_server && matches!(result, Swapped::Done { .. }) {
                    self.note_cooling_shared(sign_in);
                }
                if ended
                    && matches!(result, Swapped::Done { .. })
                    && let Some(sign_in) = self.ledger.sign_ins.get_mut(sign_in)
                {
                    sign_in.end_written = true;
                }
                Input::Swapped { attempt, result }
            }
        };
        self.trace.line(self.clock.true_ms(), || {
            format!("vault: for tab {}: {}", life.slot, crate::describe::input(&input))
        });
        if !mute {
            self.later_ipc(life, Delivery::VaultAnswer { id, input });
        }
    }

    /// That page's transaction goes on or is aborted.
    pub(crate) fn unblock_vault(&mut self, life: Life) {
        if self.vault.blocked_by != Some(life) {
            return;
        }
        self.vault.blocked_by = None;
        for (life, op) in std::mem::take(&mut self.vault.waiting) {
            self.queue.push(self.clock.true_ms(), Event::Vault { life, op });
        }
    }

    // ------------------------------------------------------------ storage

    pub(crate) fn stored(&self, slot: usize) -> Option<&Record> {
        let tab = self.tabs[slot].as_deref()?;
        match self.setup.kept {
            Kept::Session => tab.session_storage.as_ref(),
            Kept::Local => tab.local.record.as_ref(),
            Kept::Memory => None,
        }
    }

    fn store(&mut self, slot: usize, record: Record, fresh: bool) {
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

    fn forget(&mut self, slot: usize, id: &str) {
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

    // ------------------------------------------------------------ callers

    fn waiter(&mut self, slot: usize, purpose: Purpose) -> Option<WaiterId> {
        let now = self.now();
        let tab = self.tabs[slot].as_deref_mut()?;
        tab.next_waiter += 1;
        let id = WaiterId(tab.next_waiter);
        let stalled_before = tab.stalled_ms(now) - tab.throttle_ms;
        tab.waiters.push(Waiter { id, since: now, stalled_before, purpose });
        Some(id)
    }

    pub(crate) fn demand(&mut self, slot: usize, want: Want, closing: bool) {
        if self.tabs[slot].as_ref().is_none_or(|tab| tab.runs != Runs::Yes) {
            return;
        }
        if let Some(waiter) = self.waiter(slot, Purpose::Other { want, closing }) {
            self.feed(slot, Input::Demand { waiter, want });
        }
    }

    /// `session.fetch`: the fast path where the token is fresh, else by the core.
    pub(crate) fn call(&mut self, slot: usize, closing: bool) {
        if self.tabs[slot].as_ref().is_none_or(|tab| tab.runs != Runs::Yes) {
            return;
        }
        let now = self.now_in(slot);
        if self.tabs[slot].as_ref().is_some_and(|tab| tab.core.fresh(now).is_some()) {
            return self.send(slot, false, closing);
        }
        if let Some(waiter) = self.waiter(slot, Purpose::Call { closing }) {
            self.feed(slot, Input::Demand { waiter, want: Want::Call });
        }
    }

    /// A caller has its outcome.
    pub(crate) fn settled(&mut self, slot: usize, id: WaiterId, outcome: Outcome) {
        let now = self.now();
        let Some(tab) = self.tabs[slot].as_deref_mut() else { return };
        let Some(at) = tab.waiters.iter().position(|waiter| waiter.id == id) else {
            return self.check_unknown_waiter(slot, id);
        };
        let waiter = tab.waiters.swap_remove(at);
        let waited_ms = now - waiter.since - (tab.stalled_ms(now) - waiter.stalled_before);
        self.check_waited(slot, &waiter, waited_ms);
        match (waiter.purpose, outcome) {
            (Purpose::Call { closing }, Outcome::Token) => self.send(slot, false, closing),
            (Purpose::Replay(call), Outcome::Replay) => self.send(slot, true, call.closing),
            (Purpose::Other { closing, want: Want::Token { .. } }, Outcome::Token) => {
                self.check_handed_out(slot);
                if closing {
                    self.ledger.closed[slot] = Some(true);
                }
            }
            (Purpose::Call { closing } | Purpose::Other { closing, .. }, _) if closing => {
                self.ledger.closed[slot] = Some(false);
            }
            (Purpose::Replay(call), _) if call.closing => self.ledger.closed[slot] = Some(false),
            _ => {}
        }
    }

    /// Sends an API request with the token that the core has now.
    fn send(&mut self, slot: usize, replay: bool, closing: bool) {
        let now = self.now_in(slot);
        let at = self.now();
        let Some(tab) = self.tabs[slot].as_deref() else { return };
        let view = tab.core.view(now);
        let sent = view.record.and_then(|record| names::of(record).1);
        let call = Call { life: tab.life, sent, epoch: view.epoch, replay, closing };
        self.trace.line(at, || format!("tab {slot} sends {call:?}"));
        if sent.is_some() {
            self.check_handed_out(slot);
        }
        let fault = if self.offline { Some(ApiFault::Drop) } else { self.api_faults.pop_front() };
        let there_ms = if let Some(ApiFault::Delay(ms)) = fault { ms } else { self.net_ms() };
        if fault == Some(ApiFault::Drop) {
            let life = call.life;
            let delivery = Delivery::Api { call, result: ApiResult::Failed };
            return self.queue.push(at + there_ms, Event::Deliver { life, delivery });
        }
        let refuse = fault == Some(ApiFault::Refuse);
        self.queue.push(at + there_ms, Event::ApiArrives { call, refuse });
    }

    pub(crate) fn api_arrives(&mut self, at: i64, call: Call, refuse: bool) {
        let good = call.sent.is_some_and(|token| self.server.accepts(token, at));
        let ok = good && !refuse && !self.api_refuses;
        self.trace.line(at, || format!("api: {call:?} -> {}", if ok { 200 } else { 401 }));
        let result = if ok { ApiResult::Ok } else { ApiResult::Unauthorized };
        let when = at.max(self.now()) + self.net_ms();
        self.queue.push(when, Event::Deliver { life: call.life, delivery: Delivery::Api { call, result } });
    }

    fn api_answered(&mut self, slot: usize, call: Call, result: ApiResult) {
        if call.replay && result != ApiResult::Failed {
            let refused = result == ApiResult::Unauthorized;
            self.feed(slot, Input::Replayed { sent: call.epoch, refused });
        }
        if call.closing && (call.replay || result != ApiResult::Unauthorized) {
            self.ledger.closed[slot] = Some(result == ApiResult::Ok);
        }
        if !call.replay && result == ApiResult::Unauthorized && call.sent.is_some() {
            let (sent, challenge) = (call.epoch, self.setup.challenge);
            if let Some(waiter) = self.waiter(slot, Purpose::Replay(call)) {
                self.feed(slot, Input::Unauthorized { waiter, sent, challenge });
            }
        }
    }
}
