//! Between attempts: what other tabs did, what this one must repair, and whose sets it takes over.

use super::config::Coordination;
use super::coordination::PLACE_TIMEOUT_MS;
use super::io::*;
use super::record::{Meta, Record};
use super::refresh::Phase;
use super::session::{Because, Session};
use super::talk::NO_CLAIM;
use super::time::Now;

impl Session {
    /// Takes over what the tabs of this sign-in have shared of their failures.
    pub(super) fn learn_pace(&mut self, now: &Now, meta: &Meta) {
        let idle_ms = self.idle_ms(now);
        self.pace.merge(meta, now, idle_ms);
    }

    /// The first wait after a failure if nobody waits.
    pub(super) fn idle_ms(&self, now: &Now) -> i64 {
        self.held.as_ref().map_or(0, |held| held.idle_ms(&self.config, now, self.pace.failures()))
    }

    /// The page woke. What it had asked of the shared place may never be answered (Firefox, after the
    /// back/forward cache), so it is asked again.
    pub(super) fn resume(&mut self, now: &Now) {
        self.looking = None;
        self.may_be_old = true;
        self.catch_up(now, "the page woke");
        let phase = self.attempt.as_ref().map(|a| &a.phase);
        let talks = self.attempt.as_ref().is_some_and(|a| a.talks);
        if talks && matches!(phase, Some(Phase::Presenting { .. })) {
            // Who asked meanwhile had no answer.
            let generation = self.generation();
            return self.tell(Message::Busy { generation, claim: NO_CLAIM });
        }
        if matches!(phase, Some(Phase::Locking)) {
            // The line may have moved unseen.
            self.queue_seen = Some(now.mono_ms);
            if talks {
                self.ask_again(now);
            }
            return;
        }
        if matches!(phase, Some(Phase::Asking { refused: None })) {
            self.ask_again(now);
        } else if matches!(phase, Some(Phase::Looking | Phase::Claiming)) {
            // Under another number: should the old answers come all the same, they are about old questions.
            self.give_back_lock();
            self.attempts_made = self.attempts_made.wrapping_add(1);
            if let Some(attempt) = &mut self.attempt {
                attempt.id = AttemptId(self.attempts_made);
            }
            self.look(now);
        }
    }

    /// Looks and asks: what others have, the shared place may not have taken. Their answer is there before this tab
    /// could present anything.
    pub(super) fn catch_up(&mut self, now: &Now, why: &'static str) {
        self.reconcile(now, why);
        if self.held.is_some() && self.config.coordination == Coordination::Vault {
            self.ask_who_is_ahead();
        }
    }

    /// Looks between attempts, after messages may have been missed.
    pub(super) fn reconcile(&mut self, now: &Now, why: &'static str) {
        let Some(held) = &self.held else { return };
        if self.config.coordination == Coordination::Alone {
            return;
        }
        let (id, key) = (held.record.id.clone(), held.record.key.clone());
        if self.config.coordination == Coordination::Channel {
            self.ask_who_is_ahead();
        } else if self.looking.is_none_or(|since| now.mono_since(since) >= PLACE_TIMEOUT_MS) {
            self.looking = Some(now.mono_ms);
            self.effect(Effect::Look { id, key, attempt: None });
        }
        self.note(now, "look what other tabs did", why, None);
    }

    pub(super) fn reconciled(&mut self, now: &Now, found: Found) {
        if self.looking.take().is_none() {
            // Many were asked while the place was blocked: one answer says it all.
            return;
        }
        let lost = std::mem::take(&mut self.storage_lost);
        let mine = self.generation();
        self.unsure = match &found {
            Found::Unavailable => true,
            Found::Entry(entry) => entry.meta.claim.is_some(),
            Found::Nothing => false,
        };
        if !matches!(found, Found::Unavailable) {
            // Older than ours, it is repaired below; cleared or never begun, there is nothing to write to.
            self.owes = None;
        } else if self.owes.is_none() {
            self.owe(now);
        }
        match found {
            Found::Entry(entry) => {
                let theirs = entry.record.as_ref().map_or(0, |record| record.generation);
                if let Some(record) = entry.record {
                    self.adopt(now, record);
                }
                self.learn_pace(now, &entry.meta);
                if theirs < mine {
                    self.repair(entry.version, mine);
                }
            }
            // Whoever is ahead, or knows that it is over, could not write that down either; but can say so.
            Found::Nothing | Found::Unavailable => {
                self.ask_who_is_ahead();
            }
        }
        if lost {
            self.storage_failed(now, STORAGE_LOST);
        }
    }

