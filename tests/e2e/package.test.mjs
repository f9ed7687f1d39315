// The package as it is: on a plain static server, in Node, and before anybody uses it.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import sirv from "sirv";
import { openBare, openBrowser, PKG, watch } from "./browser.mjs";

const ENTRY = join(PKG, "dist/index.js");

describe("package", { concurrency: 6 }, () => {
  let browser;
  before(async () => {
    browser = await openBrowser();
  });
  after(() => browser.close());

  test("importing it in Node does nothing and leaves nothing running", async () => {
    const script = `
      const before = Reflect.ownKeys(globalThis).length;
      for (const name of ["compile", "instantiate"]) WebAssembly[name] = () => { throw new Error(name + " at import"); };
      globalThis.fetch = () => { throw new Error("fetch at import"); };
      const tokenwell = await import(${JSON.stringify(pathToFileURL(ENTRY).href)});
      if (Reflect.ownKeys(globalThis).length !== before) throw new Error("a global was added");
      if (typeof tokenwell.AuthSession !== "function") throw new Error("no AuthSession");
    `;
    const node = spawn(process.execPath, ["--input-type=module", "--eval", script]);
    let said = "";
    for (const stream of [node.stdout, node.stderr]) {
      stream.on("data", (part) => {
        said += part;
      });
    }
    const code = await new Promise((resolve) => node.on("close", resolve));
    assert.deepEqual({ code, said }, { code: 0, said: "" });
  });

  test("importing it in a page compiles nothing, asks nothing and adds no global", async (t) => {
    const { server, page } = await openBare(t, browser, { session: null });
    await page.goto(`${server.url}/icon-that-is-not-there`); // A page of the same origin with no script at all.
    const found = await page.evaluate(async () => {
      const compiled = [];
      for (const name of ["compile", "compileStreaming", "instantiate", "instantiateStreaming"]) {
        const original = WebAssembly[name];
        WebAssembly[name] = (...args) => {
          compiled.push(name);
          return original.apply(WebAssembly, args);
        };
      }
      const globals = new Set(Reflect.ownKeys(window));
      const storage = JSON.stringify([{ ...sessionStorage }, { ...localStorage }]);
      // The browser asks for its favicon when it likes.
      const asked = () =>
        performance
          .getEntriesByType("resource")
          .map(({ name }) => new URL(name).pathname)
          .filter((path) => !path.startsWith("/pkg/dist/") && path !== "/favicon.ico");
      const askedBefore = asked().length;
      await import("/pkg/dist/index.js");
      await new Promise((resolve) => setTimeout(resolve, 50));
      return {
        compiled,
        added: Reflect.ownKeys(window).filter((key) => !globals.has(key)),
        stored: JSON.stringify([{ ...sessionStorage }, { ...localStorage }]) !== storage,
        fetched: asked().slice(askedBefore),
      };
    });
    assert.deepEqual(found, { compiled: [], added: [], stored: false, fetched: [] });
  });

  test("it loads in a plain module script from any static server", async (t) => {
    const url = await serveStatically(t);
    const page = await browser.newPage();
    t.after(() => page.close());
    const seen = watch(page);
    await page.goto(url);
    await page.waitForFunction(() => window.result);
    const result = await page.evaluate(() => window.result);
    assert.deepEqual(result, { status: "signed-in", header: "Bearer opaque-token", claims: null });
    assert.deepEqual(seen.errors.concat(seen.console), []);
    const scripts = seen.urls.filter((at) => !at.includes("/pkg/dist/") && new URL(at).pathname !== "/");
    assert.deepEqual(scripts, [], "nothing else was fetched");
  });

  test("sessions of one name are one session; other names are apart", async (t) => {
    const { page } = await openBare(t, browser, { session: null });
    const found = await page.evaluate(async () => {
      const { AuthSession } = window.tokenwell;
      const options = { refresh: { url: "/oidc/token", clientId: "tokenwell-demo" } };
      const one = await AuthSession.create(options);
      const other = await AuthSession.create({ ...options, name: "other" });
      await one.setTokens({ access_token: "a", expires_in: 60, refresh_token: "r" });
      const { snapshot } = one;
      return {
        got: AuthSession.get()?.accessToken ?? null,
        gotOther: AuthSession.get("other")?.snapshot.status,
        nobody: AuthSession.get("nobody") === undefined,
        same: snapshot === one.snapshot,
        otherStatus: other.snapshot.status,
      };
    });
    assert.deepEqual(found, { got: "a", gotOther: "signed-out", nobody: true, same: true, otherStatus: "signed-out" });
  });

  test("a refresh function is called in place of a request", async (t) => {
    const { server, page } = await openBare(t, browser, { session: null });
    const found = await page.evaluate(async () => {
      const given = [];
      const session = await window.tokenwell.AuthSession.create({
        refresh: async (context) => {
          given.push(context);
          return { access_token: `new-${given.length}`, expires_in: "3600" };
        },
      });
      await session.setTokens({ access_token: "old", expires_in: 60, refresh_token: "kept" });
      await session.refresh();
      await session.refresh();
      return { given, token: session.accessToken };
    });
    assert.deepEqual(found, {
      given: [
        { refreshToken: "kept", accessToken: "old", reason: "manual" },
        { refreshToken: "kept", accessToken: "new-1", reason: "manual" },
      ],
      token: "new-2",
    });
    assert.equal(server.stats().tokenRequests.total, 0);
  });
});

/** A page of four lines and the package beside it: right MIME types, no other header, no other file. */
async function serveStatically(t) {
  const html = `<!doctype html><title>plain</title><link rel="icon" href="data:,"><script type="module">
    import { AuthSession, decodeJwt } from "/pkg/dist/index.js";
    let header;
    const fake = async (input, init) => {
      header = new Request(input, init).headers.get("authorization");
      return new Response("ok");
    };
    const session = new AuthSession({ refresh: "/token", fetch: fake });
    await session.setTokens({ access_token: "opaque-token", expires_in: 3600 });
    await session.fetch("/anything");
    window.result = { status: session.snapshot.status, header, claims: decodeJwt("opaque-token") };
  </script>`;
  const files = sirv(PKG, { dev: true });
  const server = createServer((request, response) => {
    if (request.url === "/") return response.writeHead(200, { "content-type": "text/html" }).end(html);
    request.url = request.url.replace(/^\/pkg\//, "/");
    return files(request, response, () => response.writeHead(404).end());
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://localhost:${server.address().port}/`;
}
