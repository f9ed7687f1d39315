// The real Django with djangorestframework-simplejwt: as its documentation has it, and in the shape of Baserow's user
// API. Page and API are on two origins, and the challenge is not exposed, as django-cors-headers leaves it. All of it with
// the session in the page and in a worker, side by side, for it mostly waits.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { running } from "./running.mjs";
import { ADA, startDjango } from "./servers/django.mjs";
import { ENTRIES, on, openBrowser, startApp, telling, until, visit } from "./setup.mjs";

const ACCESS_TTL_S = 3;
/** A whole lifetime, and the second that `exp` loses by rounding. */
const DEAD_MS = (ACCESS_TTL_S + 1) * 1000;

const SHAPES = {
  simplejwt: {
    scheme: "Bearer",
    challenge: 'Bearer realm="api"',
    login: "/api/token/",
    credentials: ADA,
    refreshPath: "/api/token/refresh/",
    blacklist: "/api/token/blacklist/",
    names: { access: "access", refresh: "refresh", param: "refresh" },
    preset: (url) => ({ preset: "simplejwt", of: { url: `${url}/api/token/refresh/` } }),
    rotates: true,
    refused: { code: "invalid_grant", error: "token_not_valid", status: 401 },
  },
  baserow: {
    scheme: "JWT",
    challenge: 'JWT realm="api"',
    login: "/api/user/token-auth/",
    credentials: { email: ADA.username, password: ADA.password },
    refreshPath: "/api/user/token-refresh/",
    blacklist: "/api/user/token-blacklist/",
    names: { access: "access_token", refresh: "refresh_token", param: "refresh_token" },
    preset: (url) => ({ preset: "baserow", of: { url: `${url}/api/user/` } }),
    rotates: false,
    refused: { code: "invalid_grant", error: "ERROR_INVALID_REFRESH_TOKEN", status: 401 },
  },
};

const cast = running();
let browser, app;
before(async () => {
  [browser, app] = await cast.start(openBrowser(), startApp());
});
after(() => cast.stop());

for (const [name, shape] of Object.entries(SHAPES)) {
  describe(name, { concurrency: true, timeout: 120_000 }, () => {
    const servers = {};
    before(async () => {
      const { scheme } = shape;
      const started = await cast.start(startDjango({ scheme, accessTtl: ACCESS_TTL_S }), startDjango({ scheme }));
      [servers.short, servers.long] = started;
    });

    for (const entry of ENTRIES) describe(`through ${entry}`, { concurrency: 5 }, suite(shape, entry, servers));
  });
}

