//! Our sessions: the core that ships, one for each user.

use tokenwell::proto::answer::{Grant, Meaning, Refused};
use tokenwell::proto::config::Config;
use tokenwell::proto::io::{AttemptId, Effect, Input, Outcome, Output, WaiterId, Want};
use tokenwell::proto::secret::Secret;
use tokenwell::proto::session::Session;
use tokenwell::proto::time::Now;

use crate::world::{Answer, Fleet, LIFETIME_MS, Wants};

const EPOCH_MS: i64 = 1_800_000_000_000;
/// The default leeway: five minutes before expiry.
const LEEWAY_MS: i64 = 300_000;

pub(crate) struct Ours {
    sessions: Vec<One>,
    random: fastrand::Rng,
}

struct One {
    core: Session,
    attempt: Option<AttemptId>,
    waiters: u32,
}

impl Ours {
    pub(crate) fn new(sessions: usize) -> Self {
        Self { sessions: Vec::with_capacity(sessions), random: fastrand::Rng::with_seed(11) }
    }

    fn now(&mut self, at: i64) -> Now {
        // The page began two hours before the outage story does.
        Now { wall_ms: EPOCH_MS + at, mono_ms: 7_200_000 + at, noise: self.random.u32(..) }
    }

    fn feed(&mut self, session: usize, at: i64, input: Input) -> Wants {
        let now = self.now(at);
        let Some(one) = self.sessions.get_mut(session) else { return Wants::default() };
        let mut wants = Wants::default();
        one.core.handle(now, input);
        while let Some(output) = one.core.poll() {
            match output {
                Output::Effect(Effect::Present { attempt, .. }) => {
                    one.attempt = Some(attempt);
                    wants.requests += 1;
                }
                Output::Settle(_, Outcome::Failed(_)) => wants.call_failed = true,
                _ => {}
            }
        }
        wants.wake_at = one.core.next_timeout(now).map(|ms| at + ms.max(1));
        wants
    }
}

impl Fleet for Ours {
    fn sign_in(&mut self, session: usize, at: i64) -> Wants {
        let now = self.now(at);
        self.sessions.push(One { core: Session::new(Config::default(), now), attempt: None, waiters: 0 });
        self.feed(session, at, Input::SignIn { grant: grant(), id: "id".into(), key: Secret::new("key") })
    }

    fn wake(&mut self, session: usize, at: i64) -> Wants {
        self.feed(session, at, Input::Wake)
    }

    fn call(&mut self, session: usize, at: i64) -> Wants {
        let now = self.now(at);
        let Some(one) = self.sessions.get_mut(session) else { return Wants::default() };
        if one.core.fresh(now).is_some() {
            return Wants {
                wake_at: one.core.next_timeout(now).map(|ms| at + ms.max(1)),
                ..Wants::default()
            };
        }
        one.waiters += 1;
        let waiter = WaiterId(one.waiters);
        self.feed(session, at, Input::Demand { waiter, want: Want::Call })
    }

    fn answer(&mut self, session: usize, at: i64, answer: Answer) -> Wants {
        let Some(attempt) = self.sessions.get_mut(session).and_then(|one| one.attempt.take()) else {
            return Wants::default();
        };
        let meaning = match answer {
            Answer::Lost => return self.feed(session, at, Input::Unanswered(attempt)),
            Answer::Tokens => Meaning::Granted(grant()),
            Answer::Failed(retry_at) => Meaning::Unavailable {
                said: Refused { status: 503, ..Refused::default() },
                retry_at_ms: retry_at.map(|at| EPOCH_MS + at),
            },
        };
        self.feed(session, at, Input::Answered(attempt, meaning))
    }

    fn period_ms(&self) -> i64 {
        LIFETIME_MS - LEEWAY_MS
    }
}

fn grant() -> Grant {
    Grant {
        access_token: Some(Secret::new("access")),
        refresh_token: Some(Secret::new("refresh")),
        expires_in_ms: Some(LIFETIME_MS),
        ..Grant::default()
    }
}
