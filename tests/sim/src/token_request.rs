//! A token request, from the effect to the answer or to nowhere.

use tokenwell::proto::answer::{Grant, Meaning, Refused};
use tokenwell::proto::io::{AttemptId, Input, Reason};
use tokenwell::proto::token::lifetime_ms;

use crate::faults::TokenFault;
use crate::names;
use crate::plan::Told;
use crate::server::Pair;
use crate::tab::{Delivery, Life};
use crate::world::{Event, World};

pub(crate) struct TokenRequest {
    pub(crate) life: Life,
    pub(crate) attempt: AttemptId,

    pub(crate) token: usize,
    /// Of the set it was in.
    pub(crate) generation: u32,
    pub(crate) reason: Reason,
    /// When it left, true ms.
    pub(crate) sent_at: i64,
    /// By the machine's monotonic clock.
    pub(crate) sent_machine_ms: i64,
    fault: Option<TokenFault>,
    answer: Option<Answer>,
    pub(crate) fate: Fate,
}

/// Where a request, or its answer, is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// On its way; its answer can still come.
    Flying,
    /// Nothing will come of it any more, whether or not the page knows.
    Lost,
    /// The page has its answer.
    Delivered { granted: bool },
}

#[derive(Clone, Copy, Debug)]
enum Answer {
    Granted(Pair, /** when, true ms */ i64),
    InvalidGrant,
    Failed { status: u16, retry_after_ms: Option<i64> },
    Garbage,
}

