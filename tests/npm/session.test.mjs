// A session in Node, on the real WASM: a server played by a `fetch` of our own, and real time.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { front, IN_WORKER, notInWorker } from "./fronts.mjs";
import { copy, install } from "./installed.mjs";

const ROUTE = "https://id.test/token";
const API = "https://api.test/";

let at;
let lib;
before(async () => {
  at = install();
  lib = await front(at);
});

/** A token route and an API that takes the newest token alone. Notes what reaches it. */
function server({ expiresIn = 3600 } = {}) {
  let serial = 1;
  const seen = { refreshes: [], calls: [], routeStatus: 200, routeBody: null };
  const issue = () => ({ access_token: `access-${serial}`, refresh_token: `refresh-${serial}`, expires_in: expiresIn });
  const handle = async (input, init) => {
    const request = new Request(input, init);
    if (request.url === ROUTE) {
      seen.refreshes.push(Object.fromEntries(new URLSearchParams(await request.text())));
      if (seen.routeStatus !== 200) return Response.json(seen.routeBody ?? {}, { status: seen.routeStatus });
      serial += 1;
      return Response.json(issue());
    }
    const authorization = request.headers.get("authorization");
    seen.calls.push({ url: request.url, method: request.method, authorization, body: await request.text() });
    const good = authorization === `Bearer access-${serial}`;
    return Response.json({ good }, { status: good ? 200 : 401, headers: good ? {} : { "www-authenticate": "Bearer" } });
  };
  return {
    seen,
    issue,
    fetch: handle,
    /** The API refuses every token issued so far. */
    forget: () => {
      serial += 1;
    },
  };
}

let count = 0;
function open(t, played, options) {
  count += 1;
  const session = new lib.AuthSession({
    name: `test-${count}`,
    refresh: { url: ROUTE, clientId: "app" },
    allow: [API],
    storage: "memory",
    autoRefresh: false,
    fetch: played.fetch,
    ...options,
  });
  t.after(() => session.dispose());
  return session;
}

const apart = notInWorker("requests elsewhere leave from the page: tests/e2e/worker.test.mjs");
test("signs in, and sends the token where it is allowed, and nowhere else", apart, async (t) => {
  const played = server();
  const session = open(t, played);
  assert.equal(session.snapshot.status, "signed-out");
  assert.equal(await session.getAccessToken(), null);

  const snapshot = await session.setTokens(played.issue());
  assert.equal(snapshot, session.snapshot);
  assert.equal(snapshot.status, "signed-in");
  assert.equal(session.accessToken, "access-1");
  assert.ok(Math.abs(snapshot.expiresAt - Date.now() - 3_600_000) < 5000);

  assert.equal((await session.fetch(`${API}me`)).status, 200);
  await session.fetch("https://elsewhere.test/");
  await session.fetch("https://api.test.evil.test/");
  assert.deepEqual(
    played.seen.calls.map(({ authorization }) => authorization),
    ["Bearer access-1", null, null],
  );
  assert.equal(played.seen.refreshes.length, 0);
});

test("refreshes when the token is due, once for all who call", async (t) => {
  const played = server();
  const session = open(t, played);
  await session.setTokens({ ...played.issue(), expires_in: 1 }); // The next one lives longer than a slow machine takes.
  await sleep(1100);
  const answers = await Promise.all(Array.from({ length: 50 }, () => session.fetch(`${API}me`)));
  assert.ok(answers.every(({ status }) => status === 200));
  assert.deepEqual(played.seen.refreshes, [
    { grant_type: "refresh_token", refresh_token: "refresh-1", client_id: "app" },
  ]);
  assert.equal(session.accessToken, "access-2");
});

test("refreshes in the background", async (t) => {
  const played = server({ expiresIn: 1 });
  const session = open(t, played, { autoRefresh: true });
  const refreshed = [];
  session.on("refreshed", (event) => refreshed.push(event));
  await session.setTokens(played.issue());
  for (let i = 0; i < 200 && refreshed.length === 0; i++) await sleep(100);
  assert.equal(refreshed[0].by, "this-tab");
  assert.equal(refreshed[0].snapshot.accessToken, "access-2");
});

test("replays a 401 once with the new token, and with all that the caller sent", async (t) => {
  const played = server();
  const session = open(t, played);
  await session.setTokens(played.issue());
  played.forget();
  const answer = await session.fetch(`${API}orders`, { method: "POST", body: "one", headers: { "x-mine": "1" } });
  assert.equal(answer.status, 200);
  assert.deepEqual(
    played.seen.calls.map(({ method, body, authorization }) => [method, body, authorization]),
    [
      ["POST", "one", "Bearer access-1"],
      ["POST", "one", "Bearer access-3"],
    ],
  );
  assert.equal(played.seen.refreshes.length, 1);
});

