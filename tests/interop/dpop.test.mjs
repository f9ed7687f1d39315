// Proofs of possession (RFC 9449) with a real OpenID provider that takes no token and no request without one: the
// sign-in clicked through, calls to its userinfo endpoint, refreshes, nonces of both kinds, tabs and reloads.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { running } from "./running.mjs";
import { PUBLIC, startOidc } from "./servers/oidc.mjs";
import { on, openBrowser, openPage, until, visit } from "./setup.mjs";

const HOUR_MS = 3_600_000;

const options = (at) => ({
  preset: "authgear",
  of: { endpoint: at.issuer, clientId: PUBLIC, redirectUri: `${at.url}/` },
  dpop: true,
  autoRefresh: false,
});

const userinfo = (at) => `${at.issuer}/me`;
const claims = (request) => JSON.parse(Buffer.from(request.headers.dpop.split(".")[1], "base64url"));
const key = (request) => JSON.parse(Buffer.from(request.headers.dpop.split(".")[0], "base64url")).jwk.x;

/** To the provider's own pages and back, signed in. */
async function signIn(t, browser, at, { skewMs = 0, ...more } = {}) {
  const visitor = await visit(t, browser, at.url);
  const { page, context } = visitor;
  if (skewMs) await context.clock.install({ time: Date.now() + skewMs });
  if (skewMs) await page.reload();
  await page.waitForFunction(() => window.ready);
  await on(page, "openSession", { ...options(at), ...more });
  const { value: url } = await on(page, "ask", "startSignIn", { params: { prompt: "consent" } });
  await page.goto(url);
  await page.fill("input[name=login]", "ada");
  await page.fill("input[name=password]", "any");
  await page.click("button[type=submit]");
  await page.waitForSelector("text=Authorize");
  await page.click("button[type=submit]");
  await page.waitForFunction(() => window.ready);
  await on(page, "openSession", { ...options(at), ...more });
  const finished = await on(page, "ask", "finishSignIn");
  assert.equal(finished.value?.snapshot.status, "signed-in", JSON.stringify(finished));
  const to = (path) =>
    visitor.mine(at.requests).filter((request) => request.path === path && request.method !== "OPTIONS");
  return { ...visitor, url, tokens: () => to("/oidc/token"), calls: () => to("/oidc/me") };
}

