//! When the next token request may be made: cool-down after failures, and a bound on the rate.

use super::record::{Meta, Request};
use super::time::{Deadline, Now, difference, sum};

/// Never more than this many token requests …
const RATE_REQUESTS: usize = 3;
/// … in so many ms: the promise is 5 s as the server counts, and requests travel at different speeds.
const RATE_WINDOW_MS: i64 = 6_000;
/// While somebody waits for a token, the first wait after a failure; each further one is four times as long, …
const WANTED_FIRST_MS: i64 = 1_000;
/// … up to this: with a second for the request, everyone who waits has recovered 30 s after an outage.
const WANTED_MOST_MS: i64 = 28_000;
/// Somebody who was turned away counts as waiting for so long.
const WANTED_FOR_MS: i64 = 300_000;
/// While nobody waits, the first wait is what the token's lifetime makes of it, in these bounds, and each further one
/// three times as long, …
const IDLE_FIRST_MS: (i64, i64) = (1_000, 300_000);
/// … up to this: a million idle tabs that hurry would keep a server down, and nobody would be helped.
const IDLE_MOST_MS: i64 = 900_000;
/// All who were told one second to come back must not come in that second: who is waited for comes in a 24th of the
/// time they were told to wait, that many more having become due in it, …
const SPREAD_WANTED_MS: (i64, i64) = (1_000, 28_000);
/// … and who is not, in so many times that time, but in no more than three times the first wait.
const SPREAD_IDLE: i64 = 20;
/// How many cool-downs of other tabs to remember.
const KNOWN_COOLDOWNS: usize = 8;

/// What the pace of refreshing depends on.
#[derive(Default)]
pub(super) struct Pace {
    /// Failures in a row.
    failures: u32,
    cooldown: Option<Cooldown>,
    /// The request that fails now may have been heard: only its answer got lost.
    lost: bool,
    /// When somebody was last turned away without a token, monotonic ms.
    wanted_mono_ms: Option<i64>,
    /// The last cool-downs, by when they began and whether the server asked: being told twice does not prolong one.
    known: Vec<(i64, bool)>,
    /// When the network last came back, epoch ms: what failed before that tells nothing any more.
    online_ms: i64,
    /// Token requests, and when they were made by this tab's clock, monotonic ms.
    requests: Vec<(Request, i64)>,
}

#[derive(Clone, Copy)]
struct Cooldown {
    until: Deadline,
    /// The server asked for it by Retry-After.
    by_server: bool,
    /// Tells cool-downs apart.
    failed_at_ms: i64,
    /// What would hold if somebody waited for a token.
    wanted_until: Deadline,
}

impl Pace {
    /// The server has granted what this tab asked for.
    pub(super) fn granted(&mut self) {
        self.cooldown = None;
    }

    /// A new set is there, from here or elsewhere. What the server asked for holds: whether that was before or after
    /// this set can't be told where the clock may have been set, or the set was long in writing.
    pub(super) fn succeeded(&mut self) {
        self.failures = 0;
        self.cooldown = self.cooldown.filter(|c| c.by_server);
        self.wanted_mono_ms = None;
    }

    /// The failure that follows is an answer that did not come.
    pub(super) fn lost_answer(&mut self) {
        self.lost = true;
    }

