//! What the servers have said, and who can know it: answers, refusals, silences.

use tokenwell::proto::io::Reason;

use super::{Cooling, Invariant, TIMEOUTS_TILL_LOST};
use crate::token_request::Fate;
use crate::world::World;

/// So long it takes at most until it is written.
const WRITING_MS: i64 = 20_000;
/// So much longer than it was asked a page stays silent: the core's own bound.
const MOST_SPREAD_MS: i64 = 28_000;

impl World<'_> {
    pub(crate) fn note_answer(&mut self, request: usize, retry_after_ms: Option<i64>) {
        let request = &self.requests[request];
        let (life, fate, reason) = (request.life, request.fate, request.reason);
        let sent_machine_ms = request.sent_machine_ms;
        let Some(sign_in) = self.server.family_of_refresh(request.token) else { return };
        let now = self.now();
        let age_ms = self.clock.machine_ms() - sent_machine_ms;
        let counted_as_lost = age_ms >= TIMEOUTS_TILL_LOST * self.setup.timeout_ms;
        let ledger = &mut self.ledger.sign_ins[sign_in];
        if fate == (Fate::Delivered { granted: true }) && counted_as_lost {
            ledger.late_at = Some(now);
        }
        if let Some(ms) = retry_after_ms {
            let (until, until_wall_ms) = (now + ms, self.clock.wall_ms() + ms);
            ledger.cooling = Some(Cooling { until, until_wall_ms, told: life, shared: false, since: now });
        } else if fate == (Fate::Delivered { granted: true }) {
            ledger.cooling = None;
            if let Some(began) = self.ledger.storm
                && reason == Reason::Unauthorized
            {
                ledger.for_401 += 1;
                self.check_storm(sign_in, now - began);
            }
        }
    }

    /// The server has refused a token. If nobody has a good one, no answer less late than lost brings one.
    pub(crate) fn note_refused(&mut self, token: usize) {
        let now = self.now();
        let Some(sign_in) = self.server.family_of_refresh(token) else { return };
        let newest = self.had_by_others(sign_in, None, 0);
        self.ledger.sign_ins[sign_in].given_up |=
            !newest.is_some_and(|newest| self.server.takes(newest, now));
    }

    /// A set is written in the shared place. One that came later than late is there from now on.
    pub(crate) fn note_set_written(&mut self, sign_in: usize) {
        let now = self.now();
        if let Some(late_at) = self.ledger.sign_ins.get_mut(sign_in).and_then(|s| s.late_at.as_mut())
            && now - *late_at < WRITING_MS
        {
            *late_at = now;
        }
    }

    /// A silence until then, epoch ms, is written in the shared place.
    pub(crate) fn note_cooling_shared(&mut self, sign_in: usize, not_before_ms: i64) {
        if let Some(cooling) = self.ledger.sign_ins.get_mut(sign_in).and_then(|s| s.cooling.as_mut()) {
            // An older one may end later by a clock that was set back since.
            let this = cooling.until_wall_ms..=cooling.until_wall_ms + MOST_SPREAD_MS;
            cooling.shared |= this.contains(&not_before_ms);
        }
    }

    /// The shared place has been lost or could not be read: nobody need know from it any more.
    pub(crate) fn forget_shared_cooling(&mut self) {
        for cooling in self.ledger.sign_ins.iter_mut().filter_map(|sign_in| sign_in.cooling.as_mut()) {
            cooling.shared = false;
        }
    }

    /// When the last silence that a server asked for ends.
    pub(crate) fn cooling_until(&self) -> i64 {
        self.ledger.sign_ins.iter().filter_map(|s| s.cooling.map(|c| c.until)).max().unwrap_or(0)
    }

    pub(crate) fn set_api_refuses(&mut self, refuses: bool) {
        if refuses && !self.api_refuses {
            self.ledger.storm = Some(self.now());
            self.ledger.stormed = true;
            self.ledger.sign_ins.iter_mut().for_each(|s| s.for_401 = 0);
        } else if !refuses {
            self.ledger.storm = None;
        }
        self.api_refuses = refuses;
    }

    /// Each page may find out for itself that fresh tokens don't help, then again after 30, 60, 120 … s; and a
    /// call that left with the fresh token may be answered before the replay that would have told.
    fn check_storm(&mut self, sign_in: usize, ms: i64) {
        let openings = (0..).take_while(|n| 30_000 * ((1_i64 << n) - 1) <= ms).count() as u32;
        let pages = self.lives;
        let count = self.ledger.sign_ins[sign_in].for_401;
        if count > pages * (openings + 2) {
            self.violate(Invariant::BreakerHolds, || {
                format!("{count} refreshes of s{sign_in} in {ms} ms, {pages} pages")
            });
        }
    }
}
