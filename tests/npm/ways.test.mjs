// The short way of `fetch` beside the whole one, in Node; tests/e2e/destinations.test.mjs does the same in browsers.

import assert from "node:assert/strict";
import { join } from "node:path";
import { before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { setFlagsFromString } from "node:v8";
import { afterSignOut, compareWays } from "../e2e/fixtures/ways.js";
import { install } from "./installed.mjs";

// Node 20 ends now and then when a call into WASM that it has inlined throws: "unreachable code" in its Deoptimizer.
setFlagsFromString("--no-turbo-inline-js-wasm-calls");

let lib;
let glue;
before(async () => {
  const { home } = install();
  const dist = (file) => import(pathToFileURL(join(home, "dist", file)));
  lib = await dist("index.js");
  glue = await dist("glue.js");
  lib.decodeJwt(""); // Loads the module for both.
});

test("the short way of a call shows the same as the whole one, whatever the URL, the init, the session and the fetch", async (t) => {
  const { wrong, ...count } = await compareWays(lib.AuthSession, glue.AuthSession);
  t.diagnostic(JSON.stringify(count));
  assert.deepEqual(wrong, []);
  assert.ok(count.compared > 1_900 && count.withToken > 900, JSON.stringify(count));
});

test("nothing leaves with the token after a sign-out, whoever brought that about in the midst of a call", async () => {
  const { calls, late } = await afterSignOut(lib.AuthSession);
  assert.deepEqual(late, []);
  assert.ok(calls > 50, String(calls));
});
