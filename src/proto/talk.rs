//! Talking to the other tabs of a sign-in: notices in any case, and everything where there is no shared entry to
//! look at. Questions carry the asker's claim; of two who ask at once the lower goes first.

use super::answer::Refused;
use super::config::Coordination;
use super::coordination::{PLACE_BROKEN, PLACE_TIMEOUT_MS};
use super::io::*;
use super::record::Meta;
use super::refresh::{LATE_ANSWERS_MS, Phase, WAIT_MARGIN_MS};
use super::session::{Because, Session};
use super::time::{Now, sum};

/// How long the other tabs have to answer, ms: when none was ever heard of, …
const ASK_STRANGERS_MS: i64 = 150;
/// … when there are some, …
const ASK_SIBLINGS_MS: i64 = 1_000;
/// … and when one of them was refreshing a moment ago, or only one of them can save the session.
pub(super) const ASK_LAST_MS: i64 = 2_000;
/// Asked with this, a question is one only: its tab is not about to present.
pub(super) const NO_CLAIM: u32 = u32::MAX;
/// The lock that stands for the queue of tabs that share no place.
pub(super) const QUEUE: u32 = 0;

/// What has just been said need not be said again, ms.
const NOT_AGAIN_MS: i64 = 100;

impl Session {
    /// The generation that this tab holds; 0: none.
    pub(super) fn generation(&self) -> u32 {
        self.held.as_ref().map_or(0, |held| held.record.generation)
    }

    /// Tells the other tabs of this sign-in.
    pub(super) fn tell(&mut self, message: Message) {
        self.effect(Effect::Tell(message));
    }

    /// Where tabs share no place: gets in line, then asks.
    pub(super) fn queue(&mut self, now: &Now) {
        if self.no_locks {
            return self.ask(now, None);
        }
        let until = self.attempt.as_ref().map_or(now.mono_ms, |a| a.until_mono_ms);
        self.hold_locks(now, None, until);
    }

    /// The queue's head is slow, or hung with its request under way: others are told so, until its answer
    /// counts as lost.
    pub(super) fn queue_is_slow(&mut self, now: &Now) {
        let since = *self.queue_seen.get_or_insert(now.mono_ms - self.config.timeout_ms);
        // One that hangs with a transaction open keeps the shared place from all: nobody can see what it got.
        let blocked = self.place_slow >= PLACE_BROKEN;
        if !blocked && now.mono_since(since) >= self.lost_after_ms() {
            return self.ask(now, None);
        }
        self.leave_it_to_other(now);
    }

    /// Says where there is no entry for it that this tab is refreshing, or has ended that without a result.
    pub(super) fn tell_state(&mut self, busy: bool) {
        let generation = self.generation();
        self.tell_pace();
        if self.config.coordination != Coordination::Alone {
            self.tell(match busy {
                true => Message::Busy { generation, claim: NO_CLAIM },
                false => Message::Idle { generation },
            });
        }
    }

    /// Shares rate and cool-down where there is no entry for them, or it may be out of reach.
    pub(super) fn tell_pace(&mut self) {
        if self.config.coordination == Coordination::Alone {
            return;
        }
        let generation = self.generation();
        let mut meta = Meta { generation, ..Meta::default() };
        self.pace.share(&mut meta);
        self.tell(Message::Paced(meta));
    }

    /// The same, to a tab that asks, if it has not just been said.
    fn tell_news(&mut self, now: &Now, again: bool) {
        let (at, last) = self.last_pace;
        let new = last != self.pace.last_request() || now.mono_since(at) >= NOT_AGAIN_MS;
        if (new || again) && self.pace.is_telling(now) {
            self.last_pace = (now.mono_ms, self.pace.last_request());
            self.tell_pace();
        }
    }

