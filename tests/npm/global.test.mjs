// dist/tokenwell.global.js: a classic script that sets one global and does nothing else.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { createContext, runInContext } from "node:vm";
import { install } from "./installed.mjs";

let code;
before(() => {
  code = readFileSync(join(install().home, "dist/tokenwell.global.js"), "utf8");
});

/** A realm with what every page and worker has, where what must not be touched at load throws. */
function realm() {
  const { atob, TextDecoder, TextEncoder, URL, Headers, Request, crypto, queueMicrotask } = globalThis;
  const scope = { atob, TextDecoder, TextEncoder, URL, Headers, Request, crypto, queueMicrotask };
  Object.defineProperty(scope, "localStorage", {
    get() {
      throw new Error("not at load");
    },
  });
  const given = Object.keys(scope);
  const context = createContext(scope);
  return { context, added: () => Object.keys(scope).filter((name) => !given.includes(name)) };
}

test("sets exactly one enumerable global", () => {
  const { context, added } = realm();
  runInContext(code, context);
  assert.deepEqual(added(), ["tokenwell"]);
  const names = runInContext("Object.keys(tokenwell).sort().join()", context);
  assert.equal(names, "AuthError,AuthSession,decodeJwt,presets");
});

test("works there, and lets its prototype be listed", async () => {
  const { context } = realm();
  runInContext(code, context);
  const token = await runInContext(
    `const { AuthSession } = tokenwell;
     for (const name of Object.getOwnPropertyNames(AuthSession.prototype)) AuthSession.prototype[name];
     const session = new AuthSession({ refresh: async () => "renewed", storage: "memory", autoRefresh: false });
     session.refresh().then(({ accessToken }) => accessToken)`,
    context,
  );
  assert.equal(token, "renewed");
});
