// Next.js: built, run, and rendered by the server at each request; the same code then runs in Chromium.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import next from "next";
import { here, openApp, openBrowser, visit } from "./world.mjs";

const env = { ...process.env, NEXT_TELEMETRY_DISABLED: "1" };

describe("Next.js", () => {
  let browser;
  let app;
  before(async () => {
    const cwd = here("next");
    await promisify(execFile)(here("node_modules/.bin/next"), ["build"], { cwd, env });
    app = next({ dev: false, dir: cwd, quiet: true });
    await app.prepare();
    browser = await openBrowser();
  });
  after(async () => {
    await browser?.close();
    await app?.close();
  });

  const open = (t) => {
    const handle = app.getRequestHandler();
    return openApp(t, browser, { serve: (request, response) => handle(request, response) });
  };

  test("the server renders a page on which nobody is signed in", async (t) => {
    const { server } = await open(t);
    const html = await (await fetch(server.url)).text();
    assert.match(html, /Rendered by the server/);
    assert.match(html, /<output id="status">signed-out<\/output>/);
  });

  test("in the browser the user signs in, refreshes, and still is signed in after a reload", async (t) => {
    const opened = await open(t);
    // The server's buttons do nothing until React has taken them over.
    await opened.page.waitForFunction(() =>
      Object.keys(document.querySelector("#sign-in")).some((key) => key.startsWith("__reactProps")),
    );
    await visit(opened);
    await opened.page.reload();
    await opened.page.waitForFunction(() => document.querySelector("#status")?.textContent === "signed-in");
    // No complaint about a page that is another than the server's.
    assert.deepEqual(opened.seen.errors, []);
  });

  test("the slim entry's file is taken along and found", async (t) => {
    const { server, page, seen } = await open(t);
    const asked = page.waitForResponse((response) => response.url().endsWith(".wasm"));
    await page.goto(`${server.url}/slim`);
    assert.equal((await asked).status(), 200);
    await page.waitForFunction(() => document.querySelector("#status")?.textContent !== "loading");
    assert.equal(await page.textContent("#status"), "signed-out");
    assert.deepEqual(seen.errors, []);
  });
});