    pub(super) fn heard(&mut self, now: &Now, message: Message) {
        let Some(held) = &self.held else { return self.heard_after_end(&message) };
        let mine = held.record.generation;
        self.siblings = true;
        match message {
            Message::Refreshed { generation, .. } if generation == mine => {}
            // A tab that takes an old set for the newest, out of a place that was cleared perhaps, is put right.
            Message::Ask { generation, .. } | Message::Refreshed { generation, .. } if generation < mine => {
                let record = Some(held.record.clone());
                self.tell(Message::Refreshed { generation: mine, record });
            }
            Message::Refreshed { record: Some(record), .. } => {
                self.adopt(now, record);
            }
            Message::Refreshed { record: None, .. } => self.reconcile(now, "another tab has refreshed"),
            Message::Ended { rejected } => {
                self.ended_elsewhere(now, if rejected { Ended::Rejected } else { Ended::SignedOut });
            }
            Message::Ask { generation, claim } if generation == mine => self.asked(now, claim),
            Message::Ask { .. } => {
                // That tab is ahead: ask it, and present nothing meanwhile.
                self.tell_news(now, false);
                self.talker_until_mono_ms = now.mono_in(ASK_LAST_MS);
                self.ask_who_is_ahead();
                if let Some(attempt) = self.attempt.as_mut().filter(|a| matches!(a.phase, Phase::Claiming)) {
                    attempt.request_mark = None;
                    attempt.asked = false;
                }
                if self.is_asking(|_| true) {
                    self.wait_for_other(now, None);
                }
            }
            Message::Busy { generation, claim } if generation == mine => {
                // Who looks at the shared entry sees there what became of a claim that is about to be written.
                if claim == NO_CLAIM || self.attempt.as_ref().is_some_and(|a| a.talks) {
                    self.talker_until_mono_ms = now.mono_in(self.lost_after_ms());
                }
                if self.is_asking(|_| true) {
                    self.wait_for_other(now, None);
                }
            }
            Message::Idle { generation } if generation == mine => {
                self.talker_until_mono_ms = i64::MIN;
                // All who waited ask now, after a moment: the same question just after the last would not be said.
                if self.attempt.as_ref().is_some_and(|a| matches!(a.phase, Phase::Waiting)) {
                    self.enter(Phase::Waiting, now.mono_in(NOT_AGAIN_MS));
                }
            }
            Message::Busy { .. } | Message::Idle { .. } => {}
            Message::Paced(meta) => self.learn_pace(now, &meta),
        }
    }

    /// Another tab of the same generation asks. With a claim of its own it is about to present the token
    /// without a word to the shared entry, if nobody objects.
    fn asked(&mut self, now: &Now, claim: u32) {
        let first = self.is_asking(|mine| mine < claim);
        let busy = self.attempt.as_ref().is_some_and(|attempt| match attempt.phase {
            Phase::Presenting { .. } | Phase::Committing(_) | Phase::Ending(_) => true,
            Phase::Asking { .. } => !self.is_asking(|_| true),
            // With locks, who talks stands before it in the line.
            Phase::Locking => !attempt.talks && self.no_locks,
            Phase::Claiming => !attempt.talks,
            Phase::Pacing | Phase::Waiting | Phase::Looking | Phase::Resolving => false,
        });
        // Whoever goes on to present may have begun to listen since this was last said.
        self.tell_news(now, claim != NO_CLAIM && !first && !busy);
        let generation = self.generation();
        if claim == NO_CLAIM {
            // Who has just begun to listen can't read that anywhere.
            if busy && self.attempt.as_ref().is_some_and(|a| a.talks) {
                self.tell(Message::Busy { generation, claim: NO_CLAIM });
            }
            return;
        }
        // It will say when it presents; until then it is first, unless its claim is higher.
        self.talker_until_mono_ms = self.talker_until_mono_ms.max(now.mono_in(ASK_LAST_MS));
        if self.is_asking(|mine| claim < mine) {
            // The lower claim goes first.
            return self.wait_for_other(now, None);
        }
        let Some(attempt) = &self.attempt else { return };
        if self.is_asking(|_| true) {
            // Said again for those who have just begun to listen.
            let message = Message::Ask { generation, claim: attempt.claim };
            return self.tell(message);
        }
        if busy {
            let claim = if attempt.talks || attempt.has_presented() { NO_CLAIM } else { attempt.claim };
            self.tell(Message::Busy { generation, claim });
        }
    }

    /// A tab that asks has missed that the sign-in is over.
    fn heard_after_end(&mut self, message: &Message) {
        if let (Message::Ask { .. }, Because::Ended(how)) = (message, self.because) {
            self.tell(Message::Ended { rejected: how == Ended::Rejected });
        }
    }

