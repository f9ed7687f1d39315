// The demo's switch between backends: each tried as a visitor would, by its buttons.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { startServer } from "../../www/server/main.mjs";
import { openBrowser, PKG, until } from "./setup.mjs";

describe("the demo's backends", { concurrency: false, timeout: 120_000 }, () => {
  let browser, demo;
  before(async () => {
    [browser, demo] = await Promise.all([openBrowser(), startServer({ pkg: PKG })]);
  });
  after(() => Promise.all([browser.close(), demo.close()]));

  for (const name of ["sapphire", "authgear", "baserow", "simplejwt"]) {
    test(`${name}: chosen, signed in, refreshed, reloaded, signed out`, async (t) => {
      const context = await browser.newContext();
      t.after(() => context.close());
      const page = await context.newPage();
      const errors = [];
      page.on("pageerror", (error) => errors.push(String(error)));
      await page.goto(demo.url);
      await page.click("text=Other backends");
      const says = (id, wanted) =>
        until(
          async () => (await page.textContent(`#${id}`)) === wanted,
          async () => `${id}: ${await page.textContent(`#${id}`)}, ${await page.textContent("#result")}`,
        );
      const press = (action) => page.click(`[data-action=${action}]`);

      await says("result", "The server is running.");
      await page.selectOption("#backend", name);
      await page.waitForURL(`**/backends.html?of=${name}`);
      await says("result", "The server is running.");
      await press("signIn");
      if (name === "authgear") {
        await page.fill("input[name=login]", "ada");
        await page.fill("input[name=password]", "any");
        await page.click("button[type=submit]");
        await page.waitForSelector("text=Authorize");
        await page.click("button[type=submit]");
        await page.waitForURL(`**/backends.html?of=${name}*`);
      }
      await says("status", "signed-in");
      if (name === "baserow" || name === "simplejwt") {
        await press("callApi");
        await says("result", 'The API answered 200: {"username":"ada@example.com"}');
      }
      await press("refresh");
      await says("reason", "refreshed");
      await page.reload();
      await says("result", "The server is running.");
      await says("reason", "stored");
      await press("signOut");
      await says("status", "signed-out");
      assert.ok((await page.locator("#requests li").count()) >= 2);
      assert.deepEqual(errors, []);
    });
  }
});
