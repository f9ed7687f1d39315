// The demo page. What an app needs of tokenwell is in the first few lines; the rest shows what it does.

import { AuthSession } from "/pkg/dist/index.js";
import { announce, createLog } from "./log.js";
import { clock, count, duration } from "./format.js";
import { createServerCounts } from "./server-counts.js";
import { createTimeline } from "./timeline.js";
import { createView } from "./view.js";

const TICK_MS = 1000;
const REST_MS = 5000;
const $ = (id) => document.getElementById(id);

const timeline = createTimeline($("timeline"));
const log = createLog($("log"));
const view = createView();
const serverCounts = createServerCounts(view);

const session = await AuthSession.create({
  refresh: { url: "/oidc/token", clientId: "tokenwell-demo" },
  fetch: watchedFetch,
}).catch((error) => {
  view.broken(error);
  throw error;
});

let tickAgainAt = 0;

// ---------------------------------------------------------------- what the buttons do

const actions = {
  async signIn() {
    const response = await fetch("/demo/sign-in", { method: "POST" });
    const snapshot = await session.setTokens(await response.json());
    log.add(`Signed in as ${view.nameOf(snapshot)}`);
    return "Signed in. The first token came from the server’s sign-in.";
  },

  async callApi() {
    const response = await session.fetch("/api/time");
    if (!response.ok) return `The API answered ${response.status}.`;
    const { time } = await response.json();
    return `The API answered 200. Its clock says ${clock(Date.parse(time))}.`;
  },

  async callMany() {
    const before = await serverCounts.read();
    const started = performance.now();
    const calls = Array.from({ length: 50 }, () => session.fetch("/api/time"));
    const settled = await Promise.allSettled(calls);
    const took = duration(performance.now() - started);
    const after = await serverCounts.read();
    const fine = settled.filter(({ value }) => value?.ok).length;
    const requests = after.tokenRequests.total - before.tokenRequests.total;
    const text = `50 calls, ${fine} answered 200 in ${took}, with ${count(requests, "token request")}.`;
    log.add(text);
    return text;
  },

  async expire() {
    const response = await session.fetch("/demo/expire", { method: "POST" });
    const { expired } = await response.json();
    if (!expired) return "There was no valid token to expire.";
    timeline.mark("expired");
    log.add("The server made the token expire");
    tickAgainAt = Date.now() + REST_MS;
    return "The server refuses this token from now on. The next call finds out; the ticker rests 5 s, so it can be yours.";
  },

  async refuse() {
    await fetch("/demo/faults", { method: "POST", body: JSON.stringify({ api: { times: 1 } }) });
    const response = await session.fetch("/api/time");
    return `The API said 401 once; the caller saw ${response.status}.`;
  },

  async signOut() {
    await session.signOut();
    return "Signed out. Nothing is stored, nothing is asked.";
  },
};

$("buttons").addEventListener("click", async ({ target }) => {
  const action = actions[target.dataset?.action];
  if (!action) return;
  try {
    view.result(await action());
  } catch (error) {
    view.result(`${error.message || error.name}`);
  }
  serverCounts.refresh();
});

// ---------------------------------------------------------------- what the session tells

let wasRefreshing = false;
let failure = null;

function show() {
  const { snapshot } = session;
  if (snapshot.refreshing !== wasRefreshing) {
    wasRefreshing = snapshot.refreshing;
    if (wasRefreshing) timeline.refreshStarted();
    else timeline.refreshEnded();
  }
  if (snapshot.status === "signed-out") failure = null;
  timeline.token(snapshot);
  view.session(snapshot, failure);
}

session.subscribe(show);

session.on("refreshed", ({ attempts, by }) => {
  const took = timeline.refreshSucceeded();
  if (failure) announce("Recovered. Signed in.");
  failure = null;
  const source = by === "other-tab" ? "Took over a token from another tab" : "Refreshed";
  log.add(`${source}${took ? ` in ${duration(took)}` : ""}${attempts > 1 ? `, attempt ${attempts}` : ""}`, "refreshed");
  show();
  serverCounts.refresh();
});

session.on("refresh-failed", ({ error, retryAt }) => {
  timeline.refreshFailed(retryAt);
  if (!failure) announce("The refresh failed. The session is kept and tries again.");
  failure = { error, retryAt };
  const why = error.status ? `the server said ${error.status}` : "no answer";
  const next = retryAt ? `, next try in ${duration(Math.max(0, retryAt - Date.now()))}` : "";
  log.add(`Refresh failed, ${why}: session kept${next}`, "bad");
  show();
});

session.on("signed-out", ({ reason, error }) => {
  timeline.ended();
  log.add(reason === "signed-out" ? "Signed out" : `Signed out by the server${error?.error ? `: ${error.error}` : ""}`);
});

session.on("storage", () => log.add("The browser’s storage refused; the session goes on in memory", "bad"));

// ---------------------------------------------------------------- what goes over the wire

/** The `fetch` the session wraps: every API request passes here, also the ones that are replayed unseen by the caller. */
async function watchedFetch(...args) {
  const input = args[0] instanceof Request ? args[0].url : args[0];
  const { pathname } = new URL(input, location.href);
  if (!pathname.startsWith("/api/")) return fetch(...args);
  const call = timeline.callStarted();
  try {
    const response = await fetch(...args);
    call.ended(response.status);
    log.add(`API ${response.status}`, { 200: "call", 401: "warn" }[response.status] ?? "bad");
    return response;
  } catch (error) {
    call.ended(0);
    log.add("API call failed: no answer", "bad");
    throw error;
  }
}

// ---------------------------------------------------------------- the ticker

let calling = 0;
setInterval(() => {
  const able = session.snapshot.status !== "signed-out" && $("ticker").checked && Date.now() >= tickAgainAt;
  if (!able || calling >= 3) return;
  calling += 1;
  session
    .fetch("/api/time")
    .then((response) => response.arrayBuffer())
    .catch(({ retryAt }) => {
      // Told by `refresh-failed`, or logged by watchedFetch; but that somebody asks may have brought the next try forward.
      if (failure && retryAt) failure.retryAt = retryAt;
    })
    .finally(() => {
      calling -= 1;
    });
}, TICK_MS);

if (session.snapshot.reason === "stored") log.add(`Restored the session of ${view.nameOf(session.snapshot)}`);
show();
view.start(() => [session.snapshot, failure]);
timeline.start();
