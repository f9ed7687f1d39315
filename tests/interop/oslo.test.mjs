// Beside @oslojs/oauth2 0.3.0, in the same page, on the same OpenID provider: each of its ways to authenticate, byte for
// byte at the server, and every answer that its result class reads.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { bundleRivals } from "./rivals.mjs";
import { running } from "./running.mjs";
import { CLIENTS, PUBLIC, startOidc } from "./servers/oidc.mjs";
import { on, openBrowser, telling, until, visit } from "./setup.mjs";

/** Token endpoints that answer as some servers do. */
const ANSWERS = {
  "/github": {
    error: "bad_refresh_token",
    error_description: "The refresh token passed is incorrect or expired.",
    error_uri: "https://docs.github.com/apps/refreshing",
  },
  "/refused-kindly": { error: "invalid_scope", error_description: "No such scope." },
  "/strings": { access_token: "next", token_type: "bearer", expires_in: "3600" },
  "/null": { access_token: "next", token_type: "Bearer", expires_in: 3600, refresh_token: null },
  "/missing": { access_token: "next", token_type: "Bearer", expires_in: 3600 },
  "/everything": {
    access_token: "next",
    token_type: "Bearer",
    expires_in: 3600,
    refresh_token: "rotated",
    refresh_token_expires_in: 86_400,
    scope: "a b",
  },
  "/ending": { access_token: "next", expires_in: 1, refresh_token: "last", refresh_token_expires_in: 3 },
};

