// A bot dashboard on the real @sapphire/plugin-api: the page on one port of localhost, the bot's API on another.

import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { running } from "./running.mjs";
import { startSapphire } from "./servers/sapphire.mjs";
import { ENTRIES, on, openBrowser, openPage, startApp, telling, until, visit, within } from "./setup.mjs";

const LOGIN_DATA = { user: { id: "1", username: "Ada" }, guilds: [{ id: "7", name: "Analytical Engines" }] };
const DAY_MS = 86_400_000;

describe("Sapphire", { concurrency: false, timeout: 120_000 }, () => {
  const cast = running();
  let browser, app, sapphire;
  before(async () => {
    [browser, app] = await cast.start(openBrowser(), startApp());
    [sapphire] = await cast.start(startSapphire({ origin: app.url, prefix: "api/" }));
  });
  after(() => cast.stop());
  beforeEach(() => {
    Object.assign(sapphire.discord, { down: false, username: "Ada", lifetime: 604_800 });
    sapphire.requests.length = 0;
  });

  const preset = (more) => ({ preset: "sapphire", of: { origin: sapphire.url, prefix: "api/" }, ...more });
  const asked = (path) =>
    sapphire.requests.filter((request) => request.path === `/api/oauth/${path}` && request.method === "POST");
  const refreshes = () => asked("refresh").length;

  /** The dashboard after Discord has sent its visitor back with a code, as the guide's frontend does it. */
  async function signIn(page) {
    const data = await page.evaluate(async (url) => {
      const response = await fetch(`${url}/api/oauth/callback`, {
        method: "POST",
        credentials: "include",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ code: "good", clientId: "266624760782258186", redirectUri: location.href }),
      });
      return response.json();
    }, sapphire.url);
    assert.deepEqual(data, LOGIN_DATA);
    await on(page, "ask", "setUser", data);
  }

  /** Through each entry: what a worker may do otherwise, with its requests, its cookies and what it keeps. */
  const both = (name, run) => {
    for (const entry of ENTRIES) test(`${name} (${entry})`, (t) => run(t, entry));
  };

  async function dashboard(t, more) {
    const visitor = await visit(t, browser, app.url);
    await on(visitor.page, "openSession", preset(more));
    await signIn(visitor.page);
    return visitor;
  }

  both("a sign-in by oauth/callback gives LoginData as the user, and a reload keeps it", async (t, entry) => {
    const { page } = await dashboard(t, { entry });
    const { status, user, accessToken, claims, reason } = await on(page, "look");
    assert.deepEqual(
      { status, user, accessToken, claims, reason },
      {
        status: "signed-in",
        user: LOGIN_DATA,
        accessToken: null,
        claims: null,
        reason: "signed-in",
      },
    );
    await page.reload();
    await page.waitForFunction(() => window.ready);
    await on(page, "openSession", preset({ entry }));
    const restored = await on(page, "look");
    assert.deepEqual([restored.status, restored.user, restored.reason], ["signed-in", LOGIN_DATA, "stored"]);
    await sleep(500);
    assert.equal(refreshes(), 0, "data a second old needs no resync");
  });

  both("resync gives the user as Discord now has it", async (t, entry) => {
    const { page } = await dashboard(t, { entry });
    sapphire.discord.username = "Countess Lovelace";
    const { value } = await on(page, "ask", "resync");
    assert.deepEqual(value, { ...LOGIN_DATA, user: { id: "1", username: "Countess Lovelace" } });
    assert.deepEqual((await on(page, "look")).user, value);
    assert.equal(refreshes(), 1);
  });

  both("a refresh carries the cookie and nothing that its CORS would refuse", async (t, entry) => {
    const { page } = await dashboard(t, { entry });
    await on(page, "ask", "refresh");
    const [{ headers, body, path }] = asked("refresh");
    const { cookie, ...others } = telling(headers);
    assert.match(cookie, new RegExp(`^${sapphire.cookie}=`));
    assert.equal(body, "");
    assert.equal(headers["content-length"] ?? "0", "0");
    assert.deepEqual(Object.keys(others), ["accept"]);
    const preflights = sapphire.requests.filter((request) => request.method === "OPTIONS" && request.path === path);
    assert.deepEqual(preflights, [], "a simple request needs no preflight");
  });

  both("a call to the bot's API carries the cookie as its caller asks, and no Authorization", async (t, entry) => {
    const { page } = await dashboard(t, { entry, allow: [sapphire.url] });
    const answer = await on(page, "call", `${sapphire.url}/api/oauth/read-only`, { credentials: "include" });
    assert.equal(answer.status, 200);
    const call = sapphire.requests.find((request) => request.path === "/api/oauth/read-only");
    assert.equal(call.headers.authorization, undefined);
    assert.match(call.headers.cookie, new RegExp(`^${sapphire.cookie}=`));
  });

  both("Sapphire's own refresh rotates the cookie, and the next refresh goes on with the new one", async (t, entry) => {
    sapphire.discord.lifetime = 3600; // Within the last day, so the guide's route refreshes each time.
    const { page, context } = await dashboard(t, { entry });
    const cookie = async () =>
      (await context.cookies(sapphire.url)).find(({ name }) => name === sapphire.cookie)?.value;
    const cookies = [await cookie()];
    for (let round = 0; round < 2; round += 1) {
      assert.deepEqual((await on(page, "ask", "resync")).value, LOGIN_DATA);
      cookies.push(await cookie());
    }
    assert.equal(new Set(cookies).size, 3);
  });

  test("two tabs share the interval: one asks, both have the news", async (t) => {
    const interval = { refresh: { interval: 2 } };
    const { page, context } = await visit(t, browser, app.url);
    await on(page, "openSession", preset({ ...interval, storage: "local" }));
    const { page: second } = await openPage(context, app.url);
    await on(second, "openSession", preset({ ...interval, storage: "local" }));
    await signIn(page);
    await until(async () => (await on(second, "look")).status === "signed-in", "the second tab to be signed in");
    sapphire.requests.length = 0;
    sapphire.discord.username = "Augusta";
    const begin = Date.now();
    for (const tab of [page, second]) {
      await until(async () => (await on(tab, "look")).user.user.username === "Augusta", "the news in each tab");
    }
    await sleep(Math.max(0, 7000 - (Date.now() - begin)));
    const most = Math.floor((Date.now() - begin) / 2000) + 1;
    assert.ok(
      refreshes() >= 2 && refreshes() <= most,
      `${refreshes()} refreshes where one tab alone would make ${most}`,
    );
  });

  test("a tab opened from another is the same visitor", async (t) => {
    const { page, context } = await dashboard(t);
    const opening = context.waitForEvent("page");
    await page.evaluate(() => void window.open(location.href));
    const second = await opening;
    await second.waitForFunction(() => window.ready);
    await on(second, "openSession", preset());
    assert.deepEqual((await on(second, "look")).user, LOGIN_DATA);
    await on(page, "ask", "signOut");
    await until(async () => (await on(second, "look")).status === "signed-out", "the second tab to be signed out");
  });

  both("without its cookie the session ends, once and for all, without a loop", async (t, entry) => {
    const { page, context } = await dashboard(t, { entry, refresh: { interval: 1 } });
    await context.clearCookies();
    const { code, status } = await on(page, "ask", "resync");
    assert.deepEqual({ code, status }, { code: "invalid_grant", status: 401 });
    const look = await on(page, "look");
    assert.deepEqual([look.status, look.reason, look.user], ["signed-out", "rejected", null]);
    const before = refreshes();
    await sleep(2500);
    assert.equal(refreshes(), before, "nobody asks again");
    assert.deepEqual(
      (await page.evaluate(() => window.events)).map(({ type }) => type).filter((type) => type === "signed-out"),
      ["signed-out"],
    );
  });

  test("a visitor without a cookie is told so, at the cost of one request", async (t) => {
    const { page } = await visit(t, browser, app.url);
    await on(page, "openSession", preset());
    const refused = await within(on(page, "ask", "resync"), 5000);
    assert.ok(["invalid_grant", "signed_out"].includes(refused.code), refused.code);
    assert.equal(refused.retryable, false);
    assert.equal((await on(page, "look")).status, "signed-out");
    await sleep(1000);
    assert.equal(refreshes(), 1);
  });

  both("a visitor who comes with a cookie only is signed in by resync", async (t, entry) => {
    const { page, context } = await dashboard(t, { entry });
    const again = await openPage(context, app.url); // A tab of its own: an empty sessionStorage.
    await page.close();
    await on(again.page, "openSession", preset({ entry }));
    assert.equal((await on(again.page, "look")).status, "signed-out");
    assert.deepEqual((await within(on(again.page, "ask", "resync"), 5000)).value, LOGIN_DATA);
    assert.deepEqual((await on(again.page, "look")).user, LOGIN_DATA);
  });

  test("an interval that finds the cookie expired ends the session by itself", async (t) => {
    const { page, context } = await dashboard(t, { refresh: { interval: 1 } });
    await context.clearCookies();
    await until(async () => (await on(page, "look")).status === "signed-out", "the session to end");
    assert.equal(refreshes(), 1);
  });

  test("a 200 whose user is null means that Discord's token is dead: signed out", async (t) => {
    const { page } = await dashboard(t);
    sapphire.discord.revokeAll();
    const refused = await on(page, "ask", "resync");
    assert.equal(refused.code, "invalid_grant");
    assert.equal((await on(page, "look")).status, "signed-out");
  });

  for (const [what, route, status, code] of [
    ["404 with an empty body", "oauth/nowhere", 404, "invalid_response"],
    ["405 with an empty body", "oauth/read-only", 405, "invalid_response"],
    ["200 with an empty body", "oauth/silent", 200, "invalid_response"],
  ]) {
    test(`${what} keeps the session`, async (t) => {
      const { page } = await dashboard(t, { of: { origin: sapphire.url, prefix: "api/", route } });
      const refused = await on(page, "ask", "resync");
      assert.deepEqual([refused.code, refused.status], [code, status]);
      const look = await on(page, "look");
      assert.deepEqual([look.status, look.user], ["signed-in", LOGIN_DATA]);
    });
  }

  test("a 500 keeps the session, and when Discord is back, so is the news", async (t) => {
    const { page } = await dashboard(t, { refresh: { interval: 1 } });
    sapphire.discord.down = true;
    const refused = await on(page, "ask", "resync");
    assert.deepEqual([refused.code, refused.status, refused.retryable], ["refresh_unavailable", 500, true]);
    assert.deepEqual((await on(page, "look")).user, LOGIN_DATA);
    sapphire.discord.down = false;
    sapphire.discord.username = "Ada again";
    await until(
      async () => (await on(page, "look")).user.user.username === "Ada again",
      "the refresh to be tried again",
    );
  });

  both("a sign-out tells the bot, which drops the cookie", async (t, entry) => {
    const { page, context } = await dashboard(t, { entry });
    await on(page, "ask", "signOut");
    assert.equal((await on(page, "look")).status, "signed-out");
    const [{ headers, body }] = asked("logout");
    assert.match(headers.cookie, new RegExp(`^${sapphire.cookie}=`));
    assert.equal(body, "");
    assert.deepEqual(await context.cookies(sapphire.url), []);
    await page.reload();
    await page.waitForFunction(() => window.ready);
    await on(page, "openSession", preset({ entry }));
    assert.equal((await on(page, "look")).status, "signed-out");
  });

  both("no token is anywhere in the page", async (t, entry) => {
    const { page, context } = await dashboard(t, { entry });
    await on(page, "ask", "resync");
    const everything = await page.evaluate(() => {
      const stores = [localStorage, sessionStorage].map((store) => JSON.stringify(store));
      const heard = [window.session.snapshot, window.session.explain(), window.events, document.cookie];
      return [...stores, JSON.stringify(heard)].join("\n");
    });
    const [cookie] = await context.cookies(sapphire.url);
    for (const secret of [...sapphire.discord.issued, cookie.value, decodeURIComponent(cookie.value)]) {
      assert.ok(!everything.includes(secret), "a token is in the page");
    }
    assert.ok(cookie.httpOnly);
  });

  test("a day is the interval where none is named", async (t) => {
    const visitor = await visit(t, browser, app.url);
    await visitor.page.clock.install();
    await on(visitor.page, "openSession", preset());
    await signIn(visitor.page);
    await visitor.page.clock.fastForward(DAY_MS * 0.75);
    await sleep(300);
    assert.equal(refreshes(), 0);
    await visitor.page.clock.fastForward(DAY_MS * 0.3);
    await until(() => refreshes() === 1, "the day's refresh");
  });
});