impl World<'_> {
    /// The page sends it.
    pub(crate) fn present(&mut self, life: Life, attempt: AttemptId, token: usize, reason: Reason) {
        let now = self.now();
        let request = self.requests.len();
        let fault = if self.offline { None } else { self.token_faults.pop_front() };
        self.trace.line(now, || format!("tab {} presents r{token} {fault:?}", life.slot));
        self.requests.push(TokenRequest {
            life,
            attempt,

            token,
            generation: self.tabs[life.slot].as_ref().map_or(0, |tab| tab.seen.generation),
            reason,
            sent_at: now,
            sent_machine_ms: self.clock.machine_ms(),
            fault,
            answer: None,
            fate: Fate::Flying,
        });
        if self.offline {
            self.requests[request].fate = Fate::Lost;
            let noticed_ms = self.rng.i64(0..30);
            return self.notice_loss(request, Some(noticed_ms));
        }
        let (there_ms, lost, noticed_ms) = match fault {
            Some(TokenFault::DropBefore { noticed_ms }) => (None, true, noticed_ms),
            Some(TokenFault::DropAfter { noticed_ms }) => (Some(self.net_ms()), true, noticed_ms),
            Some(TokenFault::Delay { there_ms, .. }) => (Some(there_ms), false, None),
            Some(TokenFault::Status { .. } | TokenFault::Garbage { .. }) | None => {
                (Some(self.net_ms()), false, None)
            }
        };
        if let Some(there_ms) = there_ms {
            self.queue.push(now + there_ms, Event::TokenArrives(request));
        }
        if lost {
            self.requests[request].fate = Fate::Lost;
            self.notice_loss(request, noticed_ms);
        }
    }

    /// The server takes it.
    pub(crate) fn token_arrives(&mut self, at: i64, request: usize) {
        let TokenRequest { life, token, fault, .. } = self.requests[request];
        let commits = !matches!(
            fault,
            Some(TokenFault::Status { committed: false, .. } | TokenFault::Garbage { committed: false })
        );
        let outcome = if commits { self.server.refresh(token, at) } else { None };
        let answer = match fault {
            Some(TokenFault::Status { status, retry_after_ms, .. }) => {
                Answer::Failed { status, retry_after_ms }
            }
            Some(TokenFault::Garbage { .. }) => Answer::Garbage,
            Some(TokenFault::DropBefore { .. } | TokenFault::DropAfter { .. } | TokenFault::Delay { .. })
            | None => outcome.map_or(Answer::InvalidGrant, |pair| Answer::Granted(pair, at)),
        };
        self.trace.line(at, || format!("server: r{token} -> {answer:?}, committed {outcome:?}"));
        self.requests[request].answer = Some(answer);
        if self.requests[request].fate != Fate::Flying {
            return;
        }
        let back_ms = match fault {
            Some(TokenFault::Delay { back_ms, .. }) => back_ms,
            _ => self.net_ms(),
        };
        let when = self.now().max(at) + back_ms;
        self.queue.push(when, Event::Deliver { life, delivery: Delivery::Answer { request } });
    }

    /// The page has the answer.
    pub(crate) fn answered(&mut self, slot: usize, request: usize) {
        let TokenRequest { attempt, answer: Some(answer), fate: Fate::Flying, .. } = self.requests[request]
        else {
            return;
        };
        let granted = matches!(answer, Answer::Granted(..));
        if matches!(answer, Answer::InvalidGrant) {
            self.note_refused(self.requests[request].token);
        }
        self.requests[request].fate = Fate::Delivered { granted };
        self.note_answer(
            request,
            match answer {
                Answer::Failed { retry_after_ms, .. } => retry_after_ms,
                Answer::Granted(..) | Answer::InvalidGrant | Answer::Garbage => None,
            },
        );
        let said = |status, code: Option<&str>| Refused {
            status,
            code: code.map(String::from),
            description: None,
            uri: None,
        };
        let meaning = match answer {
            Answer::Granted(pair, made) => Meaning::Granted(self.grant(pair, made)),
            Answer::InvalidGrant => Meaning::Ended(said(400, Some("invalid_grant"))),
            Answer::Failed { status, retry_after_ms } => Meaning::Unavailable {
                said: said(status, None),
                retry_at_ms: retry_after_ms.map(|ms| self.clock.wall_ms() + ms),
            },
            Answer::Garbage => Meaning::Invalid(said(200, None)),
        };
        self.feed(slot, Input::Answered(attempt, meaning));
    }

    /// What a page reads in an answer that was made then.
    pub(crate) fn grant(&self, pair: Pair, made: i64) -> Grant {
        let received_ms = self.clock.wall_ms();
        let iat_ms = 1_700_000_000_000 + made + self.setup.server_skew_ms;
        let exp_ms = Some(iat_ms + self.setup.access_ms);
        let expires_in_ms = match self.setup.told {
            Told::ExpiresIn => Some(self.setup.access_ms),
            Told::Claims => lifetime_ms(None, exp_ms, Some(iat_ms), received_ms),
            Told::ExpAlone => lifetime_ms(None, exp_ms, None, received_ms),
            Told::Nothing => None,
        };
        Grant {
            access_token: Some(names::access(pair.access)),
            refresh_token: pair.refresh.map(names::refresh),
            expires_in_ms,
            refresh_expires_in_ms: self.setup.refresh_ms.filter(|_| self.setup.refresh_told),
            ..Grant::default()
        }
    }

    /// Something on the way has swallowed it. The page learns that at once, late or never.
    pub(crate) fn lose(&mut self, request: usize) {
        if self.requests[request].fate != Fate::Flying {
            return;
        }
        self.requests[request].fate = Fate::Lost;
        let noticed_ms = match self.rng.u32(..4) {
            0 => None,
            1 => Some(self.rng.i64(0..60_000)),
            _ => Some(self.rng.i64(0..50)),
        };
        self.notice_loss(request, noticed_ms);
    }

    /// A network that fails takes some of what is on its way with it.
    pub(crate) fn lose_some(&mut self) {
        for request in 0..self.requests.len() {
            if self.requests[request].fate == Fate::Flying && self.rng.bool() {
                self.lose(request);
            }
        }
    }

    /// The page that waited for these is gone.
    pub(crate) fn orphan(&mut self, life: Life) {
        for request in self.requests.iter_mut().filter(|r| r.life == life && r.fate == Fate::Flying) {
            request.fate = Fate::Lost;
        }
    }

    fn notice_loss(&mut self, request: usize, noticed_ms: Option<i64>) {
        let TokenRequest { life, attempt, token, .. } = self.requests[request];
        let now = self.now();
        self.trace.line(now, || format!("network: r{token} of tab {} is lost, {noticed_ms:?}", life.slot));
        if let Some(ms) = noticed_ms {
            let delivery = Delivery::Input(Input::Unanswered(attempt));
            self.queue.push(now + ms, Event::Deliver { life, delivery });
        }
    }
}
