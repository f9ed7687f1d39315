//! The state machine: any inputs in any order, effects answered by whatever, in time or not at all.
//!
//! The world here lies as no browser would. What must hold is therefore little, but holds always: see [`Checks`].

mod checks;
mod inputs;

use tokenwell::proto::answer::Grant;
use tokenwell::proto::io::{Effect, Input, Output};
use tokenwell::proto::session::Session;
use tokenwell::proto::time::Now;

use crate::bytes::Bytes;
use checks::Checks;

/// Inputs of one run.
const MOST_INPUTS: usize = 400;

/// An effect that waits for its result.
pub(crate) enum Asked {
    Hold { attempt: u32 },
    Await { attempt: u32, claim: u32 },
    Look { attempt: Option<u32>, id: String },
    Swap { attempt: Option<u32>, id: String },
    Present { attempt: u32 },
}

pub(crate) struct World<'a> {
    bytes: Bytes<'a>,
    session: Session,
    now: Now,
    /// Effects without a result so far, oldest first; some get several.
    asked: Vec<Asked>,
    /// Grants that begin a session, when what came before is drained.
    begun: Vec<Grant>,
    waiters: u32,
    checks: Checks,
    /// Whether to print everything: TRACE=1, to see what a finding is.
    traces: bool,
}

/// The bytes as a configuration, a time and inputs.
pub fn run(data: &[u8]) {
    let mut bytes = Bytes(data);
    let config = inputs::config(&mut bytes);
    let now = inputs::start(&mut bytes);
    let session = Session::new(config.clone(), now);
    let mut world = World {
        bytes,
        session,
        now,
        asked: Vec::new(),
        begun: Vec::new(),
        waiters: 0,
        checks: Checks::new(&config, now),
        traces: std::env::var_os("TRACE").is_some(),
    };
    for _ in 0..MOST_INPUTS {
        if world.bytes.is_empty() {
            break;
        }
        world.pass_time();
        let input = world.input();
        world.feed(input);
    }
    world.come_to_rest();
    world.checks.explained(&world.session);
}

impl World<'_> {
    fn feed(&mut self, input: Input) {
        self.now.noise = self.now.noise.wrapping_mul(0x9E37_79B1).wrapping_add(self.now.mono_ms as u32 | 1);
        if self.traces {
            eprintln!("{} {} {input:?}", self.now.wall_ms, self.now.mono_ms);
        }
        self.checks.before(&input, &self.session, self.now);
        self.session.handle(self.now, input);
        while let Some(output) = self.session.poll() {
            if self.traces {
                eprintln!("    {output:?}");
            }
            self.checks.output(&output, self.now);
            if let Output::Effect(effect) = output {
                self.carry_out(effect);
            }
        }
        self.checks.after(&self.session, self.now);
        if let Some(grant) = self.begun.pop() {
            self.begin(grant);
        }
    }

    fn carry_out(&mut self, effect: Effect) {
        let asked = match effect {
            Effect::Hold { attempt, .. } => Asked::Hold { attempt: attempt.0 },
            Effect::Await { attempt, claim, .. } => Asked::Await { attempt: attempt.0, claim },
            Effect::Look { attempt, id, .. } => Asked::Look { attempt: attempt.map(|a| a.0), id },
            Effect::Swap { attempt, id, .. } => Asked::Swap { attempt: attempt.map(|a| a.0), id },
            Effect::Present { attempt, .. } => Asked::Present { attempt: attempt.0 },
            Effect::Begin { grant, .. } => return self.begun.push(grant),
            Effect::Unlock(_)
            | Effect::Store { .. }
            | Effect::Forget { .. }
            | Effect::Listen(_)
            | Effect::Tell(_)
            | Effect::Revoke { .. } => return,
        };
        self.asked.push(asked);
        if self.asked.len() > 64 {
            self.asked.remove(0);
        }
    }

    /// Nothing is answered any more: timers alone must settle everyone, and must not run in circles.
    fn come_to_rest(&mut self) {
        for _ in 0..2_000 {
            if self.checks.waiting() == 0 {
                return;
            }
            let Some(delay) = self.session.next_timeout(self.now) else { break };
            self.now.wall_ms = self.now.wall_ms.saturating_add(delay);
            self.now.mono_ms = self.now.mono_ms.saturating_add(delay);
            self.feed(Input::Wake);
        }
        assert_eq!(self.checks.waiting(), 0, "callers are left waiting");
    }
}
