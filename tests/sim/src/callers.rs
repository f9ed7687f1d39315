//! The app in a page: its calls and other demands, as `fetch` and the rest of the class make them of the core.

use tokenwell::proto::io::{Input, Outcome, WaiterId, Want};

use crate::api::Call;
use crate::faults::ApiFault;
use crate::names;
use crate::tab::{ApiResult, Delivery, Purpose, Runs, Waiter};
use crate::world::{Event, World};

impl World<'_> {
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
        let waited_ms = tab.waited_ms(&waiter, now);
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

    pub(crate) fn api_answered(&mut self, slot: usize, call: Call, result: ApiResult) {
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
