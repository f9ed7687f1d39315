// The snippet as the second contender: its session, its network, and what becomes of its user.

import { ask, at } from "./backend/index.js";
import { createSnippet } from "./snippet.js";
import { createWire } from "./wire.js";

/** Twenty seconds here are its hour, so that its five minutes of leeway are no more than they were meant to be. */
const FASTER = 180;
const DEAF =
  'The API said 401, and the app got it: the snippet looks for ‘Bearer error="invalid_token"’, but servers put a realm first.';
const TWICE =
  "Several calls refreshed at the same time, each with the same refresh token. To the server that is a theft: it ended the session.";
const CLIENT_ID = "usual-snippet";

/**
 * @param {object} options
 * @param {ReturnType<import("./timeline.js").createNotes>} options.notes
 * @param {(line: string, kind?: string) => void} options.log
 * @param {() => void} options.changed
 */
export function createRival({ notes, log, changed }) {
  const startedAt = Date.now();
  let revoked = false;
  /** The refresh tokens on their way, and whether one of this sign-in was there twice at the same time. */
  const underWay = new Set();
  let twice = false;
  const clock = { now: () => startedAt + (Date.now() - startedAt) * FASTER };
  const wire = createWire((url) => (url.pathname.endsWith("/rival/token") ? notes.refresh() : null));
  const rival = {
    /** "none", "signed-in", or why there is no session any more: "forgotten", "rejected", "revoked". */
    state: "none",
    /** How often it was signed out by accident. */
    outs: 0,
    /** What its last failure was, in a sentence. */
    why: "",
    signIn,
    call,
    token: () => snippet.token(),
    /** Its page was loaded again. */
    forgotten: () => rival.lost("forgotten"),
    /** Its session was ended on purpose; it will find out. */
    revoked() {
      revoked = true;
    },
    lost(state) {
      rival.state = revoked ? "revoked" : state;
      if (!revoked) rival.outs += 1;
      notes.out();
      changed();
    },
    end() {
      rival.state = "none";
      notes.end();
      changed();
    },
  };

  /** The snippet speaks JSON to `/oauth/token`, the demo's servers the form of RFC 6749: told in those words, no more. */
  async function translated(url, init) {
    if (url !== "/oauth/token") return wire(url, init);
    const { client_id: _placeholder, ...asked } = JSON.parse(init.body);
    if (underWay.has(asked.refresh_token)) twice = true;
    underWay.add(asked.refresh_token);
    const body = new URLSearchParams({ ...asked, client_id: CLIENT_ID });
    const response = await wire(at("rival/token"), { method: "POST", body }).finally(() =>
      underWay.delete(asked.refresh_token),
    );
    const data = await response.json();
    if (response.ok) {
      // Of several at the same time one may be answered when another has ended the session.
      if (rival.state === "signed-in") notes.token({ from: Date.now(), to: Date.now() + data.expires_in * 1000 });
    } else if (data.error === "invalid_grant" && rival.state === "signed-in") {
      if (twice && !revoked) rival.why = TWICE;
      rival.lost("rejected");
      log(`The snippet’s user is signed out: ${data.error_description}`, "bad");
    }
    return new Response(JSON.stringify({ ...data, expires_in: data.expires_in * FASTER }), response);
  }

  const snippet = createSnippet({ fetch: translated, console: { log() {}, error() {} }, Date: clock });

  async function signIn() {
    const tokens = await ask("POST", "rival/sign-in");
    snippet.start({ ...tokens, expires_in: tokens.expires_in * FASTER });
    notes.token({ from: Date.now(), to: Date.now() + tokens.expires_in * 1000 });
    rival.state = "signed-in";
    rival.why = "";
    [revoked, twice] = [false, false];
    changed();
  }

  /** One call of its app: "ok", "failed" or "cut". After the end of its session nobody calls: the user is at the login page. */
  async function call() {
    if (rival.state !== "signed-in") return null;
    const noted = notes.call();
    try {
      const response = await snippet.makeAuthenticatedRequest(at("rival/api/time"));
      noted.ended(response.ok ? "ok" : "failed");
      if (response.status === 401 && rival.state === "signed-in") rival.why = DEAF;
      return response.ok ? "ok" : "failed";
    } catch (error) {
      if (rival.state === "signed-in") rival.why = `Its caller got: ${error.message}`;
      const how = error instanceof TypeError ? "cut" : "failed"; // What a `fetch` that gets no answer throws.
      noted.ended(how);
      return how;
    } finally {
      changed();
    }
  }

  return rival;
}
