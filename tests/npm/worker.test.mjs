// tokenwell/worker where there is no worker: server rendering, tests.

import assert from "node:assert/strict";
import { join } from "node:path";
import { before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { install } from "./installed.mjs";

let lib;
before(async () => {
  lib = await import(pathToFileURL(join(install().home, "dist/worker.js")));
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
