// What every end-to-end test starts with: a Chromium, the demo's real server on a free port, and a page that is watched.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { startServer } from "../../www/server/main.mjs";
import { found, shown } from "../secrets/scan.mjs";

const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Where the built package is; another folder can be tried with TOKENWELL_PKG. */
export const PKG = process.env.TOKENWELL_PKG ?? fileURLToPath(new URL("../../pkg/", import.meta.url));

/** An empty page with the package on it. */
export const BARE = fileURLToPath(new URL("./fixtures/", import.meta.url));

/** How every browser of the tests is started. */
export const CHROMIUM = { executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: FLAGS };

/** What a suite is run through, as the file of pkg/dist/ is called: the class in the page, and the one in a worker. */
export const ENTRIES = (process.env.TOKENWELL_ENTRY ?? "index,worker").split(",");

/** The route by which the bare page finds it. */
export const entryRoute = (entry = "index") => ({
  "GET /demo/entry.js": (_request, response) => {
    response.writeHead(200, { "content-type": "text/javascript", "cache-control": "no-cache" });
    response.end(`export * from "/pkg/dist/${entry}.js";`);
  },
});

/** @param {{ args?: string[], ignoreDefaultArgs?: string[] }} [more] what a test wants different */
export async function openBrowser({ args = [], ...more } = {}) {
  if (!existsSync(PKG)) throw new Error(`${PKG} is missing: run \`cargo xtask package\` first`);
  return chromium.launch({ ...CHROMIUM, args: [...FLAGS, ...args], ...more });
}

/** The demo as a visitor sees it. Everything is closed with the test. */
export async function openDemo(t, browser, options) {
  return open(t, browser, options);
}

/** The demo's server under an empty page with the package on it, and by default a session signed in. */
export async function openBare(t, browser, { session = {}, signedIn = true, entry, ...options } = {}) {
  const routes = entryRoute(entry);
  const opened = await open(t, browser, { connect: "'self' http://localhost:*", routes, ...options, page: BARE });
  await ready(opened.page);
  if (session) await opened.page.evaluate((wanted) => window.openSession(wanted), session);
  if (session && signedIn) await opened.page.evaluate(() => window.signIn());
  return opened;
}

/** After a load or reload of the bare page. */
export const ready = (page) => page.waitForFunction(() => window.ready);

async function open(t, browser, options) {
  const server = await startServer({ pkg: PKG, ...options });
  const context = await browser.newContext();
  const seen = { shown: [] };
  t.after(async () => {
    await context.close();
    await server.close();
    if (!options.leaky) assert.deepEqual(leaks(seen).map(shown), [], "what a page shows holds no secret");
  });
  // Where the page's own recorder puts every property of every event and error: fixtures/record.js.
  await context.exposeFunction("noteShown", (text) => seen.shown.push(text));
  const page = await context.newPage();
  watch(page, seen);
  await page.goto(server.url);
  return { server, context, page, seen };
}

/** Notes what a page says and asks, and every token it is ever given. */
export function watch(page, seen = {}) {
  Object.assign(seen, { console: [], errors: [], urls: [], tokens: new Set() });
  const pending = new Set();
  page.on("console", (message) => seen.console.push(`${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => seen.errors.push(String(error)));
  page.on("framenavigated", (frame) => seen.urls.push(frame.url()));
  page.on("request", (request) => seen.urls.push(request.url()));
  page.on("response", (response) => {
    if (!/\/demo\/sign-in$|\/oidc\/token$/.test(response.url())) return;
    const noting = note(response, seen.tokens).finally(() => pending.delete(noting));
    pending.add(noting);
  });
  seen.settled = () => Promise.all(pending);
  return seen;
}

async function note(response, tokens) {
  const body = await response.json().catch(() => ({})); // A page that is left takes its answers with it.
  for (const name of ["access_token", "refresh_token", "id_token"]) if (body[name]) tokens.add(body[name]);
}

/** The secrets that a page has shown to anyone but the session's caller. A code is in a URL by design: once, for this client. */
export function leaks({ shown = [], console, errors, urls, tokens }) {
  const issued = globalThis[Symbol.for("tokenwell.secrets")] ?? tokens; // All that were, with tests/secrets/register.mjs.
  const said = [...shown, ...console, ...errors, ...urls.map((url) => url.replace(/([?&]code=)[^&#]*/g, "$1"))];
  return found(said.join("\n"), issued);
}

/** Waits for a condition, and says in words which one never came. */
export async function until(condition, what, { within = 20_000 } = {}) {
  const deadline = Date.now() + within;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > deadline) {
      throw new Error(`waited ${within} ms in vain: ${typeof what === "function" ? await what() : what}`);
    }
    await sleep(25);
  }
}

/** What the counts have grown by since `before`, flat: the numbers a test speaks about. */
export function since(before, after) {
  const grown = (read) => read(after) - read(before);
  return {
    tokenRequests: grown((stats) => stats.tokenRequests.total),
    refused: grown((stats) => stats.tokenRequests.refused),
    rotations: grown((stats) => stats.rotations),
    reuseDetected: grown((stats) => stats.reuseDetected),
    apiCalls: grown((stats) => stats.api.total),
    api401: grown((stats) => stats.api.byStatus[401] ?? 0),
  };
}
