// The presets: what they are as data, and what each sends and understands, byte for byte, seen by a `fetch` of our own;
// through both fronts.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { before, test } from "node:test";
import { RefreshRequestContext, TokenRevocationRequestContext, TokenType } from "@oslojs/oauth2";
import { front, notInWorker } from "./fronts.mjs";
import { install, root } from "./installed.mjs";

let lib;
before(async () => {
  lib = await front(install());
});

/** Plays a server: `answer(request)` gives a body or a Response. What was sent is noted. */
function play(answer) {
  const sent = [];
  const fetch = async (url, init = {}) => {
    const { method = "GET", body = null, credentials, redirect } = init;
    const headers = Object.fromEntries(new Headers(init.headers));
    const request = { url: String(url), method, headers, body, credentials, redirect };
    sent.push(request);
    const answered = answer(request);
    return answered instanceof Response ? answered : Response.json(answered);
  };
  return { sent, fetch };
}

let count = 0;
async function open(t, played, options) {
  count += 1;
  const session = await lib.AuthSession.create({
    name: `preset-${count}`,
    storage: "memory",
    autoRefresh: false,
    fetch: played.fetch,
    ...options,
  });
  t.after(() => session.dispose());
  return session;
}

const FORM = { accept: "application/json", "content-type": "application/x-www-form-urlencoded" };
const JSON_BODY = { accept: "application/json", "content-type": "application/json" };
const jwt = (claims) => `e30.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.s`;

test("oauth2: the form of RFC 6749", async (t) => {
  const played = play(() => ({ access_token: "a2", expires_in: 60 }));
  const preset = lib.presets.oauth2({ tokenEndpoint: "https://id.test/token", clientId: "app", scope: "a b" });
  assert.deepEqual(preset, { refresh: { url: "https://id.test/token", clientId: "app", scope: "a b" } });
  const session = await open(t, played, preset);
  await session.setTokens({ access_token: "a1", refresh_token: "r1" });
  await session.refresh();
  assert.deepEqual(played.sent, [
    {
      url: "https://id.test/token",
      method: "POST",
      headers: FORM,
      body: "grant_type=refresh_token&refresh_token=r1&scope=a+b&client_id=app",
      credentials: "same-origin",
      redirect: "manual",
    },
  ]);
});

test("json: the same members as JSON", async (t) => {
  const played = play(() => ({ access_token: "a2", expires_in: "3600", refresh_token: "r2" }));
  const session = await open(t, played, lib.presets.json({ url: "https://id.test/oauth/token", clientId: "app" }));
  await session.setTokens({ access_token: "a1", refresh_token: "r1" });
  const { expiresAt } = await session.refresh();
  assert.ok(Math.abs(expiresAt - Date.now() - 3_600_000) < 5000);
  const [{ headers, body }] = played.sent;
  assert.deepEqual(headers, JSON_BODY);
  assert.equal(body, '{"grant_type":"refresh_token","refresh_token":"r1","client_id":"app"}');
});

test("sapphire: no body, no header but Accept, the cookie; sign-out by oauth/logout", async (t) => {
  const loginData = { user: { id: "1" }, guilds: [] };
  const played = play(() => loginData);
  const preset = lib.presets.sapphire({ origin: "https://bot.test", prefix: "/api" });
  assert.deepEqual(preset, {
    allow: ["https://bot.test/api/"],
    refresh: { url: "https://bot.test/api/oauth/refresh", mode: "cookie" },
    revoke: { url: "https://bot.test/api/oauth/logout", body: "none", credentials: "include" },
  });
  for (const [prefix, url] of [
    ["", "https://bot.test/oauth/refresh"],
    ["api/", "https://bot.test/api/oauth/refresh"],
    ["/a/b/", "https://bot.test/a/b/oauth/refresh"],
  ]) {
    assert.equal(lib.presets.sapphire({ origin: new URL("https://bot.test/"), prefix }).refresh.url, url);
  }
  const session = await open(t, played, preset);
  await session.setUser({ user: { id: "1" } });
  assert.deepEqual(await session.resync(), loginData);
  await session.signOut();
  const request = { method: "POST", headers: { accept: "application/json" }, body: null, credentials: "include" };
  assert.deepEqual(
    played.sent.map(({ redirect, ...seen }) => seen),
    [
      { url: "https://bot.test/api/oauth/refresh", ...request },
      { url: "https://bot.test/api/oauth/logout", ...request },
    ],
  );
});

