// tokenwell/inspector on a page with a real server and a strict policy.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { openBare, openBrowser, until } from "./browser.mjs";

describe("inspector", { concurrency: 4 }, () => {
  let browser;
  before(async () => {
    browser = await openBrowser();
  });
  after(() => browser.close());

  const mount = (page, options = {}) =>
    page.evaluate(async (wanted) => {
      const { mountInspector, report } = await import("/pkg/dist/inspector.js");
      Object.assign(window, { inspector: mountInspector(window.session, wanted), report });
    }, options);
  // Playwright looks into open shadow roots by itself.
  const panel = (page) => page.locator("tokenwell-inspector section");
  const says = (page, pattern) =>
    until(
      async () => pattern.test(await panel(page).textContent()),
      async () => `the inspector to say ${pattern}; it says ${await panel(page).textContent()}`,
    );

  test("folded it is one button with the status and a countdown; unfolded it tells all, under a strict policy", async (t) => {
    const { server, page, seen } = await openBare(t, browser, { accessTtl: 60 });
    await mount(page);
    const toggle = page.getByRole("button", { name: /^signed-in · \d+ s|1 min/ });
    assert.equal(await toggle.getAttribute("aria-expanded"), "false");
    assert.equal(await panel(page).isVisible(), false);
    await toggle.focus();
    await page.keyboard.press("Enter");
    await says(page, /Statussigned-in \(signed-in\)/);
    await says(page, /Token expiresin (1 min 0 s|\d+ s)/);
    await says(page, /nameAda|name[A-Z]/);
    await says(page, /signed in.*tokens of a login were given/);
    await page.getByRole("button", { name: "Refresh now" }).click();
    await says(page, /Refreshes1 here/);
    await says(page, /new token.*the route granted it/);
    assert.equal(server.stats().rotations, 1);
    // The icon of the test's own page is a data: URL.
    const said = seen.console.filter((line) => !line.includes("data:,"));
    assert.deepEqual([seen.errors, said], [[], []]);
  });

  test("no token is in it or in the report, unless the app wants to see it", async (t) => {
    const { page } = await openBare(t, browser, { accessTtl: 60 });
    await mount(page, { open: true });
    await page.getByRole("button", { name: "Refresh now" }).click();
    await says(page, /Refreshes1 here/);
    const all = () =>
      page.evaluate(() => ({
        token: window.session.accessToken,
        shown: document.querySelector("tokenwell-inspector").shadowRoot.innerHTML,
        report: window.report(window.session),
      }));
    const { token, shown, report } = await all();
    assert.ok(token.length > 100 && !shown.includes(token) && !report.includes(token));
    assert.ok(!report.includes("lovelace") && JSON.parse(report).decisions.length > 1, "no claims in the report");
    await page.evaluate(() => window.inspector.remove());
    await mount(page, { open: true, secrets: true });
    await until(async () => (await all()).shown.includes(token), "the token, for who asks for it");
  });

  test("a failure is told with its code, when the next attempt is, and why", async (t) => {
    const { server, page } = await openBare(t, browser, { accessTtl: 60 });
    await mount(page, { open: true });
    server.faults.set({ token: { status: 429, retryAfter: 30, times: "always" } });
    await page.getByRole("button", { name: "Refresh now" }).click();
    await says(page, /Next attemptin \d+ s/);
    await says(page, /Last errors.*refresh_unavailable.*tried again\. \(429, temporarily_unavailable\)/);
    assert.equal(await panel(page).getByText("refresh_unavailable").count(), 1, "once, by event or to who asked");
    await says(page, /refresh failed, session kept/);
    await page.evaluate(() => window.session.signOut());
    await says(page, /Statussigned-out \(signed-out\)/);
  });

  test("an expired token is told of with its age, and what the server said with the error", async (t) => {
    const { server, page } = await openBare(t, browser, { accessTtl: 2, session: { autoRefresh: false } });
    await mount(page, { open: true });
    await page.getByRole("button", { name: /^expired · \d+ s ago/ }).waitFor();
    const play = (_request, response) => {
      response.writeHead(400, { "content-type": "application/json" });
      response.end('{ "error": "invalid_request" }');
    };
    server.faults.set({ token: { kind: "play", play, times: 1 } });
    await page.evaluate(() => window.session.refresh().catch(() => {}));
    await says(page, /invalid_response.*\(400, invalid_request/);
  });

  test("inspectors of several tabs know of each other, and of tokens taken over", async (t) => {
    const { server, context, page } = await openBare(t, browser, { accessTtl: 60, session: { storage: "local" } });
    const second = await context.newPage();
    await second.goto(server.url);
    await second.waitForFunction(() => window.ready);
    await second.evaluate(() => window.openSession({ storage: "local" }));
    for (const tab of [page, second]) await mount(tab, { open: true });
    for (const tab of [page, second]) await says(tab, /Other tabs1 with/);
    await page.getByRole("button", { name: "Refresh now" }).click();
    await says(second, /0 here, 1 taken over/);
  });

  test("taken away, it lets go of the session; two of them get along", async (t) => {
    const { page, seen } = await openBare(t, browser, { accessTtl: 60 });
    await mount(page);
    await mount(page, { open: true });
    assert.equal(await page.locator("tokenwell-inspector").count(), 2);
    await page.evaluate(() => {
      for (const element of document.querySelectorAll("tokenwell-inspector")) element.remove();
    });
    await page.evaluate(() => window.session.refresh());
    assert.deepEqual(seen.errors, []);
  });

  for (const colorScheme of ["light", "dark"]) {
    test(`nothing of it sticks out at 360 px, ${colorScheme}`, async (t) => {
      const { page } = await openBare(t, browser, { accessTtl: 60 });
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width: 360, height: 700 });
      await mount(page, { open: true });
      await says(page, /signed in/);
      const { content } = await page.evaluate(() => ({ content: document.documentElement.scrollWidth }));
      assert.ok(content <= 360, `${content} px`);
    });
  }
});
