//! A plan from a seed. Chance is spent where it hurts: most steps come within milliseconds of a refresh.

use fastrand::Rng;
use tokenwell::proto::config::Coordination;
use tokenwell::proto::io::Challenge401;
use tokenwell::proto::unauthorized::RetryOn;

use crate::faults::{ApiFault, TokenFault, VaultFault};
use crate::plan::{Action, Kept, Plan, Rotation, SLOTS, Setup, Slot, Step, Told};

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60_000;
const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

impl Plan {
    pub(crate) fn from_seed(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let setup = setup(&mut rng);
        let mut draft = Draft { setup, steps: Vec::new(), hot: 0, focus: 0, tabs: 1, rng };
        draft.begin();
        let length = draft.rng.usize(16..80);
        while draft.steps.len() < length {
            draft.step();
        }
        let noise = draft.rng.u64(..);
        Self { noise, setup: draft.setup, steps: draft.steps }
    }
}

/// One of these, each as likely as it is often in the list.
fn one_of<T: Copy>(rng: &mut Rng, choices: &[T]) -> T {
    choices[rng.usize(0..choices.len())]
}

fn setup(rng: &mut Rng) -> Setup {
    use Coordination::{Alone, Channel, Vault};
    use Rotation::{Grace, Plain, Reuse};
    let access_ms = match rng.u32(..20) {
        0..=7 => rng.i64(5..60) * SECOND,
        8..=13 => rng.i64(1..60) * MINUTE,
        14..=16 => rng.i64(1..24) * HOUR,
        17..=18 => rng.i64(1..60) * DAY,
        _ => 400 * DAY,
    };
    let refresh_ms = if rng.u32(..5) == 0 { Some(access_ms * rng.i64(2..20)) } else { None };
    let grace = Grace { ms: rng.i64(1..60) * SECOND };
    Setup {
        kept: one_of(rng, &[Kept::Session, Kept::Session, Kept::Local, Kept::Local, Kept::Memory]),
        coordination: one_of(rng, &[Vault, Vault, Vault, Vault, Vault, Vault, Channel, Alone]),
        locks: rng.u32(..5) > 0,
        rotation: one_of(rng, &[Reuse, Reuse, Reuse, Reuse, Reuse, Reuse, grace, Plain, Rotation::None]),
        access_ms,
        told: one_of(
            rng,
            &[Told::ExpiresIn, Told::ExpiresIn, Told::ExpiresIn, Told::Claims, Told::ExpAlone, Told::Nothing],
        ),
        refresh_ms,
        refresh_told: rng.bool(),
        server_skew_ms: if rng.u32(..3) == 0 { rng.i64(-DAY..=DAY) } else { 0 },
        revokes: rng.bool(),
        opaque: rng.bool(),
        challenge: one_of(rng, &[Challenge401::InvalidToken, Challenge401::Other]),
        retry_on: one_of(
            rng,
            &[RetryOn::Any, RetryOn::Any, RetryOn::Any, RetryOn::InvalidToken, RetryOn::Never],
        ),
        auto_refresh: rng.u32(..5) > 0,
        timeout_ms: one_of(rng, &[15_000, 15_000, 15_000, 5_000, 2_000, 30_000]),
        counts_sleep: rng.bool(),
        own_origins: rng.u32(..3) == 0,
        lossy_freeze: rng.bool(),
        hang_blocks: rng.u32(..3) == 0,
        slow: rng.u32(..4) == 0,
        restore_ms: if rng.u32(..6) == 0 { rng.i64(1..2_000) } else { 0 },
    }
}

struct Draft {
    setup: Setup,
    steps: Vec<Step>,
    /// So many steps come at once, about `focus`.
    hot: u32,
    focus: Slot,
    tabs: usize,
    rng: Rng,
}

impl Draft {
    fn push(&mut self, after_ms: i64, action: Action) {
        self.steps.push(Step { after_ms, action });
    }

