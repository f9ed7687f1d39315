// The page at work: tokenwell and the usual snippet, side by side, under whatever the visitor does to both. What an app
// needs of tokenwell is in the first few lines of `open`; the rest shows what it does.

import { AuthError, AuthSession } from "./pkg/dist/index.js";
import { ask, at, inPage } from "./backend/index.js";
import { createBadDay } from "./bad-day.js";
import { clock, count, duration } from "./format.js";
import { announce, createLog } from "./log.js";
import { createRival } from "./rival.js";
import { createScore } from "./score.js";
import { createNotes, createTimeline } from "./timeline.js";
import { createTorments } from "./torments.js";
import { createView, leewayOf, lifeOf } from "./view.js";
import { createWire } from "./wire.js";

const TICK_MS = 1000;
const REST_MS = 5000;
const $ = (id) => document.getElementById(id);

const ours = createNotes();
const theirs = createNotes();
const timeline = createTimeline($("timeline"), [
  { name: "tokenwell", notes: ours },
  { name: "the usual snippet", notes: theirs },
]);
const log = createLog($("log"));
const view = createView();
const score = createScore();
const rival = createRival({
  notes: theirs,
  log: log.add,
  changed() {
    view.rival(rival);
    score.outs("rival", rival.outs);
  },
});
const storage = new URLSearchParams(location.search).get("keep") === "session" ? "session" : "local";
$("set-keep").value = storage;
for (const element of document.querySelectorAll(inPage ? "[data-only=server]" : "[data-only=page]")) element.remove();

const session = await AuthSession.create({
  refresh: { url: at("oidc/token"), clientId: "tokenwell-demo" },
  storage,
  fetch: createWire(watch),
}).catch((error) => {
  view.broken(error);
  throw error;
});

/** Tokenwell's session was ended on purpose. */
let revoked = false;
let outs = 0;

const { torments, settings, faults, restore } = createTorments({
  session,
  rival,
  revoked() {
    revoked = true;
  },
  timeline,
  log: log.add,
  callSeveral: (n) => Promise.allSettled(Array.from({ length: n }, () => [callOurs(), callTheirs()]).flat()),
});
await restore();

// ---------------------------------------------------------------- what goes over the wire

/** How often each call of the app has been sent: the second time is a replay, which its caller never sees. */
const sent = new Map();

function watch(url) {
  if (url.pathname.endsWith("/oidc/token")) return ours.refresh();
  const call = url.searchParams.get("call");
  if (!call) return null;
  sent.set(call, (sent.get(call) ?? 0) + 1);
  return {
    answered: ({ status }) => log.add(`API ${status}`, { 200: "call", 401: "warn" }[status] ?? "bad"),
    failed: () => log.add("API call failed: no answer", "bad"),
  };
}

let calls = 0;

/** One call of the app; gives its response. */
async function callOurs() {
  const id = String(calls++);
  const noted = ours.call();
  let how = "failed";
  try {
    const response = await session.fetch(`${at("api/time")}?call=${id}`);
    if (response.ok) how = sent.get(id) > 1 ? "again" : "ok";
    return response;
  } catch (error) {
    // No answer of the API, or none of the token endpoint when a new token was needed.
    if (error instanceof TypeError || (AuthError.is(error) && error.retryable && error.status === null)) how = "cut";
    throw error;
  } finally {
    noted.ended(how);
    sent.delete(id);
    score.called("tokenwell", how);
  }
}

const callTheirs = async () => score.called("rival", await rival.call());

// ---------------------------------------------------------------- what the buttons do

let tickAgainAt = 0;

const actions = {
  ...torments,

  async signIn() {
    const [snapshot] = await Promise.all([
      ask("POST", "demo/sign-in").then(session.setTokens.bind(session)),
      rival.signIn(),
    ]);
    revoked = false;
    log.add(`Signed in as ${view.nameOf(snapshot)}`);
    return "Signed in. The first token came from the server’s sign-in.";
  },

  async rivalAgain() {
    await rival.signIn();
    // The button that was pressed is hidden by now.
    const lost = [document.body, $("rival-again")].includes(document.activeElement);
    if (lost) $("buttons").querySelector("button:enabled")?.focus();
    return "The snippet’s user has typed the password once more.";
  },

  async callApi() {
    const [response] = await Promise.all([callOurs(), callTheirs()]);
    if (!response.ok) return `The API answered ${response.status}.`;
    const { time } = await response.json();
    return `The API answered 200. Its clock says ${clock(Date.parse(time))}.`;
  },

  async callMany() {
    const before = await score.read();
    const started = performance.now();
    const fifty = (call) => Promise.allSettled(Array.from({ length: 50 }, call));
    const theirsToo = fifty(callTheirs);
    const settled = await fifty(callOurs);
    const took = duration(performance.now() - started);
    const after = await score.read();
    const fine = settled.filter(({ value }) => value?.ok).length;
    const requests = after.tokenRequests.total - before.tokenRequests.total;
    const text = `50 calls, ${fine} answered 200 in ${took}, with ${count(requests, "token request")}.`;
    log.add(text);
    await theirsToo;
    return text;
  },

  async expire() {
    tickAgainAt = Date.now() + REST_MS;
    return torments.expire();
  },

  async refuse() {
    await faults({ api: { times: 1 } });
    timeline.did("401");
    const [response] = await Promise.all([callOurs(), callTheirs()]);
    return `The API said 401 once; the caller saw ${response.status}.`;
  },

  async signOut() {
    rival.end();
    await session.signOut();
    return "Signed out. Nothing is stored, nothing is asked.";
  },
};