    /// The shared entry could not be written. Tabs that hear nothing, as those that are kept for the back button, will
    /// believe what it says, so it is tried again for some minutes, ever more slowly.
    pub(super) fn owe(&mut self, now: &Now) {
        let wait = self.owes.map_or(OWED_FIRST_MS, |(_, wait)| wait.saturating_mul(2));
        self.owes = (wait <= OWED_MOST_MS).then(|| (now.mono_in(wait), wait));
    }

    /// Writes this tab's set over an older one: the page was reloaded between storing and sharing it.
    pub(super) fn repair(&mut self, version: u32, generation: u32) {
        let mut meta = Meta { generation, ..Meta::default() };
        self.pace.share(&mut meta);
        let Some(held) = &self.held else { return };
        let record = Some(held.record.clone());
        // An attempt writes it with its claim, but may have to wait for that.
        if self.attempt.is_none() {
            let effect = Effect::Swap {
                id: held.record.id.clone(),
                key: held.record.key.clone(),
                attempt: None,
                expect: Expect::Version(Some(version)),
                meta,
                sealed: Sealed::Put(held.record.clone()),
            };
            self.effect(effect);
        }
        self.tell(Message::Refreshed { generation, record });
    }

    /// Begins the shared entry of a sign-in, so that finding none means that it was cleared.
    pub(super) fn begin_entry(&mut self) {
        let Some(held) = &self.held else { return };
        if self.config.coordination == Coordination::Vault {
            let effect = Effect::Swap {
                id: held.record.id.clone(),
                key: held.record.key.clone(),
                attempt: None,
                expect: Expect::Version(None),
                meta: Meta { generation: held.record.generation, ..Meta::default() },
                sealed: Sealed::Put(held.record.clone()),
            };
            self.effect(effect);
        }
    }

    /// Takes over a set that another tab got, if it is of this sign-in and newer. Callers that wait go on,
    /// unless that set has expired too.
    pub(super) fn adopt(&mut self, now: &Now, record: Record) -> bool {
        let newer = self
            .held
            .as_ref()
            .is_some_and(|held| held.record.id == record.id && held.record.generation < record.generation);
        if !newer {
            return false;
        }
        self.siblings = true;
        self.effect(Effect::Store { record: record.clone(), fresh: false });
        self.apply(now, record, true);
        let ours_on_its_way = self.attempt.as_ref().is_some_and(|a| {
            matches!(a.phase, Phase::Presenting { .. } | Phase::Committing(_) | Phase::Ending(_))
        });
        if !ours_on_its_way && self.waiters.is_empty() {
            self.finish();
        } else if self.attempt.as_ref().is_some_and(|a| matches!(a.phase, Phase::Asking { .. })) {
            // That was about the set before.
            self.ask(now, None);
        }
        true
    }

    pub(super) fn storage_changed(&mut self, now: &Now, record: Option<Record>) {
        match (record, &self.held) {
            (Some(record), Some(_)) => {
                self.adopt(now, record);
            }
            (Some(record), None) if !self.over.contains(&record.id) => {
                self.siblings = true;
                self.hold(now, record, Because::Adopted);
                self.note(now, "signed in", "another tab signed in", None);
                self.listen();
                self.reconcile(now, "that tab may be ahead already");
            }
            // Signed out by another tab, or cleared by the user: the shared entry knows.
            (None, Some(_)) if self.config.coordination == Coordination::Vault => {
                self.storage_lost = true;
                self.reconcile(now, STORAGE_LOST);
            }
            (None, Some(_)) => self.storage_failed(now, STORAGE_LOST),
            (_, None) => {}
        }
    }
}

/// How long after a write that failed the next one is tried, ms: twice as long each time, up to the second.
const OWED_FIRST_MS: i64 = 1_000;
const OWED_MOST_MS: i64 = 300_000;
const STORAGE_LOST: &str = "The stored state was removed by something else; the session goes on in memory.";
