// Authorization Code with PKCE in Node: what is sent, what is refused, what is kept; the server is a `fetch` of our own.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { before, test } from "node:test";
import { front, notInWorker } from "./fronts.mjs";
import { install } from "./installed.mjs";

const ISSUER = "https://id.test/realm";
const METADATA = {
  issuer: ISSUER,
  authorization_endpoint: "https://id.test/authorize?tenant=1",
  token_endpoint: "https://id.test/token",
};
const BACK = "https://app.test/back";

let lib;
before(async () => {
  lib = await front(install());
});

function provider(metadata = { "/realm/.well-known/openid-configuration": METADATA }) {
  const played = { metadata, gets: [], exchanges: [], answer: null };
  played.fetch = async (url, init = {}) => {
    const { pathname } = new URL(url);
    if (init.method !== "POST") {
      played.gets.push(pathname);
      if (played.down) throw new TypeError("Failed to fetch");
      const found = played.metadata[pathname];
      return found ? Response.json(found) : new Response("<html>", { status: 404 });
    }
    played.exchanges.push({ url: String(url), ...Object.fromEntries(new URLSearchParams(init.body)) });
    return played.answer ?? Response.json({ access_token: "a1", refresh_token: "r1", expires_in: 60, id_token: "i" });
  };
  return played;
}

/** A storage of the app's, asynchronous; stands for the tab's, which Node has not. */
function shelf() {
  const kept = new Map();
  const storage = {
    getItem: async (key) => kept.get(key) ?? null,
    setItem: async (key, value) => void kept.set(key, value),
    removeItem: async (key) => void kept.delete(key),
  };
  return { kept, storage };
}

let count = 0;
function open(t, played, options = {}) {
  count += 1;
  const session = new lib.AuthSession({
    name: `sign-in-${count}`,
    refresh: { url: METADATA.token_endpoint, clientId: "app" },
    storage: shelf().storage,
    autoRefresh: false,
    fetch: played.fetch,
    ...options,
    signIn: {
      authorizationEndpoint: METADATA.authorization_endpoint,
      tokenEndpoint: METADATA.token_endpoint,
      clientId: "app",
      redirectUri: BACK,
      ...options.signIn,
    },
  });
  t.after(() => session.dispose());
  return session;
}

/** An issuer of its own for each test: what is discovered is kept for the page's life. */
function discovering(t, played, options) {
  count += 1;
  const issuer = `https://id-${count}.test/realm`;
  const moved = (value) => JSON.parse(JSON.stringify(value).replaceAll("https://id.test", new URL(issuer).origin));
  played.metadata = moved(played.metadata);
  const signIn = { issuer, authorizationEndpoint: undefined, tokenEndpoint: undefined, ...options?.signIn };
  return open(t, played, { ...options, signIn });
}

/** Timers of the library keep no process alive, nor does an answer that never comes. */
function awake(t) {
  const alive = setInterval(() => {}, 1000);
  t.after(() => clearInterval(alive));
}

const back = (started, more = {}) => {
  const url = new URL(BACK);
  const params = { code: "the-code", state: new URL(started).searchParams.get("state"), ...more };
  for (const [name, value] of Object.entries(params)) if (value !== null) url.searchParams.set(name, value);
  return url;
};

test("the authorization request has PKCE S256, state, offline_access, and what the endpoint had already", async (t) => {
  const session = open(t, provider(), { signIn: { params: { audience: "api" } } });
  const url = new URL(await session.startSignIn({ params: { prompt: "consent", state: "mine" } }));
  assert.equal(url.origin + url.pathname, "https://id.test/authorize");
  const { state, code_challenge, ...rest } = Object.fromEntries(url.searchParams);
  assert.deepEqual(rest, {
    tenant: "1",
    response_type: "code",
    client_id: "app",
    redirect_uri: BACK,
    scope: "openid offline_access",
    code_challenge_method: "S256",
    audience: "api",
    prompt: "consent",
  });
  assert.match(state, /^[\w-]{22}$/);
  assert.match(code_challenge, /^[\w-]{43}$/);
});

