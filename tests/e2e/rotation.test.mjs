// The main job: a page that keeps calling an API while its tokens expire and rotate, and never notices.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { ENTRIES, openBare, openBrowser, since, until } from "./browser.mjs";

/** A refresh every 2.4 s, and a token that a call on its way through a busy machine does not outlive. */
const PACE = { accessTtl: 6, session: { leeway: { seconds: 60, fraction: 0.6 } } };

const rotation = (entry) => () => {
  let browser;
  before(async () => {
    browser = await openBrowser();
  });
  after(() => browser.close());

  test("thirty rotations pass without a failed call, one token request each", { timeout: 180_000 }, async (t) => {
    const { server, page } = await openBare(t, browser, { entry, ...PACE });
    await page.evaluate(() => {
      window.calls = { fine: 0, bad: [], pending: 0 };
      window.calling = setInterval(async () => {
        // On a busy machine a queue of them would outlive any token.
        if (window.calls.pending === 4) return;
        window.calls.pending += 1;
        try {
          const response = await window.session.fetch("/api/time");
          if (response.status === 200) window.calls.fine += 1;
          else window.calls.bad.push(response.status);
        } catch (error) {
          window.calls.bad.push(String(error));
        }
        window.calls.pending -= 1;
      }, 100);
    });
    await until(() => server.stats().rotations >= 30, "30 rotations", { within: 170_000 });
    await page.evaluate(() => clearInterval(window.calling));

    const calls = await page.evaluate(() => window.calls);
    assert.deepEqual(calls.bad, []);
    assert.ok(calls.fine > 200, `only ${calls.fine} calls were made`);
    const counted = server.stats();
    assert.equal(counted.tokenRequests.total, counted.rotations);
    assert.equal(counted.tokenRequests.ok, counted.rotations);
    assert.equal(counted.reuseDetected, 0);
  });

  test("tokens are renewed in the background when nobody calls", async (t) => {
    const { server, page } = await openBare(t, browser, { entry, accessTtl: 2 });
    await until(() => server.stats().rotations >= 3, "3 rotations with no call");
    const counted = server.stats();
    assert.equal(counted.tokenRequests.total, counted.rotations);
    assert.equal(await page.evaluate(() => window.session.snapshot.status), "signed-in");
  });

  test("with autoRefresh off nothing is asked until somebody calls", async (t) => {
    const { server, page } = await openBare(t, browser, { entry, accessTtl: 1, session: { autoRefresh: false } });
    await page.waitForFunction(() => Date.now() > window.session.snapshot.expiresAt + 500);
    assert.equal(server.stats().tokenRequests.total, 0);
    server.setAccessTtl(60); // On a busy machine a token of one second may end on its way.
    assert.equal(await page.evaluate(async () => (await window.session.fetch("/api/time")).status), 200);
    assert.equal(server.stats().tokenRequests.total, 1);
  });

  test("200 calls at once on an expired token cost one token request", async (t) => {
    const { server, page } = await openBare(t, browser, { entry, accessTtl: 1, session: { autoRefresh: false } });
    server.setAccessTtl(60);
    await page.waitForFunction(() => Date.now() > window.session.snapshot.expiresAt);
    const start = server.stats();
    assert.deepEqual(await callAtOnce(page, 200), { 200: 200 });
    const { tokenRequests, apiCalls } = since(start, server.stats());
    assert.deepEqual({ tokenRequests, apiCalls }, { tokenRequests: 1, apiCalls: 200 });
  });

  test("200 calls at once on a token the server has revoked cost one token request", async (t) => {
    const { server, page } = await openBare(t, browser, { entry, accessTtl: 60 });
    await page.evaluate(() => window.session.fetch("/demo/expire", { method: "POST" }));
    const start = server.stats();
    assert.deepEqual(await callAtOnce(page, 200), { 200: 200 });
    const { tokenRequests, apiCalls, api401 } = since(start, server.stats());
    assert.equal(tokenRequests, 1);
    assert.equal(apiCalls, 200 + api401, "each refused call was replayed once");
  });
};

// Side by side, for they mostly wait.
describe("rotation", { concurrency: true }, () => {
  for (const entry of ENTRIES) describe(`through ${entry}.js`, { concurrency: 6 }, rotation(entry));
});

/** How often each status came back. */
function callAtOnce(page, n) {
  return page.evaluate(async (many) => {
    const calls = Array.from({ length: many }, () => window.session.fetch("/api/time"));
    const tally = {};
    for (const call of calls) {
      const { status } = await call;
      tally[status] = (tally[status] ?? 0) + 1;
    }
    return tally;
  }, n);
}