test("baserow: its one member, its scheme, its blacklist; a second factor's answer is no sign-in", async (t) => {
  const played = play(({ url }) =>
    url.endsWith("token-refresh/")
      ? { token: jwt({ exp: 9e9 }), access_token: jwt({ exp: 9e9 }), user: { id: 7 } }
      : {},
  );
  const session = await open(t, played, {
    ...lib.presets.baserow({ url: "https://baserow.test/api/user" }),
    allow: ["https://baserow.test/api"],
  });
  await assert.rejects(session.setTokens({ two_factor_auth: "totp", token: "temporary" }), { code: "invalid_options" });
  assert.equal(session.snapshot.status, "signed-out");
  const access = jwt({ iat: 1, exp: 601 });
  await session.setTokens({ token: access, access_token: access, refresh_token: "r1", user: { id: 7 } });
  assert.deepEqual(session.user, { id: 7 });
  assert.ok(Math.abs(session.snapshot.expiresAt - Date.now() - 600_000) < 5000);
  await session.fetch("https://baserow.test/api/database/rows/");
  await session.refresh();
  await session.signOut();
  assert.equal(played.sent[0].headers.authorization, `JWT ${access}`);
  assert.deepEqual(
    played.sent.slice(1).map(({ url, headers, body }) => ({ url, headers, body })),
    [
      { url: "https://baserow.test/api/user/token-refresh/", headers: JSON_BODY, body: '{"refresh_token":"r1"}' },
      { url: "https://baserow.test/api/user/token-blacklist/", headers: JSON_BODY, body: '{"refresh_token":"r1"}' },
    ],
  );
});

test("baserow: a refused refresh token is 401 without an OAuth code, and ends the session", async (t) => {
  const refusal = { error: "ERROR_INVALID_REFRESH_TOKEN", detail: "Refresh token is expired or invalid." };
  const played = play(() => Response.json(refusal, { status: 401 }));
  const session = await open(t, played, lib.presets.baserow({ url: "https://baserow.test/api/user/" }));
  await session.setTokens({ access_token: "a", refresh_token: "r" });
  await assert.rejects(session.refresh(), { code: "invalid_grant", error: "ERROR_INVALID_REFRESH_TOKEN" });
  assert.equal(session.snapshot.status, "signed-out");
});

test("simplejwt: access and refresh, rotated or not", async (t) => {
  const answers = [{ access: "a2" }, { access: "a3", refresh: "r2" }];
  const played = play(() => answers.shift() ?? Response.json({ code: "token_not_valid" }, { status: 401 }));
  const preset = lib.presets.simplejwt({ url: "https://dj.test/api/token/refresh/", scheme: "JWT" });
  assert.equal(preset.scheme, "JWT");
  const session = await open(t, played, preset);
  await session.setTokens({ access: "a1", refresh: "r1" });
  assert.equal((await session.refresh()).accessToken, "a2");
  assert.equal((await session.refresh()).accessToken, "a3");
  await assert.rejects(session.refresh(), { code: "invalid_grant", error: "token_not_valid" });
  assert.deepEqual(
    played.sent.map(({ body }) => body),
    ['{"refresh":"r1"}', '{"refresh":"r1"}', '{"refresh":"r2"}'],
  );
});

test("a preset in the place of a route is told where it belongs", async () => {
  const preset = lib.presets.oauth2({ tokenEndpoint: "https://id.test/token", clientId: "c" });
  const wrong = { code: "invalid_options", message: /^refresh\.url .*spread into the options/ };
  await assert.rejects(lib.AuthSession.create({ refresh: preset }), wrong);
});

