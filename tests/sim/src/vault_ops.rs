//! Operations on the shared place, on their way there and back.

use tokenwell::proto::io::{AttemptId, Found, Input, Sealed, Swapped};
use tokenwell::proto::secret::Secret;

use crate::browser::vault::{Op, Write};
use crate::faults::VaultFault;
use crate::names;
use crate::tab::{Delivery, Life, Runs};
use crate::world::{Event, World};

impl World<'_> {
    pub(crate) fn ask_vault(
        &mut self,
        life: Life,
        id: String,
        key: Secret,
        attempt: Option<AttemptId>,
        write: Option<Write>,
    ) {
        let fault = self.vault_faults.pop_front();
        let slow_ms = if let Some(VaultFault::Slow(ms)) = fault { ms } else { self.ipc_ms() };
        let at = (self.now() + slow_ms).max(self.vault.busy_until);
        self.vault.busy_until = at;
        if fault.is_some() {
            self.forget_shared_cooling();
            self.vault.trouble_at = Some(self.now());
        }
        let (fails, mute) = (fault == Some(VaultFault::Fail), fault == Some(VaultFault::Mute));
        if fails {
            self.vault.refused_at = Some(self.now());
        }
        self.queue.push(at, Event::Vault { life, op: Op { id, key, attempt, write, fails, mute } });
    }

    /// An operation on the shared place takes effect. A transaction needs its page between reading and writing:
    /// it may have died, or stand still.
    pub(crate) fn vault_commits(&mut self, life: Life, op: Op) {
        if self.vault.blocked_by.is_some_and(|by| by != life) {
            return self.vault.waiting.push((life, op));
        }
        let still = self.living(life).is_some_and(|tab| !tab.takes_input());
        let alive = self.living(life).is_some();
        if (!alive || still) && self.rng.bool() {
            let blocks = self.setup.hang_blocks && op.write.is_some();
            if still && let Some(tab) = self.living_mut(life) {
                let hung = tab.runs == Runs::Hung;
                tab.inbox.push_back(Delivery::Vault(op));
                if blocks && hung {
                    self.vault.blocked_by = Some(life);
                }
            }
            return;
        }
        let Op { id, key, attempt, write, fails, mute } = op;
        if (fails || mute || self.vault.down)
            && let Some(tab) = self.living_mut(life)
        {
            tab.missed = true;
        }
        let sign_in = names::number(&id);
        let input = match write {
            None => {
                let found = if fails { Found::Unavailable } else { self.vault.look(&id, &key) };
                Input::Looked { attempt, id: id.clone(), found }
            }
            Some(write) => {
                let not_before_ms = write.meta.by_server.then_some(write.meta.not_before_ms);
                let ended = write.meta.ended.is_some();
                let puts = matches!(write.sealed, Sealed::Put(_));
                let first = self.rng.u32(..);
                let result =
                    if fails { Swapped::Unavailable } else { self.vault.swap(&id, &key, write, first) };
                if let Some(not_before_ms) = not_before_ms.filter(|_| matches!(result, Swapped::Done { .. }))
                {
                    self.note_cooling_shared(sign_in, not_before_ms);
                }
                if puts && matches!(result, Swapped::Done { .. }) {
                    self.note_set_written(sign_in);
                }
                if ended
                    && matches!(result, Swapped::Done { .. })
                    && let Some(sign_in) = self.ledger.sign_ins.get_mut(sign_in)
                {
                    sign_in.end_written = true;
                }
                Input::Swapped { attempt, id: id.clone(), result }
            }
        };
        self.trace.line(self.clock.true_ms(), || {
            format!("vault: for tab {}: {}", life.slot, crate::describe::input(&input))
        });
        if !mute {
            self.later_ipc(life, Delivery::VaultAnswer { id, input });
        }
    }

    /// That page's transaction goes on or is aborted.
    pub(crate) fn unblock_vault(&mut self, life: Life) {
        if self.vault.blocked_by != Some(life) {
            return;
        }
        self.vault.blocked_by = None;
        if !self.setup.locks && !self.vault.waiting.is_empty() {
            // As good as out for the others, and without locks nothing else tells of them.
            self.vault.outage_at = Some(self.clock.true_ms());
        }
        for (life, op) in std::mem::take(&mut self.vault.waiting) {
            self.queue.push(self.clock.true_ms(), Event::Vault { life, op });
        }
    }
}
