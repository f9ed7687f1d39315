//! The core under test, and cores that are broken on purpose: the checks must catch each. A broken core is the
//! real one with what goes in or comes out tampered with.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use tokenwell::proto::answer::Meaning;
use tokenwell::proto::config::Config;
use tokenwell::proto::io::{Effect, Epoch, Expect, Found, Input, Message, Output, Sealed, Swapped};
use tokenwell::proto::record::Record;
use tokenwell::proto::session::{Session, View};
use tokenwell::proto::time::{MAX_TIMEOUT_MS, Now};

/// A way to be broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    /// Every lock is granted and every claim succeeds at once.
    NoSingleFlight,
    /// Writes the shared entry whatever is there by now.
    NoGenerationCheck,
    /// Takes over what it finds, whose ever it is.
    AdoptWithoutCheck,
    /// Takes any failure for the end of the session.
    SignOutOn503,
    /// A long delay wraps and fires at once.
    NoClamp,
    /// Presents the token again as soon as an answer is lost.
    BlindRetry,
    /// Hears no sign-out and overlooks what says so.
    DeafToSignOut,
    /// Ignores Retry-After.
    IgnoresRetryAfter,
    /// Learns nothing from fresh tokens that are refused.
    NoBreaker,
    /// Hands out whatever token it has.
    NoExpiryCheck,
    /// Takes every unresolved claim for a dead tab's.
    TakesAllForDead,
    /// Never tells the other tabs.
    TellsNobody,
    /// Forgets the callers of a failed refresh.
    ForgetsCallers,
    /// Settles a caller a second time.
    SettlesTwice,
}

impl Broken {
    pub(crate) const ALL: [(&str, Self); 14] = [
        ("no-single-flight", Self::NoSingleFlight),
        ("no-generation-check", Self::NoGenerationCheck),
        ("adopt-without-check", Self::AdoptWithoutCheck),
        ("sign-out-on-503", Self::SignOutOn503),
        ("no-clamp", Self::NoClamp),
        ("blind-retry", Self::BlindRetry),
        ("deaf-to-sign-out", Self::DeafToSignOut),
        ("ignores-retry-after", Self::IgnoresRetryAfter),
        ("no-breaker", Self::NoBreaker),
        ("no-expiry-check", Self::NoExpiryCheck),
        ("takes-all-for-dead", Self::TakesAllForDead),
        ("tells-nobody", Self::TellsNobody),
        ("forgets-callers", Self::ForgetsCallers),
        ("settles-twice", Self::SettlesTwice),
    ];

    pub(crate) fn by_name(name: &str) -> Result<Self, String> {
        let found = Self::ALL.iter().find(|(known, _)| *known == name);
        found.map(|(_, broken)| *broken).ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|(name, _)| *name).collect();
            format!("no broken core is named {name}; there are: all, {}", names.join(", "))
        })
    }
}

/// What broken cores of one world pass under the table: the last token set that any of them wrote.
pub(crate) type Gossip = Rc<RefCell<Option<Record>>>;

/// A core, with what is broken in it.
pub(crate) struct Subject {
    session: Session,
    broken: Option<Broken>,
    gossip: Option<Gossip>,
    now: Now,
    /// Answers that the tampering gives itself.
    answers: VecDeque<Input>,
    extra: Option<Output>,
}

impl Subject {
    pub(crate) fn new(config: Config, now: Now, broken: Option<Broken>, gossip: &Gossip) -> Self {
        let gossip = broken.map(|_| Rc::clone(gossip));
        let session = Session::new(config, now);
        Self { session, broken, gossip, now, answers: VecDeque::new(), extra: None }
    }

    pub(crate) fn handle(&mut self, now: Now, input: Input) {
        self.now = now;
        if let Some(input) = self.tamper_in(input) {
            self.session.handle(now, input);
        }
    }

    pub(crate) fn poll(&mut self) -> Option<Output> {
        if self.broken.is_none() {
            return self.session.poll();
        }
        loop {
            if let Some(extra) = self.extra.take() {
                return Some(extra);
            }
            match self.session.poll() {
                Some(output) => {
                    if let Some(output) = self.tamper_out(output) {
                        return Some(output);
                    }
                }
                None => {
                    let answer = self.answers.pop_front()?;
                    self.session.handle(self.now, answer);
                }
            }
        }
    }

    pub(crate) fn next_timeout(&self, now: Now) -> Option<i64> {
        let ms = self.session.next_timeout(now)?;
        Some(if self.broken == Some(Broken::NoClamp) && ms >= MAX_TIMEOUT_MS { 1 } else { ms })
    }