test("the code is exchanged with the verifier of the challenge; the app's state comes back", async (t) => {
  const played = provider();
  const session = open(t, played);
  const state = { to: "/inbox", deep: [1, null, "é"] };
  const url = await session.startSignIn({ state });
  const finished = await session.finishSignIn(back(url));
  assert.deepEqual(finished.state, state);
  assert.equal(finished.snapshot, session.snapshot);
  assert.equal(finished.snapshot.status, "signed-in");
  assert.equal(session.accessToken, "a1");
  const [{ code_verifier, ...exchange }] = played.exchanges;
  assert.deepEqual(exchange, {
    url: "https://id.test/token",
    grant_type: "authorization_code",
    code: "the-code",
    redirect_uri: BACK,
    client_id: "app",
  });
  const challenge = createHash("sha256").update(code_verifier).digest("base64url");
  assert.equal(new URL(url).searchParams.get("code_challenge"), challenge);
});

test("without a state of the app's, none comes back; a state that JSON cannot hold is refused", async (t) => {
  const session = open(t, provider());
  const { state } = await session.finishSignIn(back(await session.startSignIn()).href);
  assert.equal(state, undefined);
  const cycle = {};
  cycle.self = cycle;
  for (const odd of [cycle, 1n, () => {}]) {
    await assert.rejects(session.startSignIn({ state: odd }), { code: "invalid_options" });
  }
});

test("a wrong, missing, older or replayed state is refused, and nothing is sent", async (t) => {
  const played = provider();
  const session = open(t, played);
  const refused = { name: "AuthError", code: "invalid_state" };
  await assert.rejects(session.finishSignIn(`${BACK}?code=c&state=s`), refused);
  const older = await session.startSignIn();
  const newer = await session.startSignIn();
  await assert.rejects(session.finishSignIn(back(older)), refused);
  await assert.rejects(session.finishSignIn(back(newer, { state: "other" })), refused);
  await assert.rejects(session.finishSignIn(back(newer, { state: null })), refused);
  await assert.rejects(session.finishSignIn(`${back(newer)}&state=twice`), refused);
  await assert.rejects(session.finishSignIn(BACK), refused);
  assert.equal(played.exchanges.length, 0);
  await session.finishSignIn(back(newer));
  await assert.rejects(session.finishSignIn(back(newer)), refused);
  assert.equal(played.exchanges.length, 1);
  assert.equal(session.snapshot.status, "signed-in");
});

test("two calls at the same time share one exchange, as pages do that run an effect twice", async (t) => {
  const played = provider();
  const session = open(t, played);
  const url = back(await session.startSignIn({ state: 1 }));
  const both = await Promise.all([session.finishSignIn(url), session.finishSignIn(url)]);
  assert.deepEqual(
    both.map(({ state }) => state),
    [1, 1],
  );
  assert.equal(played.exchanges.length, 1);
});

test("the server's own error comes out, and uses the sign-in up", async (t) => {
  const session = open(t, provider());
  const url = await session.startSignIn();
  const { searchParams } = new URL(url);
  const denied = back(url, {
    code: null,
    error: "access_denied",
    error_description: `no consent for ${searchParams.get("state")}`,
    error_uri: "https://id.test/why",
  });
  await assert.rejects(session.finishSignIn(denied), {
    name: "AuthError",
    code: "access_denied",
    error: "access_denied",
    description: "no consent for [secret]",
    uri: "https://id.test/why",
    retryable: false,
  });
  await assert.rejects(session.finishSignIn(denied), { code: "invalid_state" });
});

for (const [what, answer, expected] of [
  [
    "a refused code",
    () => Response.json({ error: "invalid_grant", error_description: "the-code is used" }, { status: 400 }),
    { code: "access_denied", error: "invalid_grant", description: "[secret] is used", status: 400 },
  ],
  ["trouble", () => new Response("", { status: 503 }), { code: "refresh_unavailable", status: 503 }],
  ["something else", () => new Response("<html>"), { code: "invalid_response", status: 200 }],
  ["no answer", () => Promise.reject(new TypeError("Failed to fetch")), { code: "refresh_unavailable", status: null }],
]) {
  test(`${what} at the token endpoint: the sign-in must be started again`, async (t) => {
    const played = provider();
    const session = open(t, played);
    const url = back(await session.startSignIn());
    played.answer = answer();
    Promise.resolve(played.answer).catch(() => {}); // It may be a while before anybody asks.
    await assert.rejects(session.finishSignIn(url), { name: "AuthError", retryable: false, ...expected });
    assert.equal(session.snapshot.status, "signed-out");
    await assert.rejects(session.finishSignIn(url), { code: "invalid_state" });
  });
}

