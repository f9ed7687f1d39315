//! What others do, as their source has it (versions: bench/package.json).

use crate::world::{Answer, Fleet, LIFETIME_MS, Wants};

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Policy {
    /// auth0-spa-js, src/http.ts: a refresh on demand, of three requests one after the other
    /// (`DEFAULT_SILENT_TOKEN_RETRY_COUNT`), at every call that finds no valid token.
    Immediate,
    /// oidc-client-ts, SilentRenewService: a minute before expiry, and again 5 s after each that timed out, for ever.
    FixedFive,
    /// supabase auth-js, GoTrueClient: looked at every 30 s, due 90 s before expiry; 0.2, 0.4, 0.8 … s between the
    /// tries of one refresh while they fit into 30 s; then none for 60 s.
    Ticker,
}

impl Policy {
    pub(crate) const ALL: [Self; 3] = [Self::Immediate, Self::FixedFive, Self::Ticker];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Immediate => "immediate retries (auth0-spa-js)",
            Self::FixedFive => "a fixed 5 s (oidc-client-ts)",
            Self::Ticker => "a 30 s ticker (supabase auth-js)",
        }
    }

    fn before_expiry_ms(self) -> i64 {
        match self {
            Self::Immediate => 0,
            Self::FixedFive => 60_000,
            // Found due by the tick, on average half a tick after 120 s: four ticks round down to three.
            Self::Ticker => 105_000,
        }
    }
}

const TICK_MS: i64 = 30_000;
const COOLDOWN_MS: i64 = 60_000;
const IMMEDIATE_TRIES: u32 = 3;

pub(crate) struct Peers {
    policy: Policy,
    sessions: Vec<One>,
}

#[derive(Clone, Copy, Default)]
struct One {
    expiry: i64,
    /// Tries of the refresh under way.
    tries: u32,
    began: i64,
    under_way: bool,
    next: i64,
}

impl Peers {
    pub(crate) fn new(policy: Policy, sessions: usize) -> Self {
        Self { policy, sessions: vec![One::default(); sessions] }
    }

    fn start(&mut self, session: usize, at: i64, fresh: bool) -> Wants {
        let one = &mut self.sessions[session];
        if fresh {
            (one.tries, one.began) = (0, at);
        }
        one.tries += 1;
        (one.under_way, one.next) = (true, i64::MAX);
        Wants { requests: 1, ..Wants::default() }
    }

    fn wake_later(&mut self, session: usize, at: i64) -> Wants {
        self.sessions[session].next = at;
        Wants { wake_at: Some(at), ..Wants::default() }
    }

    fn renewed(&mut self, session: usize, expiry: i64) -> Wants {
        self.sessions[session].expiry = expiry;
        self.sessions[session].under_way = false;
        match self.policy {
            Policy::Immediate => Wants::default(),
            Policy::FixedFive | Policy::Ticker => {
                self.wake_later(session, expiry - self.policy.before_expiry_ms())
            }
        }
    }
}

impl Fleet for Peers {
    fn sign_in(&mut self, session: usize, at: i64) -> Wants {
        self.renewed(session, at + LIFETIME_MS)
    }

    fn wake(&mut self, session: usize, at: i64) -> Wants {
        let one = self.sessions[session];
        // A try of one refresh, or a new one.
        self.start(session, at, one.tries == 0 || !one.under_way)
    }

    fn call(&mut self, session: usize, at: i64) -> Wants {
        let one = self.sessions[session];
        let keep = (one.next < i64::MAX && one.next > at).then_some(one.next);
        if at < one.expiry {
            return Wants { wake_at: keep, ..Wants::default() };
        }
        match self.policy {
            // It waits for the refresh under way.
            Policy::Immediate if one.under_way => Wants { wake_at: keep, ..Wants::default() },
            Policy::Immediate => self.start(session, at, true),
            Policy::FixedFive | Policy::Ticker => {
                Wants { wake_at: keep, call_failed: true, ..Wants::default() }
            }
        }
    }

    fn answer(&mut self, session: usize, at: i64, answer: Answer) -> Wants {
        if matches!(answer, Answer::Tokens) {
            return self.renewed(session, at + LIFETIME_MS);
        }
        let one = self.sessions[session];
        match self.policy {
            Policy::Immediate if one.tries < IMMEDIATE_TRIES => self.start(session, at, false),
            Policy::Immediate => {
                self.sessions[session].under_way = false;
                Wants { call_failed: true, ..Wants::default() }
            }
            Policy::FixedFive => {
                self.sessions[session].under_way = false;
                self.wake_later(session, at + 5_000)
            }
            Policy::Ticker => {
                let pause = 200_i64 << (one.tries - 1);
                if at + pause - one.began < TICK_MS {
                    return self.wake_later(session, at + pause);
                }
                self.sessions[session].under_way = false;
                // The first tick after the cool-down.
                let over = at + COOLDOWN_MS - one.began;
                self.wake_later(session, one.began + (over + TICK_MS - 1) / TICK_MS * TICK_MS)
            }
        }
    }

    fn period_ms(&self) -> i64 {
        LIFETIME_MS - self.policy.before_expiry_ms()
    }
}