test("fetch and subscribe can be handed on alone", async (t) => {
  const played = server();
  const session = open(t, played);
  const { fetch, subscribe } = session;
  let changes = 0;
  const stop = subscribe(() => {
    changes += 1;
  });
  await session.setTokens(played.issue());
  assert.equal((await fetch(new Request(`${API}me`))).status, 200);
  await sleep(0);
  assert.ok(changes > 0);
  stop();
  const before = changes;
  await session.signOut();
  await sleep(0);
  assert.equal(changes, before);
});

test("keeps the session when the route fails, and the error says when to try again", async (t) => {
  const played = server({ expiresIn: 1 });
  const session = open(t, played);
  await session.setTokens(played.issue());
  await sleep(1100);
  played.seen.routeStatus = 503;
  await assert.rejects(session.getAccessToken(), (error) => {
    assert.ok(error instanceof lib.AuthError && error instanceof Error && lib.AuthError.is(error));
    assert.equal(error.name, "AuthError");
    assert.equal(error.code, "refresh_unavailable");
    assert.equal(error.status, 503);
    assert.equal(error.retryable, true);
    assert.ok(error.retryAt > Date.now());
    assert.doesNotMatch(JSON.stringify(error) + error.stack, /access-1|refresh-1/);
    return true;
  });
  assert.notEqual(session.snapshot.status, "signed-out");
});

test("ends the session when the server refuses the refresh token", async (t) => {
  const played = server();
  const session = open(t, played);
  await session.setTokens(played.issue());
  Object.assign(played.seen, {
    routeStatus: 400,
    routeBody: { error: "invalid_grant", error_description: "refresh-1 was revoked" },
  });
  const ended = new Promise((resolve) => session.on("signed-out", resolve));
  await assert.rejects(session.refresh(), (error) => {
    assert.equal(error.code, "invalid_grant");
    assert.equal(error.error, "invalid_grant");
    assert.doesNotMatch(JSON.stringify(error), /refresh-1/);
    return true;
  });
  assert.equal((await ended).reason, "rejected");
  assert.equal(session.snapshot.status, "signed-out");
  assert.equal(session.accessToken, null);
});

test("takes a function in place of a route, and an AuthError from it ends the session", async (t) => {
  const played = server();
  let fail = false;
  const session = open(t, played, {
    refresh: async ({ refreshToken, reason }) => {
      if (fail) throw new lib.AuthError("closed", { code: "invalid_grant" });
      return { access_token: `${reason}-of-${refreshToken}`, expires_in: 60 };
    },
  });
  await session.setTokens(played.issue());
  assert.equal((await session.refresh()).accessToken, "manual-of-refresh-1");
  fail = true;
  await assert.rejects(session.refresh(), { name: "AuthError", code: "invalid_grant" });
  assert.equal(session.snapshot.status, "signed-out");
});

test("what the app's function threw is the error's cause, is not printed with it, and does not leave a worker", async (t) => {
  const played = server();
  const thrown = new Error("the query failed");
  const session = open(t, played, { refresh: () => Promise.reject(thrown) });
  await session.setTokens(played.issue());
  const heard = new Promise((resolve) => session.on("refresh-failed", resolve));
  await assert.rejects(session.refresh(), (error) => {
    assert.ok(lib.AuthError.is(error));
    assert.equal(error.cause, IN_WORKER ? undefined : thrown);
    assert.doesNotMatch(`${error} ${JSON.stringify(error)}`, /the query failed/);
    return true;
  });
  assert.equal((await heard).error.cause, IN_WORKER ? undefined : thrown);
  assert.doesNotMatch(JSON.stringify(session.explain()), /the query failed/);
});

test("a caller's signal detaches that caller alone", async (t) => {
  const played = server();
  const session = open(t, played);
  await session.setTokens(played.issue());
  const leaving = session.refresh({ signal: AbortSignal.abort(new Error("leaving")) });
  const staying = session.refresh();
  await assert.rejects(leaving, { message: "leaving" });
  assert.equal((await staying).accessToken, "access-2");
});

test("the same name and options are the same session, other options a clear error", (t) => {
  const played = server();
  const options = {
    name: "shared",
    refresh: { url: ROUTE },
    storage: "memory",
    autoRefresh: false,
    fetch: played.fetch,
  };
  const session = open(t, played, options);
  assert.equal(open(t, played, options), session);
  assert.equal(lib.AuthSession.get("shared"), session);
  assert.throws(() => open(t, played, { ...options, scheme: "JWT" }), { name: "AuthError", code: "invalid_options" });
});

