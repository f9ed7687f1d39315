// What happens after a trap: the instance is dead, whatever waited for it rejects, and the sessions begin again from what is
// stored, on a new one. It must not happen; this is for when it does.

import { AuthError } from "./errors.js";
import { __wbg_reset_state as anew, setErrorClass, setGuard } from "./glue.js";

/**
 * What came out of a call into WASM by throwing. Where nothing of the user's can come out so, anything that does ends the
 * instance: besides a trap, the glue has errors of its own, and the stack may be used up.
 */
export const thrown = (cause, usersToo) => {
  // A handle that was disposed of before a trap.
  if (/stale object/.test(cause?.message)) {
    return new AuthError("This session was disposed of: make a new AuthSession", { code: "invalid_options" });
  }
  return usersToo && !(cause instanceof WebAssembly.RuntimeError) ? cause : trapped(cause);
};

/** Throws between a trap and the start after it, and after too many traps. */
export const check = () => {
  if (lost) throw lost;
};

/** A promise out of WASM; one that a trap leaves hanging rejects. */
export const tracked = (promise) =>
  new Promise((resolve, reject) => {
    const settled = (settle) => (value) => {
      waiting.delete(reject);
      settle(value);
    };
    waiting.add(reject);
    promise.then(settled(resolve), settled(reject));
  });

/** Called when a new instance is there: what lived on the old one begins again on it. */
export const revivals = [];

/** As if the platform had called what throws. */
export const report = (error) => (globalThis.reportError ?? console.error)(error);

/** How many traps in a minute are worth another start: one that stored state brings about comes back with it. */
const MOST_TRAPS = 3;

/** What rejects the promises that are out. */
const waiting = new Set();
let traps = [];
let lost = null;
let life = 0;

const trapped = (cause) => {
  if (lost) return lost;
  traps = [...traps.filter((at) => Date.now() - at < 60_000), Date.now()];
  const again = traps.length <= MOST_TRAPS;
  const next = again ? "it starts again from storage" : "reload the page";
  const message = `tokenwell stopped on an error of its own: ${next}, and please report this`;
  lost = new AuthError(message, { code: "refresh_unavailable", cause });
  report(lost);
  for (const reject of waiting) reject(lost);
  waiting.clear();
  // Not before the last call into the old instance has returned.
  if (again) queueMicrotask(restart);
  return lost;
};

const restart = () => {
  try {
    anew();
    prepare();
  } catch {
    return; // No memory, perhaps. `lost` stands.
  }
  lost = null;
  for (const revive of revivals) revive();
};

/** Before a new instance is used. */
export const prepare = () => {
  life += 1;
  setErrorClass(AuthError);
  setGuard(guarded);
};

/** Around the one function by which JavaScript calls back into an instance. Nothing is left to call in a lost one. */
const guarded = (entry) => {
  const mine = life;
  return (...args) => {
    if (lost || mine !== life) return;
    try {
      return entry(...args);
    } catch (cause) {
      trapped(cause);
    }
  };
};