test("authgear: endpoints by discovery, and only the issuer's own", async (t) => {
  const metadata = {
    issuer: "https://my.authgear.test",
    authorization_endpoint: "https://my.authgear.test/oauth2/authorize",
    token_endpoint: "https://my.authgear.test/oauth2/token",
    revocation_endpoint: "https://my.authgear.test/oauth2/revoke",
  };
  let served = metadata;
  const asked = [];
  t.mock.method(globalThis, "fetch", async (url, { redirect, credentials }) => {
    asked.push(url);
    assert.deepEqual([redirect, credentials], ["manual", "omit"]);
    if (served === undefined) throw new TypeError("Failed to fetch");
    return Response.json(served);
  });
  const of = { endpoint: "https://my.authgear.test/", clientId: "c" };
  assert.deepEqual(await lib.presets.authgear(of), {
    refresh: { url: metadata.token_endpoint, clientId: "c" },
    revoke: metadata.revocation_endpoint,
  });
  assert.deepEqual(asked, ["https://my.authgear.test/.well-known/openid-configuration"]);
  asked.length = 0;
  const elsewhere = { endpoint: "https://my.authgear.test/one/", clientId: "c" };
  await assert.rejects(lib.presets.authgear(elsewhere), { code: "invalid_response" });
  assert.deepEqual(asked, [
    "https://my.authgear.test/one/.well-known/openid-configuration",
    "https://my.authgear.test/.well-known/oauth-authorization-server/one",
    "https://my.authgear.test/.well-known/openid-configuration/one",
  ]);
  const preset = await lib.presets.authgear({ ...of, redirectUri: "https://app.test/back" });
  assert.deepEqual(preset.signIn, {
    issuer: "https://my.authgear.test",
    authorizationEndpoint: metadata.authorization_endpoint,
    tokenEndpoint: metadata.token_endpoint,
    clientId: "c",
    redirectUri: "https://app.test/back",
  });
  const played = play(() => ({ access_token: "a2", expires_in: 1800 }));
  const session = await open(t, played, preset);
  await session.setTokens({ access_token: "a1", refresh_token: "r1" });
  await session.refresh();
  await session.signOut();
  assert.deepEqual(
    played.sent.map(({ url, body }) => [url, body]),
    [
      [metadata.token_endpoint, "grant_type=refresh_token&refresh_token=r1&client_id=c"],
      [metadata.revocation_endpoint, "token=r1&token_type_hint=refresh_token&client_id=c"],
    ],
  );
  for (const wrong of [
    { ...metadata, issuer: "https://evil.test" },
    { ...metadata, token_endpoint: "http://my.authgear.test/oauth2/token" },
    { ...metadata, token_endpoint: [metadata.token_endpoint] },
    {},
    null,
    "https://my.authgear.test",
  ]) {
    served = wrong;
    await assert.rejects(lib.presets.authgear(of), { name: "AuthError", code: "invalid_response" });
  }
  served = { ...metadata, revocation_endpoint: "http://my.authgear.test/oauth2/revoke" };
  assert.equal((await lib.presets.authgear(of)).revoke, undefined, "a token does not go there in the clear");
  served = undefined;
  await assert.rejects(lib.presets.authgear(of), { name: "AuthError", code: "refresh_unavailable", retryable: true });
});

test("authgear: a discovery that is not answered is given up after 15 s", async (t) => {
  const mute = createServer(() => {});
  await new Promise((resolve) => mute.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    mute.closeAllConnections();
    mute.close();
  });
  const asked = [];
  const { timeout } = AbortSignal;
  t.mock.method(AbortSignal, "timeout", (ms) => {
    asked.push(ms);
    return timeout.call(AbortSignal, ms / 300);
  });
  const endpoint = `http://127.0.0.1:${mute.address().port}`;
  const late = { name: "AuthError", code: "refresh_unavailable", retryable: true, message: /in time/ };
  await assert.rejects(lib.presets.authgear({ endpoint, clientId: "c" }), late);
  assert.deepEqual(asked, [15_000]);
});

