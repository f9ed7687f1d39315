// tokenwell/react in Chromium, with the oldest React and the newest, in their development builds, which render and
// mount twice under StrictMode and complain about what a store does wrong. And the app of the documents: routes, one of
// them guarded.

import assert from "node:assert/strict";
import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { build } from "esbuild";
import { tool } from "../npm/installed.mjs";
import { call, here, openApp, openBrowser, output, since } from "./world.mjs";

const REACTS = { 18: here("react-18/node_modules/"), 19: here("node_modules/") };
const require = createRequire(import.meta.url);

/** Server side and browser side of the same components; gives what the server renders. */
async function buildHook(folder, modules) {
  const common = {
    bundle: true,
    jsx: "automatic",
    alias: { react: join(modules, "react"), "react-dom": join(modules, "react-dom") },
    define: { "process.env.NODE_ENV": '"development"' },
  };
  await build({ ...common, entryPoints: [here("react/hook/client.tsx")], format: "esm", outdir: folder });
  const server = join(folder, "server.cjs");
  await build({ ...common, entryPoints: [here("react/hook/server.tsx")], platform: "node", outfile: server });
  const html = await require(server).html();
  const page = `<!doctype html><title>hook</title><div id="root">${html}</div><script type="module" src="/client.js"></script>`;
  writeFileSync(join(folder, "index.html"), page);
  writeFileSync(join(folder, "empty.html"), page.replace(html, ""));
  return html;
}

test("the example and the tests' own components hold by tsc, strict", () => {
  tool("tsc", ["--project", here("react/tsconfig.json")]);
});

for (const [major, modules] of Object.entries(REACTS)) {
  describe(`React ${major}`, () => {
    let browser;
    let folder;
    let html;
    before(async () => {
      folder = output(`react-${major}`);
      mkdirSync(folder, { recursive: true });
      html = await buildHook(join(folder, "hook"), modules);
      browser = await openBrowser();
    });
    after(() => browser.close());

    const open = async (t, path) => {
      const app = await openApp(t, browser, { page: join(folder, "hook") });
      await app.page.goto(app.server.url + path);
      await app.page.waitForFunction((wanted) => window.hook?.version.startsWith(`${wanted}.`), major);
      return app;
    };
    const quiet = ({ seen }) => {
      assert.deepEqual(seen.errors, []);
      const said = seen.console.filter((line) => !/Failed to load resource|React DevTools/.test(line));
      assert.deepEqual(said, []);
    };

    test("a server renders nobody signed in, whoever is", () => {
      assert.match(html, /signed-out/);
      assert.doesNotMatch(html, /token-of-the-server/);
    });

    test("a page from the server is taken over without a mismatch, and then shows who is signed in", async (t) => {
      const app = await open(t, "/");
      await app.page.evaluate(() => window.hook.signIn("kept"));
      await app.page.reload();
      await app.page.waitForFunction(() => window.hook?.session.snapshot.status === "signed-in");
      assert.match(await app.page.textContent("#page"), /^signed-out/);
      await app.page.evaluate(() => window.hook.hydrate());
      await app.page.waitForFunction(() => document.querySelector("#page").textContent === "signed-in kept");
      assert.deepEqual(await app.page.evaluate(() => window.hook.recovered), []);
      quiet(app);
    });

    test("under StrictMode it follows the session, and leaves no listener behind", async (t) => {
      const app = await open(t, "/empty.html");
      const shows = (text) =>
        app.page.waitForFunction((wanted) => document.querySelector("#page")?.textContent === wanted, text);
      await app.page.evaluate(() => {
        const { session } = window.hook;
        window.listening = 0;
        const { subscribe } = session;
        session.subscribe = (listener) => {
          window.listening += 1;
          const stop = subscribe(listener);
          return () => {
            window.listening -= 1;
            stop();
          };
        };
        window.unmount = window.hook.whole();
      });
      await shows("signed-out no token");
      await app.page.evaluate(() => window.hook.signIn("one"));
      await shows("signed-in one");
      await app.page.evaluate(() => window.hook.signIn("two"));
      await shows("signed-in two");
      await app.page.evaluate(() => window.hook.session.signOut());
      await shows("signed-out no token");
      assert.equal(await app.page.evaluate(() => window.listening), 1);
      await app.page.evaluate(() => window.unmount());
      assert.equal(await app.page.evaluate(() => window.listening), 0);
      quiet(app);
    });

    test("a selector that makes a new object each time renders only when a member is another", async (t) => {
      const app = await open(t, "/empty.html");
      const found = await app.page.evaluate(async () => {
        const { noted, session, signIn, picked, until } = window.hook;
        const settled = () => new Promise((resolve) => setTimeout(() => requestAnimationFrame(resolve), 50));
        await signIn("one");
        picked();
        await until(() => document.querySelector("#picked"));
        await settled();
        const renders = noted.picked.length;
        const changes = [];
        session.on("change", ({ accessToken }) => changes.push(accessToken));
        await signIn("two");
        await signIn("three");
        await until(() => changes.includes("three"));
        await settled();
        const after = noted.picked.length;
        await session.signOut();
        await until(() => document.querySelector("#picked").textContent === "signed-out");
        return { idle: after - renders, kinds: new Set(noted.picked).size, last: noted.picked.at(-1) };
      });
      assert.deepEqual(found, { idle: 0, kinds: 2, last: { status: "signed-out", scope: null } });
      quiet(app);
    });

    test("no picture shows two states of the session, even if it changes in the middle of a render", async (t) => {
      const app = await open(t, "/empty.html");
      const { pictures, midway } = await app.page.evaluate(async () => {
        const { noted, session, signIn, many, until } = window.hook;
        await signIn("old");
        // Read by the components as they render: the tenth read finds a render half done.
        let reads = 0;
        let midway = false;
        const read = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(session), "snapshot").get;
        Object.defineProperty(session, "snapshot", {
          get() {
            reads += 1;
            return read.call(session);
          },
        });
        many(20);
        await until(() => reads >= 10);
        midway = noted.pictures.length === 0;
        await signIn("new");
        await until(() => noted.pictures.at(-1)?.[0] === "new");
        return { pictures: noted.pictures, midway };
      });
      assert.ok(midway, "the session changed before the first picture");
      assert.equal(pictures.at(-1)?.[0], "new");
      for (const picture of pictures) {
        assert.equal(picture.length, 20);
        assert.equal(new Set(picture).size, 1, picture.join());
      }
      quiet(app);
    });
  });
}

