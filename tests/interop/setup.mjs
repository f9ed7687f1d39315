// What every story starts with: a Chromium, an app's page on an origin of its own, and a backend that is watched.

import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { watch } from "../e2e/browser.mjs";

export { ENTRIES, openBrowser, PKG, until } from "../e2e/browser.mjs";
export { startApp } from "./servers/http.mjs";

/**
 * A visitor: a browser context with its own cookies and storage, closed with the test. Servers know it by its
 * User-Agent: `mine(requests)` are its own.
 */
export async function visit(t, browser, url) {
  const userAgent = `Visitor ${randomUUID()}`;
  const context = await browser.newContext({ userAgent });
  t.after(() => context.close());
  const mine = (requests) => requests.filter(({ headers }) => headers["user-agent"] === userAgent);
  return { context, mine, ...(await openPage(context, url)) };
}

/** One more tab of the same visitor. */
export async function openPage(context, url) {
  const page = await context.newPage();
  const seen = watch(page);
  await page.goto(url);
  await page.waitForFunction(() => window.ready);
  return { page, seen };
}

/** What hangs must fail, and say so. */
export async function within(promise, ms) {
  const late = sleep(ms, null, { ref: false }).then(() => {
    throw new Error(`not settled within ${ms} ms`);
  });
  return Promise.race([promise, late]);
}

/** Calls one of the page's own functions: `on(page, "ask", "refresh")`. */
export const on = (page, name, ...args) => page.evaluate(([name, args]) => window[name](...args), [name, args]);

/** Headers that say something about who asks for what; the rest is the browser's own. */
const THE_BROWSERS_OWN =
  /^(host|connection|content-length|sec-|user-agent|accept-language|accept-encoding|origin|referer|cache-control|pragma)/;
export const telling = (headers) =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !THE_BROWSERS_OWN.test(name)));