/** Its keys are written for others to read, by code that is in a worker already. */
const appsmithAlone = notInWorker("what is stored for tokenwell/worker is sealed");

/** Appsmith's store as its evaluation worker shows it. Notes what is to outlive the page. */
function appsmith(t, store = {}) {
  const persisted = {};
  Object.assign(globalThis, {
    appsmith: { store },
    storeValue: async (key, value, persist = true) => {
      store[key] = value;
      if (persist) persisted[key] = value;
      else delete persisted[key];
    },
    removeValue: async (key) => {
      delete store[key];
      delete persisted[key];
    },
  });
  t.after(() => {
    for (const name of ["appsmith", "storeValue", "removeValue"]) delete globalThis[name];
  });
  return { store, persisted };
}

const untilStored = async (store, value) => {
  while (store.authAccessToken !== value) await new Promise((resolve) => setTimeout(resolve, 1));
  await new Promise((resolve) => setTimeout(resolve, 5));
};

test(
  "appsmith: a function refreshes, and the guide's store keys stay what the guide has in them",
  appsmithAlone,
  async (t) => {
    const { store, persisted } = appsmith(t);
    const runs = [];
    const query = async ({ refreshToken, reason }) => {
      runs.push([reason, refreshToken]);
      const access = jwt({ iat: 0, exp: 600, run: runs.length });
      return { token: access, access_token: access, refresh_token: refreshToken ? undefined : "r1", user: { id: 1 } };
    };
    const preset = lib.presets.appsmith({ refresh: query });
    const { storage, ...plain } = preset;
    assert.deepEqual(plain, { autoRefresh: false, crossTab: false, refresh: query });
    const session = await open(
      t,
      play(() => ({})),
      { ...preset, name: "appsmith" },
    );

    assert.equal(await session.getAccessToken(), null);
    // Nothing stored: the first refresh is the login; everyone who comes meanwhile joins it.
    const [{ accessToken }] = await Promise.all([session.refresh(), session.refresh()]);
    await untilStored(store, accessToken);
    assert.equal(store.authRefreshToken, "r1");
    assert.ok(Math.abs(store.authAccessTokenExp - Date.now() - 600_000) < 5000);
    assert.deepEqual(Object.keys(persisted).sort(), ["authAccessToken", "authAccessTokenExp", "authRefreshToken"]);

    await untilStored(store, (await session.refresh()).accessToken);
    assert.equal(store.authRefreshToken, "r1");
    assert.deepEqual(runs, [
      ["startup", null],
      ["manual", "r1"],
    ]);
    const { snapshot } = session;
    session.dispose();
    const again = await open(
      t,
      play(() => ({})),
      { ...preset, name: "appsmith" },
    );
    assert.equal(again.accessToken, snapshot.accessToken);
    assert.deepEqual(again.user, { id: 1 });
    await again.signOut();
    await untilStored(store, undefined);
    assert.deepEqual([store, persisted], [{}, {}]);
  },
);

test("appsmith: a session begins with the tokens that the guide's code left", appsmithAlone, async (t) => {
  const { store } = appsmith(t, {
    authAccessToken: "opaque",
    authRefreshToken: "r1",
    authAccessTokenExp: Date.now() + 600_000,
  });
  const refresh = async ({ refreshToken }) => ({ access_token: `after ${refreshToken}`, refresh_token: "r2" });
  const session = await open(
    t,
    play(() => ({})),
    lib.presets.appsmith({ refresh }),
  );
  assert.equal(session.accessToken, "opaque");
  assert.equal(await session.getAccessToken(), "opaque");
  assert.ok(Math.abs(session.snapshot.expiresAt - store.authAccessTokenExp) < 1000);
  await untilStored(store, (await session.refresh()).accessToken);
  assert.deepEqual([store.authAccessToken, store.authRefreshToken], ["after r1", "r2"]);
});

