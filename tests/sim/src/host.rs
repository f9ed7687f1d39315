//! The host of a core, as the real adapter is: hands in what happened, carries out exactly what comes out,
//! decides nothing.

use tokenwell::proto::io::{AttemptId, Effect, Found, Input, Message, Swapped};

use crate::browser::locks::{Asker, Mode};
use crate::browser::vault::Write;
use crate::names;
use crate::tab::{Delivery, Ticket};
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
                let before = self.outputs_given;
                self.feed(slot, Input::Wake);
                self.check_woke(slot, self.outputs_given == before);
            }
            Delivery::Timer { .. } => {}
            Delivery::Message { channel, message } => {
                if tab.listening.as_ref() != Some(&channel) {
                    return;
                }
                if matches!(message, Message::Ended { .. }) {
                    tab.seen.told_over = Some(names::number(&channel.0));
                }
                tab.seen.talk.heard += 1;
                self.feed(slot, Input::Heard(message));
            }
            Delivery::Granted { ticket } => self.granted(slot, ticket),
            Delivery::Answer { request } => self.answered(slot, request),
            Delivery::Api { call, result } => self.api_answered(slot, call, result),
            Delivery::Storage(record) => {
                tab.local.arrived(record.clone());
                tab.seen.talk.heard += 1;
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
            Effect::Begin { .. } => {}
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
        self.check_told(slot);
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
}