    /// A refresh has failed. `wanted`: somebody needs a token and has none. `idle_ms`: the first wait if nobody does.
    pub(super) fn failed(&mut self, now: &Now, retry_at_ms: Option<i64>, wanted: bool, idle_ms: i64) {
        let failed_before = self.failures.min(6);
        self.failures = self.failures.saturating_add(1);
        if wanted {
            self.wanted_mono_ms = Some(now.mono_ms);
        }
        let turned_away = |at: i64| now.mono_since(at) < WANTED_FOR_MS;
        let wanted = self.wanted_mono_ms.is_some_and(turned_away);
        let asked = retry_at_ms.map(|at| difference(at, now.wall_ms).max(0));
        let (wanted_ms, idle_ms) = match asked {
            Some(asked) => (
                sum(asked, now.up_to(spread_wanted_ms(asked))),
                sum(asked, now.up_to(spread_idle_ms(asked, idle_ms))),
            ),
            None => (
                drawn(now, (WANTED_FIRST_MS << (2 * failed_before)).min(WANTED_MOST_MS), 4),
                drawn(now, tripled(within(idle_ms, IDLE_FIRST_MS), failed_before).min(IDLE_MOST_MS), 2),
            ),
        };
        // A server that has rotated forgives the old token for some seconds only: once, everyone asks again soon.
        let soon = std::mem::take(&mut self.lost) && failed_before == 0;
        let wanted_until = Deadline::after(now, wanted_ms);
        let idle_until = if soon { wanted_until } else { Deadline::after(now, idle_ms) };
        self.remember((now.wall_ms, asked.is_some()));
        // What the server asked for still holds when something else fails meanwhile.
        let standing = self.cooldown.filter(|c| c.by_server && !c.until.passed(now));
        self.cooldown = Some(match standing {
            Some(standing) if asked.is_none() => standing,
            Some(_) | None => Cooldown {
                until: if wanted { wanted_until } else { idle_until },
                by_server: asked.is_some(),
                failed_at_ms: now.wall_ms,
                wanted_until,
            },
        });
    }

    /// Somebody needs a token and has none: no need to wait as long as for an idle tab.
    pub(super) fn wanted(&mut self, now: &Now) {
        self.wanted_mono_ms = Some(now.mono_ms);
        if let Some(cooldown) = &mut self.cooldown {
            cooldown.until = cooldown.wanted_until;
        }
    }

    /// The network is back: the reason to wait is gone, unless the server asked for it.
    pub(super) fn online(&mut self, now: &Now) {
        self.online_ms = now.wall_ms;
        if !self.by_server() {
            self.cooldown = None;
        }
    }

    /// The cool-down, while it lasts.
    pub(super) fn cooling(&self, now: &Now) -> Option<Deadline> {
        self.cooldown.map(|c| c.until).filter(|until| !until.passed(now))
    }

    /// When the next attempt of its own is due after a failure.
    pub(super) fn retry(&self) -> Option<Deadline> {
        self.cooldown.map(|c| c.until)
    }

    /// Whether the server itself asked for the present cool-down.
    pub(super) fn by_server(&self) -> bool {
        self.cooldown.is_some_and(|c| c.by_server)
    }

    /// The last token request known of.
    pub(super) fn last_request(&self) -> Option<Request> {
        self.requests.last().map(|r| r.0)
    }

    /// Whether there is something that other tabs should know.
    pub(super) fn is_telling(&self, now: &Now) -> bool {
        let recent = |r: &(Request, i64)| now.mono_since(r.1) < RATE_WINDOW_MS;
        self.cooling(now).is_some() || self.requests.iter().any(recent)
    }

    /// Failures in a row.
    pub(super) fn failures(&self) -> u32 {
        self.failures
    }

    /// What to mark a token request with that leaves now: its time, and different from all others' marks.
    pub(super) fn mark(&self, now: &Now) -> Request {
        let mut mono_ms = now.mono_ms;
        for (made, _) in &self.requests {
            if made.mono_ms.abs_diff(now.mono_ms) < 100 {
                mono_ms = mono_ms.max(sum(made.mono_ms, 1));
            }
        }
        Request { mono_ms, wall_ms: now.wall_ms }
    }

    /// A token request with that mark leaves.
    pub(super) fn request(&mut self, mark: Request, now: &Now) {
        self.note(mark, now);
    }

    /// When the next token request may leave, monotonic ms, if not now.
    pub(super) fn slot(&self, now: &Now) -> Option<i64> {
        let first = self.requests.len().checked_sub(RATE_REQUESTS)?;
        let free = sum(self.requests.get(first)?.1, RATE_WINDOW_MS);
        (free > now.mono_ms).then_some(free)
    }

