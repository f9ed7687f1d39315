// What somebody's JSON has put on Object.prototype, as a careless merge does, is no option: it must not name a place for
// tokens. And what an app itself has on a class of its own is one.

import assert from "node:assert/strict";
import { before, test } from "node:test";
import { front } from "./fronts.mjs";
import { install } from "./installed.mjs";

let lib;
before(async () => {
  lib = await front(install());
});

const EVIL = "https://evil.test/";
const PLANTED = {
  allow: [EVIL],
  revoke: EVIL,
  headers: { "x-evil": "1" },
  params: { evil: "1" },
  clientSecret: "evil",
  clientAuth: "post",
  credentials: "include",
  signIn: { issuer: EVIL, clientId: "evil", redirectUri: EVIL },
  exposeAccessToken: "evil",
};

/** Makes a session while they are there, and no longer: Node itself is not made for that. */
function openPlanted(t, options) {
  for (const [name, value] of Object.entries(PLANTED)) {
    Object.defineProperty(Object.prototype, name, { value, enumerable: true, configurable: true, writable: true });
  }
  try {
    const session = new lib.AuthSession(options);
    t.after(() => session.dispose());
    return session;
  } finally {
    for (const name of Object.keys(PLANTED)) delete Object.prototype[name];
  }
}

/** Notes what is asked. */
function played() {
  const asked = [];
  const fetch = async (url, init = {}) => {
    const { headers, body, credentials } = init;
    asked.push({ url, headers: Object.fromEntries(new Headers(headers)), body, credentials });
    return Response.json({ access_token: "next", expires_in: 3600 });
  };
  return { asked, fetch };
}

test("options that are on Object.prototype count for nothing", async (t) => {
  const { asked, fetch } = played();
  const refresh = { url: "https://id.test/token", clientId: "app" };
  const options = {
    name: "planted",
    refresh,
    allow: ["https://api.test"],
    storage: "memory",
    autoRefresh: false,
    fetch,
  };
  const session = openPlanted(t, options);
  await session.setTokens({ access_token: "first", refresh_token: "kept", expires_in: 3600 });
  await session.refresh();
  await assert.rejects(session.startSignIn(), { code: "invalid_options" });
  await session.signOut();
  assert.deepEqual(
    asked.map(({ url, headers, body, credentials }) => [url, Object.keys(headers).sort(), body, credentials]),
    [
      [
        "https://id.test/token",
        ["accept", "content-type"],
        "grant_type=refresh_token&refresh_token=kept&client_id=app",
        "same-origin",
      ],
    ],
  );
});

test("without an allow option of its own a session allows no planted origin", async (t) => {
  const { asked, fetch } = played();
  const refresh = { url: "https://id.test/token" };
  const session = openPlanted(t, { name: "planted-2", refresh, storage: "memory", autoRefresh: false, fetch });
  await session.setTokens({ access_token: "first", expires_in: 3600 });
  // The worker's page would send it itself, by the platform's own fetch.
  if (process.env.TOKENWELL_FRONT !== "worker") await session.fetch(EVIL);
  for (const { headers } of asked) assert.equal(headers.authorization, undefined);
});

test("options may be those of a class, with getters", async (t) => {
  const { asked, fetch } = played();
  class Options {
    get refresh() {
      return { url: "https://id.test/token" };
    }
    get fetch() {
      return fetch;
    }
  }
  Options.prototype.name = "of-a-class";
  // A worker gets what can be listed.
  if (process.env.TOKENWELL_FRONT === "worker") return;
  const session = await lib.AuthSession.create(new Options());
  t.after(() => session.dispose());
  await session.setTokens({ access_token: "first", refresh_token: "kept", expires_in: 3600 });
  await session.refresh();
  assert.equal(asked.length, 1);
  assert.equal(lib.AuthSession.get("of-a-class"), session);
});
