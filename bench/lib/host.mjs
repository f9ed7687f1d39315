// The browser and the local server that every section measures with.

import { createReadStream, existsSync } from "node:fs";
import { createServer } from "node:http";
import { chromium } from "playwright-core";
import { Model } from "../page/model.js";
import { bundle, DIST } from "./build.mjs";

const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  // A page in the background counts as one in front: they take turns.
  "--disable-background-timer-throttling",
  "--disable-renderer-backgrounding",
  "--disable-backgrounding-occluded-windows",
  "--enable-precise-memory-info",
];

const BLANK = "<!doctype html><meta charset=utf-8><link rel=icon href=data:,><title>bench</title>";
const page = (script) => `${BLANK}<body><script type=module src=/dist/${script}.js></script>`;
const PAGES = { "/": BLANK, "/bench": page("main"), "/day": page("day"), "/tab": page("tab") };
const TYPES = { js: "text/javascript", wasm: "application/wasm" };

/** A server with the bundles, an API and a token endpoint; every answer is fresh from it, nothing is cached. */
async function serve() {
  let model;
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, "http://localhost");
    response.setHeader("cache-control", "no-store");
    const html = PAGES[pathname];
    if (html) return response.setHeader("content-type", "text/html").end(html);
    if (pathname.startsWith("/dist/")) {
      const file = DIST + pathname.slice(6).replaceAll("..", "");
      if (!existsSync(file)) return response.writeHead(404).end();
      response.setHeader("content-type", TYPES[file.split(".").pop()] ?? "text/plain");
      return createReadStream(file).pipe(response);
    }
    for await (const _ of request);
    const answer = await model.fetch(new URL(pathname, model.options.origin), { headers: request.headers });
    response.writeHead(answer.status, { "content-type": "application/json" });
    response.end(await answer.text());
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const origin = `http://localhost:${server.address().port}`;
  model = new Model({ origin });
  return { origin, model, close: () => new Promise((done) => server.close(done)) };
}

const launch = () => chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: FLAGS });

/** Runs `work(browser, host)` on fresh bundles, in a browser and with a server of its own. */
export async function inBrowser(work) {
  await bundle();
  const host = await serve();
  try {
    const browser = await launch();
    try {
      return await work(browser, host);
    } finally {
      await browser.close();
    }
  } finally {
    await host.close();
  }
}

/** A page for each of these peers, to be measured in turns. */
export async function openEach(browser, host, peers, options) {
  const pages = [];
  for (const peer of peers) pages.push(await openPeer(browser, host.origin, peer, options));
  return pages;
}

/** A page of its own process and storage with that library opened. */
export async function openPeer(browser, origin, peer, options) {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(`${origin}/bench`);
  await page.waitForFunction(() => window.bench);
  await page.evaluate(([id, options]) => window.bench.prepare(id, options), [peer.id, options]);
  return page;
}
