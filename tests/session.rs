//! The session's decisions, one behaviour a test: inputs in, outputs out, under a clock of the test's own.

#![cfg(not(target_family = "wasm"))]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::wildcard_enum_match_arm)]

use tokenwell::proto::answer::{Grant, Meaning, Refused};
use tokenwell::proto::config::{Config, Coordination};
use tokenwell::proto::error::Code;
use tokenwell::proto::io::*;
use tokenwell::proto::secret::Secret;
use tokenwell::proto::session::{Session, Status};
use tokenwell::proto::time::Now;

/// A session alone in its world, and what it has put out.
struct Tab {
    session: Session,
    now: Now,
    out: Vec<Output>,
    waiters: u32,
}

impl Tab {
    fn signed_in(lifetime_s: i64) -> Self {
        let mut tab = Self::new(Config::default());
        tab.feed(Input::SignIn { grant: grant(1, lifetime_s), id: "id".into(), key: Secret::new("key") });
        tab.out.clear();
        tab
    }

    fn new(config: Config) -> Self {
        let now = Now { wall_ms: 1_700_000_000_000, mono_ms: 5_000, noise: u32::MAX / 2 };
        Self { session: Session::new(config, now), now, out: Vec::new(), waiters: 0 }
    }

    fn feed(&mut self, input: Input) {
        self.session.handle(self.now, input);
        self.out.extend(std::iter::from_fn(|| self.session.poll()));
    }

    fn demand(&mut self, want: Want) -> WaiterId {
        self.waiters += 1;
        self.feed(Input::Demand { waiter: WaiterId(self.waiters), want });
        WaiterId(self.waiters)
    }

    fn pass(&mut self, ms: i64) {
        self.now.wall_ms += ms;
        self.now.mono_ms += ms;
        self.feed(Input::Wake);
    }

    /// Passes time as a timer would: from wake to wake.
    fn pass_by_timers(&mut self, ms: i64) -> u32 {
        let (end, mut wakes) = (self.now.mono_ms + ms, 0);
        while let Some(delay) = self.session.next_timeout(self.now).filter(|d| self.now.mono_ms + d <= end) {
            self.pass(delay.max(1));
            wakes += 1;
        }
        let rest = end - self.now.mono_ms;
        self.pass(rest.max(0));
        wakes
    }

    fn presented(&self) -> Vec<AttemptId> {
        let attempt = |output: &Output| match output {
            Output::Effect(Effect::Present { attempt, .. }) => Some(*attempt),
            _ => None,
        };
        self.out.iter().filter_map(attempt).collect()
    }

    fn answer(&mut self, meaning: Meaning) {
        let attempt = *self.presented().last().unwrap();
        self.feed(Input::Answered(attempt, meaning));
    }

    fn outcome(&self, waiter: WaiterId) -> Option<String> {
        let settled = |output: &Output| match output {
            Output::Settle(id, outcome) if *id == waiter => Some(match outcome {
                Outcome::Failed(failure) => failure.code.as_str().to_owned(),
                other => format!("{other:?}"),
            }),
            _ => None,
        };
        self.out.iter().find_map(settled)
    }

    fn status(&self) -> Status {
        self.session.view(self.now).status
    }

    fn epoch(&self) -> Epoch {
        self.session.view(self.now).epoch
    }
}

fn grant(n: u32, lifetime_s: i64) -> Grant {
    Grant {
        access_token: Some(Secret::new(format!("access{n}"))),
        refresh_token: Some(Secret::new(format!("refresh{n}"))),
        expires_in_ms: Some(lifetime_s * 1000),
        ..Grant::default()
    }
}

fn granted(n: u32, lifetime_s: i64) -> Meaning {
    Meaning::Granted(grant(n, lifetime_s))
}

fn unavailable(retry_at_ms: Option<i64>) -> Meaning {
    Meaning::Unavailable { said: Refused { status: 503, ..Refused::default() }, retry_at_ms }
}

#[test]
fn a_fresh_token_goes_out_at_once() {
    let mut tab = Tab::signed_in(3600);
    assert_eq!(tab.session.fresh(tab.now), Some(tab.epoch()));
    let caller = tab.demand(Want::Call);
    assert_eq!(tab.outcome(caller).as_deref(), Some("Token"));
    assert!(tab.presented().is_empty());
}

#[test]
fn a_thousand_callers_on_an_expired_token_share_one_refresh() {
    let mut tab = Tab::new(Config { auto_refresh: false, ..Config::default() });
    tab.feed(Input::SignIn { grant: grant(1, 60), id: "id".into(), key: Secret::new("key") });
    tab.pass(61_000);
    let callers: Vec<_> = (0..1000).map(|_| tab.demand(Want::Call)).collect();
    assert_eq!(tab.presented().len(), 1);
    tab.answer(granted(2, 60));
    assert!(callers.iter().all(|caller| tab.outcome(*caller).as_deref() == Some("Token")));
}

