// Without any bundler: pages, workers, an extension and Node, with the files of the package as they are.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { chromium } from "playwright-core";
import sirv from "sirv";
import { startServer } from "../../www/server/main.mjs";
import { CHROMIUM } from "../e2e/browser.mjs";
import { here, INSTALLED, openApp, openBrowser, output, visit, watchRefused, watch } from "./world.mjs";

const POLICY = "script-src 'self' 'wasm-unsafe-eval'; object-src 'self'";

/** The folder as it is, under a policy that allows WebAssembly and no inline script but the page's import map. */
function serveFiles() {
  const options = { dev: true, etag: false };
  const [page, shared, pkg] = [here("plain"), here("shared"), INSTALLED].map((folder) => sirv(folder, options));
  return (request, response) => {
    const lost = () => response.writeHead(404).end("not found");
    const inline = request.url.startsWith("/map.html") ? POLICY.replace("'self'", "'self' 'unsafe-inline'") : POLICY;
    response.setHeader("content-security-policy", inline);
    if (!request.url.startsWith("/pkg/")) return page(request, response, () => shared(request, response, lost));
    request.url = request.url.slice("/pkg".length);
    return pkg(request, response, lost);
  };
}

const HOSTS = {
  "a plain page with an import map": "/map.html",
  "a classic script": "/classic.html",
  "a module worker": "/worker.html",
  "a classic worker": "/classic-worker.html",
  "a service worker": "/service.html",
};

describe("without a bundler", { concurrency: 3 }, () => {
  let browser;
  before(async () => {
    browser = await openBrowser();
  });
  after(() => browser.close());

  for (const [name, path] of Object.entries(HOSTS)) {
    test(`${name} signs in and refreshes`, async (t) => {
      await visit(await openApp(t, browser, { serve: serveFiles() }), path);
    });
  }
});

test("the page of an extension signs in and refreshes, under an extension's own policy", async (t) => {
  const server = await startServer({ pkg: INSTALLED });
  const profile = mkdtempSync(join(tmpdir(), "tokenwell-extension-"));
  const folder = output("extension");
  cpSync(here("extension"), folder, { recursive: true });
  cpSync(here("shared/run.js"), join(folder, "run.js"));
  cpSync(join(INSTALLED, "dist"), join(folder, "tokenwell"), { recursive: true });
  const context = await chromium.launchPersistentContext(profile, {
    ...CHROMIUM,
    args: [...CHROMIUM.args, `--disable-extensions-except=${folder}`, `--load-extension=${folder}`],
    ignoreDefaultArgs: ["--disable-extensions"],
  });
  t.after(async () => {
    await context.close();
    await server.close();
    rmSync(profile, { recursive: true, force: true });
  });
  const page = await context.newPage();
  const app = { server, page, seen: watch(page), refused: watchRefused(page) };
  await page.goto(`chrome-extension://${idOf(folder)}/page.html#${encodeURIComponent(server.url)}`);
  await visit(app);
});

/** What Chromium calls an unpacked extension: its path's hash, in letters from a to p. */
function idOf(folder) {
  const hash = createHash("sha256").update(realpathSync(folder)).digest("hex").slice(0, 32);
  return hash.replace(/./g, (digit) => String.fromCharCode(97 + Number.parseInt(digit, 16)));
}

for (const entry of ["tokenwell", "tokenwell/slim"]) {
  test(`Node ${process.versions.node.split(".")[0]} imports ${entry}, signs in, refreshes and ends`, async (t) => {
    const server = await startServer({ pkg: INSTALLED });
    t.after(() => server.close());
    const run = promisify(execFile)(process.execPath, [here("node.mjs"), entry, server.url], { timeout: 30_000 });
    const { stdout, stderr } = await run;
    assert.equal(stderr, "");
    assert.deepEqual(JSON.parse(stdout), { answers: [200, 200], refreshed: 1 });
    assert.equal(server.stats().rotations, 1);
  });
}