describe("the example with routes", { concurrency: 2 }, () => {
  let browser;
  before(async () => {
    browser = await openBrowser();
  });
  after(() => browser.close());

  for (const [major, modules] of Object.entries(REACTS)) {
    test(`Vite and React ${major}: the guarded page asks for a sign-in, comes back, and lives through a refresh`, async (t) => {
      const { build } = await import("vite");
      const { default: react } = await import("@vitejs/plugin-react");
      const folder = output(`vite-react-${major}`);
      await build({
        root: here("react"),
        configFile: false,
        logLevel: "warn",
        plugins: [react()],
        resolve: { alias: { react: join(modules, "react"), "react-dom": join(modules, "react-dom") } },
        build: { outDir: folder, emptyOutDir: true },
        base: "/",
      });
      cpSync(join(folder, "index.html"), join(folder, "orders.html")); // A single-page app's server knows its routes.
      const { server, page, seen } = await openApp(t, browser, { page: folder });
      assert.match(await page.textContent("#account"), /Nobody/);
      await page.click("text=Orders");
      await page.waitForURL("**/sign-in");
      await page.click("#sign-in");
      await page.waitForURL("**/orders");
      await page.waitForFunction(() => document.querySelector("#answer").textContent.startsWith("200 "));
      const before = server.stats();
      server.faults.set({ api: { times: 1 } });
      assert.match((await call(page)).answer, /^200 /);
      const { rotations, reuseDetected } = since(before, server.stats());
      assert.deepEqual({ rotations, reuseDetected }, { rotations: 1, reuseDetected: 0 });

      await page.goto(`${server.url}/orders`); // Still signed in after a reload, and no detour by the sign-in.
      await page.waitForFunction(() => document.querySelector("#answer")?.textContent.startsWith("200 "));
      await page.click("text=Sign out");
      await page.waitForURL("**/sign-in");
      assert.match(await page.textContent("#account"), /Nobody/);
      assert.deepEqual(seen.errors, []);
    });
  }
});
