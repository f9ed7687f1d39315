// What the guides show is run as it stands: each fenced block marked `js run` as a module in Chromium, against the
// demo's real server, in the order of the page; each marked `js playwright` with a `page` of that server, where a module
// that was named before has a page of its own; each marked `js node` in Node; each marked `csp` as a page's policy. In
// comments between them:
//
//   <!-- expect: EXPRESSION -->   must come true in the page, after the block above it
//   <!-- fault: JSON -->          ordered at the server, before the block below it
//
// A block that begins with `// name.js` can be imported by later ones as "./name.js". The guides' addresses stand for
// the demo's: /login, /oauth/token, /api/orders.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build, transform } from "esbuild";
import { startServer } from "../../www/server/main.mjs";
import { openBrowser, PKG, until } from "./browser.mjs";

const GUIDES = fileURLToPath(new URL("../../docs/guides/", import.meta.url));
const guides = readdirSync(GUIDES).filter((file) => file.endsWith(".md"));
const read = (file) => readFileSync(join(GUIDES, file), "utf8");

const STEP = /^```js (run|node|playwright)\n([\s\S]*?)^```$|^<!-- (expect|fault): ([\s\S]*?) -->$/gm;
const stepsOf = (text) =>
  [...text.matchAll(STEP)].map(([, kind, code, word, content]) =>
    code === undefined ? { [word]: content } : { [kind]: code },
  );

const AsyncFunction = (async () => {}).constructor;

const STANDS_FOR = { "/login": "/demo/sign-in", "/oauth/token": "/oidc/token", "/api/orders": "/api/time" };
const ENTRIES = {
  tokenwell: "index",
  "tokenwell/slim": "slim",
  "tokenwell/presets": "presets",
  "tokenwell/inspector": "inspector",
};
const IMPORTS = Object.fromEntries(Object.entries(ENTRIES).map(([name, file]) => [name, `/pkg/dist/${file}.js`]));
const pageOf = (script) => `<!doctype html><title>guide</title>
<script type="importmap">${JSON.stringify({ imports: { ...IMPORTS, axios: "/axios.js" } })}</script>
<body><script type="module">${script}</script>`;
const PAGE = pageOf('window.tokenwell = await import("tokenwell"); window.ready = true;');

/** What a bundler in development makes of it, and the demo's client. */
async function built(code) {
  const { code: text } = await transform(code, { define: { "import.meta.env.DEV": "true" }, charset: "utf8" });
  return text.replaceAll("my-app", "tokenwell-demo");
}

