// The site as files: built, served from a folder of some host, and used; and what every page of it owes its readers.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import sirv from "sirv";
import { buildSite } from "../../www/server/build.mjs";
import { guidePages } from "../../www/server/guides.mjs";
import { openBrowser, PKG, until } from "./browser.mjs";

const FOLDER = "/some/folder";

/** A host of files, and nothing else. */
async function serve(folder) {
  const files = sirv(folder, { dev: true });
  const server = createServer((request, response) => {
    const lost = () => response.writeHead(404).end();
    if (!request.url.startsWith(`${FOLDER}/`)) return lost();
    request.url = request.url.slice(FOLDER.length);
    return files(request, response, lost);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://localhost:${server.address().port}${FOLDER}/`;
  const close = () =>
    new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    });
  return { url, close };
}

describe("site", { concurrency: 4 }, () => {
  let browser, server, folder;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "tokenwell-site-"));
    buildSite(folder, { pkg: PKG });
    [browser, server] = await Promise.all([openBrowser(), serve(folder)]);
  });
  after(async () => {
    await Promise.all([browser.close(), server.close()]);
    rmSync(folder, { recursive: true });
  });

  async function open(t, path = "", { width = 1280, ...options } = {}) {
    const context = await browser.newContext({ viewport: { width, height: 800 }, bypassCSP: false, ...options });
    t.after(() => context.close());
    const page = await context.newPage();
    const said = [];
    const outside = [];
    const listen = (opened) => {
      opened.on("console", (message) => said.push(message.text()));
      opened.on("pageerror", (error) => said.push(String(error)));
      opened.on("request", (request) => request.url().startsWith(server.url) || outside.push(request.url()));
    };
    listen(page);
    await page.goto(server.url + path);
    return { context, page, said, outside, listen };
  }

  const number = async (page, id) => Number(await page.textContent(`#${id}`));
  const press = (page, action) => page.click(`[data-action=${action}]`);
  async function signIn(page) {
    await press(page, "signIn");
    await page.waitForSelector("#status[data-tone=ok], #status[data-tone=busy]");
    await page.waitForSelector("#rival-status[data-tone=ok]");
  }

  test("under one torment the snippet's user is signed out, tokenwell's is not; no request leaves the page", async (t) => {
    const { page, said, outside } = await open(t);
    await signIn(page);
    await press(page, "callApi");
    await until(async () => (await number(page, "count-met-ok")) > 0, "a first answer");
    await press(page, "expire");
    await until(async () => /refuses this token/.test(await page.textContent("#result")), "the expiry");
    await press(page, "callMany");
    await until(async () => (await number(page, "rival-met-failed")) >= 50, "fifty failures of the snippet");
    await until(async () => /50 answered 200/.test(await page.textContent("#result")), "fifty answers for tokenwell");
    await press(page, "sleep");
    await page.waitForSelector("text=Signed out by accident");
    await until(async () => (await number(page, "rival-reuse")) > 0, "its refresh token to be presented twice");
    await until(
      async () => (await number(page, "count-met-ok")) >= 59,
      async () => `tokenwell's calls, all of them answered: ${await page.textContent("main")}`,
    );
    assert.equal(await number(page, "count-met-failed"), 0);
    assert.equal(await page.textContent("#count-ratio"), "1.00");
    assert.equal(await page.textContent("#count-reuse"), "0");
    await press(page, "rivalAgain");
    await page.waitForSelector("#rival-status[data-tone=ok]");
    const focused = () => page.evaluate(() => document.activeElement.dataset.action);
    await until(async () => (await focused()) === "callApi", "the keyboard's place to be where one can go on");
    assert.deepEqual(said, []);
    assert.deepEqual(outside, []);
  });

  test("a server that is busy, or down, or gone keeps tokenwell's session; one that revokes it ends it", async (t) => {
    const { page, said } = await open(t);
    await signIn(page);
    await press(page, "busy");
    await page.waitForSelector("text=says 429 for");
    await press(page, "expire");
    await page.waitForSelector("text=refuses this token");
    // Not the ticker, which rests for half of the ten seconds.
    await press(page, "callApi");
    await page.waitForSelector("text=Kept, retrying");
    assert.match(await page.textContent("#log"), /the server said 429: session kept, next try in/);
    await page.waitForSelector("#status[data-tone=ok]");
    await press(page, "revoke");
    await press(page, "expire");
    await page.waitForSelector("#status[data-tone=off]");
    assert.match(await page.textContent("#log"), /Signed out by the server: invalid_grant/);
    assert.deepEqual(said, []);
  });

  test("a second tab shares the session, and takes tokens over", async (t) => {
    const { context, page, said, listen } = await open(t);
    await page.selectOption("#set-ttl", "5");
    await signIn(page);
    const [second] = await Promise.all([context.waitForEvent("page"), press(page, "tab")]);
    listen(second);
    const tookOver = async (tab) => /Took over a token from another tab/.test(await tab.textContent("#log"));
    await second.waitForSelector("#status[data-tone=ok]");
    await until(async () => (await tookOver(page)) || (await tookOver(second)), "one to take over from the other");
    assert.equal(await page.textContent("#count-reuse"), "0");
    assert.deepEqual(said, []);
  });

  test("a bad day goes by itself, signs in by itself, and throws out the snippet's user alone", async (t) => {
    const { page, said, outside } = await open(t, "#bad-day"); // The link to show somebody.
    await until(
      async () => /^The bad day is over/.test(await page.textContent("#result")),
      async () => `the end of the bad day: ${await page.textContent("#result")}`,
      { within: 90_000 },
    );
    const words =
      /tokenwell: (\d+) calls answered, \d+ failed, never signed out\. The snippet: (\d+) calls answered, (\d+) failed, signed out by accident (?:once|\d+ times)\./;
    const told = await page.textContent("#result");
    assert.match(told, words);
    const [, ours, theirs, failures] = told.match(words).map(Number);
    assert.ok(ours > 100 && theirs < ours && failures >= 50, told);
    assert.equal(await number(page, "count-met-outs"), 0);
    assert.ok((await number(page, "rival-met-outs")) > 0);
    assert.ok((await number(page, "count-met-cut")) > 0, "the tunnel is told apart from failures");
    assert.equal(await number(page, "count-logins"), 1);
    assert.ok((await number(page, "rival-logins")) > 1, "the snippet's user typed the password again");
    assert.equal(await page.textContent("#count-reuse"), "0");
    // All is as it was.
    assert.equal(await page.isChecked("#set-offline"), false);
    assert.deepEqual([await page.inputValue("#set-latency"), await page.inputValue("#set-loss")], ["150", "0"]);
    assert.deepEqual([said, outside], [[], []]);
  });

  test("a duplicate of a tab that keeps its state for itself shares the session, and no token comes twice", async (t) => {
    const { context, page, said, listen } = await open(t, "?keep=session");
    await page.selectOption("#set-ttl", "5");
    await signIn(page);
    const user = await page.textContent("#user");
    const [copy] = await Promise.all([context.waitForEvent("page"), press(page, "duplicate")]);
    listen(copy);
    assert.match(await page.textContent("#result"), /has a copy/);
    await copy.waitForSelector("#status[data-tone=ok]");
    assert.equal(await copy.textContent("#user"), user);
    await until(async () => (await number(copy, "count-rotations")) >= 2, "two rotations");
    assert.equal(await number(copy, "count-logins"), 1);
    assert.equal(await copy.textContent("#count-reuse"), "0");
    assert.equal(await copy.textContent("#count-ratio"), "1.00");
    assert.deepEqual(said, []);
  });

  test("a session that was revoked is over for both, and called no accident", async (t) => {
    const { page } = await open(t);
    await page.selectOption("#set-ttl", "5");
    await signIn(page);
    await press(page, "revoke");
    await page.waitForSelector("#status[data-tone=off]");
    await until(async () => (await page.textContent("#rival-title")) === "Signed out", "the snippet to find out");
    for (const who of ["count", "rival"]) assert.equal(await number(page, `${who}-met-outs`), 0, who);
  });

  test("latency, loss, a wrong clock and a life are set by the keyboard and said in words", async (t) => {
    const { page } = await open(t);
    for (const [label, choice, words] of [
      ["Latency", "600", /600 ms longer/],
      ["Lost", "30", /30 of 100 requests/],
      ["Its clock", "3600000", /clock is wrong/],
      ["Token life", "10", /live 10 s/],
    ]) {
      await page.getByRole("combobox", { name: RegExp(`^${label}`) }).selectOption(choice);
      await until(async () => words.test(await page.textContent("#result")), label);
    }
    await page.getByLabel("Offline").focus();
    await page.keyboard.press("Space");
    await until(async () => /is gone/.test(await page.textContent("#announcement")), "it to be announced");
  });

  test("every link between the pages leads somewhere", async (t) => {
    const { page } = await open(t);
    const seen = new Set();
    const queue = [""];
    while (queue.length > 0) {
      const path = queue.pop();
      if (seen.has(path)) continue;
      seen.add(path);
      const answer = await page.request.get(server.url + path);
      assert.equal(answer.status(), 200, path);
      if (!/html/.test(answer.headers()["content-type"])) continue;
      const text = await answer.text();
      for (const [, href] of text.matchAll(/<a [^>]*href="([^"]*)"/g)) {
        const url = new URL(href, server.url + path);
        if (!url.href.startsWith(server.url)) continue;
        const next = url.pathname.slice(FOLDER.length + 1);
        // What needs the demo's server is taken out of the page before it is shown.
        if (next !== "backends.html") queue.push(next);
      }
    }
    assert.ok(seen.size >= guidePages().length);
  });

  for (const width of [360, 768, 1280]) {
    test(`nothing sticks out at ${width} px`, async (t) => {
      const { page } = await open(t, "", { width });
      await signIn(page);
      for (const path of ["", "guides/", "guides/api.html", "guides/failures.html", "presets/json.html"]) {
        if (path) await page.goto(server.url + path);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth);
        assert.ok(wide <= width, `${path || "home"}: ${wide} px`);
      }
    });
  }

  test("who wants less motion gets less", async (t) => {
    const { page } = await open(t, "", { reducedMotion: "reduce" });
    await signIn(page);
    assert.equal(await page.evaluate(() => getComputedStyle(document.documentElement).scrollBehavior), "auto");
    assert.equal(
      await page.evaluate(() => getComputedStyle(document.querySelector(".ring-life")).transitionProperty),
      "none",
    );
  });

  test("the snippet is to the letter what is published", () => {
    const text = readFileSync(join(folder, "snippet.js"), "utf8");
    const [, published] = text.match(/as published\n([\s\S]+?)\n *\/\/ -----/);
    const letters = published.replaceAll(/\W/g, "");
    const hash = createHash("sha256").update(letters).digest("hex");
    assert.equal(hash, "7422e5e13b4c4ac0b01b7a6e923b2c596ac342690d1d0b08b1de9d94b2884655");
  });

  test("the reference names whatever the declarations export", async (t) => {
    const { page } = await open(t, "guides/api.html");
    const shown = await page.locator("h3").allTextContents();
    for (const file of [
      "session.d.ts",
      "errors.d.ts",
      "presets.d.ts",
      "slim.d.ts",
      "inspector.d.ts",
      "worker-serve.d.ts",
    ]) {
      const declared = readFileSync(join(PKG, "dist", file), "utf8");
      const names = [...declared.matchAll(/^export (?:declare )?(?:interface|class|type|function|const) (\w+)/gm)];
      for (const [, name] of names) assert.ok(shown.includes(name), `${name} of ${file}`);
    }
    const targets = await page.locator("main ul a[href^='#']").evaluateAll((links) => links.map(({ hash }) => hash));
    assert.ok(targets.length > 30 && new Set(targets).size === targets.length, "a list of all, each linked to once");
    for (const target of targets) assert.equal((await page.locator(`h3${target}`).count()) > 0, true, target);
    const members = await page.locator("main").textContent();
    for (const name of ["getAccessToken(", "refreshTokenExpiresAt", "startSignIn(", "[Symbol.dispose]", "leeway?"]) {
      assert.ok(members.includes(name), name);
    }
  });
});
