// What the tests of the hosts share: where things are, the demo's real server with an app on it, and a visitor who
// signs in and lives through a refresh.

import assert from "node:assert/strict";
import { existsSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { openDemo, since } from "../e2e/browser.mjs";

export { openBrowser, since, until, watch } from "../e2e/browser.mjs";

export const here = (path) => fileURLToPath(new URL(path, import.meta.url));

/** The package as the apps import it. */
export const INSTALLED = here("node_modules/tokenwell/");
if (!existsSync(INSTALLED)) throw new Error("run `node tests/hosts/install.mjs` first, after `cargo xtask package`");

/** Where an app is built to; empty at first. */
export function output(name) {
  const folder = here(`../../target/xtask/hosts/${name}`);
  rmSync(folder, { recursive: true, force: true });
  return folder;
}

/** Opens the demo's server with an app on it and visits it: `page` is its folder, or `serve` answers for it. */
export async function openApp(t, browser, options) {
  const app = await openDemo(t, browser, { pkg: INSTALLED, ...options });
  return { ...app, refused: watchRefused(app.page) };
}

/** Notes what the page asked for in vain. */
export function watchRefused(page) {
  const refused = [];
  page.on("response", (response) => {
    const { pathname } = new URL(response.url());
    if (response.status() >= 400 && pathname !== "/favicon.ico") refused.push(`${response.status()} ${pathname}`);
  });
  return refused;
}

/**
 * Signs in, calls the API, and calls it again with a token that the API refuses: which brings a refresh, one, and an
 * answer all the same. The page is that of `shared/run.js`, or looks like it.
 */
export async function visit({ server, page, seen, refused }, path = "/") {
  if (path !== "/") await page.goto(server.url + path);
  const { answer, refreshed } = await signInAndCall(page);
  assert.equal(refreshed, "0");
  const before = server.stats();
  server.faults.set({ api: { times: 1 } });
  const second = await call(page);
  assert.match(second.answer, /^200 /);
  assert.equal(second.answer, answer, "the same user");
  await page.waitForFunction(() => document.querySelector("#refreshed").textContent === "1");
  const { rotations, tokenRequests, api401, apiCalls } = since(before, server.stats());
  assert.deepEqual(
    { rotations, tokenRequests, api401, apiCalls },
    { rotations: 1, tokenRequests: 1, api401: 1, apiCalls: 2 },
  );
  const askedInVain = refused.splice(0).filter((what) => what !== "404 /");
  // What a worker asks is not seen here; the counts above know of it.
  for (const what of askedInVain) assert.equal(what, "401 /api/time");
  assert.deepEqual(seen.errors, []);
  // Chromium itself notes a 401, and the favicon that it asks for; a development server that it is there.
  assert.deepEqual(
    seen.console.filter((line) => !/Failed to load resource|^debug: /.test(line)),
    [],
  );
}

async function signInAndCall(page) {
  await page.click("#sign-in");
  await page.waitForFunction(() => document.querySelector("#answer").textContent === "signed in");
  await page.waitForFunction(() => document.querySelector("#status").textContent === "signed-in");
  const refreshed = await page.textContent("#refreshed");
  const { answer } = await call(page);
  assert.match(answer, /^200 [a-z]+-[a-z]+-\d+$/);
  return { answer, refreshed };
}

/** Presses the button and waits for what the API answers; the page forgets its last answer at once. */
export async function call(page) {
  await page.click("#call");
  const answer = await page.waitForFunction(() => {
    const { textContent } = document.querySelector("#answer");
    return /^\d{3} /.test(textContent) && textContent;
  });
  return { answer: await answer.jsonValue() };
}
