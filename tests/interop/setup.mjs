// What every story starts with: a Chromium, an app's page on an origin of its own, and a backend that is watched.

import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { createStatic } from "../../www/server/static.mjs";
import { PKG, watch } from "../e2e/browser.mjs";

export { openBrowser, PKG, until } from "../e2e/browser.mjs";

const PAGE = fileURLToPath(new URL("./page/", import.meta.url));

/** Starts an HTTP server on a free port of localhost. `answer` may leave a request to the next by giving `false`. */
export async function listen(answer) {
  const server = createServer(answer);
  await new Promise((resolve, reject) => server.once("error", reject).listen(0, "127.0.0.1", resolve));
  return {
    url: `http://localhost:${server.address().port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      }),
  };
}

/** The app: its page, the package, and whatever files and routes of its own it has. */
export function startApp({ files = {}, route = () => false, page = PAGE } = {}) {
  const serve = createStatic({ page, pkg: PKG, connect: "'self' http://localhost:*" });
  return listen(async (request, response) => {
    const path = new URL(request.url, "http://localhost").pathname;
    if (path in files) {
      response.writeHead(200, { "content-type": "text/javascript" });
      return response.end(files[path]);
    }
    if ((await route(request, response, path)) === false) serve(request, response, path);
  });
}

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

/** Notes a request as it passes, body included, without taking part in reading it. */
export function note(request, requests) {
  const { method, url, headers } = request;
  const noted = { method, path: url, headers, body: "" };
  requests.push(noted);
  const { emit } = request;
  request.emit = (event, ...args) => {
    if (event === "data") noted.body += args[0];
    return emit.call(request, event, ...args);
  };
  return noted;
}

/** Headers that say something about who asks for what; the rest is the browser's own. */
const THE_BROWSERS_OWN =
  /^(host|connection|content-length|sec-|user-agent|accept-language|accept-encoding|origin|referer|cache-control|pragma)/;
export const telling = (headers) =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !THE_BROWSERS_OWN.test(name)));