test("another issuer's answer is refused", async (t) => {
  const played = provider();
  const session = open(t, played, { signIn: { issuer: ISSUER } });
  const evil = back(await session.startSignIn(), { iss: "https://evil.test" });
  await assert.rejects(session.finishSignIn(evil), { code: "invalid_state" });
  await session.finishSignIn(back(await session.startSignIn(), { iss: ISSUER }));
  assert.equal(played.exchanges.length, 1);
});

test("endpoints are discovered once, as OpenID has it", async (t) => {
  const played = provider();
  const session = discovering(t, played);
  const [url] = await Promise.all([session.startSignIn(), session.startSignIn()]);
  assert.equal(new URL(url).pathname, "/authorize");
  await session.startSignIn();
  assert.deepEqual(played.gets, ["/realm/.well-known/openid-configuration"]);
});

test("or as RFC 8414 has it, where an issuer must then name itself", async (t) => {
  const promising = { ...METADATA, authorization_response_iss_parameter_supported: true };
  const played = provider({ "/.well-known/oauth-authorization-server/realm": promising });
  const session = discovering(t, played);
  await assert.rejects(session.finishSignIn(back(await session.startSignIn())), { code: "invalid_state" });
  const { origin } = new URL(await session.startSignIn());
  await session.finishSignIn(back(await session.startSignIn(), { iss: `${origin}/realm` }));
  assert.deepEqual(played.gets, [
    "/realm/.well-known/openid-configuration",
    "/.well-known/oauth-authorization-server/realm",
  ]);
});

test("or as RFC 8414 will have OpenID's in time to come", async (t) => {
  const played = provider({ "/.well-known/openid-configuration/realm": METADATA });
  assert.equal(new URL(await discovering(t, played).startSignIn()).pathname, "/authorize");
  assert.equal(played.gets.length, 3);
});

test("a failed discovery can be tried again", async (t) => {
  const played = provider();
  const session = discovering(t, played);
  played.down = true;
  await assert.rejects(session.startSignIn(), { code: "refresh_unavailable", retryable: true });
  played.down = false;
  await session.startSignIn();
});

/** Answers that do not come: not at all, and not whole. */
const NEVER = new Promise(() => {});
const HUNG = {
  "no answer": () => NEVER,
  "an answer without an end": () => ({ status: 200, headers: new Headers(), text: () => NEVER }),
};

for (const [what, hang] of Object.entries(HUNG)) {
  test(`a discovery with ${what} is given up in the time of the refresh route, and can be tried again`, async (t) => {
    const played = provider();
    const { fetch } = played;
    played.fetch = (url, init) => (played.hung ? hang() : fetch(url, init));
    played.hung = true;
    const session = discovering(t, played, { refresh: { url: METADATA.token_endpoint, clientId: "app", timeout: 40 } });
    awake(t);
    const started = Date.now();
    await assert.rejects(session.startSignIn(), { name: "AuthError", code: "refresh_unavailable", message: /in time/ });
    const took = Date.now() - started;
    assert.ok(took >= 39 && took < 10_000, `${took} ms`);
    played.hung = false;
    await session.startSignIn();
  });

  test(`an exchange of the code with ${what} is given up too: the sign-in must be started again`, async (t) => {
    const played = provider();
    const session = open(t, played, { refresh: { url: METADATA.token_endpoint, clientId: "app", timeout: 40 } });
    const url = back(await session.startSignIn());
    played.answer = hang();
    awake(t);
    const late = { name: "AuthError", code: "refresh_unavailable", message: /in time/, retryable: false };
    await assert.rejects(session.finishSignIn(url), late);
    assert.equal(session.snapshot.status, "signed-out");
    await assert.rejects(session.finishSignIn(url), { code: "invalid_state" });
  });
}

