// The demo's page, used as a visitor would.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { openBrowser, openDemo, until } from "./browser.mjs";

const press = (page, name) => page.getByRole("button", { name, exact: true }).click();
const text = (page, id) => page.locator(`#${id}`).textContent();
const shows = (page, id, pattern) =>
  until(
    async () => pattern.test(await text(page, id)),
    async () => `#${id} to show ${pattern}; it shows "${await text(page, id)}"`,
  );
const signIn = async (page) => {
  await press(page, "Sign in");
  await shows(page, "status-title", /Signed in|Refreshing/);
};

describe("page", { concurrency: 6 }, () => {
  let browser;
  before(async () => {
    browser = await openBrowser();
  });
  after(() => browser.close());

  test("every button does what it says, with no error on the console", async (t) => {
    const { server, page, seen } = await openDemo(t, browser, { accessTtl: 60 });
    await shows(page, "status-title", /^Signed out$/);
    await signIn(page);
    assert.equal(server.stats().signIns, 1);

    await press(page, "Call the API");
    await shows(page, "result", /answered 200/);

    await press(page, "50 calls at once");
    await shows(page, "result", /50 answered 200 .* 0 token requests/);

    await press(page, "Expire the token now");
    await shows(page, "result", /refuses this token/);
    await until(() => server.stats().rotations === 1, "the ticker to meet the expired token");
    // A 401 to the very first call with a new token would say that refreshing is of no use.
    await press(page, "Call the API");
    await shows(page, "result", /answered 200/);

    await press(page, "Make the API say 401");
    await shows(page, "result", /the caller saw 200/);
    await until(() => server.stats().rotations === 2, "one refresh for it");

    await page.getByLabel("A call every second").uncheck();
    const { total } = server.stats().api;
    await press(page, "Call the API");
    await until(() => server.stats().api.total > total, "one call without the ticker");

    await press(page, "Sign out");
    await shows(page, "status-title", /^Signed out$/);
    assert.equal(await page.getByRole("button", { name: "Sign in", exact: true }).isEnabled(), true);
    assert.equal(server.stats().tokenRequests.total, 2);

    assert.deepEqual(seen.errors, []);
    // Chromium notes every 401 by itself, and the 400 that ends the snippet's session; anything else would be ours.
    assert.deepEqual(
      seen.console.filter((line) => !/status of 40[01]/.test(line)),
      [],
    );
  });

  test("50 calls on an expired token cost one token request", async (t) => {
    const { server, page } = await openDemo(t, browser, { accessTtl: 60 });
    await signIn(page);
    await page.getByLabel("A call every second").uncheck();
    await press(page, "Expire the token now");
    await shows(page, "result", /refuses this token/);
    await press(page, "50 calls at once");
    await shows(page, "result", /50 answered 200 .* 1 token request\./);
    assert.equal(server.stats().tokenRequests.total, 1);
  });

  test("the counts on the page are the server's, and one request a rotation", async (t) => {
    const { server, page } = await openDemo(t, browser, { accessTtl: 2 });
    await signIn(page);
    await until(() => server.stats().rotations >= 3, "three rotations");
    await shows(page, "count-ratio", /^1\.00$/);
    await shows(page, "count-reuse", /^0$/);
    assert.ok(Number(await text(page, "count-ok")) > 0);
  });

  test("a reload in the middle keeps the session, the user and the pace", async (t) => {
    const { server, page, seen } = await openDemo(t, browser, { accessTtl: 5 });
    await signIn(page);
    const user = await text(page, "user");
    // A rotation whose answer has arrived: a page that is left while it is on the way takes it along.
    await shows(page, "tokens", /^2$/);
    await page.reload();
    await shows(page, "status-title", /Signed in|Refreshing/);
    assert.equal(await text(page, "user"), user);
    await until(() => server.stats().rotations >= 2, "a rotation after the reload");
    assert.equal(server.stats().signIns, 1);
    assert.equal(server.stats().tokenRequests.total, server.stats().rotations);
    assert.deepEqual(seen.errors, []);
  });

  test("a cut network shows that the session is kept, and comes back by itself", async (t) => {
    const { server, context, page, seen } = await openDemo(t, browser, { accessTtl: 3 });
    await signIn(page);
    await context.setOffline(true);
    await shows(page, "status-title", /^Kept, retrying$/);
    await shows(page, "status-text", /Token expired, session kept/);
    await context.setOffline(false);
    await shows(page, "status-title", /Signed in|Refreshing/);
    await until(() => server.stats().rotations >= 2, "rotations after the cut");
    assert.deepEqual(seen.errors, []);
  });

  test("no token is ever on the console, in the page or in an address", async (t) => {
    const { server, page, seen } = await openDemo(t, browser, { accessTtl: 2 });
    await signIn(page);
    await press(page, "Make the API say 401");
    await until(() => server.stats().rotations >= 3, "some tokens");
    const shown = [await page.content()];
    await press(page, "Sign out");
    await shows(page, "status-title", /^Signed out$/);
    await seen.settled();
    shown.push(await page.content(), ...seen.console, ...seen.urls, ...seen.errors);
    assert.ok(seen.tokens.size >= 8, `only ${seen.tokens.size} tokens were seen`);
    for (const token of seen.tokens) assert.ok(!shown.some((place) => place.includes(token)));
  });

  test("it can be used with the keyboard alone", async (t) => {
    const { server, page } = await openDemo(t, browser, { accessTtl: 60 });
    await shows(page, "status-title", /^Signed out$/);
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.textContent), "Skip to the playground");
    await page.keyboard.press("Enter");
    await page.keyboard.press("Enter");
    await shows(page, "status-title", /^Signed in$/);
    assert.equal(server.stats().signIns, 1);
    const focused = () => page.evaluate(() => document.activeElement.textContent);
    await until(async () => (await focused()) === "Call the API", "the focus to go on to the next button");
    await page.keyboard.press("Enter");
    await shows(page, "result", /answered 200/);
  });

  for (const width of [1280, 390]) {
    test(`nothing sticks out at ${width} px`, async (t) => {
      const { page } = await openDemo(t, browser, { accessTtl: 60 });
      await page.setViewportSize({ width, height: 844 });
      await signIn(page);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(wide <= width, `${wide} px wide`);
    });
  }
});