const say = (text) => {
  $("result").textContent = text;
};

async function press(name) {
  try {
    return await actions[name]();
  } finally {
    score.refresh();
  }
}

actions.badDay = createBadDay({ press, settings, rival, say, log: log.add, met: score.met, signedIn });

function signedIn() {
  return session.snapshot.status !== "signed-out";
}

document.addEventListener("click", async ({ target }) => {
  const { action } = target.dataset ?? {};
  if (action) say(await press(action).catch((error) => `${error.message || error.name}`));
});

// ---------------------------------------------------------------- what the session tells

let failure = null;
let shown = null;

function show() {
  const { snapshot } = session;
  if (snapshot.status === "signed-out") failure = null;
  if (snapshot.accessToken !== shown) {
    shown = snapshot.accessToken;
    if (shown) noteToken(snapshot);
    else ours.end();
  }
  view.session(snapshot, failure);
}

function noteToken(snapshot) {
  const life = lifeOf(snapshot);
  if (snapshot.expiresAt === null) return;
  // A token restored after a reload began before the page did.
  const from = snapshot.reason === "stored" ? Math.min(Date.now(), snapshot.expiresAt - (life ?? 0)) : Date.now();
  const leeway = life ? leewayOf(life) : 0;
  ours.token({ from, to: snapshot.expiresAt, leeway, adopted: snapshot.reason === "adopted" });
}

session.subscribe(show);

session.on("refreshed", ({ attempts, by }) => {
  const last = ours.noted.refreshes.at(-1);
  const took = by === "this-tab" && last ? (last.to ?? Date.now()) - last.from : 0;
  if (failure) announce("Recovered. Signed in.");
  failure = null;
  const source = by === "other-tab" ? "Took over a token from another tab" : "Refreshed";
  log.add(`${source}${took ? ` in ${duration(took)}` : ""}${attempts > 1 ? `, attempt ${attempts}` : ""}`, "refreshed");
  show();
  score.refresh();
});

session.on("refresh-failed", ({ error, retryAt }) => {
  if (retryAt) ours.wait(retryAt);
  if (!failure) announce("The refresh failed. The session is kept and tries again.");
  failure = { error, retryAt };
  const why = error.status ? `the server said ${error.status}` : "no answer";
  const next = retryAt ? `, next try in ${duration(Math.max(0, retryAt - Date.now()))}` : "";
  log.add(`Refresh failed, ${why}: session kept${next}`, "bad");
  show();
});

session.on("signed-out", ({ reason, error }) => {
  if (reason === "signed-out") ours.end();
  else ours.out();
  if (reason !== "signed-out" && !revoked) score.outs("tokenwell", ++outs);
  log.add(reason === "signed-out" ? "Signed out" : `Signed out by the server${error?.error ? `: ${error.error}` : ""}`);
});

session.on("storage", () => log.add("The browser’s storage refused; the session goes on in memory", "bad"));

// ---------------------------------------------------------------- the ticker

const calling = { ours: 0, theirs: 0 };

/** One more call, unless three are under way. */
function tick(who, call) {
  if (calling[who] >= 3) return;
  calling[who] += 1;
  call()
    .then((response) => response?.arrayBuffer())
    .catch(({ retryAt }) => {
      // Told by `refresh-failed`, or by the wire; but that somebody asks may have brought the next try forward.
      if (failure && retryAt) failure.retryAt = retryAt;
    })
    .finally(() => {
      calling[who] -= 1;
    });
}

setInterval(() => {
  if (!$("ticker").checked || Date.now() < tickAgainAt) return;
  if (signedIn()) tick("ours", callOurs);
  tick("theirs", callTheirs);
}, TICK_MS);

if (session.snapshot.reason === "stored") {
  log.add(`Restored the session of ${view.nameOf(session.snapshot)}`);
  rival.forgotten();
}
view.rival(rival);
show();
view.start(() => [session.snapshot, failure]);
score.start();
timeline.start();
for (const button of document.querySelectorAll("button[data-always]")) button.disabled = false;
if (location.hash === "#bad-day") {
  history.replaceState(null, "", location.pathname + location.search); // A reload, or one more tab, is no bad day.
  $("playground").scrollIntoView();
  $("bad-day").click();
}