const atOnce = notInWorker("the worker says it a moment later: tests/e2e/worker.test.mjs");
test("wrong options are an AuthError that names the option", atOnce, () => {
  for (const [options, name] of [
    [undefined, /options/i],
    [{}, /refresh/],
    [{ refresh: ROUTE, allow: ["ftp://files.test"] }, /allow/],
    [{ refresh: ROUTE, allow: ["https://*.files.test"] }, /allow.*wildcards/],
    [{ refresh: ROUTE, allow: ["files.test"] }, /allow/],
    [{ refresh: ROUTE, storage: "cookies" }, /storage/],
  ]) {
    assert.throws(
      () => new lib.AuthSession(options),
      (error) => lib.AuthError.is(error) && error.code === "invalid_options" && name.test(error.message),
    );
  }
});

test("after dispose, calls reject clearly, getters stay, and the name is free", async (t) => {
  const played = server();
  const session = open(t, played, { name: "over" });
  await session.setTokens(played.issue());
  const { snapshot } = session;
  session.dispose();
  session.dispose();
  assert.deepEqual(session.snapshot, snapshot);
  assert.equal(session.snapshot, session.snapshot);
  assert.equal(lib.AuthSession.get("over"), undefined);
  for (const call of [() => session.fetch(API), () => session.getAccessToken(), () => session.signOut()]) {
    await assert.rejects(call(), { name: "AuthError", code: "invalid_options", message: /dispos/ });
  }
  session.subscribe(() => {})();
  session.on("change", () => {})();
  assert.notEqual(open(t, played, { name: "over" }), session);
});

test("using disposes, where the platform has it", { skip: !Symbol.dispose }, (t) => {
  const session = open(t, server(), { name: "using" });
  session[Symbol.dispose]();
  assert.equal(lib.AuthSession.get("using"), undefined);
});

test("a session shows no token and no handle to whoever prints or lists it", async (t) => {
  const played = server();
  const session = open(t, played);
  await session.setTokens(played.issue());
  assert.equal(JSON.stringify(session), "{}");
  assert.deepEqual(Object.keys(session).sort(), ["fetch", "subscribe"]);
  assert.equal(session.free, undefined);
  assert.doesNotMatch(JSON.stringify(session.explain()), /access-1|refresh-1/);
});

const main = notInWorker("of the main entry");
test("decodes JWTs, and gives null for what is none", main, () => {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const claims = { sub: "adà ☕", exp: 1.5, nested: { a: [1] } };
  assert.deepEqual(lib.decodeJwt(`${part({ alg: "none" })}.${part(claims)}.`), claims);
  for (const wrong of ["", "a.b.c", "a.b", "🙈.🙈.🙈", null, undefined, 7, {}]) {
    assert.equal(lib.decodeJwt(wrong), null, String(wrong));
  }
});

test("an AuthError is an error like any other, and says what it is to other copies too", async () => {
  const cause = new Error("because");
  const error = new lib.AuthError("why", { code: "storage", cause });
  assert.equal(String(error), "AuthError: why");
  assert.equal(error.cause, cause);
  assert.match(error.stack, /AuthError: why/);
  assert.deepEqual(JSON.parse(JSON.stringify(error)), {
    name: "AuthError",
    message: "why",
    code: "storage",
    error: null,
    description: null,
    uri: null,
    status: null,
    retryable: false,
    retryAt: null,
  });
  const other = await import(pathToFileURL(join(copy(at), "dist/index.js")));
  assert.ok(other.AuthError.is(error) && !(error instanceof other.AuthError));
  for (const none of [null, undefined, 1, "x", {}, new Error("x")]) assert.equal(lib.AuthError.is(none), false);
});

test("a session keeps no process alive, disposed or not", main, () => {
  const script = `
    import { AuthSession } from "tokenwell";
    const session = new AuthSession({ refresh: async () => "t", storage: "memory" });
    await session.setTokens({ access_token: "a", refresh_token: "r", expires_in: 3600 });
  `;
  for (const end of ["", "session.dispose();"]) {
    const args = ["--input-type=module", "--eval", script + end];
    execFileSync(process.execPath, args, { cwd: at.project, timeout: 20_000 });
  }
});

test("where a server runs the page's code, relative addresses are taken; one that is followed says what is wrong", async (t) => {
  const asked = [];
  const session = new lib.AuthSession({
    name: "rendered",
    refresh: "/oauth/token",
    allow: ["/"],
    revoke: "/logout",
    autoRefresh: false,
    fetch: async (input) => {
      asked.push(new URL(input.url ?? input).hostname);
      throw new TypeError("fetch failed");
    },
  });
  t.after(() => session.dispose());
  assert.equal(session.snapshot.status, "signed-out");
  await session.setTokens({ access_token: "a", refresh_token: "r", expires_in: 60 });
  await assert.rejects(session.refresh(), { code: "refresh_unavailable" });
  assert.deepEqual(asked, ["relative-url-but-no-page.invalid"]);
});