    /// A tab that is signed in, and mostly others beside it.
    fn begin(&mut self) {
        self.push(0, Action::Open(0));
        self.push(0, Action::SignIn { slot: 0 });
        self.tabs = one_of(&mut self.rng, &[1, 2, 2, 2, 3, 3, 4, 5, 8]);
        for slot in 1..self.tabs {
            let after_ms = self.rng.i64(0..200);
            let action = match self.setup.kept {
                Kept::Local => Action::Open(slot),
                Kept::Session | Kept::Memory => Action::Duplicate { from: 0, to: slot },
            };
            self.push(after_ms, action);
        }
    }

    fn step(&mut self) {
        let gap = self.gap();
        let action = if self.hot > 0 {
            self.hot -= 1;
            self.cruel()
        } else {
            self.any()
        };
        let over = match action {
            Action::SignOut(slot) | Action::EndAtServer(slot) => Some(slot),
            _ => None,
        };
        self.push(gap, action);
        // Most of what could follow needs a session.
        if let Some(slot) = over.filter(|_| self.rng.u32(..3) > 0) {
            let after_ms = self.rng.i64(0..1_500);
            self.push(after_ms, Action::SignIn { slot });
        }
    }

    fn gap(&mut self) -> i64 {
        let life = self.setup.access_ms;
        let rng = &mut self.rng;
        if self.hot > 0 {
            return if rng.bool() { rng.i64(0..8) } else { rng.i64(0..250) };
        }
        match rng.u32(..16) {
            0..=4 => rng.i64(0..10),
            5..=8 => rng.i64(0..1_000),
            9..=10 => rng.i64(0..8_000),
            11 => rng.i64(self.setup.timeout_ms / 2..self.setup.timeout_ms * 3).min(life * 6),
            // Near the time when the token is due.
            12..=14 => {
                self.hot = rng.u32(1..8);
                let due = life - (life / 5).min(300_000);
                due + rng.i64(-200..(life - due).max(2_000))
            }
            _ => rng.i64(0..10 * MINUTE).min(life * 6),
        }
        .max(0)
    }

    fn slot(&mut self) -> Slot {
        if self.hot > 0 && self.rng.bool() { self.focus } else { self.rng.usize(0..self.tabs) }
    }

    /// What hurts when a refresh is under way.
    fn cruel(&mut self) -> Action {
        let slot = self.slot();
        match self.rng.u32(..26) {
            0..=1 => Action::Refresh(slot),
            2 => Action::Calls { slot, count: self.rng.u32(1..4) },
            3 => Action::Close(slot),
            4 => Action::Crash { slot, restored: self.rng.bool(), flushed: self.rng.bool() },
            5..=6 => Action::Reload(slot),
            7..=8 => self.duplicate(),
            9..=10 => Action::Freeze(slot),
            11 => Action::Leave(slot),
            12..=13 => Action::Hang { slot, ms: self.long() },
            14 => Action::SignOut(slot),
            15 => self.clocks(),
            16..=19 => self.token_fault(),
            20 => self.vault_fault(),
            21 => Action::Offline,
            22 => Action::Online,
            23 => self.storage(),
            24 => Action::Thaw(slot),
            _ => self.any(),
        }
    }

    fn any(&mut self) -> Action {
        let slot = self.slot();
        match self.rng.u32(..64) {
            0..=9 => Action::Call(slot),
            10..=11 => Action::Calls { slot, count: self.rng.u32(2..6) },
            12..=14 => {
                let some = self.rng.bool();
                let ms = self.rng.i64(0..self.setup.access_ms * 2);
                Action::Token { slot, min_validity_ms: some.then_some(ms) }
            }
            15 => Action::IfNeeded(slot),
            58 => {
                let (count, every_ms) = (self.rng.u32(3..30), self.rng.i64(20..5_000));
                Action::Poll { slot, count, every_ms }
            }
            16..=20 => {
                (self.hot, self.focus) = (self.rng.u32(1..8), slot);
                Action::Refresh(slot)
            }
            21 => Action::Detach(slot),
            22..=26 => self.token_fault(),
            27 => Action::NextApi(self.api_fault()),
            28 => {
                if self.rng.bool() {
                    let (count, every_ms) = (self.rng.u32(3..40), self.rng.i64(20..4_000));
                    self.push(0, Action::Poll { slot, count, every_ms });
                }
                Action::Api401(true)
            }
            29 => Action::Api401(false),
            30 if self.rng.u32(..4) == 0 => Action::EndAtServer(slot),
            31..=32 => self.vault_fault(),
            33 => self.storage(),
            34 if self.rng.bool() => Action::SignOut(slot),
            35 if self.rng.bool() => Action::SignIn { slot },
            36 => Action::Offline,
            37..=38 => Action::Online,
            39..=40 => Action::Sleep { ms: self.long() },
            41 => self.clocks(),
            42 => Action::Freeze(slot),
            43..=45 => Action::Thaw(slot),
            46 => Action::Hang { slot, ms: self.long() },
            47 => Action::Leave(slot),
            48 => Action::Throttle { slot, ms: one_of(&mut self.rng, &[0, 1_000, 60_000]) },
            49..=50 => Action::Focus(slot),
            51..=52 => Action::Open(self.rng.usize(0..SLOTS)),
            53..=54 => self.duplicate(),
            55 => Action::Reload(slot),
            56 => Action::Close(slot),
            57 => Action::Crash { slot, restored: self.rng.bool(), flushed: self.rng.bool() },
            _ => Action::Nothing,
        }
    }

