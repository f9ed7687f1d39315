//! Inputs out of bytes: what a host may say, and what only a broken or hostile one would.

use tokenwell::proto::answer::{Grant, Meaning, Refused};
use tokenwell::proto::config::{Config, Coordination};
use tokenwell::proto::io::*;
use tokenwell::proto::record::{Claim, Entry, Meta, Record, Request};
use tokenwell::proto::secret::Secret;
use tokenwell::proto::time::Now;
use tokenwell::proto::token::{Leeway, TokenSet};
use tokenwell::proto::unauthorized::RetryOn;

use super::checks::MARK;
use super::{Asked, World};
use crate::bytes::Bytes;

/// Durations that decide something, ms.
const DELAYS: [i64; 16] = [
    0,
    1,
    50,
    150,
    399,
    1_000,
    2_500,
    5_000,
    15_000,
    20_001,
    60_000,
    300_000,
    900_000,
    3_600_000,
    86_400_000,
    0x7FFF_FFFF,
];
/// The ends of what a `Date` takes, ms.
const MOST_MS: i64 = 8_640_000_000_000_000;
const TIMES: [i64; 6] = [0, -1, 1 << 53, -(1 << 53), MOST_MS, -MOST_MS];
const LIVES: [i64; 9] = [1, 999, 5_000, 60_000, 300_000, 3_600_000, 1 << 31, 3_456_000_000, 315_576_000_000];
const IDS: [&str; 4] = ["", "one", "two", "three"];

pub(super) fn config(bytes: &mut Bytes<'_>) -> Config {
    let flags = bytes.byte();
    Config {
        leeway: Leeway {
            seconds_ms: bytes.pick(&[300_000, 0, -1, 1, i64::MAX, i64::MIN]),
            fraction_permille: bytes.pick(&[200, 0, 1000, -5, i64::MAX]),
        },
        retry_on: bytes.pick(&[RetryOn::Any, RetryOn::InvalidToken, RetryOn::Never]),
        auto_refresh: flags & 1 == 0,
        timeout_ms: bytes.pick(&[15_000, 1, 100, 600_000]),
        presents_nothing: flags & 6 == 6,
        cookie_interval_ms: (flags & 24 == 24).then(|| bytes.pick(&[86_400_000, 1, 1_000])),
        coordination: bytes.pick(&[Coordination::Vault, Coordination::Channel, Coordination::Alone]),
    }
}

pub(super) fn start(bytes: &mut Bytes<'_>) -> Now {
    let wall_ms = match bytes.below(8) {
        7 => bytes.pick(&TIMES),
        _ => 1_700_000_000_000,
    };
    Now { wall_ms, mono_ms: bytes.pick(&[5_000, 0, 1_700_000_000_000, 1 << 52]), noise: bytes.u32() }
}