test(
  "appsmith: a token whose end the guide's code could not read is renewed once, not at every call",
  appsmithAlone,
  async (t) => {
    appsmith(t, { authAccessToken: "opaque", authRefreshToken: "r1", authAccessTokenExp: null });
    let runs = 0;
    const refresh = async () => {
      runs += 1;
      return "new";
    };
    const session = await open(
      t,
      play(() => ({})),
      lib.presets.appsmith({ refresh }),
    );
    assert.deepEqual(await Promise.all([session.getAccessToken(), session.getAccessToken()]), ["new", "new"]);
    assert.equal(await session.getAccessToken(), "new");
    assert.equal(runs, 1);
  },
);

test("appsmith: without its globals the session lives in memory, and says so", appsmithAlone, async (t) => {
  const session = await open(
    t,
    play(() => ({})),
    lib.presets.appsmith({ refresh: async () => "a1" }),
  );
  assert.equal((await session.refresh()).accessToken, "a1");
  assert.ok(session.explain().some(({ what }) => what === "go on in memory"));
});

test("appsmith: the JS Object of docs/presets/appsmith.md works as it is pasted", appsmithAlone, async (t) => {
  const page = readFileSync(join(root, "docs/presets/appsmith.md"), "utf8");
  const code = [...page.matchAll(/^```js\n([\s\S]*?)^```$/gm)].at(-1)[1];
  const { default: Auth } = await import(`data:text/javascript,${encodeURIComponent(code)}`);
  const { store } = appsmith(t);
  const runs = { api_authToken: 0, api_refreshAuthToken: 0 };
  let refuse = null;
  const query = (name) => ({
    responseMeta: {},
    async run() {
      runs[name] += 1;
      await new Promise((resolve) => setTimeout(resolve, 5));
      if (refuse && name === "api_refreshAuthToken") {
        this.responseMeta = { statusCode: refuse };
        throw new Error("The API failed");
      }
      const access_token = jwt({ iat: 0, exp: 600, run: Object.values(runs) });
      const first = name === "api_authToken";
      return { token: access_token, access_token, ...(first && { refresh_token: `r${runs[name]}` }) };
    },
  });
  Object.assign(globalThis, {
    tokenwell: lib,
    api_authToken: query("api_authToken"),
    api_refreshAuthToken: query("api_refreshAuthToken"),
  });
  t.after(() => {
    lib.AuthSession.get("appsmith")?.dispose();
    for (const name of ["tokenwell", "api_authToken", "api_refreshAuthToken"]) delete globalThis[name];
  });

  // More than three token requests in a row wait a moment, on a timer that keeps no process alive.
  const alive = setInterval(() => {}, 1000);
  t.after(() => clearInterval(alive));

  assert.equal(Auth.verifyAccessTokenExpired(), true);
  // Several queries on page load: one login.
  const tokens = await Promise.all([Auth.getAccessToken(), Auth.getAccessToken(), Auth.getAccessToken()]);
  assert.equal(new Set(tokens).size, 1);
  assert.deepEqual(runs, { api_authToken: 1, api_refreshAuthToken: 0 });
  assert.equal(Auth.verifyAccessTokenExpired(), false);
  await untilStored(store, tokens[0]);
  assert.equal(store.authRefreshToken, "r1");
  assert.equal(Auth.getTokenExpiry(tokens[0]), 600_000);
  assert.equal(Auth.getTokenExpiry("opaque"), null);

  const renewed = await Auth.refreshAccessToken();
  assert.notEqual(renewed, tokens[0]);
  assert.equal(await Auth.getAccessToken(), renewed);
  assert.deepEqual(runs, { api_authToken: 1, api_refreshAuthToken: 1 });

  // Trouble keeps the session, a refusal leads to the login.
  refuse = "503 SERVICE_UNAVAILABLE";
  await assert.rejects(Auth.refreshAccessToken(), { code: "refresh_unavailable" });
  assert.equal(await Auth.getAccessToken(), renewed);
  refuse = "401 UNAUTHORIZED";
  await assert.rejects(Auth.refreshAccessToken(), { code: "invalid_grant" });
  const again = await Auth.getAccessToken();
  assert.deepEqual(runs, { api_authToken: 2, api_refreshAuthToken: 3 });
  await untilStored(store, again);
  await Auth.storeToken("given", "r9");
  await untilStored(store, "given");
  assert.deepEqual([await Auth.getAccessToken(), store.authRefreshToken], ["given", "r9"]);
  await Auth.signOut();
  await untilStored(store, undefined);
});