#[test]
fn a_caller_that_leaves_takes_no_one_with_it() {
    let mut tab = Tab::signed_in(60);
    tab.pass(61_000);
    let (one, two) = (tab.demand(Want::Call), tab.demand(Want::Call));
    tab.feed(Input::Detach(one));
    tab.answer(granted(2, 60));
    assert_eq!(tab.outcome(one), None);
    assert_eq!(tab.outcome(two).as_deref(), Some("Token"));
}

#[test]
fn a_401_to_a_token_that_is_no_longer_current_is_replayed_without_a_refresh() {
    let mut tab = Tab::signed_in(3600);
    let sent = tab.epoch();
    tab.demand(Want::Refresh);
    tab.answer(granted(2, 3600));
    let presented = tab.presented().len();
    tab.feed(Input::Unauthorized { waiter: WaiterId(99), sent, challenge: Challenge401::Other });
    assert_eq!(tab.outcome(WaiterId(99)).as_deref(), Some("Replay"));
    assert_eq!(tab.presented().len(), presented);
}

#[test]
fn an_api_that_refuses_fresh_tokens_costs_one_refresh() {
    let mut tab = Tab::signed_in(3600);
    for call in 0..100 {
        let (waiter, sent) = (WaiterId(1000 + call), tab.epoch());
        tab.feed(Input::Unauthorized { waiter, sent, challenge: Challenge401::InvalidToken });
        if tab.outcome(waiter).is_none() {
            tab.answer(granted(call + 2, 3600));
            let sent = tab.epoch();
            tab.feed(Input::Replayed { sent, refused: true });
        }
    }
    assert_eq!(tab.presented().len(), 1);
    assert_eq!(tab.outcome(WaiterId(1099)).as_deref(), Some("Surrender"));
}

#[test]
fn a_valid_token_goes_on_being_served_while_the_route_fails() {
    let mut tab = Tab::signed_in(3600);
    tab.pass(3_400_000);
    let caller = tab.demand(Want::Call);
    tab.answer(unavailable(None));
    assert_eq!(tab.outcome(caller).as_deref(), Some("Token"));
    assert_eq!(tab.status(), Status::SignedIn);
}

#[test]
fn with_an_expired_token_callers_are_told_when_the_attempt_fails_and_at_once_in_the_cool_down() {
    let mut tab = Tab::signed_in(60);
    tab.pass(61_000);
    let first = tab.demand(Want::Call);
    let retry_at = tab.now.wall_ms + 30_000;
    tab.answer(unavailable(Some(retry_at)));
    assert_eq!(tab.outcome(first).as_deref(), Some("refresh_unavailable"));
    let second = tab.demand(Want::Token { min_validity_ms: None });
    assert_eq!(tab.outcome(second).as_deref(), Some("refresh_unavailable"));
    assert_eq!(tab.status(), Status::Expired);
    let before = tab.presented().len();
    tab.pass_by_timers(29_000);
    assert_eq!(tab.presented().len(), before, "Retry-After is honoured");
    tab.pass_by_timers(5_000);
    assert_eq!(tab.presented().len(), before + 1, "and the retry goes on behind it");
}

#[test]
fn a_slow_route_keeps_a_caller_with_a_valid_token_for_three_seconds_at_most() {
    let mut tab = Tab::signed_in(3600);
    tab.pass(3_400_000);
    let caller = tab.demand(Want::Call);
    tab.pass_by_timers(2_900);
    assert_eq!(tab.outcome(caller), None);
    tab.pass_by_timers(200);
    assert_eq!(tab.outcome(caller).as_deref(), Some("Token"));
}

#[test]
fn an_answer_that_comes_after_the_timeout_still_counts_and_nothing_is_presented_meanwhile() {
    let mut tab = Tab::signed_in(60);
    tab.pass(61_000);
    let caller = tab.demand(Want::Call);
    tab.pass_by_timers(16_000);
    assert_eq!(tab.outcome(caller).as_deref(), Some("refresh_unavailable"));
    tab.pass_by_timers(20_000);
    assert_eq!(tab.presented().len(), 1);
    tab.answer(granted(2, 3600));
    assert_eq!(tab.status(), Status::SignedIn);
}