    fn duplicate(&mut self) -> Action {
        let (from, to) = (self.slot(), self.rng.usize(0..SLOTS));
        self.tabs = self.tabs.max(to + 1);
        Action::Duplicate { from, to }
    }

    fn clocks(&mut self) -> Action {
        let ms = match self.rng.u32(..4) {
            0 => HOUR,
            1 => -HOUR,
            2 => self.rng.i64(-10 * SECOND..10 * SECOND),
            _ => self.rng.i64(-HOUR..HOUR),
        };
        Action::StepClock { ms }
    }

    /// From a moment to beyond all that anyone waits for.
    fn long(&mut self) -> i64 {
        let timeout = self.setup.timeout_ms;
        match self.rng.u32(..6) {
            0..=1 => self.rng.i64(0..2_000),
            2 => self.rng.i64(0..timeout),
            3 => timeout + self.rng.i64(0..10_000),
            4 => self.rng.i64(0..6 * timeout),
            _ => self.rng.i64(0..2 * HOUR).min(self.setup.access_ms * 8),
        }
    }

    fn token_fault(&mut self) -> Action {
        let noticed_ms = match self.rng.u32(..4) {
            0 => None,
            1 => Some(self.long()),
            _ => Some(self.rng.i64(0..100)),
        };
        let retry_after_ms = if self.rng.bool() { Some(self.rng.i64(0..90) * SECOND) } else { None };
        let committed = self.rng.u32(..4) == 0;
        Action::NextToken(match self.rng.u32(..12) {
            0..=1 => TokenFault::DropBefore { noticed_ms },
            2..=4 => TokenFault::DropAfter { noticed_ms },
            5 => TokenFault::Delay { there_ms: self.long(), back_ms: self.rng.i64(0..200) },
            6..=8 => TokenFault::Delay { there_ms: self.rng.i64(0..200), back_ms: self.long() },
            9 => TokenFault::Status { status: 429, retry_after_ms, committed: false },
            10 => {
                let status = one_of(&mut self.rng, &[408, 425, 500, 502, 503, 504]);
                TokenFault::Status { status, retry_after_ms, committed }
            }
            _ => TokenFault::Garbage { committed },
        })
    }

    fn api_fault(&mut self) -> ApiFault {
        match self.rng.u32(..4) {
            0 => ApiFault::Drop,
            1 => ApiFault::Delay(self.long()),
            _ => ApiFault::Refuse,
        }
    }

    fn vault_fault(&mut self) -> Action {
        match self.rng.u32(..8) {
            0 => Action::NextVault(VaultFault::Fail),
            1 => Action::NextVault(VaultFault::Mute),
            2 => Action::VaultDown(self.rng.bool()),
            3 => Action::VaultDown(false),
            4 => Action::VaultCleared,
            _ => Action::NextVault(VaultFault::Slow(self.rng.i64(0..7_000))),
        }
    }

    fn storage(&mut self) -> Action {
        let slot = self.slot();
        match self.rng.u32(..3) {
            0 => Action::StorageCleared(slot),
            1 => Action::StorageRefuses { slot, refuses: true },
            _ => Action::StorageRefuses { slot, refuses: false },
        }
    }
}