    /// Takes over what the tabs of this sign-in have shared.
    pub(super) fn merge(&mut self, meta: &Meta, now: &Now, idle_ms: i64) {
        for &made in &meta.requests {
            self.note(made, now);
        }
        if !meta.by_server && meta.failed_at_ms <= self.online_ms {
            return;
        }
        let length = difference(meta.not_before_ms, meta.failed_at_ms);
        if (meta.failures == 0 && !meta.by_server) || length <= 0 {
            return;
        }
        self.failures = self.failures.max(meta.failures);
        let known = (meta.failed_at_ms, meta.by_server);
        if self.known.contains(&known) {
            return;
        }
        self.remember(known);
        // No longer than it was when it began: the clock may have been set back since.
        let left = difference(meta.not_before_ms, now.wall_ms).min(length);
        // What the server asked for is not cut short by our own pace, nor by what it asked another tab for before.
        let standing = self.cooldown.filter(|c| c.by_server && !c.until.passed(now));
        let standing = standing.map(|c| c.wanted_until.remaining_ms(now));
        if left <= 0 || standing.is_some_and(|standing| !meta.by_server || standing >= left) {
            return;
        }
        let (wanted_ms, idle_ms) = match meta.by_server {
            true => (left, sum(left, now.up_to(spread_idle_ms(length, idle_ms)))),
            false => (left.min(WANTED_MOST_MS), left),
        };
        self.cooldown = Some(Cooldown {
            until: Deadline::after(now, idle_ms),
            by_server: meta.by_server,
            failed_at_ms: meta.failed_at_ms,
            wanted_until: Deadline::after(now, wanted_ms),
        });
    }

    /// Writes what the other tabs should know.
    pub(super) fn share(&self, meta: &mut Meta) {
        self.share_requests(meta);
        meta.failures = self.failures;
        meta.failed_at_ms = self.cooldown.map_or(0, |c| c.failed_at_ms);
        // What the server asked for is the least; how far beyond that a tab goes is its own affair.
        meta.not_before_ms =
            self.cooldown.map_or(0, |c| if c.by_server { c.wanted_until.wall_ms } else { c.until.wall_ms });
        meta.by_server = self.by_server();
    }

    /// Writes the requests alone: a success has no cool-down.
    pub(super) fn share_requests(&self, meta: &mut Meta) {
        for (made, _) in &self.requests {
            meta.requests.push(*made);
        }
    }

    /// The requests with one more, whose mark this is.
    pub(super) fn share_with(&self, mark: Request, meta: &mut Meta) {
        self.share(meta);
        meta.requests.push(mark);
        let surplus = meta.requests.len().saturating_sub(RATE_REQUESTS);
        meta.requests.drain(..surplus);
    }

    fn remember(&mut self, cooldown: (i64, bool)) {
        self.known.push(cooldown);
        self.known.drain(..self.known.len().saturating_sub(KNOWN_COOLDOWNS));
    }

    fn note(&mut self, made: Request, now: &Now) {
        if self.requests.iter().any(|r| r.0.mono_ms == made.mono_ms) {
            return;
        }
        // A clock step makes one of the clocks lie, and tabs begun before and after it count differently: the
        // younger of the two ages is the safe one. Of a request in its future a clock tells nothing.
        let told = |age: i64| if age > -RATE_WINDOW_MS { age.max(0) } else { i64::MAX };
        let age = told(now.mono_since(made.mono_ms)).min(told(now.wall_since(made.wall_ms)));
        let at_ms = now.mono_since(if age == i64::MAX { 0 } else { age });
        // At its place among the three there are: a sort would be 4 KB of code.
        let place = self.requests.iter().take_while(|r| r.1 <= at_ms).count();
        self.requests.insert(place, (made, at_ms));
        let surplus = self.requests.len().saturating_sub(RATE_REQUESTS);
        self.requests.drain(..surplus);
    }
}

/// Up to that, and shorter by a share of it at most. Full jitter, from nothing up, would be twice the requests under the
/// same ceiling, and who is waited for can't have a higher one: a fleet would be above what a server bears.
fn drawn(now: &Now, most_ms: i64, share: i64) -> i64 {
    most_ms - most_ms / share + now.up_to(most_ms / share)
}

fn tripled(ms: i64, times: u32) -> i64 {
    (0..times).fold(ms, |ms, _| ms * 3)
}