impl World<'_> {
    /// Time passes, on both clocks or, when somebody sets one, on that.
    pub(super) fn pass_time(&mut self) {
        let how = self.bytes.byte();
        let delay = match how >> 4 {
            0..8 => 0,
            8..12 => DELAYS[usize::from(how & 15)],
            12..14 => self.session.next_timeout(self.now).unwrap_or(0),
            14 => {
                let step = DELAYS[usize::from(how & 15)];
                let step = if self.bytes.bool() { step } else { -step };
                self.now.wall_ms = (self.now.wall_ms + step).clamp(-MOST_MS, MOST_MS);
                return;
            }
            _ => {
                self.now.wall_ms = self.bytes.pick(&TIMES);
                return;
            }
        };
        self.now.wall_ms = (self.now.wall_ms + delay).min(MOST_MS);
        self.now.mono_ms = (self.now.mono_ms + delay).min(1 << 53);
    }

    pub(super) fn input(&mut self) -> Input {
        match self.bytes.byte() % 24 {
            0 => Input::Wake,
            1 => Input::Resume,
            2 => Input::Online,
            3 => Input::Restored(self.maybe(Self::record)),
            4 => Input::StorageChanged(self.maybe(Self::record)),
            5 => Input::StorageFailed("refused"),
            6..=9 => Input::Demand { waiter: self.waiter(), want: self.want() },
            10 | 11 => Input::Unauthorized {
                waiter: self.waiter(),
                sent: self.epoch(),
                challenge: self.bytes.pick(&[
                    Challenge401::Other,
                    Challenge401::InvalidToken,
                    Challenge401::InsufficientScope,
                    Challenge401::StepUp,
                ]),
            },
            12 => Input::Replayed { sent: self.epoch(), refused: self.bytes.bool() },
            13 => {
                let number = self.bytes.byte();
                Input::Detach(WaiterId(self.waiters.saturating_sub(u32::from(number))))
            }
            14 => self.sign_in(),
            15 if self.bytes.below(4) == 0 => Input::SignOut,
            16 if self.bytes.below(16) == 0 => Input::Dispose,
            17 => Input::Heard(self.message()),
            18 => self.unasked(),
            _ => self.result(),
        }
    }

    /// What somebody waits for, or another result of what somebody waited for once.
    fn result(&mut self) -> Input {
        if self.asked.is_empty() {
            return Input::Wake;
        }
        let which = self.bytes.below(self.asked.len());
        let again = self.bytes.below(16) == 0;
        let asked = match again {
            true => &self.asked[which],
            false => &self.asked.remove(which),
        };
        match *asked {
            Asked::Hold { attempt } => self.locked(AttemptId(attempt)),
            Asked::Await { attempt, claim } => Input::Freed { attempt: AttemptId(attempt), claim },
            Asked::Look { attempt, ref id } => {
                let (attempt, id) = (attempt.map(AttemptId), id.clone());
                Input::Looked { attempt, found: self.found(&id), id }
            }
            Asked::Swap { attempt, ref id } => {
                let (attempt, id) = (attempt.map(AttemptId), id.clone());
                Input::Swapped { attempt, result: self.swapped(&id), id }
            }
            Asked::Present { attempt } => self.answered(AttemptId(attempt)),
        }
    }

    /// A result of nothing.
    fn unasked(&mut self) -> Input {
        let attempt = AttemptId(u32::from(self.bytes.byte()));
        let id = self.bytes.pick(&IDS).to_owned();
        match self.bytes.below(5) {
            0 => self.locked(attempt),
            1 => Input::Freed { attempt, claim: self.claim() },
            2 => Input::Looked { attempt: self.bytes.bool().then_some(attempt), found: self.found(&id), id },
            3 => Input::Swapped {
                attempt: self.bytes.bool().then_some(attempt),
                result: self.swapped(&id),
                id,
            },
            _ => self.answered(attempt),
        }
    }

    fn locked(&mut self, attempt: AttemptId) -> Input {
        match self.bytes.below(4) {
            0 => Input::LockUnavailable(attempt),
            _ => Input::Locked(attempt),
        }
    }

    fn answered(&mut self, attempt: AttemptId) -> Input {
        let said = Refused { status: 400, code: Some("a_code".into()), description: None, uri: None };
        match self.bytes.below(8) {
            0 => Input::Unanswered(attempt),
            1 => Input::Answered(attempt, Meaning::Ended(said)),
            2 => Input::Answered(attempt, Meaning::Invalid(said)),
            3 => {
                let delay = self.bytes.pick(&[0, 1, 1_000, 60_000, 86_400_000, i64::MAX]);
                let retry_at_ms = self.bytes.bool().then_some(self.now.wall_ms.saturating_add(delay));
                Input::Answered(attempt, Meaning::Unavailable { said, retry_at_ms })
            }
            _ => Input::Answered(attempt, Meaning::Granted(self.grant())),
        }
    }

    pub(super) fn begin(&mut self, grant: Grant) {
        let id = IDS[1 + self.bytes.below(3)].to_owned();
        self.feed(Input::SignIn { grant, id, key: Secret::new(format!("{MARK}key")) });
    }

    fn sign_in(&mut self) -> Input {
        let id = self.bytes.pick(&IDS).to_owned();
        Input::SignIn { grant: self.grant(), id, key: Secret::new(format!("{MARK}key")) }
    }

    fn waiter(&mut self) -> WaiterId {
        self.waiters += 1;
        WaiterId(self.waiters)
    }

    fn epoch(&mut self) -> Epoch {
        let back = u32::from(self.bytes.byte() & 3);
        Epoch(self.session.view(self.now).epoch.0.wrapping_sub(back))
    }

    fn want(&mut self) -> Want {
        match self.bytes.below(6) {
            0 => Want::Call,
            1 => Want::Token { min_validity_ms: None },
            2 => Want::Token { min_validity_ms: Some(self.bytes.i64()) },
            3 => Want::IfNeeded,
            _ => Want::Refresh,
        }
    }

    fn claim(&mut self) -> u32 {
        self.bytes.pick(&[0, 1, 7, u32::MAX])
    }

    fn secret(&mut self) -> Option<Secret> {
        let number = self.bytes.byte();
        (number & 3 != 3).then(|| Secret::new(format!("{MARK}{number}")))
    }

    fn grant(&mut self) -> Grant {
        Grant {
            access_token: self.secret(),
            refresh_token: self.secret(),
            expires_in_ms: self.life(),
            refresh_expires_in_ms: self.life(),
            scope: None,
            token_type: None,
            user: self.bytes.bool().then(|| "{}".into()),
        }
    }

    fn life(&mut self) -> Option<i64> {
        self.bytes.bool().then(|| self.bytes.pick(&LIVES))
    }

    fn time(&mut self) -> i64 {
        match self.bytes.below(8) {
            0 => self.bytes.pick(&TIMES),
            1..4 => self.now.wall_ms - self.bytes.pick(&DELAYS),
            4 | 5 => self.now.mono_ms - self.bytes.pick(&DELAYS),
            _ => self.now.wall_ms + self.bytes.pick(&DELAYS),
        }
    }

    /// As `stored` reads one: its bounds are the only ones.
    fn record(&mut self) -> Record {
        let held = self.session.view(self.now).record.map(|r| (r.id.clone(), r.generation));
        let (id, generation) = held.unwrap_or(("one".into(), 1));
        let id = if self.bytes.below(4) == 0 { self.bytes.pick(&IDS).to_owned() } else { id };
        let step = self.bytes.pick(&[0, 1, 2, u32::MAX, 1 << 31]);
        Record {
            id,
            key: Secret::new(format!("{MARK}key")),
            generation: generation.wrapping_add(step).max(1),
            tokens: TokenSet {
                access_token: self.secret(),
                refresh_token: self.secret(),
                obtained_ms: self.time(),
                lifetime_ms: self.life(),
                refresh_expires_at_ms: self.maybe(Self::time),
                scope: None,
                user: None,
            },
        }
    }

    fn meta(&mut self) -> Meta {
        let generation = self.session.view(self.now).record.map_or(1, |r| r.generation);
        Meta {
            generation: generation.wrapping_add(self.bytes.pick(&[0, 1, u32::MAX])),
            claim: self
                .maybe(|world| Claim { id: world.claim(), tries: world.bytes.pick(&[1, 2, u32::MAX]) }),
            requests: (0..self.bytes.below(5))
                .map(|_| Request { mono_ms: self.time(), wall_ms: self.time() })
                .collect(),
            failures: self.bytes.pick(&[0, 1, 40, u32::MAX]),
            failed_at_ms: self.time(),
            not_before_ms: self.time(),
            by_server: self.bytes.bool(),
            ended: (self.bytes.below(8) == 0).then(|| self.bytes.pick(&[Ended::SignedOut, Ended::Rejected])),
        }
    }

    fn found(&mut self, id: &str) -> Found {
        match self.bytes.below(6) {
            0 => Found::Nothing,
            1 => Found::Unavailable,
            _ => {
                let meta = self.meta();
                let record = self.maybe(Self::record).map(|record| Record { id: id.into(), ..record });
                Found::Entry(Box::new(Entry { version: self.bytes.u32(), meta, record }))
            }
        }
    }

    fn swapped(&mut self, id: &str) -> Swapped {
        match self.bytes.below(4) {
            0 => Swapped::Unavailable,
            1 => Swapped::Conflict(self.found(id)),
            _ => Swapped::Done { version: self.bytes.u32() },
        }
    }

    fn message(&mut self) -> Message {
        let held = self.session.view(self.now).record.map_or(1, |r| r.generation);
        let generation = held.wrapping_add(self.bytes.pick(&[0, 1, u32::MAX]));
        match self.bytes.below(7) {
            0 => Message::Refreshed { generation, record: self.maybe(Self::record) },
            1 => Message::Ended { rejected: self.bytes.bool() },
            2 => Message::Ask { generation, claim: self.claim() },
            3 => Message::Busy { generation, claim: self.claim() },
            4 => Message::Idle { generation },
            _ => Message::Paced(self.meta()),
        }
    }

    fn maybe<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        match self.bytes.below(4) {
            0 => None,
            _ => Some(make(self)),
        }
    }
}