    pub(crate) fn view(&self, now: Now) -> View<'_> {
        self.session.view(now)
    }

    pub(crate) fn fresh(&self, now: Now) -> Option<Epoch> {
        if self.broken == Some(Broken::NoExpiryCheck) {
            let view = self.session.view(now);
            return view.record.map(|_| view.epoch);
        }
        self.session.fresh(now)
    }

    fn tamper_in(&mut self, input: Input) -> Option<Input> {
        Some(match (self.broken, input) {
            (Some(Broken::SignOutOn503), Input::Answered(attempt, Meaning::Unavailable { said, .. })) => {
                Input::Answered(attempt, Meaning::Ended(said))
            }
            (
                Some(Broken::IgnoresRetryAfter),
                Input::Answered(attempt, Meaning::Unavailable { said, .. }),
            ) => Input::Answered(attempt, Meaning::Unavailable { said, retry_at_ms: None }),
            (Some(Broken::BlindRetry), Input::Unanswered(attempt)) => {
                let token = self.session.view(self.now).record?.tokens.refresh_token.clone();
                self.extra = Some(Output::Effect(Effect::Present {
                    attempt,
                    refresh_token: token,
                    access_token: None,
                    reason: tokenwell::proto::io::Reason::Expiry,
                }));
                return None;
            }
            (
                Some(Broken::AdoptWithoutCheck),
                Input::Looked { attempt, id, found: Found::Entry(mut entry) },
            ) => {
                let held = self.session.view(self.now).record;
                let gossip = self.gossip.as_ref().and_then(|gossip| gossip.borrow().clone());
                if let (Some(held), Some(other)) = (held, gossip.filter(|o| entry.record.as_ref() != Some(o)))
                {
                    let generation = held.generation + 1;
                    entry.record =
                        Some(Record { id: held.id.clone(), key: held.key.clone(), generation, ..other });
                }
                Input::Looked { attempt, id, found: Found::Entry(entry) }
            }
            (Some(Broken::DeafToSignOut), Input::Heard(Message::Ended { .. })) => return None,
            (Some(Broken::DeafToSignOut), Input::Looked { attempt, id, found: Found::Entry(mut entry) }) => {
                entry.meta.ended = None;
                Input::Looked { attempt, id, found: Found::Entry(entry) }
            }
            (
                Some(Broken::DeafToSignOut),
                Input::Swapped { attempt, id, result: Swapped::Conflict(Found::Entry(mut entry)) },
            ) => {
                entry.meta.ended = None;
                Input::Swapped { attempt, id, result: Swapped::Conflict(Found::Entry(entry)) }
            }
            (Some(Broken::NoBreaker), Input::Replayed { .. }) => return None,
            (Some(Broken::NoBreaker), input @ Input::Unauthorized { sent, .. }) => {
                self.session.handle(self.now, Input::Replayed { sent, refused: false });
                input
            }
            (_, input) => input,
        })
    }

    fn tamper_out(&mut self, output: Output) -> Option<Output> {
        Some(match (self.broken?, output) {
            (Broken::NoSingleFlight, Output::Effect(Effect::Hold { attempt, .. })) => {
                self.answers.push_back(Input::Locked(attempt));
                return None;
            }
            (
                Broken::NoSingleFlight | Broken::TakesAllForDead,
                Output::Effect(Effect::Await { attempt, claim, .. }),
            ) => {
                self.answers.push_back(Input::Freed { attempt, claim });
                return None;
            }
            (Broken::NoSingleFlight, Output::Effect(Effect::Swap { attempt: Some(attempt), id, .. })) => {
                let result = Swapped::Done { version: 1 };
                self.answers.push_back(Input::Swapped { attempt: Some(attempt), id, result });
                return None;
            }
            (
                Broken::NoGenerationCheck,
                Output::Effect(Effect::Swap { id, key, attempt, meta, sealed, .. }),
            ) => {
                let expect = Expect::Anything;
                Output::Effect(Effect::Swap { id, key, attempt, expect, meta, sealed })
            }
            (
                Broken::AdoptWithoutCheck,
                Output::Effect(Effect::Swap { id, key, attempt, expect, meta, sealed }),
            ) => {
                if let (Some(gossip), Sealed::Put(record)) = (&self.gossip, &sealed) {
                    *gossip.borrow_mut() = Some(record.clone());
                }
                Output::Effect(Effect::Swap { id, key, attempt, expect, meta, sealed })
            }
            (Broken::TellsNobody, Output::Effect(Effect::Tell(_))) => return None,
            (Broken::ForgetsCallers, Output::Settle(_, tokenwell::proto::io::Outcome::Failed(_))) => {
                return None;
            }
            (Broken::SettlesTwice, Output::Settle(waiter, outcome)) => {
                let again = tokenwell::proto::io::Outcome::Refreshed(true);
                self.extra = Some(Output::Settle(waiter, again));
                Output::Settle(waiter, outcome)
            }
            (_, output) => output,
        })
    }
}