/** The same client as `@oslojs/oauth2` 0.3.0 has it. */
function authenticated(context, { clientId, clientSecret, clientAuth }) {
  if (clientAuth === "basic") context.authenticateWithHTTPBasicAuth(clientId, clientSecret);
  else if (clientAuth === "post") context.authenticateWithRequestBody(clientId, clientSecret);
  else context.setClientId(clientId);
  return context;
}

/** A request of Oslo's as it arrives; from a browser, User-Agent is the browser's own. */
function arriving({ method, headers, body }) {
  const { "user-agent": _oslo, ...rest } = Object.fromEntries(new Headers([...headers]));
  return { method, headers: rest, body: new URLSearchParams([...body]).toString() };
}

for (const clientAuth of ["none", "basic", "post"]) {
  test(`oauth2: with client authentication ${clientAuth}, what arrives is what @oslojs/oauth2 sends`, async (t) => {
    const client = { clientId: "app-1", clientSecret: "s3cret_x", clientAuth };
    const played = play(() => ({ access_token: "a2" }));
    const preset = lib.presets.oauth2({ tokenEndpoint: "https://id.test/token", ...client, scope: "read write" });
    const session = await open(t, played, { ...preset, revoke: "https://id.test/revoke" });
    await session.setTokens({ access_token: "a1", refresh_token: "r/1+2=" });
    await session.refresh();
    await session.signOut();

    const refresh = new RefreshRequestContext("r/1+2=");
    refresh.body.set("scope", "read write"); // Its addScopes adds "undefined".
    const revoke = new TokenRevocationRequestContext("r/1+2=");
    revoke.setTokenTypeHint(TokenType.RefreshToken);
    assert.deepEqual(
      played.sent.map(({ method, headers, body }) => ({ method, headers, body })),
      [refresh, revoke].map((context) => arriving(authenticated(context, client))),
    );
  });
}

test("oauth2: where id or secret need it, the form-encoding of RFC 6749 wins over Oslo's raw text", async (t) => {
  const played = play(() => ({ access_token: "a2" }));
  const client = { clientId: "an id", clientSecret: "s:é", clientAuth: "basic" };
  const session = await open(t, played, lib.presets.oauth2({ tokenEndpoint: "https://id.test/token", ...client }));
  await session.setTokens({ access_token: "a1", refresh_token: "r1" });
  await session.refresh();
  assert.equal(played.sent[0].headers.authorization, `Basic ${btoa("an+id:s%3A%C3%A9")}`);
});

test("oauth2: 200 with an error is a failure, and a refresh token that does not come again is kept", async (t) => {
  const answers = [
    { access_token: "a2", expires_in: 60, refresh_token: null },
    { access_token: "a3", expires_in: 60, refresh_token: "r2", refresh_token_expires_in: "86400" },
    {
      error: "bad_refresh_token",
      error_description: "The refresh token passed is incorrect or expired.",
      error_uri: "https://docs.github.test/#bad",
    },
  ];
  const played = play(() => answers.shift());
  const session = await open(t, played, lib.presets.oauth2({ tokenEndpoint: "https://id.test/token", clientId: "c" }));
  await session.setTokens({ access_token: "a1", refresh_token: "r1" });
  await session.refresh();
  const { refreshTokenExpiresAt } = await session.refresh();
  assert.ok(Math.abs(refreshTokenExpiresAt - Date.now() - 86_400_000) < 5000);
  await assert.rejects(session.refresh(), {
    code: "invalid_grant",
    error: "bad_refresh_token",
    description: "The refresh token passed is incorrect or expired.",
    uri: "https://docs.github.test/#bad",
    status: 200,
  });
  assert.deepEqual(
    played.sent.map(({ body }) => new URLSearchParams(body).get("refresh_token")),
    ["r1", "r1", "r2"],
  );
});
