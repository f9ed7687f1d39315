//! What holds whatever goes in.

use std::collections::HashSet;

use tokenwell::proto::config::Config;
use tokenwell::proto::io::*;
use tokenwell::proto::session::{Because, Session, Status};
use tokenwell::proto::time::{MAX_TIMEOUT_MS, Now};

/// In every secret that goes in.
pub(super) const MARK: &str = "HUSH-";
/// The promise: three token requests in any five seconds for one session.
const RATE_REQUESTS: usize = 3;
const RATE_WINDOW_MS: i64 = 5_000;
/// More outputs than any input has a use for, besides one to each who waits.
const MOST_OUTPUTS: usize = 32;
/// Wakes without a moment between them, after which a timer counts as running in circles.
const MOST_IDLE_WAKES: u32 = 24;

type Shown = (Status, bool, Epoch, Because);

/// No panic, and: each caller has one outcome · no token where anyone reads · three requests in five seconds ·
/// nothing new after `dispose` · each change of what is shown is told · timers in range, and not in circles.
pub(super) struct Checks {
    waiting: HashSet<u32>,
    presented: Vec<i64>,
    presents_nothing: bool,
    disposed: bool,
    outputs: usize,
    allowed_outputs: usize,
    changed: bool,
    shown: Option<Shown>,
    id: Option<String>,
    idle_wakes: (i64, u32),
}

impl Checks {
    pub(super) fn new(config: &Config, now: Now) -> Self {
        Self {
            waiting: HashSet::new(),
            presented: Vec::new(),
            presents_nothing: config.presents_nothing,
            disposed: false,
            outputs: 0,
            allowed_outputs: 0,
            changed: false,
            shown: None,
            id: None,
            idle_wakes: (now.mono_ms, 0),
        }
    }

    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn before(&mut self, input: &Input, session: &Session, now: Now) {
        self.outputs = 0;
        self.allowed_outputs = MOST_OUTPUTS + self.waiting.len();
        self.changed = false;
        match input {
            Input::Demand { waiter, .. } | Input::Unauthorized { waiter, .. } => {
                self.waiting.insert(waiter.0);
            }
            Input::Detach(waiter) => {
                self.waiting.remove(&waiter.0);
            }
            // A sign-in has a pace of its own.
            Input::SignIn { .. } => self.presented.clear(),
            Input::Dispose => self.disposed = true,
            _ => {}
        }
        if !matches!(input, Input::Wake) || self.idle_wakes.0 != now.mono_ms {
            self.idle_wakes = (now.mono_ms, 0);
        } else if session.next_timeout(now) == Some(0) {
            self.idle_wakes.1 += 1;
            assert!(self.idle_wakes.1 < MOST_IDLE_WAKES, "a timer runs in circles");
        }
    }

    pub(super) fn output(&mut self, output: &Output, now: Now) {
        self.outputs += 1;
        assert!(self.outputs <= self.allowed_outputs, "{output:?} and no end");
        let shown = format!("{output:?}");
        assert!(!shown.contains(MARK), "{shown}");
        match output {
            Output::Settle(waiter, _) => {
                assert!(self.waiting.remove(&waiter.0), "settled twice, or never asked: {shown}");
            }
            Output::Event(Event::Change) => self.changed = true,
            Output::Event(_) => {}
            Output::Effect(Effect::Present { refresh_token, .. }) => {
                assert!(!self.disposed, "presents after dispose");
                assert!(refresh_token.is_some() || self.presents_nothing, "presents nothing");
                self.presented.retain(|at| now.mono_ms - at < RATE_WINDOW_MS);
                self.presented.push(now.mono_ms);
                assert!(self.presented.len() <= RATE_REQUESTS, "{:?}", self.presented);
            }
            Output::Effect(Effect::Hold { .. } | Effect::Await { .. }) => {
                assert!(!self.disposed, "{shown} after dispose");
            }
            Output::Effect(_) => {}
        }
    }

    pub(super) fn after(&mut self, session: &Session, now: Now) {
        let view = session.view(now);
        let shown = (view.status, view.refreshing, view.epoch, view.because);
        assert!(
            self.changed || self.shown.is_none_or(|before| before == shown),
            "a change nobody was told of"
        );
        self.shown = Some(shown);
        let id = view.record.map(|record| record.id.clone());
        if id.is_some() && id != self.id {
            self.presented.clear();
            self.id = id;
        }
        assert!(session.next_timeout(now).is_none_or(|ms| (0..=MAX_TIMEOUT_MS).contains(&ms)));
        assert!(session.fresh(now).is_none() || view.status == Status::SignedIn);
    }

    /// At the end: what `explain()` is made of.
    pub(super) fn explained(&self, session: &Session) {
        for decision in session.decisions() {
            let text = format!("{decision:?}");
            assert!(!text.contains(MARK), "{text}");
        }
    }
}