fn within(ms: i64, (least, most): (i64, i64)) -> i64 {
    ms.clamp(least, most)
}

fn spread_wanted_ms(asked_ms: i64) -> i64 {
    within(asked_ms / 24, SPREAD_WANTED_MS)
}

fn spread_idle_ms(asked_ms: i64, idle_ms: i64) -> i64 {
    asked_ms.saturating_mul(SPREAD_IDLE).min(within(idle_ms, IDLE_FIRST_MS) * 3).max(SPREAD_WANTED_MS.0)
}

#[cfg(test)]
#[cfg(not(target_family = "wasm"))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn now(ms: i64, noise: u32) -> Now {
        Now { wall_ms: 1_000_000 + ms, mono_ms: ms, noise }
    }

    #[test]
    fn the_fourth_request_waits_for_the_first_to_be_old() {
        let mut pace = Pace::default();
        for ms in [0, 10, 20] {
            assert_eq!(pace.slot(&now(ms, 0)), None);
            pace.request(pace.mark(&now(ms, 0)), &now(ms, 0));
        }
        assert_eq!(pace.slot(&now(30, 0)), Some(RATE_WINDOW_MS));
        assert_eq!(pace.slot(&now(RATE_WINDOW_MS, 0)), None);
    }

    #[test]
    fn who_was_turned_away_is_waiting_for_some_minutes() {
        let mut pace = Pace::default();
        pace.failed(&now(0, 0), None, false, 300_000);
        pace.wanted(&now(0, 0));
        pace.failed(&now(WANTED_FOR_MS - 1, u32::MAX), None, false, 300_000);
        let left = |pace: &Pace, at| pace.retry().unwrap().remaining_ms(&now(at, 0));
        assert!(left(&pace, WANTED_FOR_MS - 1) <= WANTED_MOST_MS);
        pace.failed(&now(WANTED_FOR_MS, u32::MAX), None, false, 300_000);
        assert!(left(&pace, WANTED_FOR_MS) > WANTED_MOST_MS);
    }

    #[test]
    fn old_requests_by_another_tabs_clock_do_not_push_out_the_last_ones() {
        // As a tab that was begun after the clock was set forward by an hour has told of them.
        let theirs = |ms: i64| Request { mono_ms: 3_600_000 + ms, wall_ms: 1_000_000 + ms };
        let mut pace = Pace::default();
        for ms in [100_000, 100_010, 100_020] {
            pace.request(pace.mark(&now(ms, 0)), &now(ms, 0));
        }
        let meta = Meta { requests: vec![theirs(1), theirs(2), theirs(3)], ..Meta::default() };
        pace.merge(&meta, &now(100_030, 0), 0);
        assert_eq!(pace.slot(&now(100_030, 0)), Some(100_000 + RATE_WINDOW_MS));
        let meta = Meta { requests: vec![theirs(100_025)], ..Meta::default() };
        pace.merge(&meta, &now(100_030, 0), 0);
        assert_eq!(pace.slot(&now(100_030, 0)), Some(100_010 + RATE_WINDOW_MS), "but the last ones count");
    }

    #[test]
    fn a_lost_answer_is_asked_for_again_at_once_but_once() {
        let mut pace = Pace::default();
        let left = |pace: &Pace| pace.retry().unwrap().remaining_ms(&now(0, 0));
        pace.lost_answer();
        pace.failed(&now(0, u32::MAX), None, false, 300_000);
        assert!(left(&pace) <= WANTED_FIRST_MS);
        pace.lost_answer();
        pace.failed(&now(0, 0), None, false, 300_000);
        assert!(left(&pace) > WANTED_MOST_MS);
    }

    #[test]
    fn online_ends_our_own_cool_down_but_not_the_servers() {
        let mut pace = Pace::default();
        pace.failed(&now(0, u32::MAX), None, true, 0);
        let mut meta = Meta::default();
        pace.share(&mut meta);
        pace.online(&now(0, 0));
        pace.merge(&meta, &now(0, 0), 0);
        assert!(pace.cooling(&now(0, 0)).is_none());
        pace.failed(&now(0, 0), Some(1_000_000 + 9_000), true, 0);
        pace.online(&now(0, 0));
        assert!(pace.cooling(&now(8_999, 0)).is_some());
        assert!(pace.cooling(&now(10_001, 0)).is_none());
    }

    #[test]
    fn a_shared_cool_down_is_not_prolonged_by_a_clock_set_back() {
        let mut theirs = Pace::default();
        theirs.failed(&now(0, 0), Some(1_000_000 + 30_000), true, 0);
        let mut meta = Meta::default();
        theirs.share(&mut meta);
        let back = |ms: i64| Now { wall_ms: 1_000_000 + ms - 3_600_000, mono_ms: ms, noise: 0 };
        let mut ours = Pace::default();
        ours.merge(&meta, &back(0), 0);
        ours.merge(&meta, &back(20_000), 0);
        assert!(ours.cooling(&back(20_000)).is_some());
        assert!(ours.cooling(&back(31_001)).is_none());
    }

    #[test]
    fn what_the_server_asked_for_is_not_cut_short_by_what_it_asked_another_tab_for_before() {
        let told = |ms, by_server: bool| {
            let mut meta = Meta::default();
            let mut pace = Pace::default();
            pace.failed(&now(ms, 0), by_server.then_some(1_000_000 + 20_000), true, 0);
            pace.share(&mut meta);
            meta
        };
        let mut pace = Pace::default();
        pace.failed(&now(10, 0), Some(1_000_000 + 60_000), true, 0);
        pace.merge(&told(0, true), &now(20, 0), 0);
        pace.merge(&told(15, false), &now(20, 0), 0);
        pace.succeeded();
        assert!(pace.cooling(&now(59_000, 0)).is_some(), "nor by a set that another tab has got");
        pace.granted();
        assert!(pace.cooling(&now(59_000, 0)).is_none(), "until it grants one here");
    }

    proptest! {
        #[test]
        fn a_cool_down_stays_below_its_ceiling(failures in 1usize..200, noise: u32, wanted: bool, idle_ms in 0i64..400_000) {
            let mut pace = Pace::default();
            for _ in 0..failures {
                pace.failed(&now(0, noise), None, wanted, idle_ms);
            }
            let left = pace.cooling(&now(0, 0)).unwrap().remaining_ms(&now(0, 0));
            let ceiling = if wanted { WANTED_MOST_MS } else { IDLE_MOST_MS };
            prop_assert!((WANTED_FIRST_MS / 2..=ceiling).contains(&left));
        }

        #[test]
        fn the_first_retry_of_an_idle_tab_comes_within_what_it_was_given(idle_ms in 1_000i64..300_000, noise: u32) {
            let mut pace = Pace::default();
            pace.failed(&now(0, noise), None, false, idle_ms);
            let left = pace.cooling(&now(0, 0)).unwrap().remaining_ms(&now(0, 0));
            prop_assert!((idle_ms / 2..=idle_ms).contains(&left));
        }

        #[test]
        fn who_is_told_a_second_comes_after_it_and_soon_after_when_waited_for(asked in 0i64..3_600_000, noise: u32, wanted: bool) {
            let mut pace = Pace::default();
            pace.failed(&now(0, noise), Some(1_000_000 + asked), wanted, 0);
            pace.wanted(&now(0, 0));
            let left = pace.retry().unwrap().remaining_ms(&now(0, 0));
            prop_assert!((asked..=asked + WANTED_MOST_MS).contains(&left));
        }

        #[test]
        fn no_window_holds_more_requests_than_allowed(gaps in prop::collection::vec(0i64..4_000, 1..60)) {
            let (mut pace, mut at, mut made) = (Pace::default(), 0, Vec::new());
            for gap in gaps {
                at += gap;
                at = pace.slot(&now(at, 0)).unwrap_or(at).max(at);
                pace.request(pace.mark(&now(at, 0)), &now(at, 0));
                made.push(at);
            }
            for window in made.windows(RATE_REQUESTS + 1) {
                prop_assert!(window[RATE_REQUESTS] - window[0] >= RATE_WINDOW_MS);
            }
        }
    }
}
