//! The end of every schedule: faults stop, time passes, and all must be well again.

use tokenwell::proto::config::Coordination;
use tokenwell::proto::io::{Challenge401, Input, Want};
use tokenwell::proto::unauthorized::RetryOn;

use crate::excuses;
use crate::invariants::Invariant;
use crate::plan::{Rotation, SLOTS};
use crate::tab::{Life, Runs, Tab, Waiter};
use crate::token_request::{Fate, TokenRequest};
use crate::world::World;

/// After this many calls of its own, each tab must have a good token. Calls during a cool-down are told so at
/// once, and make it short; and where nothing tells the dead from the slow, a lost answer is waited for during
/// four timeouts.
const ROUNDS: u32 = 9;
const ROUNDS_WITH_LOCKS: u32 = 3;
/// The longest cool-down while somebody wants a token.
const COOL_DOWN_MS: i64 = 31_000;

impl World<'_> {
    pub(crate) fn close(&mut self) {
        self.heal();
        // Where locks tell who has died, only what a living page may still hope for is waited for.
        let (settled_ms, rounds) = match self.setup.locks && !self.waits_for_good_reason() {
            true => (self.setup.timeout_ms + 2_000, ROUNDS_WITH_LOCKS),
            false => (4 * self.setup.timeout_ms + 20_000, ROUNDS),
        };
        self.run_for(settled_ms.max(self.cooling_until() - self.now() + 2_000));
        self.check_nobody_waits();
        for round in 0..rounds {
            if self.violation.is_some() || self.all_called_well() {
                break;
            }
            if round > 0 {
                self.run_for(COOL_DOWN_MS);
            }
            for slot in 0..SLOTS {
                if self.ledger.closed[slot] != Some(true) {
                    self.ledger.closed[slot] = None;
                    self.closing_call(slot);
                }
            }
            self.run_for(8_000);
        }
        if self.violation.is_none() {
            self.check_all_well(rounds);
        }
    }

    /// An answer may come that a page waits for, or a server has asked for silence. By a clock that was set back that
    /// begins anew.
    fn waits_for_good_reason(&self) -> bool {
        let now_ms = self.clock.machine_ms();
        let hopes = |request: &TokenRequest| {
            // A page that stood still begins to wait when it goes on.
            let recent = now_ms - request.sent_machine_ms < 5 * self.setup.timeout_ms;
            let waits = |tab: &Tab| recent || tab.went_on_at >= request.sent_at;
            matches!(request.fate, Fate::Flying | Fate::Lost) && self.living(request.life).is_some_and(waits)
        };
        self.requests.iter().any(hopes) || self.cooling_until() > self.now() || self.clock.stepped_at >= 0
    }

    /// Every fault stops. What was lost stays lost.
    fn heal(&mut self) {
        let now = self.now();
        self.trace.line(now, || "-- faults stop".into());
        self.end_outages();
        for slot in 0..SLOTS {
            let Some(tab) = self.tabs[slot].as_deref_mut() else { continue };
            tab.throttle(0);
            match tab.runs {
                Runs::Yes => self.arm(slot),
                Runs::Hung => self.go_on(slot, false),
                Runs::Frozen | Runs::Away => self.go_on(slot, true),
            }
        }
    }

    /// What does not end by itself.
    pub(crate) fn end_outages(&mut self) {
        self.token_faults.clear();
        self.api_faults.clear();
        self.vault_faults.clear();
        self.set_api_refuses(false);
        self.vault.set_down(false, self.clock.true_ms());
        self.go_online();
    }

    fn closing_call(&mut self, slot: usize) {
        if self.goes_by_the_api() {
            self.call(slot, true);
        } else {
            self.demand(slot, Want::Token { min_validity_ms: None }, true);
        }
    }

    /// Whether a call must end well: not where a 401 is the only sign that a token has expired and may not be
    /// acted on, because the app said so or because the breaker is open.
    fn goes_by_the_api(&self) -> bool {
        let mends = self.setup.retry_on == RetryOn::Any
            || self.setup.retry_on == RetryOn::InvalidToken
                && self.setup.challenge == Challenge401::InvalidToken;
        !self.ledger.stormed && mends
    }

    /// Tabs whose session lives, with its number.
    fn in_session(&self) -> impl Iterator<Item = (usize, usize)> {
        let now = self.now();
        (0..SLOTS).filter_map(move |slot| {
            let sign_in = self.sign_in_of(slot)?;
            let newest = self.had_by_others(sign_in, None, 0);
            let lives = !self.ledger.sign_ins[sign_in].ended_by_user()
                && newest.is_some_and(|token| self.server.takes(token, now));
            lives.then_some((slot, sign_in))
        })
    }

    fn all_called_well(&self) -> bool {
        self.in_session().all(|(slot, _)| self.ledger.closed[slot] == Some(true))
    }

    fn check_nobody_waits(&mut self) {
        for slot in 0..SLOTS {
            let now = self.now();
            let Some(tab) = self.tabs[slot].as_deref() else { continue };
            let long = |waiter: &&Waiter| tab.waited_ms(waiter, now) > self.longest_wait_ms();
            if let Some(waiter) = tab.waiters.iter().find(long) {
                let what = format!("tab {slot}, {:?} since {}", waiter.purpose, waiter.since);
                return self.violate(Invariant::NobodyWaits, || what);
            }
        }
    }

    fn check_all_well(&mut self, rounds: u32) {
        let bad = self.in_session().find(|(slot, _)| self.ledger.closed[*slot] != Some(true));
        if let Some((slot, sign_in)) = bad {
            let result = self.ledger.closed[slot];
            return self.violate(Invariant::Recovers, || {
                format!("tab {slot}, s{sign_in}: {result:?} after {rounds} calls")
            });
        }
        // The first refresh may only take over what a tab had got that died before it told the others.
        for _ in 0..2 {
            if self.differing().is_some() {
                self.refresh_each_sign_in();
            }
        }
        // A refresh may be under way at this very moment: look some times.
        for _ in 0..12 {
            if self.differing().is_none() {
                break;
            }
            self.run_for(350);
        }
        if let Some((slot, other, sign_in)) = self.differing() {
            self.violate(Invariant::Recovers, || {
                format!("tabs {slot} and {other} of s{sign_in} have different tokens")
            });
        }
        // A page that has missed a message while it was frozen, or did not listen yet, looks when it thaws or
        // starts; a sign-out at that very moment may still be on its way to the shared place, and shows at the
        // next look.
        for slot in 0..SLOTS {
            let held = self.sign_in_of(slot).map(|sign_in| &self.ledger.sign_ins[sign_in]);
            let over = held.and_then(|held| held.ended_before.as_ref());
            if self.tabs[slot]
                .as_ref()
                .is_some_and(|tab| tab.missed || over.is_some_and(|before| !before.contains(&tab.life)))
            {
                self.feed(slot, Input::Resume);
            }
        }
        self.run_for(2_000);
        for slot in 0..SLOTS {
            let Some(sign_in) = self.sign_in_of(slot) else { continue };
            let Some(tab) = &self.tabs[slot] else { continue };
            let ledger = &self.ledger.sign_ins[sign_in];
            // Where nothing could be written, only those who heard it can know.
            let listened = |before: &Vec<Life>| before.contains(&tab.life);
            let heard = !tab.missed && ledger.ended_before.as_ref().is_some_and(listened);
            let must_know = ledger.end_written || heard || !excuses::SIGN_OUT_THAT_WAS_NEVER_WRITTEN;
            if ledger.ended_by_user() && must_know {
                self.violate(Invariant::SignOutStays, || {
                    format!("tab {slot} still holds s{sign_in} at the end")
                });
            }
        }
    }

    /// A tab whose token is good need not have looked what others did; once one tab has refreshed, all have.
    fn refresh_each_sign_in(&mut self) {
        let tabs: Vec<_> = self.in_session().collect();
        for (at, (slot, sign_in)) in tabs.iter().enumerate() {
            if !tabs[..at].iter().any(|(_, before)| before == sign_in) {
                self.demand(*slot, Want::Refresh, false);
            }
        }
        self.run_for(9_000);
    }

    fn differing(&self) -> Option<(usize, usize, usize)> {
        // Where nothing rotates and the shared place was out, tabs that refreshed apart both have a good token.
        let apart = self.setup.rotation == Rotation::None && self.vault.trouble_at.is_some();
        if apart || self.setup.coordination == Coordination::Alone {
            return None;
        }
        let tokens = |slot: usize| {
            let seen = self.tabs[slot].as_ref().map(|tab| &tab.seen);
            seen.map(|seen| if self.setup.rotation == Rotation::None { seen.access } else { seen.refresh })
        };
        self.in_session().find_map(|(slot, sign_in)| {
            self.in_session()
                .find(|(other, its)| *its == sign_in && tokens(*other) != tokens(slot))
                .map(|(other, _)| (slot, other, sign_in))
        })
    }
}