#[test]
fn only_a_refusal_of_the_grant_ends_the_session() {
    let kept = [
        unavailable(None),
        Meaning::Invalid(Refused { status: 200, ..Refused::default() }),
        Meaning::Invalid(Refused { status: 400, code: Some("invalid_client".into()), ..Refused::default() }),
    ];
    for meaning in kept {
        let mut tab = Tab::signed_in(60);
        tab.pass(61_000);
        tab.answer(meaning);
        assert_eq!(tab.status(), Status::Expired);
    }
    let mut tab = Tab::signed_in(60);
    tab.pass(61_000);
    let caller = tab.demand(Want::Call);
    tab.answer(Meaning::Ended(Refused {
        status: 400,
        code: Some("invalid_grant".into()),
        ..Refused::default()
    }));
    assert_eq!(tab.status(), Status::SignedOut);
    assert_eq!(tab.outcome(caller).as_deref(), Some(Code::InvalidGrant.as_str()));
}

#[test]
fn a_refresh_in_flight_does_not_undo_a_sign_out_and_its_tokens_are_revoked() {
    let mut tab = Tab::signed_in(60);
    tab.pass(61_000);
    tab.feed(Input::SignOut);
    tab.answer(granted(2, 3600));
    assert_eq!(tab.status(), Status::SignedOut);
    let revoked = |o: &Output| matches!(o, Output::Effect(Effect::Revoke { refresh_token: Some(t), .. }) if t.expose() == "refresh2");
    assert!(tab.out.iter().any(revoked));
}

#[test]
fn a_400_day_token_neither_loops_nor_oversleeps_its_timer() {
    let mut tab = Tab::signed_in(400 * 86_400);
    let first = tab.session.next_timeout(tab.now).unwrap();
    assert_eq!(first, 0x7FFF_FFFF);
    assert!(tab.pass_by_timers(399 * 86_400_000) < 20);
    assert!(tab.presented().is_empty());
}

#[test]
fn tokens_of_five_seconds_are_refreshed_before_they_end_and_never_in_a_storm() {
    let mut tab = Tab::signed_in(5);
    let mut at = Vec::new();
    for n in 2..22 {
        while tab.presented().len() < at.len() + 1 {
            let delay = tab.session.next_timeout(tab.now).unwrap();
            tab.pass(delay.max(1));
            assert_ne!(tab.status(), Status::Expired);
        }
        at.push(tab.now.mono_ms);
        tab.answer(granted(n, 5));
    }
    assert!(at.windows(4).all(|four| four[3] - four[0] >= 5_000));
}

#[test]
fn a_clock_set_an_hour_on_costs_one_refresh_and_an_hour_back_none_too_late() {
    for step in [3_600_000, -3_600_000] {
        let mut tab = Tab::signed_in(1800);
        tab.now.wall_ms += step;
        tab.pass_by_timers(60_000);
        let early = tab.presented().len();
        assert_eq!(early, usize::from(step > 0));
        if early == 1 {
            tab.answer(granted(2, 1800));
        }
        tab.pass_by_timers(1_200_000);
        assert_eq!(tab.presented().len(), early, "no loop");
        tab.pass_by_timers(600_000);
        assert!(tab.presented().len() > early, "the other clock still runs");
    }
}

#[test]
fn a_token_that_expired_on_its_way_goes_to_nobody_and_the_refresh_goes_on_once() {
    let mut tab = Tab::signed_in(60);
    tab.pass(61_000);
    let callers: Vec<_> = (0..50).map(|_| tab.demand(Want::Call)).collect();
    let asleep = |tab: &mut Tab| tab.now.wall_ms += 3_600_000;
    asleep(&mut tab);
    tab.answer(granted(2, 60));
    assert!(callers.iter().all(|caller| tab.outcome(*caller).is_none()), "all would hear 401");
    assert_eq!(tab.presented().len(), 2, "the new refresh token is good all the same");
    asleep(&mut tab);
    tab.answer(granted(3, 60));
    assert!(callers.iter().all(|caller| tab.outcome(*caller).as_deref() == Some("Token")));
    tab.pass_by_timers(1_000);
    assert_eq!(tab.presented().len(), 2, "at its word the second time");
}

#[test]
fn a_token_that_lives_longer_than_its_answer_took_goes_out() {
    let mut tab = Tab::signed_in(60);
    tab.pass(61_000);
    let caller = tab.demand(Want::Call);
    tab.now.mono_ms += 9_000;
    tab.now.wall_ms += 9_000;
    tab.answer(granted(2, 10));
    assert_eq!(tab.outcome(caller).as_deref(), Some("Token"));
    assert_eq!(tab.presented().len(), 1);
}

#[test]
fn a_fresh_token_that_is_refused_before_its_replay_is_answered_opens_the_breaker_too() {
    let mut tab = Tab::signed_in(3600);
    let refuse = |tab: &mut Tab, waiter| {
        let (waiter, sent) = (WaiterId(waiter), tab.epoch());
        tab.feed(Input::Unauthorized { waiter, sent, challenge: Challenge401::InvalidToken });
    };
    refuse(&mut tab, 1000);
    tab.answer(granted(2, 3600));
    assert_eq!(tab.outcome(WaiterId(1000)).as_deref(), Some("Replay"));
    refuse(&mut tab, 1001);
    assert_eq!(tab.outcome(WaiterId(1001)).as_deref(), Some("Surrender"));
    assert_eq!(tab.presented().len(), 1);
    tab.pass(31_000);
    refuse(&mut tab, 1002);
    assert_eq!(tab.presented().len(), 2, "tried again after a while");
}

