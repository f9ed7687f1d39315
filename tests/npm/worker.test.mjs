// tokenwell/worker where there is no worker: server rendering, tests.

import assert from "node:assert/strict";
import { join } from "node:path";
import { before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { install } from "./installed.mjs";

let home;
let lib;
before(async () => {
  home = install().home;
  lib = await import(pathToFileURL(join(home, "dist/worker.js")));
});

test("a host without workers is told so at once", async () => {
  const refused = (error) =>
    error instanceof lib.AuthError && error.code === "invalid_options" && /Worker/.test(error.message);
  assert.throws(() => new lib.AuthSession({ refresh: "https://id.test/token" }), refused);
  await assert.rejects(lib.AuthSession.create({ refresh: "https://id.test/token" }), refused);
  assert.equal(lib.AuthSession.get(), undefined);
});

test("getters on the bare prototype do not throw", () => {
  const { prototype } = lib.AuthSession;
  assert.deepEqual([prototype.snapshot, prototype.accessToken, prototype.user], [null, null, null]);
});

test("a worker that never serves is told of after half a minute, and a later call tries again", async (t) => {
  t.mock.timers.enable({ apis: ["setInterval"] });
  const sent = [];
  const worker = { postMessage: (message) => sent.push(message) };
  const opened = lib.AuthSession.create({ name: "mute", refresh: "https://id.test/token", worker });
  const told = assert.rejects(opened, (error) => {
    assert.ok(error instanceof lib.AuthError);
    assert.deepEqual([error.code, error.retryable], ["refresh_unavailable", true]);
    return /serve\(\)/.test(error.message);
  });
  await new Promise((resolve) => setImmediate(resolve));
  t.mock.timers.tick(29_000);
  assert.equal(lib.AuthSession.get("mute").snapshot.error, null, "its script may take long to come");
  t.mock.timers.tick(5_000);
  await told;
  assert.equal(sent.length, 1);
  const session = new lib.AuthSession({ name: "mute", refresh: "https://id.test/token", worker });
  const again = assert.rejects(session.refresh(), { code: "refresh_unavailable" });
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(sent.length, 2);
  t.mock.timers.tick(34_000);
  await again;
  session.dispose();
});

test("what a worker never answers can be left, and disposed of", async () => {
  const sent = [];
  const worker = { postMessage: (message) => sent.push(message) };
  const session = new lib.AuthSession({ refresh: "https://id.test/token", worker });
  assert.deepEqual(sent, [], "nothing begins before the caller's turn ends");
  // Not AbortSignal.timeout(), by which Node does not wait.
  const caller = new AbortController();
  setTimeout(() => caller.abort(), 20);
  const left = session.fetch("https://api.test/", { signal: caller.signal });
  await assert.rejects(left, { name: "AbortError" });
  assert.equal(sent.length, 1);
  assert.equal(session.snapshot.status, "signed-out");
  session.dispose();
  await assert.rejects(session.refresh(), { code: "invalid_options", message: /disposed/ });
});

const levels = (depth) => `${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`;

for (const depth of [1_000, 2_500, 4_000, 20_000]) {
  test(`data of ${depth} levels in an answer keeps nothing from the page but itself`, async (t) => {
    const options = { name: `deep-${depth}`, refresh: "https://id.test/token", storage: "memory", autoRefresh: false };
    const claims = Buffer.from(levels(depth)).toString("base64url");
    const answer = `{"access_token":"e30.${claims}.s","expires_in":3600,"user":${levels(depth)}}`;
    const { ask, said } = await bare(t, { options, exposed: true, answer });
    // More is refused where it is given.
    const user = levels(Math.min(depth, 2_500));
    const login = `{"access_token":"old","refresh_token":"kept","expires_in":3600,"user":${user}}`;
    await ask("setTokens", { json: login });
    const { failure, error } = await ask("refresh", {});
    assert.deepEqual([failure, error], [undefined, undefined]);
    const { snapshot } = said.findLast((message) => message.snapshot);
    assert.deepEqual([snapshot.status, snapshot.reason], ["signed-in", "refreshed"]);
    assert.match(snapshot.accessToken, /^e30\./);
  });
}

/** The worker's side, and a page that is none: what comes through the port, as it is. */
async function bare(t, page) {
  const { serve } = await import(pathToFileURL(join(home, "dist/worker-serve.js")));
  let hear;
  globalThis.addEventListener = (_type, listener) => {
    hear = listener;
  };
  serve({ fetch: async () => new Response(page.answer ?? '{"access_token":"never-shown-2","expires_in":3600}') });
  delete globalThis.addEventListener;
  const { port1, port2 } = new MessageChannel();
  t.after(() => port1.close());
  const said = [];
  const waiting = new Map();
  port1.onmessage = ({ data }) => {
    said.push(data);
    waiting.get(data.id)?.(data);
  };
  hear({ data: { tokenwell: 1, page: {}, key: "tokenwell:bare", kept: {}, own: false, ...page }, ports: [port2] });
  let last = 0;
  const ask = (method, ...args) => {
    last += 1;
    port1.postMessage({ id: last, method, args });
    return new Promise((resolve) => waiting.set(last, resolve));
  };
  return { ask, said };
}

test("a worker that hides the access token hides it from whoever has the port, too", async (t) => {
  const options = { name: "bare", refresh: "https://id.test/token", storage: "memory" };
  const { ask, said } = await bare(t, { options, exposed: false });
  await ask("setTokens", { access_token: "never-shown-1", refresh_token: "never-shown-3", expires_in: 3600 });
  for (const method of ["getAccessToken", "snapshot", "accessToken", "constructor", "dispose", "then"]) {
    const { value, failure } = await ask(method, {});
    assert.equal(value, undefined);
    if (method === "getAccessToken") assert.equal(failure.code, "invalid_options");
  }
  for (const method of ["refresh", "refreshAccessTokenIfNeeded", "resync"]) await ask(method, {});
  await ask("fetch", "https://elsewhere.test/", { method: "GET", headers: [] });
  const [refused] = [await ask("setTokens", { access_token: "never-shown-4\n" })];
  assert.ok(refused.failure);
  assert.ok(said.some(({ snapshot }) => snapshot?.status === "signed-in"));
  assert.doesNotMatch(JSON.stringify(said), /never-shown/);
});