    /// Whether this tab asks before it presents, with a claim of that kind.
    pub(super) fn is_asking(&self, claim: impl Fn(u32) -> bool) -> bool {
        let attempt = self.attempt.as_ref();
        attempt.is_some_and(|a| matches!(a.phase, Phase::Asking { refused: None }) && claim(a.claim))
    }

    /// Asks the other tabs for a newer set.
    pub(super) fn ask(&mut self, now: &Now, refused: Option<Refused>) {
        if refused.is_none() && now.mono_ms < self.talker_until_mono_ms {
            // Somebody was first.
            return self.wait_for_other(now, None);
        }
        let (Some(attempt), Some(held)) = (&mut self.attempt, &self.held) else { return };
        attempt.asked = true;
        // A stored set may be any number of generations old, and others may have gone on while this page stood
        // still; one that it has just been given is the newest.
        let may_be_old = self.siblings || self.may_be_old;
        let wait = match (&refused, attempt.queued, may_be_old) {
            (Some(_), _, _) | (_, true, _) => ASK_LAST_MS,
            (None, false, true) => ASK_SIBLINGS_MS,
            (None, false, false) => ASK_STRANGERS_MS,
        };
        let message = Message::Ask { generation: held.record.generation, claim: attempt.claim };
        let (asked, talks) = ((held.record.generation, attempt.id), attempt.talks);
        self.enter(Phase::Asking { refused }, now.mono_in(wait));
        let (at, what) = (self.last_ask.0, (self.last_ask.1, self.last_ask.2));
        if what != asked || now.mono_since(at) >= NOT_AGAIN_MS {
            self.last_ask = (now.mono_ms, asked.0, asked.1);
            self.tell(message);
            if talks && self.config.coordination == Coordination::Vault {
                self.reconcile(now, "the shared place may work again");
            }
        }
    }

    /// The page stood still: the answers may have been lost. Who waited behind it in the line may have given it up and
    /// gone past; those come first now.
    pub(super) fn ask_again(&mut self, now: &Now) {
        self.last_ask.0 = i64::MIN;
        let patience = sum(self.config.timeout_ms, WAIT_MARGIN_MS);
        match self.attempt.as_mut().filter(|a| a.talks) {
            Some(attempt) => {
                attempt.until_mono_ms = now.mono_in(patience);
                self.give_back_lock();
                self.queue(now);
            }
            None => self.ask(now, None),
        }
    }

    /// The time to answer is long over: what the others said may be just behind this timer. A word to the lock manager
    /// and back comes after all that has come so far, while the next timer of a background page may be a minute away.
    pub(super) fn hear_out(&mut self, now: &Now) {
        let (Some(attempt), Some(held)) = (&mut self.attempt, &self.held) else { return };
        if self.no_locks {
            attempt.deadline_mono_ms = now.mono_in(LATE_ANSWERS_MS);
            return;
        }
        attempt.asked_mono_ms = now.mono_ms;
        attempt.deadline_mono_ms = now.mono_in(PLACE_TIMEOUT_MS);
        // Nobody ever holds that one.
        let effect = Effect::Await { id: held.record.id.clone(), claim: NO_CLAIM, attempt: attempt.id };
        self.effect(effect);
    }

    /// It has come back. If that took long, the page stood still again.
    pub(super) fn heard_out(&mut self, now: &Now) {
        let asking = self.is_asking(|_| true);
        let Some(attempt) = self.attempt.as_ref().filter(|a| asking && a.put_off) else { return };
        let took_ms = now.mono_since(attempt.asked_mono_ms);
        if took_ms > LATE_ANSWERS_MS { self.hear_out(now) } else { self.nobody_objected(now) }
    }

    /// Asked, and heard nothing against it.
    pub(super) fn nobody_objected(&mut self, now: &Now) {
        if self.cools_down(now) {
            return;
        }
        let Some(attempt) = &mut self.attempt else { return };
        if !attempt.talks {
            return self.look(now);
        }
        // What the shared place holds is on its way.
        if self.looking.is_some_and(|since| now.mono_since(since) < ASK_SIBLINGS_MS) {
            attempt.deadline_mono_ms = now.mono_in(NOT_AGAIN_MS);
            return;
        }
        self.present(now);
    }
}