test("a revocation without an answer holds up no sign-out for ever, and is told to who wants it certain", async (t) => {
  const played = provider();
  const refresh = { url: METADATA.token_endpoint, clientId: "app", timeout: 40 };
  const session = open(t, played, { refresh, revoke: "https://id.test/revoke" });
  played.answer = NEVER;
  awake(t);
  await session.setTokens({ access_token: "a1", refresh_token: "r1" });
  await assert.rejects(session.signOut({ force: false }), { code: "refresh_unavailable", message: /in time/ });
  assert.equal(session.snapshot.status, "signed-in");
  await session.signOut();
  assert.equal(session.snapshot.status, "signed-out");
});

for (const [what, metadata] of [
  ["another issuer's", { ...METADATA, issuer: "https://evil.test" }],
  ["without a token endpoint", { ...METADATA, token_endpoint: undefined }],
  ["with an endpoint in the clear", { ...METADATA, token_endpoint: "http://id.test/token" }],
]) {
  test(`metadata ${what} is refused`, async (t) => {
    const session = discovering(t, provider({ "/realm/.well-known/openid-configuration": metadata }));
    await assert.rejects(session.startSignIn(), { code: "invalid_response" });
  });
}

test("the client authenticates as it does at the refresh route", async (t) => {
  const played = provider();
  const refresh = {
    url: METADATA.token_endpoint,
    clientId: "app",
    clientSecret: "secret",
    clientAuth: "post",
  };
  const session = open(t, played, { refresh, signIn: { tokenEndpoint: undefined } });
  await session.finishSignIn(back(await session.startSignIn()));
  assert.equal(played.exchanges[0].client_secret, "secret");
  assert.equal(played.exchanges[0].url, METADATA.token_endpoint);
});

test("without any storage the sign-in still works while the page stays", async (t) => {
  const session = open(t, provider(), { storage: "memory" });
  await session.finishSignIn(back(await session.startSignIn()));
  assert.equal(session.snapshot.status, "signed-in");
});

const atOnce = notInWorker("the worker says it a moment later");
test("wrong options are named", atOnce, async (t) => {
  const signIn = { authorizationEndpoint: "https://id.test/a", tokenEndpoint: "https://id.test/t", clientId: "c" };
  for (const wrong of [
    "https://id.test",
    {},
    { ...signIn },
    { ...signIn, redirectUri: BACK, authorizationEndpoint: "http://id.test/a" },
    { ...signIn, redirectUri: BACK, clientId: "" },
    { ...signIn, redirectUri: BACK, params: { a: 1 } },
    { redirectUri: BACK, clientId: "c", tokenEndpoint: "https://id.test/t" },
  ]) {
    assert.throws(
      () => new lib.AuthSession({ name: "wrong", refresh: async () => "a", storage: "memory", signIn: wrong }),
      { code: "invalid_options", message: /signIn/ },
      JSON.stringify(wrong),
    );
  }
  const cookies = lib.presets.sapphire({ origin: "https://bot.test" });
  const both = { name: "wrong", storage: "memory", signIn: { ...signIn, redirectUri: BACK } };
  assert.throws(() => new lib.AuthSession({ ...cookies, ...both }), { code: "invalid_options", message: /setUser/ });

  const none = new lib.AuthSession({ name: "none", refresh: "https://id.test/token", storage: "memory" });
  t.after(() => none.dispose());
  await assert.rejects(none.startSignIn(), { code: "invalid_options", message: /signIn/ });
  await assert.rejects(none.finishSignIn(BACK), { code: "invalid_options", message: /signIn/ });
});

test("neither state, code nor verifier is shown by errors and explanations", async (t) => {
  const played = provider();
  const session = open(t, played);
  const url = back(await session.startSignIn());
  const { code, state } = Object.fromEntries(url.searchParams);
  played.answer = Response.json({ error: "invalid_grant", error_description: `${code} ${state}` }, { status: 400 });
  const error = await session.finishSignIn(url).catch((error) => error);
  const shown = JSON.stringify([error, session.explain(), session.snapshot]) + error.stack;
  assert.ok(!shown.includes(code) && !shown.includes(played.exchanges[0].code_verifier));
});
