// The snippet's server, unchanged, and the challenges of real ones.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { running } from "./running.mjs";
import { startSnippetServer, THE_SNIPPETS } from "./servers/snippet.mjs";
import { ENTRIES, on, openBrowser, telling, visit } from "./setup.mjs";

describe("the snippet", { concurrency: 4, timeout: 120_000 }, () => {
  const cast = running();
  let browser;
  before(async () => {
    [browser] = await cast.start(openBrowser());
  });
  after(() => cast.stop());

  async function open(t, { server: settings = {}, apart, ...more } = {}) {
    const server = Object.assign(await startSnippetServer({ apart }), settings);
    t.after(server.close);
    const visitor = await visit(t, browser, server.url);
    const { page } = visitor;
    const allow = server.api ? { allow: [server.url, server.api] } : {};
    await on(page, "openSession", {
      preset: "json",
      of: { url: "/oauth/token", clientId: "your_client_id" },
      ...allow,
      ...more,
    });
    await on(page, "ask", "setTokens", server.issue());
    const refreshes = () => server.requests.filter(({ path }) => path === "/oauth/token");
    const calls = () => server.requests.filter(({ path, method }) => path.startsWith("/api/") && method !== "OPTIONS");
    return { ...visitor, server, refreshes, calls };
  }

  const both = (name, run) => {
    for (const entry of ENTRIES) test(`${name} (${entry})`, (t) => run(t, entry));
  };

  both("its server is asked as the snippet asks it", async (t, entry) => {
    const { page, refreshes } = await open(t, { entry });
    await on(page, "ask", "refresh");
    const [{ method, headers, body }] = refreshes();
    const { refresh_token, ...members } = JSON.parse(body);
    assert.match(refresh_token, /^rt-/);
    assert.deepEqual([method, members], ["POST", { grant_type: "refresh_token", client_id: "your_client_id" }]);
    assert.match(headers["content-type"], /^application\/json/);
    assert.equal(telling(headers).authorization, undefined);
  });

  both("its challenge leads to one refresh and one replay, and each rotated token is kept", async (t, entry) => {
    const { page, server, refreshes, calls } = await open(t, { entry, retryOn: "invalid_token" });
    for (let round = 1; round <= 3; round += 1) {
      server.expireAccess();
      assert.deepEqual(await on(page, "call", "/api/profile"), { status: 200, body: { name: "Ada", marks: null } });
      assert.deepEqual([refreshes().length, calls().length], [round, 2 * round]);
    }
  });

  test("a Headers instance goes through, which the snippet loses", async (t) => {
    const { page } = await open(t);
    const body = await page.evaluate(async () => {
      const headers = new Headers({ "x-mark": "kept" });
      return (await window.session.fetch("/api/profile", { headers })).json();
    });
    assert.equal(body.marks, "kept");
  });

  for (const [what, expiresIn] of [
    ["without expires_in", undefined],
    ['with expires_in "3600"', "3600"],
  ]) {
    test(`a token ${what} is used until the API refuses it`, async (t) => {
      const { page, server, refreshes } = await open(t, { server: { expiresIn } });
      assert.equal((await on(page, "call", "/api/profile")).status, 200);
      assert.equal(refreshes().length, 0);
      server.expireAccess();
      assert.equal((await on(page, "call", "/api/profile")).status, 200);
      assert.equal(refreshes().length, 1);
      const { expiresAt } = await on(page, "look");
      if (expiresIn) assert.ok(Math.abs(expiresAt - Date.now() - 3_600_000) < 10_000);
      else assert.equal(expiresAt, null);
    });
  }

  test("an error that is no JSON keeps its status, and the session", async (t) => {
    const { page, server } = await open(t);
    server.faults.push([502, "text/html", "<h1>Bad Gateway</h1>"]);
    const { code, status } = await on(page, "ask", "refresh");
    assert.deepEqual({ code, status }, { code: "refresh_unavailable", status: 502 });
    assert.equal((await on(page, "look")).status, "signed-in");
  });

  test("a server that has forgotten the refresh token ends the session", async (t) => {
    const { page, server } = await open(t);
    server.faults.push([400, "application/json", '{"error":"invalid_grant","error_description":"Gone"}']);
    const { code, error } = await on(page, "ask", "refresh");
    assert.deepEqual({ code, error }, { code: "invalid_grant", error: "invalid_grant" });
    assert.equal((await on(page, "look")).status, "signed-out");
  });

  // -------------------------------------------------------------- challenges as real servers write them

  // None of them is Basic or Digest: a browser would ask its user for a password, and nobody here would answer.
  const TELLS_OF_AN_INVALID_TOKEN = {
    "the snippet's": THE_SNIPPETS,
    "oidc-provider's":
      'Bearer realm="http://localhost:3000", error="invalid_token", error_description="invalid token provided"',
    "Spring Security's":
      'Bearer error="invalid_token", error_description="Jwt expired at 2024-01-01T00:00:00Z", error_uri="https://tools.ietf.org/html/rfc6750#section-3.1"',
    "a terse one": "bearer error=invalid_token",
    "the second of two": 'Token realm="a, \\"b\\"", Bearer realm="api", error="invalid_token"',
    "DPoP's": 'DPoP algs="ES256", Bearer error="invalid_token"',
  };
  for (const [whose, challenge] of Object.entries(TELLS_OF_AN_INVALID_TOKEN)) {
    test(`understood: ${whose}`, async (t) => {
      const { page, server, refreshes } = await open(t, { server: { challenge }, retryOn: "invalid_token" });
      server.expireAccess();
      assert.equal((await on(page, "call", "/api/profile")).status, 200);
      assert.equal(refreshes().length, 1);
    });
  }

  const SAYS_SOMETHING_ELSE = {
    "no credentials at all": 'Bearer realm="api"',
    "another scheme": 'Token error="invalid_token"',
    "the words in a description":
      'Bearer error="invalid_request", error_description="no error=\\"invalid_token\\" here"',
  };
  for (const [what, challenge] of Object.entries(SAYS_SOMETHING_ELSE)) {
    test(`not taken for invalid_token: ${what}`, async (t) => {
      const { page, server, refreshes, calls } = await open(t, { server: { challenge }, retryOn: "invalid_token" });
      server.expireAccess();
      assert.equal((await on(page, "call", "/api/profile")).status, 401);
      assert.deepEqual([refreshes().length, calls().length], [0, 1]);
    });
  }

  const always = (status, challenge) => `/api/always?${encodeURIComponent(JSON.stringify({ status, challenge }))}`;

  for (const retryOn of ["any", "invalid_token"]) {
    for (const status of [401, 403]) {
      test(`insufficient_scope with ${status} never refreshes (retryOn "${retryOn}")`, async (t) => {
        const { page, refreshes, calls } = await open(t, { retryOn });
        const challenge = 'Bearer realm="api", error="insufficient_scope", scope="write"';
        assert.equal((await on(page, "call", always(status, challenge))).status, status);
        assert.deepEqual([refreshes().length, calls().length], [0, 1]);
      });
    }
  }

  both("a step-up challenge of RFC 9470 comes out as an event, and is no reason to refresh", async (t, entry) => {
    const { page, server, refreshes, calls } = await open(t, { entry });
    const challenge =
      'Bearer error="insufficient_user_authentication", error_description="A different authentication level is required", acr_values="myACR other", max_age="5"';
    const path = always(401, challenge);
    assert.equal((await on(page, "call", path)).status, 401);
    assert.deepEqual([refreshes().length, calls().length], [0, 1]);
    const events = await page.evaluate(() => window.events);
    assert.deepEqual(events, [{ type: "step-up", url: server.url + path, acrValues: "myACR other", maxAge: 5 }]);
    assert.equal((await on(page, "look")).status, "signed-in");
  });

  both("on another origin, which shows no challenge, any 401 is reason enough for one refresh", async (t, entry) => {
    const { page, server, refreshes, calls } = await open(t, { entry, apart: true });
    server.expireAccess();
    assert.equal((await on(page, "call", `${server.api}/api/profile`)).status, 200);
    assert.deepEqual([refreshes().length, calls().length], [1, 2]);
  });

  both("an API that refuses for ever costs one refresh, and the caller has its last word", async (t, entry) => {
    const { page, refreshes, calls } = await open(t, { entry });
    for (let round = 0; round < 3; round += 1) {
      assert.deepEqual(await on(page, "call", always(401, THE_SNIPPETS)), { status: 401, body: { error: "no" } });
      await sleep(50);
    }
    assert.equal(refreshes().length, 1);
    assert.ok(calls().length <= 4, `${calls().length} calls`);
  });
});