#[test]
fn a_clock_that_was_set_forward_and_right_again_leaves_the_token_good_and_tells_so() {
    let mut tab = Tab::signed_in(3600);
    tab.now.wall_ms += 86_400_000;
    tab.feed(Input::Wake);
    assert_eq!(tab.status(), Status::Expired);
    tab.now.wall_ms -= 86_400_000;
    tab.out.clear();
    tab.feed(Input::Wake);
    assert_eq!(tab.status(), Status::SignedIn);
    assert!(tab.out.iter().any(|output| matches!(output, Output::Event(Event::Change))));
}

#[test]
fn whoever_watches_hears_each_time_that_a_refresh_begins_to_count_again() {
    let mut tab = Tab::new(Config { coordination: Coordination::Channel, ..Config::default() });
    tab.feed(Input::SignIn { grant: grant(1, 3600), id: "id".into(), key: Secret::new("key") });
    tab.demand(Want::Refresh);
    tab.feed(Input::LockUnavailable(AttemptId(1)));
    tab.pass_by_timers(20_000);
    assert!(!tab.session.view(tab.now).refreshing, "given up, its answer still counts");
    tab.out.clear();
    tab.feed(Input::Answered(AttemptId(1), Meaning::Ended(Refused::default())));
    assert!(tab.session.view(tab.now).refreshing, "asks the other tabs for the last time");
    assert!(tab.out.iter().any(|output| matches!(output, Output::Event(Event::Change))));
}

#[test]
fn after_dispose_a_late_401_or_call_starts_nothing() {
    let mut tab = Tab::signed_in(3600);
    let sent = tab.epoch();
    tab.feed(Input::Dispose);
    let (call, late) = (tab.demand(Want::Refresh), WaiterId(99));
    tab.feed(Input::Unauthorized { waiter: late, sent, challenge: Challenge401::InvalidToken });
    tab.pass_by_timers(86_400_000);
    assert_eq!(tab.outcome(call).as_deref(), Some("signed_out"));
    assert_eq!(tab.outcome(late).as_deref(), Some("Surrender"));
    assert!(tab.presented().is_empty());
}

#[test]
fn without_a_refresh_token_the_session_ends_with_its_access_token() {
    let mut tab = Tab::new(Config::default());
    let grant = Grant { refresh_token: None, ..grant(1, 60) };
    tab.feed(Input::SignIn { grant, id: "id".into(), key: Secret::new("key") });
    tab.pass_by_timers(61_000);
    assert_eq!(tab.status(), Status::SignedOut);
    let ended = |o: &Output| matches!(o, Output::Event(Event::SignedOut { how: Ended::Expired, .. }));
    assert!(tab.out.iter().any(ended));
}

#[test]
fn who_waits_for_a_session_that_cannot_begin_is_told_so() {
    let mut tab = Tab::new(Config { presents_nothing: true, ..Config::default() });
    let caller = tab.demand(Want::Refresh);
    tab.answer(granted(1, 60));
    let begun = tab.out.iter().find_map(|output| match output {
        Output::Effect(Effect::Begin { attempt, .. }) => Some(*attempt),
        _ => None,
    });
    // The page has no randomness for a session's name and key.
    tab.feed(Input::Unanswered(begun.unwrap()));
    assert_eq!(tab.outcome(caller).as_deref(), Some("refresh_unavailable"));
}

#[test]
fn nothing_is_explained_with_a_secret_in_it() {
    let mut tab = Tab::signed_in(60);
    tab.pass(61_000);
    tab.answer(granted(2, 60));
    let told = format!("{:?}{:?}", tab.session.decisions().collect::<Vec<_>>(), tab.out);
    assert!(!told.contains("access2") && !told.contains("refresh2"));
}

#[test]
fn alone_no_lock_is_taken_and_no_other_tab_is_spoken_to() {
    let mut tab = Tab::signed_in(60);
    assert_eq!(Config::default().coordination, Coordination::Alone);
    tab.pass(61_000);
    tab.answer(granted(2, 60));
    tab.feed(Input::SignOut);
    let quiet = |o: &Output| {
        !matches!(
            o,
            Output::Effect(
                Effect::Hold { .. }
                    | Effect::Await { .. }
                    | Effect::Look { .. }
                    | Effect::Swap { .. }
                    | Effect::Tell(_)
            )
        )
    };
    assert!(tab.out.iter().all(quiet));
}
