// The demo's switch between backends: each tried as a visitor would, by its buttons.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { startServer } from "../../www/server/main.mjs";
import { running } from "./running.mjs";
import { openBrowser, PKG, until } from "./setup.mjs";

describe("the demo's backends", { concurrency: false, timeout: 120_000 }, () => {
  const cast = running();
  let browser, demo;
  before(async () => {
    [browser, demo] = await cast.start(openBrowser(), startServer({ pkg: PKG }));
  });
  after(() => cast.stop());

  /** The page of a backend, found as a visitor finds it. */
  async function choose(t, name) {
    const context = await browser.newContext();
    t.after(() => context.close());
    const page = await context.newPage();
    const errors = [];
    page.on("pageerror", (error) => errors.push(String(error)));
    t.after(() => assert.deepEqual(errors, []));
    await page.goto(demo.url);
    await page.click("text=Other backends");
    const says = (id, wanted) =>
      until(
        async () => {
          const text = await page.textContent(`#${id}`);
          return typeof wanted === "string" ? text === wanted : wanted.test(text);
        },
        async () => `${id}: ${await page.textContent(`#${id}`)}, ${await page.textContent("#result")}`,
      );
    await says("result", "The server is running.");
    await page.selectOption("#backend", name);
    await page.waitForURL(`**/backends.html?of=${name}`);
    await says("result", "The server is running.");
    const press = (action) => page.click(`[data-action=${action}]`);
    /** Of the requests that reached the backend, those to this path. */
    const asked = async (path) => {
      const { length } = (await page.locator("#requests li").allTextContents()).filter((line) => line.includes(path));
      return length;
    };
    return { page, says, press, asked };
  }

  /** What the API says to whoever is signed in. */
  const ANSWERS = {
    sapphire: 'The API answered 200: {"id":"1"}',
    snippet: 'The API answered 200: {"name":"Ada","marks":null}',
    authgear: 'The API answered 200: {"sub":"ada"}',
    baserow: 'The API answered 200: {"username":"ada@example.com"}',
    simplejwt: 'The API answered 200: {"username":"ada@example.com"}',
    appsmith: 'getusers_API gave {"username":"ada@example.com"}',
  };

  for (const [name, answer] of Object.entries(ANSWERS)) {
    test(`${name}: chosen, signed in, called, refreshed, reloaded, signed out`, async (t) => {
      const { page, says, press } = await choose(t, name);
      await says("status", "signed-out");
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
      await press("callApi");
      await says("result", answer);
      await press("refresh");
      await says("reason", "refreshed");
      await page.reload();
      await says("result", "The server is running.");
      await says("reason", "stored");
      await press("callApi");
      await says("result", answer);
      await press("signOut");
      await says("status", "signed-out");
      assert.ok((await page.locator("#requests li").count()) >= 2);
    });
  }

  test("snippet: a token that its API takes no more costs one refresh, and the call is answered", async (t) => {
    const { says, press, asked } = await choose(t, "snippet");
    await press("signIn");
    await says("status", "signed-in");
    const [tokens, calls] = [await asked("/oauth/token"), await asked("/api/profile")];
    await press("expire");
    await says("result", "The API takes none of its tokens any more.");
    await press("callApi");
    await says("result", ANSWERS.snippet);
    await says("reason", "refreshed");
    await until(async () => (await asked("/oauth/token")) > tokens, "the refresh in the list");
    assert.deepEqual([await asked("/oauth/token"), await asked("/api/profile")], [tokens + 1, calls + 2]);
  });

  test("appsmith: the documented JS Object keeps the guide's keys, and is called from expressions", async (t) => {
    const { page, says, press } = await choose(t, "appsmith");
    const evaluate = async (how, expression, wanted) => {
      await page.fill("#expression", expression);
      await press(how);
      await says("result", wanted);
    };
    await evaluate("asTrigger", "Auth.getAccessToken()", /^"\(a token of \d+ characters\)"$/);
    await says("status", "signed-in");
    const kept = await page.locator("#store li").allTextContents();
    for (const key of ["authAccessToken:", "authRefreshToken:", "authAccessTokenExp:"]) {
      assert.ok(
        kept.some((line) => line.startsWith(key)),
        key,
      );
    }
    assert.doesNotMatch(await page.textContent("main"), /\bey[\w-]+\.[\w-]+\.[\w-]+/);
    await evaluate("asField", "Auth.verifyAccessTokenExpired()", "false");
    await evaluate("asField", "typeof Auth.getAccessToken.data", '"string"');
    await evaluate("asField", "fetch('/')", "Please remove any direct/indirect references to fetch() and try again.");
    await evaluate(
      "asTrigger",
      "Promise.all([1, 2, 3].map(Auth.refreshAccessToken)).then((all) => new Set(all).size)",
      "1",
    );
    await page.fill("#object", "export default { answer: () => 42 }");
    await evaluate("asTrigger", "Auth.answer()", "42");
  });
});
