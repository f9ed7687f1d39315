//! How a session ends, and that it stays ended.

use super::config::Coordination;
use super::demand::Waits;
use super::error::{Code, Failure};
use super::io::*;
use super::record::Meta;
use super::session::{Because, Session};
use super::time::{Now, sum};

impl Session {
    /// The user signs out: here at once, in the shared entry by force, and in every tab that hears or looks.
    pub(super) fn sign_out(&mut self, now: &Now) {
        let Some(held) = &self.held else { return };
        if self.config.coordination == Coordination::Vault {
            let effect = Effect::Swap {
                id: held.record.id.clone(),
                key: held.record.key.clone(),
                attempt: None,
                expect: Expect::Anything,
                meta: Meta {
                    generation: held.record.generation,
                    ended: Some(Ended::SignedOut),
                    ..Meta::default()
                },
                sealed: Sealed::Clear,
            };
            self.effect(effect);
        }
        if self.config.coordination != Coordination::Alone {
            self.tell(Message::Ended { rejected: false });
        }
        self.end(now, Ended::SignedOut, None, "the user signed out");
    }

    /// The access token has expired for good, unless another tab has a newer set or is about to get one.
    pub(super) fn nothing_to_refresh_with(&mut self, now: &Now) {
        let why = "the access token has expired and there is nothing to refresh it with";
        let patience = sum(self.lost_after_ms(), ASK_OTHERS_MS);
        let may_come = self.unsure || now.mono_ms < self.talker_until_mono_ms;
        let Some(held) = &mut self.held else { return };
        let (since, last) = held.asked_others.unwrap_or((now.mono_ms, i64::MIN));
        if now.mono_since(last) < ASK_OTHERS_MS {
            return;
        }
        let asked = held.asked_others.is_some();
        let enough = asked && (!may_come || now.mono_since(since) >= patience);
        if enough || self.config.coordination == Coordination::Alone {
            return self.end(now, Ended::Expired, None, why);
        }
        held.asked_others = Some((since, now.mono_ms));
        self.looking = None;
        self.unsure = self.config.coordination == Coordination::Vault;
        self.catch_up(now, why);
    }

    /// Another tab of this sign-in says that it is over.
    pub(super) fn ended_elsewhere(&mut self, now: &Now, how: Ended) {
        let failure = (how == Ended::Rejected).then(|| Failure::new(Code::InvalidGrant, REJECTED_ELSEWHERE));
        self.end(now, how, failure, "another tab of this sign-in said so");
    }

    /// Ends the session in this tab.
    pub(super) fn end(&mut self, now: &Now, how: Ended, failure: Option<Failure>, why: &'static str) {
        self.abandon(now);
        let Some(held) = self.held.take() else { return };
        self.owes = None;
        self.effect(Effect::Forget { id: held.record.id.clone() });
        // The channel stays open: a tab that missed the message will ask.
        self.over.push(held.record.id);
        self.over.drain(..self.over.len().saturating_sub(ENDED_KEPT));
        self.epoch = Epoch(self.epoch.0.wrapping_add(1));
        self.because = Because::Ended(how);
        self.failure = failure.clone();
        self.changed = true;
        self.note(now, "session over", why, None);
        let told = failure.clone().unwrap_or_else(|| Failure::new(Code::SignedOut, ENDED_MEANWHILE));
        self.settle_all(&|waits| match waits {
            Waits::ToReplay => Outcome::Surrender,
            Waits::For(Want::IfNeeded) => Outcome::Refreshed(false),
            Waits::For(Want::Token { .. }) if how == Ended::SignedOut => Outcome::NoSession,
            Waits::For(Want::Token { .. } | Want::Call | Want::Refresh) => Outcome::Failed(told.clone()),
        });
        self.event(Event::SignedOut { how, failure });
    }
}

/// How long the other tabs have to save an expired session, ms; and how long until they are asked again while the shared
/// place does not answer, or says that one of them is refreshing.
pub(super) const ASK_OTHERS_MS: i64 = 6_000;
/// How many ended sign-ins to remember.
const ENDED_KEPT: usize = 8;
const REJECTED_ELSEWHERE: &str =
    "The refresh route refused the refresh token that another tab presented: the session is over.";
const ENDED_MEANWHILE: &str = "The session ended while this call was waiting for a token.";