describe("DPoP", { concurrency: 4, timeout: 120_000 }, () => {
  const cast = running();
  let browser, nonces, plain;
  before(async () => {
    [browser, nonces, plain] = await cast.start(
      openBrowser(),
      startOidc({ dpop: { nonceSecret: randomBytes(32), requireNonce: () => true } }),
      // Without nonces, so that the time in a proof counts.
      startOidc({ dpop: { requireNonce: () => false } }),
    );
  });
  after(() => cast.stop());

  test("a sign-in, a call and a refresh, each with a nonce that was asked for once", async (t) => {
    const { page, url, tokens, calls, mine } = await signIn(t, browser, nonces);
    assert.deepEqual(
      tokens().map(({ status }) => status),
      [400, 200],
      "the code was presented once more, with the nonce",
    );
    assert.equal(claims(tokens()[0]).nonce, undefined);
    assert.ok(claims(tokens()[1]).nonce);
    assert.match(new URL(url).searchParams.get("dpop_jkt"), /^[\w-]{43}$/);

    // The same origin: its nonce is known by now.
    const answer = await on(page, "call", userinfo(nonces));
    assert.deepEqual([answer.status, answer.body.sub], [200, "ada"]);
    assert.match(calls().at(-1).headers.authorization, /^DPoP /);
    assert.equal(calls().length, 1);

    const refreshed = await on(page, "ask", "refresh");
    assert.equal(refreshed.value?.status, "signed-in", JSON.stringify(refreshed));
    assert.equal((await on(page, "call", userinfo(nonces))).status, 200);
    assert.deepEqual(
      tokens().map(({ status }) => status),
      [400, 200, 200],
    );

    const proven = [...tokens(), ...calls()];
    assert.equal(new Set(proven.map(key)).size, 1, "one key");
    assert.equal(new Set(proven.map((request) => claims(request).jti)).size, proven.length);
    assert.ok(mine(nonces.requests).every(({ headers }) => !/^Bearer /i.test(headers.authorization ?? "")));
  });

  test("the same with the session in a worker", async (t) => {
    const isolated = { entry: "worker", exposeAccessToken: false };
    const { page, tokens, calls, mine } = await signIn(t, browser, nonces, isolated);
    assert.deepEqual(
      tokens().map(({ status }) => status),
      [400, 200],
    );
    assert.equal((await on(page, "call", userinfo(nonces))).status, 200);
    const refreshed = await on(page, "ask", "refresh");
    assert.equal(refreshed.value?.status, "signed-in", JSON.stringify(refreshed));

    await page.reload();
    await page.waitForFunction(() => window.ready);
    await on(page, "openSession", { ...options(nonces), ...isolated });
    assert.equal((await on(page, "look")).accessToken, null);
    assert.equal((await on(page, "call", userinfo(nonces))).status, 200);
    assert.equal(new Set([...tokens(), ...calls()].map(key)).size, 1, "one key, also after the reload");
    assert.ok(mine(nonces.requests).every(({ headers }) => !/^Bearer /i.test(headers.authorization ?? "")));
  });

  test("the token is of no use to who takes it without the key", async (t) => {
    const { page } = await signIn(t, browser, nonces);
    const { accessToken } = await on(page, "look");
    for (const scheme of ["DPoP", "Bearer"]) {
      const answer = await fetch(userinfo(nonces), { headers: { authorization: `${scheme} ${accessToken}` } });
      assert.ok([400, 401].includes(answer.status), `${scheme}: ${answer.status}`);
    }
  });

  for (const [what, skewMs] of [
    ["an hour fast", HOUR_MS],
    ["a day slow", -24 * HOUR_MS],
  ]) {
    test(`a clock that is ${what} is corrected by the server's Date, which the first refusal tells`, async (t) => {
      const { page, tokens, calls } = await signIn(t, browser, plain, { skewMs });
      assert.deepEqual(
        tokens().map(({ status }) => status),
        [400, 200],
      );
      assert.ok(Math.abs(claims(tokens()[0]).iat * 1000 - Date.now() - skewMs) < 60_000);
      assert.ok(Math.abs(claims(tokens()[1]).iat * 1000 - Date.now()) < 60_000);
      assert.equal((await on(page, "call", userinfo(plain))).status, 200);
      assert.equal((await on(page, "ask", "refresh")).value?.status, "signed-in");
      assert.equal((await on(page, "call", userinfo(plain))).status, 200);
      assert.deepEqual(
        [...tokens(), ...calls()].map(({ status }) => status),
        [400, 200, 200, 200, 200],
      );
    });
  }

  test("after a reload the key is the same, and the session goes on", async (t) => {
    const { page, tokens, calls } = await signIn(t, browser, nonces);
    assert.equal((await on(page, "call", userinfo(nonces))).status, 200);
    await page.reload();
    await page.waitForFunction(() => window.ready);
    await on(page, "openSession", options(nonces));
    assert.equal((await on(page, "look")).reason, "stored");
    assert.equal((await on(page, "call", userinfo(nonces))).status, 200);
    assert.equal((await on(page, "ask", "refresh")).value?.status, "signed-in");
    assert.equal(new Set([...tokens(), ...calls()].map(key)).size, 1);
  });

  test("a tab opened from another has its key: each refreshes, and both go on", async (t) => {
    const { page, context, tokens, calls } = await signIn(t, browser, nonces);
    const stored = await page.evaluate(() => Object.entries(sessionStorage));
    await context.addInitScript((entries) => {
      for (const [name, value] of entries) if (!sessionStorage.getItem(name)) sessionStorage.setItem(name, value);
    }, stored);
    const other = (await openPage(context, nonces.url)).page;
    await on(other, "openSession", options(nonces));
    assert.equal((await on(other, "look")).status, "signed-in");
    for (const tab of [other, page, other]) {
      const refreshed = await on(tab, "ask", "refresh");
      assert.equal(refreshed.value?.status, "signed-in", JSON.stringify(refreshed));
      const { accessToken } = refreshed.value;
      for (const each of [page, other]) {
        await until(async () => (await on(each, "look")).accessToken === accessToken, "the other tab's tokens");
        assert.equal((await on(each, "call", userinfo(nonces))).status, 200);
      }
    }
    assert.equal(new Set([...tokens(), ...calls()].map(key)).size, 1);
  });
});

// Alone, for here time passes on the server.
describe("DPoP, later", { timeout: 60_000 }, () => {
  test("a nonce that the server does not take any more is replaced, and nothing is refreshed for it", async (t) => {
    const cast = running();
    t.after(() => cast.stop());
    const [browser, at] = await cast.start(
      openBrowser(),
      startOidc({ accessTtl: 3600, dpop: { nonceSecret: randomBytes(32), requireNonce: () => true } }),
    );
    const { page, tokens, calls } = await signIn(t, browser, at);
    assert.equal((await on(page, "call", userinfo(at))).status, 200);
    const date = Date.now;
    Date.now = () => date() + 600_000;
    t.after(() => {
      Date.now = date;
    });
    assert.equal((await on(page, "call", userinfo(at))).status, 200);
    assert.equal((await on(page, "ask", "refresh")).value?.status, "signed-in");
    assert.deepEqual(
      [...calls(), ...tokens()].map(({ status }) => status),
      [200, 401, 200, 400, 200, 200],
    );
    assert.equal(claims(calls()[0]).nonce, claims(calls()[1]).nonce);
    assert.notEqual(claims(calls()[1]).nonce, claims(calls()[2]).nonce);
    assert.equal(claims(calls()[2]).nonce, claims(tokens()[2]).nonce);
  });
});