function suite(shape, entry, servers) {
  return () => {
    /** The app's own login, then tokenwell takes its answer. */
    async function signIn(t, django, { more = {}, login = {} } = {}) {
      const visitor = await visit(t, browser, app.url);
      await on(visitor.page, "openSession", { entry, ...shape.preset(django.url), allow: [django.url], ...more });
      const tokens = await visitor.page.evaluate(
        async ([url, body, login]) => {
          const headers = { "content-type": "application/json" };
          const answer = await (await fetch(url, { method: "POST", headers, body: JSON.stringify(body) })).json();
          await window.session.setTokens({ ...answer, ...login });
          return answer;
        },
        [django.url + shape.login, shape.credentials, login],
      );
      const me = `${django.url}/api/me/`;
      const asked = (method, path) =>
        visitor.mine(django.requests).filter((request) => request.method === method && request.path === path);
      const calls = () => asked("GET", "/api/me/");
      const refreshes = () => asked("POST", shape.refreshPath);
      return { ...visitor, me, tokens, calls, refreshes };
    }

    test("a sign-in is used with its scheme, and its expiry is the token's own", async (t) => {
      const { page, me, calls, tokens } = await signIn(t, servers.long);
      assert.deepEqual(await on(page, "call", me), { status: 200, body: { username: ADA.username } });
      assert.equal(calls()[0].headers.authorization, `${shape.scheme} ${tokens[shape.names.access]}`);
      const look = await on(page, "look");
      assert.equal(look.status, "signed-in");
      assert.equal(look.claims.token_type, "access");
      assert.ok(Math.abs(look.expiresAt - look.claims.exp * 1000) < 2000);
    });

    test("the refresh is the request that the server's documentation shows", async (t) => {
      const { page, tokens, refreshes } = await signIn(t, servers.long);
      await on(page, "ask", "refresh");
      const [{ headers, body }] = refreshes();
      assert.deepEqual(JSON.parse(body), { [shape.names.param]: tokens[shape.names.refresh] });
      assert.match(headers["content-type"], /^application\/json/);
      const { accept: _, "content-type": __, "content-length": ___, ...others } = telling(headers);
      assert.deepEqual(others, {});
    });

    test("an expired token is refreshed before the call", async (t) => {
      const { page, me, calls, refreshes } = await signIn(t, servers.short, { more: { autoRefresh: false } });
      await sleep(DEAD_MS);
      assert.equal((await on(page, "call", me)).status, 200);
      assert.deepEqual([calls().length, refreshes().length], [1, 1]);
    });

    test("in the background too, before it expires", async (t) => {
      const { page, refreshes, tokens } = await signIn(t, servers.short);
      await until(() => refreshes().length >= 2, "two refreshes");
      const look = await on(page, "look");
      assert.deepEqual([look.status, look.reason], ["signed-in", "refreshed"]);
      assert.notEqual(look.accessToken, tokens[shape.names.access]);
      const presented = refreshes().map(({ body }) => JSON.parse(body)[shape.names.param]);
      assert.equal(
        new Set(presented).size,
        shape.rotates ? presented.length : 1,
        "the last one given is the one presented",
      );
    });

    test("a 401 leads to one refresh and one replay, though the challenge names no error", async (t) => {
      // The login claims an hour, so that only the API can say that the token has expired.
      const { page, me, calls, refreshes } = await signIn(t, servers.short, { login: { expires_in: 3600 } });
      await sleep(DEAD_MS);
      assert.deepEqual(await on(page, "call", me), { status: 200, body: { username: ADA.username } });
      assert.deepEqual(
        calls().map(({ status }) => status),
        [401, 200],
      );
      assert.equal(refreshes().length, 1);
      const answer = await fetch(me, { headers: { authorization: `${shape.scheme} x.y.z` } });
      assert.deepEqual([answer.status, answer.headers.get("www-authenticate")], [401, shape.challenge]);
    });

    test("ten calls that are all told 401 share one refresh", async (t) => {
      const { page, me, refreshes } = await signIn(t, servers.short, { login: { expires_in: 3600 } });
      await sleep(DEAD_MS);
      const statuses = await page.evaluate(
        async (url) => Promise.all(Array.from({ length: 10 }, async () => (await window.session.fetch(url)).status)),
        me,
      );
      assert.deepEqual([...new Set(statuses)], [200]);
      assert.equal(refreshes().length, 1);
    });

    test("a blacklisted refresh token ends the session", async (t) => {
      const { page, tokens, refreshes } = await signIn(t, servers.long);
      const blacklisted = await fetch(servers.long.url + shape.blacklist, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ [shape.names.param]: tokens[shape.names.refresh] }),
      });
      assert.ok(blacklisted.ok);
      const { code, error, status } = await on(page, "ask", "refresh");
      assert.deepEqual({ code, error, status }, shape.refused);
      const look = await on(page, "look");
      assert.deepEqual([look.status, look.reason, look.accessToken], ["signed-out", "rejected", null]);
      await sleep(500);
      assert.equal(refreshes().length, 1);
    });

    test("a wrong path, answered 404 as a page, keeps the session", async (t) => {
      const { page } = await signIn(t, servers.long, {
        more: { refresh: { url: `${servers.long.url}/api/nowhere/` } },
      });
      const { code, status } = await on(page, "ask", "refresh");
      assert.deepEqual({ code, status }, { code: "invalid_response", status: 404 });
      assert.equal((await on(page, "look")).status, "signed-in");
    });

    if (shape.rotates) {
      test("each rotated refresh token is kept, across a reload too", async (t) => {
        const { page, refreshes } = await signIn(t, servers.long);
        await on(page, "ask", "refresh");
        await on(page, "ask", "refresh");
        await page.reload();
        await page.waitForFunction(() => window.ready);
        await on(page, "openSession", { entry, ...shape.preset(servers.long.url), allow: [servers.long.url] });
        assert.equal((await on(page, "ask", "refresh")).value.status, "signed-in");
        const presented = refreshes().map(({ body }) => JSON.parse(body)[shape.names.param]);
        assert.equal(new Set(presented).size, 3);
      });
    } else {
      test("an answer without a refresh token keeps the old one; the user comes with each", async (t) => {
        const { page, refreshes, tokens } = await signIn(t, servers.long);
        assert.deepEqual((await on(page, "look")).user, { username: ADA.username });
        await on(page, "ask", "refresh");
        await on(page, "ask", "refresh");
        const presented = refreshes().map(({ body }) => JSON.parse(body).refresh_token);
        assert.deepEqual(presented, [tokens.refresh_token, tokens.refresh_token]);
        assert.deepEqual((await on(page, "look")).user, { username: ADA.username });
      });

      test("a sign-out blacklists the refresh token", async (t) => {
        const { page, tokens } = await signIn(t, servers.long);
        await on(page, "ask", "signOut");
        const body = JSON.stringify({ refresh_token: tokens.refresh_token });
        const headers = { "content-type": "application/json" };
        const again = await fetch(servers.long.url + shape.refreshPath, { method: "POST", headers, body });
        assert.deepEqual([again.status, (await again.json()).error], [401, "ERROR_INVALID_REFRESH_TOKEN"]);
      });

      test("a login that asks for a second factor is no sign-in", async (t) => {
        const { page } = await visit(t, browser, app.url);
        await on(page, "openSession", { entry, ...shape.preset(servers.long.url) });
        const refused = await on(page, "ask", "setTokens", {
          two_factor_auth: "totp",
          token: "only.for.the-second-step",
        });
        assert.equal(refused.name, "AuthError");
        assert.equal((await on(page, "look")).status, "signed-out");
      });
    }
  };
}