describe("guides", { concurrency: 3 }, () => {
  let browser, axios;
  before(async () => {
    const bundle = { stdin: { contents: 'export { default } from "axios"', resolveDir: GUIDES }, bundle: true };
    const built = build({ ...bundle, format: "esm", platform: "browser", write: false, logLevel: "error" });
    [browser, axios] = await Promise.all([openBrowser(), built.then(({ outputFiles: [file] }) => file.text)]);
  });
  after(() => browser.close());

  for (const file of guides) {
    const steps = stepsOf(read(file));
    if (!steps.some(({ run }) => run)) continue;
    test(`${file}: what it shows works`, async (t) => {
      const server = await startServer({ pkg: PKG, accessTtl: 60 });
      const context = await browser.newContext({ baseURL: server.url });
      t.after(async () => {
        await context.close();
        await server.close();
      });
      const files = new Map([["/axios.js", axios]]);
      await context.route("**/*", (route) => answer(route, server, files));
      const page = await context.newPage();
      const errors = [];
      page.on("pageerror", (error) => errors.push(String(error)));
      await page.goto(`${server.url}/guide`);
      await page.waitForFunction(() => window.ready);

      for (const [i, { run, playwright, expect, fault }] of steps.entries()) {
        if (fault) server.faults.set(JSON.parse(fault));
        if (run) {
          const [, name = `step-${i}.js`] = run.match(/^\/\/ (\S+\.js)\n/) ?? [];
          files.set(`/${name}`, await built(run));
          await page.evaluate((url) => import(url), `/${name}`).catch((error) => assert.fail(`${run}\n${error.stack}`));
        }
        if (playwright) {
          const other = await context.newPage();
          other.setDefaultTimeout(10_000);
          await new AsyncFunction("page", playwright)(other);
          await other.close();
        }
        if (expect)
          await until(
            () => page.evaluate(expect),
            () => `${file} to come to: ${expect}`,
            { within: 10_000 },
          );
      }
      assert.deepEqual(errors, []);
    });
  }

  test("the policy that the guide gives lets the package work, and without its one word the error names that word", async (t) => {
    const server = await startServer({ pkg: PKG });
    const context = await browser.newContext();
    t.after(async () => {
      await context.close();
      await server.close();
    });
    const [, policy] = read("hosting.md").match(/^```csp\n(.*?)\n```$/ms);
    const script = `import { AuthSession } from "/pkg/dist/index.js";
      try { window.said = new AuthSession({ refresh: "/oidc/token" }).snapshot.status } catch (error) { window.said = error.message }`;
    const said = async (policy) => {
      const page = await context.newPage();
      await page.route("**/guarded*", (route) =>
        route.request().url().endsWith(".js")
          ? route.fulfill({ contentType: "text/javascript", body: script })
          : route.fulfill({
              contentType: "text/html",
              headers: { "content-security-policy": policy },
              body: '<!doctype html><script type="module" src="/guarded.js"></script>',
            }),
      );
      await page.goto(`${server.url}/guarded`);
      await page.waitForFunction(() => window.said);
      return page.evaluate(() => window.said);
    };
    assert.equal(await said(policy), "signed-out");
    assert.match(await said(policy.replace(" 'wasm-unsafe-eval'", "")), /'wasm-unsafe-eval'/);
  });

  test("what runs in Node runs in Node", async () => {
    const folder = mkdtempSync(join(tmpdir(), "tokenwell-guides-"));
    mkdirSync(join(folder, "node_modules"));
    symlinkSync(PKG, join(folder, "node_modules/tokenwell"));
    const blocks = guides.flatMap((file) => stepsOf(read(file)).flatMap(({ node }) => node ?? []));
    assert.ok(blocks.length > 0);
    const files = blocks.map((code, i) => {
      const [, name = `step-${i}.mjs`] = code.match(/^\/\/ (\S+\.mjs)\n/) ?? [];
      writeFileSync(join(folder, name), code);
      return name;
    });
    const tests = files.filter((name) => name.includes(".test."));
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const { stdout } = await promisify(execFile)("node", ["--test", ...tests], { cwd: folder, env });
    assert.match(stdout, /# pass [1-9]|ℹ pass [1-9]/);
    rmSync(folder, { recursive: true });
  });

  test("every error code has its section under When things fail, and its place in the package's README", () => {
    const [, union] = readFileSync(join(PKG, "dist/errors.d.ts"), "utf8").match(/type AuthErrorCode =([\s\S]*?)\n\n/);
    const codes = [...union.matchAll(/\| "(\w+)"/g)].map(([, code]) => code);
    const sections = [...read("failures.md").matchAll(/^## `(\w+)`$/gm)].map(([, code]) => code);
    assert.deepEqual(sections.sort(), codes.sort());
    const packages = readFileSync(join(PKG, "README.md"), "utf8");
    for (const code of codes) assert.ok(packages.includes(`| \`${code}\` |`), code);
    for (const code of codes) {
      const [, section] = read("failures.md").match(RegExp(`^## \`${code}\`\\n([\\s\\S]*?)(?=^## |(?![\\s\\S]))`, "m"));
      assert.ok(
        /\*\*Your user\*\*/.test(section) && /\*\*You\*\*/.test(section),
        `${code}: what the user sees, what to do`,
      );
      assert.ok(
        stepsOf(section).some(({ expect }) => expect?.includes(code)),
        `${code} is shown to happen`,
      );
    }
  });
});

async function answer(route, server, files) {
  const { pathname } = new URL(route.request().url());
  if (pathname === "/guide") return route.fulfill({ contentType: "text/html", body: PAGE });
  if (files.has(`${pathname}.js`))
    return route.fulfill({ contentType: "text/html", body: pageOf(`import "${pathname}.js";`) });
  if (files.has(pathname)) return route.fulfill({ contentType: "text/javascript", body: files.get(pathname) });
  const real = STANDS_FOR[pathname];
  if (!real) return route.continue();
  const response = await route.fetch({ url: server.url + real });
  return route.fulfill({ response });
}