describe("Oslo", { concurrency: 4, timeout: 120_000 }, () => {
  const cast = running();
  let browser, oidc;
  before(async () => {
    const files = { "/rivals.js": await bundleRivals() };
    const route = (_request, response, path) => {
      if (!(path in ANSWERS)) return false;
      response.writeHead(200, { "content-type": "application/json" });
      return response.end(JSON.stringify(ANSWERS[path]));
    };
    [browser, oidc] = await cast.start(openBrowser(), startOidc({ files, route }));
  });
  after(() => cast.stop());

  async function open(t, route, tokens = { access_token: "first", refresh_token: "kept", expires_in: 3600 }) {
    const visitor = await visit(t, browser, oidc.url);
    await on(visitor.page, "openSession", { refresh: route, autoRefresh: false });
    await on(visitor.page, "ask", "setTokens", tokens);
    const asked = () => visitor.mine(oidc.requests).filter(({ method }) => method === "POST");
    return { ...visitor, asked };
  }

  /** The page's own example, with one of its ways to authenticate. */
  const oslo = (page, url, token, authenticate) =>
    page.evaluate(
      async ([url, token, [way, ...args]]) => {
        await import("/rivals.js");
        const context = new window.oslo.RefreshRequestContext(token);
        if (way) context[way](...args);
        const body = new URLSearchParams();
        for (const [key, value] of context.body.entries()) body.set(key, value);
        const response = await fetch(url, { method: context.method, body, headers: new Headers(context.headers) });
        const result = new window.oslo.TokenRequestResult(await response.json());
        const read = {};
        for (const name of [
          "errorCode",
          "errorDescription",
          "errorURI",
          "refreshToken",
          "refreshTokenExpiresAt",
          "accessTokenExpiresAt",
        ]) {
          try {
            read[name] = result[name]();
            if (read[name] instanceof Date) read[name] = read[name].getTime();
          } catch {
            read[name] = "throws";
          }
        }
        return read;
      },
      [url, token, authenticate],
    );

  const WAYS = {
    setClientId: [{ clientId: PUBLIC }, ["setClientId", PUBLIC], PUBLIC],
    authenticateWithHTTPBasicAuth: [
      { clientId: CLIENTS.basic.client_id, clientSecret: CLIENTS.basic.client_secret, clientAuth: "basic" },
      ["authenticateWithHTTPBasicAuth", CLIENTS.basic.client_id, CLIENTS.basic.client_secret],
      CLIENTS.basic.client_id,
    ],
    authenticateWithRequestBody: [
      { clientId: CLIENTS.post.client_id, clientSecret: CLIENTS.post.client_secret, clientAuth: "post" },
      ["authenticateWithRequestBody", CLIENTS.post.client_id, CLIENTS.post.client_secret],
      CLIENTS.post.client_id,
    ],
  };
  for (const [way, [options, authenticate, clientId]] of Object.entries(WAYS)) {
    test(`${way}(): the same bytes reach the server`, async (t) => {
      const url = `${oidc.issuer}/token`;
      const [mine, other] = [await oidc.signIn(clientId), await oidc.signIn(clientId)];
      const { page, asked } = await open(t, { url, ...options }, mine);
      assert.equal((await on(page, "ask", "refresh")).value?.status, "signed-in");
      await oslo(page, url, other.refresh_token, authenticate);
      const [ours, theirs] = asked().map(({ method, path, headers, body, status }, which) => {
        const { cookie: _, ...sent } = telling(headers);
        return { method, path, status, headers: sent, body: body.replaceAll([mine, other][which].refresh_token, "…") };
      });
      // By the letter, what fetch itself adds for URLSearchParams or a string differs in case alone.
      for (const { headers } of [ours, theirs]) headers["content-type"] = headers["content-type"].toLowerCase();
      assert.equal(theirs.status, 200);
      assert.deepEqual(ours, {
        ...theirs,
        headers: { ...theirs.headers, "content-type": ours.headers["content-type"] },
      });
      assert.match(ours.headers["content-type"], /^application\/x-www-form-urlencoded/);
      assert.equal(ours.headers.accept, "application/json");
    });
  }

  test("where id or secret need it, RFC 6749's encoding wins over Oslo's raw text, and the server agrees", async (t) => {
    const url = `${oidc.issuer}/token`;
    const { client_id: clientId, client_secret: clientSecret } = CLIENTS.odd;
    const { page, asked } = await open(
      t,
      { url, clientId, clientSecret, clientAuth: "basic" },
      await oidc.signIn(clientId),
    );
    assert.equal((await on(page, "ask", "refresh")).value?.status, "signed-in");
    const other = await oidc.signIn(clientId);
    await oslo(page, url, other.refresh_token, ["authenticateWithHTTPBasicAuth", clientId, clientSecret]);
    assert.deepEqual(
      asked().map(({ status }) => status),
      [200, 400],
    );
  });

  for (const [path, code] of [
    ["/github", "invalid_grant"],
    ["/refused-kindly", "invalid_response"],
  ]) {
    test(`200 with an error (${path}) is a failure with its code, description and uri`, async (t) => {
      const { page } = await open(t, { url: oidc.url + path, clientId: "x" });
      const refused = await page.evaluate(async () => {
        const { code, error, description, uri, status } = await window.session.refresh().catch((error) => error);
        return { code, errorCode: error, errorDescription: description, errorURI: uri ?? "throws", status };
      });
      const { errorCode, errorDescription, errorURI } = await oslo(page, oidc.url + path, "kept", []);
      assert.deepEqual(refused, { code, status: 200, errorCode, errorDescription, errorURI });
      assert.equal((await on(page, "look")).status, code === "invalid_grant" ? "signed-out" : "signed-in");
    });
  }

  for (const path of ["/missing", "/null", "/strings"]) {
    test(`an answer that Oslo throws at (${path}) is a good one, and the old refresh token is kept`, async (t) => {
      const { page, asked } = await open(t, { url: oidc.url + path });
      for (let round = 0; round < 2; round += 1) await on(page, "ask", "refresh");
      const look = await on(page, "look");
      assert.equal(look.accessToken, "next");
      assert.ok(Math.abs(look.expiresAt - Date.now() - 3_600_000) < 10_000);
      const presented = asked().map(({ body }) => new URLSearchParams(body).get("refresh_token"));
      assert.deepEqual(presented, ["kept", "kept"]);
      const read = await oslo(page, oidc.url + path, "kept", []);
      assert.equal(read.refreshToken, "throws");
    });
  }

  test("refresh_token_expires_in is read as refreshTokenExpiresAt() reads it", async (t) => {
    const { page } = await open(t, { url: `${oidc.url}/everything` });
    await on(page, "ask", "refresh");
    const { refreshTokenExpiresAt, expiresAt, scope } = await on(page, "look");
    const theirs = await oslo(page, `${oidc.url}/everything`, "kept", []);
    assert.ok(Math.abs(refreshTokenExpiresAt - theirs.refreshTokenExpiresAt) < 5000);
    assert.ok(Math.abs(expiresAt - theirs.accessTokenExpiresAt) < 5000);
    assert.equal(scope, "a b");
  });

  test("when the refresh token's own end has passed, the session ends in order, without a request", async (t) => {
    const { page, asked } = await open(t, { url: `${oidc.url}/ending` });
    await on(page, "ask", "refresh");
    await until(
      async () => (await on(page, "look")).status === "signed-out",
      async () => JSON.stringify(await on(page, "look")),
      { within: 20_000 }, // Other tabs are given some seconds to save it.
    );
    assert.equal((await on(page, "look")).reason, "expired");
    const ended = (await page.evaluate(() => window.events)).filter(({ type }) => type === "signed-out");
    assert.deepEqual(
      ended.map(({ reason }) => reason),
      ["expired"],
    );
    assert.equal(asked().length, 1);
  });
});
