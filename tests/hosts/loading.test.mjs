// A page that cannot load the module, and a page that has it twice.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import sirv from "sirv";
import { here, INSTALLED, openApp, openBrowser, since } from "./world.mjs";

const HTML = readFileSync(here("loading/index.html"));
const WASM = readFileSync(join(INSTALLED, "dist/tokenwell.wasm"));

/** An empty page, and the package under as many addresses as one likes: /one/, /two/. */
function serveCopies({ policy = "", wasm }) {
  const files = sirv(INSTALLED, { dev: true, etag: false });
  return (request, response) => {
    response.setHeader("content-security-policy", policy);
    if (wasm && request.url.endsWith(".wasm")) return wasm(response);
    if (request.url === "/") return response.writeHead(200, { "content-type": "text/html" }).end(HTML);
    request.url = request.url.replace(/^\/\w+\//, "/");
    return files(request, response, () => response.writeHead(404).end());
  };
}

/** What becomes of a session in the page: its status, or what the error says. */
const tryIn = (page, entry) =>
  page.evaluate(async (file) => {
    const { AuthSession, AuthError } = await import(file);
    const told = (error) => ({
      real: error instanceof AuthError && error instanceof Error,
      code: error.code,
      message: error.message,
      cause: error.cause !== undefined,
    });
    try {
      return (await AuthSession.create({ refresh: "/oidc/token" })).snapshot.status;
    } catch (error) {
      return told(error);
    }
  }, `/one/dist/${entry}.js`);

const asked = (type, body = WASM) => ({
  wasm: (response) => response.writeHead(200, { "content-type": type }).end(body),
});

const TROUBLES = [
  {
    what: "a Content-Security-Policy without 'wasm-unsafe-eval'",
    entries: ["index", "slim"],
    page: { policy: "script-src 'self'" },
    code: "invalid_options",
    message: /Content-Security-Policy: add 'wasm-unsafe-eval' to script-src/,
  },
  {
    what: "a Content-Security-Policy that lets nothing be fetched",
    entries: ["slim"],
    page: { policy: "connect-src 'none'" },
    code: "refresh_unavailable",
    message: /could not be fetched: .*connect-src/,
  },
  {
    what: "404",
    entries: ["slim"],
    page: { wasm: (response) => response.writeHead(404).end() },
    code: "invalid_options",
    message: /HTTP 404 at http:\/\/localhost:\d+\/one\/dist\/tokenwell.wasm: put the file there, or name its place/,
  },
  {
    what: "the page itself, where a server has no such file",
    entries: ["slim"],
    page: asked("text/html; charset=utf-8", HTML),
    code: "invalid_options",
    message: /an HTML page at http:\/\/localhost:\d+\/one\/dist\/tokenwell.wasm: put the file there, or name its place/,
  },
  {
    what: "half a file",
    entries: ["slim"],
    page: asked("application/wasm", WASM.subarray(0, WASM.length / 2)),
    code: "invalid_options",
    message: /cut short/,
  },
];

describe("loading", { concurrency: 4 }, () => {
  let browser;
  before(async () => {
    browser = await openBrowser();
  });
  after(() => browser.close());

  for (const { what, entries, page: options, code, message } of TROUBLES) {
    for (const entry of entries) {
      test(`${entry}.js and ${what}: one error that says what to do`, async (t) => {
        const { page } = await openApp(t, browser, { serve: serveCopies(options) });
        const error = await tryIn(page, entry);
        assert.deepEqual({ real: error.real, code: error.code }, { real: true, code }, JSON.stringify(error));
        assert.match(error.message, message);
      });
    }
  }

  for (const type of ["application/octet-stream", "text/plain", "application/wasm; charset=utf-8"]) {
    test(`a wrong MIME type is put up with: ${type}`, async (t) => {
      const { page } = await openApp(t, browser, { serve: serveCopies(asked(type)) });
      assert.equal(await tryIn(page, "slim"), "signed-out");
    });
  }

  for (const [what, files, sameSession] of [
    ["two entries of one copy", ["/one/dist/index.js", "/one/dist/slim.js"], true],
    ["two copies", ["/one/dist/index.js", "/two/dist/index.js"], false],
    ["a module and the classic script", ["/one/dist/index.js", "/two/dist/tokenwell.global.js"], false],
  ]) {
    for (const storage of ["session", "local"]) {
      test(`${what} in one page, storage "${storage}": one refresh for both, one sign-out, errors known to both`, async (t) => {
        const { page, server, seen } = await openApp(t, browser, { serve: serveCopies({}) });
        await page.evaluate(
          async ([first, second, storage]) => {
            const script = (src) =>
              new Promise((resolve) => {
                const onload = () => resolve(window.tokenwell);
                document.head.append(Object.assign(document.createElement("script"), { src, onload }));
              });
            const load = (file) => (file.endsWith("global.js") ? script(file) : import(file));
            const libraries = [await load(first), await load(second)];
            const options = { refresh: { url: "/oidc/token", clientId: "tokenwell-demo" }, storage };
            const one = await libraries[0].AuthSession.create(options);
            const login = await fetch("/demo/sign-in", { method: "POST" });
            await one.setTokens(await login.json());
            // The other one finds the sign-in where it is kept.
            Object.assign(window, { libraries, sessions: [one, await libraries[1].AuthSession.create(options)] });
          },
          [...files, storage],
        );
        assert.equal(await page.evaluate(() => window.sessions[1].snapshot.status), "signed-in");
        const before = server.stats();
        const found = await page.evaluate(async () => {
          const { libraries, sessions } = window;
          const tokens = await Promise.all(sessions.map((session) => session.refresh().then((s) => s.accessToken)));
          const answers = await Promise.all(sessions.map((session) => session.fetch("/api/time")));
          const [one, two] = libraries;
          return {
            same: sessions[0] === sessions[1],
            tokens: new Set(tokens).size,
            statuses: answers.map(({ status }) => status),
            known: one.AuthError.is(new two.AuthError()) && two.AuthError.is(new one.AuthError()),
          };
        });
        assert.deepEqual(found, { same: sameSession, tokens: 1, statuses: [200, 200], known: true });
        const { rotations, reuseDetected } = since(before, server.stats());
        assert.equal(reuseDetected, 0);
        assert.equal(rotations, 1);
        await page.evaluate(() => window.sessions[1].signOut());
        await page.waitForFunction(() => window.sessions[0].snapshot.status === "signed-out");
        assert.deepEqual(seen.errors, []);
      });
    }
  }
});
