// Cookie mode, as a Sapphire dashboard has it: no token in the page, the answer is the user's data.

import assert from "node:assert/strict";
import { before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { front, notInWorker } from "./fronts.mjs";
import { install } from "./installed.mjs";

const LOGIN = { user: { id: "1", username: "ada" }, guilds: [{ id: "7" }] };

let lib;
before(async () => {
  lib = await front(install());
});

/** The bot's server: its refresh route answers as `played.answer` says. */
function bot() {
  const played = { refreshes: 0, calls: [], answer: () => Response.json(LOGIN) };
  played.fetch = async (input, init) => {
    const request = new Request(input, { ...init, duplex: "half" });
    if (!request.url.endsWith("/oauth/refresh")) {
      played.calls.push([request.url, request.headers.get("authorization")]);
      return played.api?.() ?? Response.json({});
    }
    played.refreshes += 1;
    await sleep(1);
    return played.answer();
  };
  return played;
}

let count = 0;
function open(t, played, options) {
  count += 1;
  const session = new lib.AuthSession({
    ...lib.presets.sapphire({ origin: "https://bot.test" }),
    name: `cookie-${count}`,
    storage: "memory",
    fetch: played.fetch,
    ...options,
  });
  t.after(() => session.dispose());
  return session;
}

test("setUser begins the session, resync gives the new data to everyone who asks, by one request", async (t) => {
  const played = bot();
  const session = open(t, played);
  const snapshot = await session.setUser({ user: { id: "1" } });
  assert.deepEqual([snapshot.status, snapshot.accessToken, snapshot.expiresAt], ["signed-in", null, null]);
  const [one, other] = await Promise.all([session.resync(), session.resync()]);
  assert.deepEqual(one, LOGIN);
  assert.equal(one, other);
  assert.equal(session.user, one);
  assert.equal(played.refreshes, 1);
  assert.equal(await session.getAccessToken(), null);
  await assert.rejects(session.setTokens({ access_token: "a" }), { code: "invalid_options" });
});

test("a page that knows nothing yet asks the cookie by resync", async (t) => {
  const played = bot();
  const session = open(t, played);
  assert.equal(session.snapshot.status, "signed-out");
  assert.deepEqual(await session.resync(), LOGIN);
  assert.equal(session.snapshot.status, "signed-in");
  assert.equal(played.refreshes, 1);
});

test("a page without a cookie is told so, once, and stays signed out", async (t) => {
  const played = bot();
  played.answer = () => Response.json({ error: "Unauthorized" }, { status: 401 });
  const session = open(t, played);
  await assert.rejects(session.resync(), (error) => /^(signed_out|invalid_grant)$/.test(error.code));
  await sleep(50);
  assert.equal(session.snapshot.status, "signed-out");
  assert.equal(session.snapshot.refreshing, false);
  assert.equal(played.refreshes, 1);
});

test("without a cookie and without an answer, the page is told and may ask again", async (t) => {
  const played = bot();
  played.answer = () => new Response(null, { status: 500 });
  const session = open(t, played);
  await assert.rejects(session.resync(), { code: "refresh_unavailable", status: 500 });
  assert.equal(session.snapshot.status, "signed-out");
  played.answer = () => Response.json(LOGIN);
  assert.deepEqual(await session.resync(), LOGIN);
});

const unsealed = notInWorker("Node has no database for the key; tests/e2e/survival.test.mjs");
test("the user survives a reload", unsealed, async (t) => {
  const kept = new Map();
  const storage = {
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => void kept.set(key, value),
    removeItem: (key) => void kept.delete(key),
  };
  const played = bot();
  const options = { name: "reloaded", storage };
  const session = open(t, played, options);
  await session.setUser(LOGIN);
  await sleep(5);
  session.dispose();
  const again = open(t, played, options);
  assert.deepEqual(again.user, LOGIN);
  assert.equal(again.snapshot.status, "signed-in");
  assert.equal(played.refreshes, 0);
});

for (const [what, answer] of [
  ["401", () => Response.json({ error: "Unauthorized" }, { status: 401 })],
  ["200 with a user that is null", () => Response.json({ user: null, guilds: null })],
]) {
  test(`${what} from the route signs out, without a loop`, async (t) => {
    const played = bot();
    const session = open(t, played);
    await session.setUser(LOGIN);
    played.answer = answer;
    const ended = new Promise((resolve) => session.on("signed-out", resolve));
    await assert.rejects(session.resync(), { code: "invalid_grant" });
    assert.equal((await ended).reason, "rejected");
    await sleep(50);
    assert.equal(session.user, null);
    assert.equal(session.snapshot.status, "signed-out");
    assert.equal(played.refreshes, 1);
  });
}

for (const [what, answer] of [
  ["404 and nothing", () => new Response(null, { status: 404 })],
  ["405 and nothing", () => new Response(null, { status: 405 })],
  ["500", () => Response.json({ error: "Internal Server Error" }, { status: 500 })],
  ["200 and nothing", () => new Response("")],
  ["a page of HTML with 401", () => new Response("<html>", { status: 401 })],
  ["no network", () => Promise.reject(new TypeError("Failed to fetch"))],
]) {
  test(`${what} from the route keeps the session`, async (t) => {
    const played = bot();
    const session = open(t, played);
    await session.setUser(LOGIN);
    played.answer = answer;
    await assert.rejects(session.resync(), (error) => /^(refresh_unavailable|invalid_response)$/.test(error.code));
    assert.equal(session.snapshot.status, "signed-in");
    assert.deepEqual(session.user, LOGIN);
  });
}

test("refreshes by interval, since no expiry is visible", async (t) => {
  const played = bot();
  const { refresh } = lib.presets.sapphire({ origin: "https://bot.test" });
  const session = open(t, played, { refresh: { ...refresh, interval: 1 } });
  await session.setUser({ user: { id: "1" } });
  await sleep(1500);
  assert.deepEqual(session.user, LOGIN);
  assert.equal(played.refreshes, 1);
});

test("a 401 of the bot's API leads to one refresh and one replay, with no header added", async (t) => {
  const played = bot();
  const session = open(t, played);
  await session.setUser(LOGIN);
  const answers = [401, 200, 401, 401];
  played.api = () => new Response(null, { status: answers.shift() });
  assert.equal((await session.fetch("https://bot.test/guilds", { credentials: "include" })).status, 200);
  assert.equal(played.refreshes, 1);
  assert.equal((await session.fetch("https://bot.test/guilds", { credentials: "include" })).status, 401);
  assert.ok(played.calls.every(([, authorization]) => authorization === null));
});

test("sign-out tells the bot's server, and clears whatever that says", async (t) => {
  const played = bot();
  const session = open(t, played);
  await session.setUser(LOGIN);
  played.api = () => new Response(null, { status: 405 });
  await session.signOut();
  assert.deepEqual(played.calls, [["https://bot.test/oauth/logout", null]]);
  assert.equal(session.snapshot.status, "signed-out");
});
