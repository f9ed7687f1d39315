// A trap must not happen. Here one is made to, by writing over the module's memory: what waits must hear of it, and the
// sessions must go on from what is stored.

import assert from "node:assert/strict";
import { join } from "node:path";
import { before, beforeEach, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { copy, install } from "./installed.mjs";

const ROUTE = "https://id.test/token";
const API = "https://api.test/";

let at;
let lib;
let reported;
/** The next call into the module traps. */
let poison;
before(() => {
  at = install();
  globalThis.reportError = (error) => reported.push(error);
});
beforeEach(async () => {
  const home = copy(at);
  const dist = (file) => import(pathToFileURL(join(home, "dist", file)));
  lib = await dist("index.js");
  const { initSync } = await dist("glue.js");
  poison = () => new Uint8Array(initSync().memory.buffer).fill(0xff);
  reported = [];
});

/** A storage of the app's, and a route and API that answer when told to. */
function world() {
  const kept = new Map();
  const held = [];
  const storage = {
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => kept.set(key, value),
    removeItem: (key) => kept.delete(key),
  };
  let hold = false;
  const answer = (input) =>
    String(input?.url ?? input).startsWith(ROUTE)
      ? Response.json({ access_token: "access-2", refresh_token: "refresh-2", expires_in: 3600 })
      : Response.json({});
  return {
    storage,
    held,
    hold: () => {
      hold = true;
    },
    fetch: (input) =>
      hold ? new Promise((done) => held.push(() => done(answer(input)))) : Promise.resolve(answer(input)),
  };
}

const open = async (played, name = "one", more = {}) => {
  const { storage, fetch } = played;
  const options = { name, refresh: ROUTE, allow: [API], storage, fetch, autoRefresh: false, crossTab: false, ...more };
  const session = new lib.AuthSession(options);
  await session.setTokens({ access_token: "access-1", refresh_token: "refresh-1", expires_in: 3600 });
  await turn(); // The storage is the app's: it is written in a moment.
  return session;
};

const isTrap = (error) => {
  assert.ok(lib.AuthError.is(error), String(error));
  assert.equal(error.code, "refresh_unavailable");
  assert.match(error.message, /stopped on an error of its own/);
  assert.ok(error.cause instanceof Error);
  return true;
};

test("a call that traps throws, what waits rejects, it is reported once, and the session goes on from storage", async () => {
  const played = world();
  const session = await open(played);
  let changes = 0;
  session.subscribe(() => {
    changes += 1;
  });
  const { fetch } = session;
  played.hold();
  const waiting = [session.refresh(), fetch(new URL(API)), session.refresh()]; // A URL goes the whole way.
  await turn();
  poison();
  assert.throws(() => session.explain(), isTrap);
  for (const one of waiting) await assert.rejects(one, isTrap);
  assert.equal(reported.length, 1);
  await turn();
  assert.equal(session.accessToken, "access-1");
  assert.equal(session.snapshot.reason, "stored");
  assert.equal(lib.AuthSession.get("one"), session);
  assert.ok(changes > 0, "listeners hear of it");
  const before = changes;
  for (const late of played.held) late(); // Answers to the old instance reach nobody.
  await turn();
  played.fetch = null;
  assert.equal(session.accessToken, "access-1");
  await session.setTokens({ access_token: "access-3" });
  await turn();
  assert.ok(changes > before, "they hear the new instance too");
  assert.equal(reported.length, 1);
  session.dispose();
});

test("a trap in what the platform calls back rejects what waits for it, and a request that is out gets its answer", async () => {
  const played = world();
  const session = await open(played);
  played.hold();
  const waiting = session.refresh();
  const call = session.fetch(API);
  await turn();
  poison();
  for (const answer of played.held) answer();
  await assert.rejects(waiting, isTrap);
  assert.equal((await call).status, 200, "it needs nothing more of the module");
  await turn();
  assert.equal(reported.length, 1);
  assert.equal(session.accessToken, "access-1");
  session.dispose();
});

test("a 401 that comes after a trap is mended by the instance that is there then", async () => {
  const played = world();
  let refuse;
  const refused = new Promise((done) => {
    refuse = () => done(new Response(null, { status: 401 }));
  });
  let calls = 0;
  const fetch = (input) => {
    if (String(input) === ROUTE) return played.fetch(input);
    calls += 1;
    return calls === 1 ? refused : Promise.resolve(new Response());
  };
  const session = await open(played, "mended", { fetch });
  const call = session.fetch(API);
  poison();
  assert.throws(() => session.explain(), isTrap);
  await turn();
  refuse();
  assert.equal((await call).status, 200);
  assert.equal(calls, 2);
  session.dispose();
});

test("a trap under user code that the module has called leaves neither the one nor the other hanging", async () => {
  const played = world();
  const session = await open(played);
  let inside;
  const refresh = async () => "token";
  const options = {
    name: "two",
    storage: "memory",
    get refresh() {
      poison();
      try {
        session.explain();
      } catch (error) {
        inside = error;
      }
      return refresh;
    },
  };
  assert.throws(() => new lib.AuthSession(options));
  isTrap(inside);
  await turn();
  assert.equal(session.accessToken, "access-1");
  const two = new lib.AuthSession({ name: "two", storage: "memory", refresh });
  assert.equal(two.snapshot.status, "signed-out");
  for (const each of [session, two]) each.dispose();
});

test("what lived in memory alone is signed out; what was disposed of stays so", async () => {
  const played = world();
  const session = await open(played, "memory", { storage: "memory" });
  const gone = await open(played, "gone");
  gone.dispose();
  const heard = [];
  session.on("change", (snapshot) => heard.push(snapshot.status));
  await turn();
  heard.length = 0;
  poison();
  assert.throws(() => session.explain(), isTrap);
  await turn();
  assert.equal(session.snapshot.status, "signed-out");
  assert.deepEqual(heard, ["signed-out"]);
  await assert.rejects(gone.refresh(), { code: "invalid_options" });
  assert.throws(() => gone.explain(), { code: "invalid_options" });
  session.dispose();
});

test("a module that traps again and again is given up, and says so", async () => {
  const session = await open(world());
  assert.equal(session.snapshot.status, "signed-in");
  for (let traps = 0; traps < 4; traps++) {
    poison();
    assert.throws(() => session.explain(), isTrap);
    await turn();
  }
  assert.equal(reported.length, 4);
  assert.match(reported[3].message, /reload the page/);
  await assert.rejects(session.fetch(API), /reload the page/);
  assert.throws(() => session.explain(), /reload the page/);
  assert.equal(session.snapshot.status, "signed-in", "what was seen last");
});
