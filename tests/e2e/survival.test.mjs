// A session ends only because the user or the server ended it: not for a reload, a dead network or a server in trouble.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { startServer } from "../../www/server/main.mjs";
import { ENTRIES, openBare, openBrowser, PKG, ready, until } from "./browser.mjs";

const status = (page) => page.evaluate(() => window.session.snapshot.status);
const callApi = (page) => page.evaluate(async () => (await window.session.fetch("/api/time")).status);

/** Collects the session's events of some kinds in the page. */
const listen = (page, ...kinds) =>
  page.evaluate((wanted) => {
    window.events = [];
    for (const kind of wanted) {
      window.session.on(kind, (event) =>
        window.events.push({ kind, code: event.error?.code, status: event.error?.status, retryAt: event.retryAt }),
      );
    }
  }, kinds);
const heard = (page, kind) => page.evaluate((wanted) => window.events.filter((event) => event.kind === wanted), kind);

const survival = (entry) => () => {
  let browser;
  before(async () => {
    browser = await openBrowser();
  });
  after(() => browser.close());

  test("a reload keeps the session and costs no token request", async (t) => {
    const { server, page } = await openBare(t, browser, { entry, accessTtl: 60 });
    const user = await page.evaluate(() => window.session.snapshot.claims.sub);
    for (let i = 0; i < 3; i += 1) {
      await page.reload();
      await ready(page);
      await page.evaluate(() => window.openSession());
      const { snapshot } = await page.evaluate(() => ({ snapshot: window.session.snapshot }));
      assert.equal(snapshot.status, "signed-in");
      assert.equal(snapshot.reason, "stored");
      assert.equal(snapshot.claims.sub, user);
      assert.equal(await callApi(page), 200);
    }
    assert.equal(server.stats().tokenRequests.total, 0);
  });

  const atOnce = { skip: entry === "worker" && "what a worker has unsealed comes a moment later" };
  test("stored state is there at once after `new AuthSession`", atOnce, async (t) => {
    const { page } = await openBare(t, browser, { entry, accessTtl: 60 });
    await page.reload();
    await ready(page);
    const seen = await page.evaluate(() => {
      const refresh = { url: "/oidc/token", clientId: "tokenwell-demo" };
      const session = new window.tokenwell.AuthSession({ refresh });
      const known = window.tokenwell.AuthSession.get() === session;
      return { status: session.snapshot.status, hasToken: session.accessToken !== null, known };
    });
    assert.deepEqual(seen, { status: "signed-in", hasToken: true, known: true });
  });

  test("a reload after the token has expired recovers with one token request", async (t) => {
    const { server, page } = await openBare(t, browser, { entry, accessTtl: 1, session: { autoRefresh: false } });
    server.setAccessTtl(60);
    await page.waitForFunction(() => Date.now() > window.session.snapshot.expiresAt);
    await page.reload();
    await ready(page);
    await page.evaluate(() => window.openSession());
    assert.equal(await callApi(page), 200);
    assert.equal(server.stats().tokenRequests.total, 1);
  });

  test("a network that is gone keeps the session, and its return brings it back", async (t) => {
    const { server, context, page } = await openBare(t, browser, { entry, accessTtl: 2 });
    await listen(page, "refresh-failed", "signed-out", "refreshed");
    await context.setOffline(true);
    await until(async () => (await heard(page, "refresh-failed")).length >= 2, "two failed refreshes");
    await until(async () => (await status(page)) === "expired", "the token to expire");
    const refused = await page.evaluate(() =>
      window.session.fetch("/api/time").then(
        () => "answered",
        (error) => ({ name: error.name, code: error.code, isAuthError: error instanceof window.tokenwell.AuthError }),
      ),
    );
    assert.deepEqual(refused, { name: "AuthError", code: "refresh_unavailable", isAuthError: true });

    const before = server.stats();
    await context.setOffline(false);
    await until(async () => (await status(page)) === "signed-in", "recovery");
    assert.equal(await callApi(page), 200);
    assert.deepEqual(await heard(page, "signed-out"), []);
    assert.equal(server.stats().tokenRequests.refused, before.tokenRequests.refused);
    assert.equal(server.stats().reuseDetected, 0);
  });

  test("a network that comes back is used at once, not at the next try", { timeout: 120_000 }, async (t) => {
    const { server, context, page } = await openBare(t, browser, { entry, accessTtl: 2 });
    await listen(page, "refresh-failed");
    await context.setOffline(true);
    const far = () => page.evaluate(() => (window.events.at(-1)?.retryAt ?? 0) - Date.now() > 10_000);
    await until(far, "a next try more than 10 s away", { within: 90_000 });
    const start = server.stats();
    await context.setOffline(false);
    await until(() => server.stats().rotations > start.rotations, "a refresh long before that", { within: 5000 });
  });

  test("while the token endpoint says 503, a token that is still valid goes on being served", async (t) => {
    const { server, page } = await openBare(t, browser, { entry, accessTtl: 60 });
    server.faults.set({ token: { kind: "status", status: 503, times: "always" } });
    const failed = await page.evaluate(() =>
      window.session.refresh().catch(({ code, status, retryable }) => ({ code, status, retryable })),
    );
    assert.deepEqual(failed, { code: "refresh_unavailable", status: 503, retryable: true });
    assert.equal(await status(page), "signed-in");
    assert.equal(await callApi(page), 200);
  });

  test("a token endpoint that says 503 until the token has expired keeps the session", async (t) => {
    const { server, page } = await openBare(t, browser, { entry, accessTtl: 2 });
    await listen(page, "refresh-failed", "signed-out");
    server.faults.set({ token: { kind: "status", status: 503, times: "always" } });
    await until(async () => (await heard(page, "refresh-failed")).length >= 2, "two failed refreshes");
    await until(async () => (await status(page)) === "expired", "the token to expire");
    server.faults.clear();
    await until(() => server.stats().rotations >= 1, "recovery by itself");
    assert.equal(await callApi(page), 200);
    assert.deepEqual(await heard(page, "signed-out"), []);
  });

  for (const [name, fault] of [
    ["an HTML page in place of the answer", { kind: "html", status: 200 }],
    ["a connection dropped before the server acted", { kind: "drop-before" }],
    ["a 429 with Retry-After", { kind: "status", status: 429, retryAfter: 1 }],
  ]) {
    test(`${name} keeps the session`, async (t) => {
      const { server, page } = await openBare(t, browser, { entry, accessTtl: 2 });
      await listen(page, "refresh-failed", "signed-out");
      // Not a number of times: Chromium by itself repeats a request whose kept-alive connection was dropped.
      server.faults.set({ token: { ...fault, times: "always" } });
      await until(async () => (await heard(page, "refresh-failed")).length >= 1, "a failed refresh");
      server.faults.clear();
      await until(() => server.stats().rotations >= 1, "a rotation after the fault");
      assert.deepEqual(await heard(page, "signed-out"), []);
      assert.equal(await callApi(page), 200);
      assert.equal(server.stats().reuseDetected, 0);
    });
  }

  test("a server that restarts finds the session again", async (t) => {
    const { server, page } = await openBare(t, browser, { entry, accessTtl: 2 });
    const user = await page.evaluate(() => window.session.snapshot.claims.sub);
    await listen(page, "refresh-failed", "signed-out");
    await until(() => server.stats().rotations >= 1, "a rotation");
    await until(() => page.evaluate(() => !window.session.snapshot.refreshing), "no refresh under way");
    await server.close();
    await until(async () => (await heard(page, "refresh-failed")).length >= 1, "a failed refresh");
    const port = Number(new URL(server.url).port);
    const again = await startServer({ port, accessTtl: 20, store: server.store, pkg: PKG });
    t.after(() => again.close());
    await until(() => again.stats().rotations >= 1, "a rotation at the new server");
    assert.equal(await callApi(page), 200);
    assert.equal(await page.evaluate(() => window.session.snapshot.claims.sub), user);
    assert.deepEqual(await heard(page, "signed-out"), []);
  });

  test("a refresh token the server refuses ends the session, once and for good", async (t) => {
    const { server, page } = await openBare(t, browser, { entry, accessTtl: 60 });
    await listen(page, "signed-out");
    server.store.records.clear();
    const code = await page.evaluate(() => window.session.refresh().catch((error) => error.code));
    assert.equal(code, "invalid_grant");
    const { status: now, reason } = await page.evaluate(() => window.session.snapshot);
    assert.deepEqual({ now, reason }, { now: "signed-out", reason: "rejected" });
    assert.equal((await heard(page, "signed-out")).length, 1);
    assert.equal(server.stats().tokenRequests.total, 1);
  });

  test("corrupt and hostile stored state means signed out, never an exception", { timeout: 60_000 }, async (t) => {
    const { page, seen } = await openBare(t, browser, { entry, accessTtl: 60 });
    const stored = await page.evaluate(() => ({ ...sessionStorage }));
    const names = Object.keys(stored);
    assert.ok(names.length > 0, "a signed-in session is stored");
    const hostile = ["", "null", "{", "[]", "42", '"text"', '{"v":1}', "\u0000", "x".repeat(200_000)];
    hostile.push(
      "[".repeat(20_000),
      '{"__proto__":{"status":"signed-in"}}',
      ...names.flatMap((name) => spoil(stored[name])),
    );
    for (const value of hostile) {
      await page.evaluate(
        ([keys, text]) => {
          for (const key of keys) sessionStorage.setItem(key, text);
        },
        [names, value],
      );
      await page.reload();
      await ready(page);
      await page.evaluate(() => window.openSession({ autoRefresh: false }));
      const shown = await page.evaluate(() => window.session.snapshot.status);
      assert.equal(shown, "signed-out", `with ${JSON.stringify(value.slice(0, 60))}`);
    }
    await page.evaluate(() => window.signIn());
    assert.equal(await callApi(page), 200);
    assert.deepEqual(seen.errors, []);
  });

  test("signing out clears the storage, tells the listeners and stops every request", async (t) => {
    const { server, page, seen } = await openBare(t, browser, { entry, accessTtl: 1 });
    await listen(page, "signed-out");
    await until(() => server.stats().rotations >= 1, "a rotation");
    await page.evaluate(() => window.session.signOut());
    const { accessToken, status: now, reason } = await page.evaluate(() => window.session.snapshot);
    assert.deepEqual({ accessToken, now, reason }, { accessToken: null, now: "signed-out", reason: "signed-out" });
    assert.equal((await heard(page, "signed-out")).length, 1);
    await seen.settled();
    const kept = JSON.stringify(await page.evaluate(() => [{ ...sessionStorage }, { ...localStorage }]));
    for (const token of seen.tokens) assert.ok(!kept.includes(token), "a token was left in the storage");

    const before = server.stats().tokenRequests.total;
    assert.equal(await page.evaluate(() => window.session.getAccessToken()), null);
    await page.evaluate(() => new Promise((done) => setTimeout(done, 2500))); // Twice a token's life and more.
    assert.equal(server.stats().tokenRequests.total, before);
    await page.reload();
    await ready(page);
    await page.evaluate(() => window.openSession());
    assert.equal(await status(page), "signed-out");
  });

  test("signing out while a refresh is under way is not undone by its answer", async (t) => {
    const { server, page } = await openBare(t, browser, { entry, accessTtl: 60 });
    server.faults.set({ token: { kind: "delay", ms: 400 } });
    const refreshing = page.evaluate(() =>
      window.session.refresh().then(
        () => "refreshed",
        (error) => error.code,
      ),
    );
    await until(() => server.stats().tokenRequests.total === 1, "the token request");
    await page.evaluate(() => window.session.signOut());
    assert.notEqual(await refreshing, "refreshed");
    await until(() => server.stats().tokenRequests.ok === 1, "the late answer");
    await page.evaluate(() => new Promise((done) => setTimeout(done, 200))); // Time for it to arrive.
    const stored = await page.evaluate(() => JSON.stringify({ ...sessionStorage }));
    assert.equal(await status(page), "signed-out");
    assert.ok(!/access_?token"?:"[^"]/i.test(stored), "nothing was stored after signing out");
  });
};

for (const entry of ENTRIES) describe(`survival through ${entry}`, { concurrency: 6 }, survival(entry));

/** Ways to break a stored value that is still recognisable. */
function spoil(text) {
  return [
    text.slice(0, text.length / 2),
    `${text}}`,
    text.replace(/:"[^"]*"/g, ":null"),
    text.replace(/:"[^"]*"/g, ":{}"),
    text.replace(/:"[^"]*"/g, ":[1]"),
  ].filter((spoilt) => spoilt !== text);
}
