// One small app, three entries, every bundler: built as its manual says and visited in Chromium under the demo's strict
// Content-Security-Policy. What the slim entry's .wasm file and the worker's script become is each bundler's own affair;
// that they arrive is tested.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cpSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { here, INSTALLED, openApp, openBrowser, output, visit } from "./world.mjs";

const SOURCE = here("bundled/");
const SCRIPTS = ["main.js", "slim.js", "worker.js"].map((name) => join(SOURCE, name));
const PAGES = ["index.html", "slim.html", "worker.html"];
/** For those that leave `new URL(…, import.meta.url)` as it is: built too, and the .wasm file copied beside it. */
const THREAD = join(INSTALLED, "dist/worker-thread.js");

/** The pages beside the scripts, for bundlers that build scripts alone. */
const addPages = (to) => {
  for (const name of PAGES) cpSync(join(SOURCE, name), join(to, name));
};

const bundlers = {
  async Vite(to) {
    const { build } = await import("vite");
    await build({
      root: SOURCE,
      configFile: false,
      logLevel: "warn",
      build: { outDir: to, emptyOutDir: true, rolldownOptions: { input: PAGES.map((name) => join(SOURCE, name)) } },
    });
  },

  async "webpack 5"(to) {
    const { default: webpack } = await import("webpack");
    const stats = await promisify(webpack)({
      mode: "production",
      context: SOURCE,
      entry: { main: "./main.js", slim: "./slim.js", worker: "./worker.js" },
      output: { path: to },
      performance: { hints: false },
    });
    assert.deepEqual([...stats.compilation.errors, ...stats.compilation.warnings].map(String), []);
    addPages(to);
  },

  async Rollup(to) {
    const { rollup } = await import("rollup");
    const { default: resolve } = await import("@rollup/plugin-node-resolve");
    const bundle = await rollup({
      input: [...SCRIPTS, THREAD],
      plugins: [resolve({ browser: true })],
      onwarn: ({ message }) => assert.fail(message),
    });
    await bundle.write({ dir: to });
    cpSync(join(INSTALLED, "dist/tokenwell.wasm"), join(to, "tokenwell.wasm"));
    addPages(to);
  },

  async esbuild(to) {
    const { build } = await import("esbuild");
    const { warnings } = await build({
      entryPoints: [...SCRIPTS, THREAD],
      entryNames: "[name]",
      bundle: true,
      minify: true,
      format: "esm",
      outdir: to,
    });
    assert.deepEqual(warnings, []);
    cpSync(join(INSTALLED, "dist/tokenwell.wasm"), join(to, "tokenwell.wasm"));
    addPages(to);
  },

  async Parcel(to) {
    const pages = PAGES.map((name) => join(SOURCE, name));
    const args = ["build", ...pages, "--dist-dir", to, "--no-cache", "--no-source-maps", "--log-level=warn"];
    const { stdout, stderr } = await promisify(execFile)(here("node_modules/.bin/parcel"), args, { cwd: here(".") });
    assert.equal(stdout + stderr, "");
  },
};

/** Parcel names the .wasm file in an import map of its own, which is an inline script. */
const CONNECT = { Parcel: "'self'; script-src-elem 'self' 'unsafe-inline'" };

describe("bundlers", { concurrency: 2 }, () => {
  let browser;
  before(async () => {
    browser = await openBrowser();
  });
  after(() => browser.close());

  for (const [name, build] of Object.entries(bundlers)) {
    test(`an app built by ${name} signs in and refreshes, with each entry`, async (t) => {
      const folder = output(name.toLowerCase().replace(" ", "-"));
      await build(folder);
      const app = await openApp(t, browser, { page: folder, connect: CONNECT[name] });
      await visit(app);
      await visit(app, "/slim.html");
      await visit(app, "/worker.html");
    });
  }

  for (const [pages, exclude] of [
    [["/index.html", "/slim.html"], []],
    [["/worker.html"], ["tokenwell"]], // Vite bundles dependencies there, and loses the worker's script.
  ]) {
    test(`the same app in Vite's development server: ${pages.join(" and ")}`, async (t) => {
      const app = await openApp(t, browser, { page: SOURCE });
      const { createServer } = await import("vite");
      const proxy = Object.fromEntries(["/oidc", "/demo", "/api"].map((path) => [path, app.server.url]));
      const vite = await createServer({
        root: SOURCE,
        configFile: false,
        logLevel: "warn",
        appType: "mpa",
        cacheDir: output(`vite-dev-${exclude.length}`),
        optimizeDeps: { exclude },
        server: { host: "localhost", port: 0, proxy, watch: null },
      });
      await vite.listen();
      t.after(() => vite.close());
      const server = { ...app.server, url: `http://localhost:${vite.httpServer.address().port}` };
      // What the page said under the demo's own server is not of interest.
      for (const said of [app.seen.console, app.seen.errors, app.refused]) said.length = 0;
      for (const path of pages) await visit({ ...app, server }, path);
    });
  }
});
