// A hostile page: whatever it gives, and whenever it calls, gets a clear error or a working session; never a trap, "recursive
// use" or an unhandled rejection. HOSTILE_SEED=N repeats a run, HOSTILE_FROM=N begins with that sequence of it.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { startServer } from "../../www/server/main.mjs";
import { BARE, openBare, openBrowser, PKG } from "./browser.mjs";
import { firefox } from "./tabs/firefox.mjs";

const SEED = Number(process.env.HOSTILE_SEED ?? Math.floor(Math.random() * 2 ** 31));
const FROM = Number(process.env.HOSTILE_FROM ?? 0);

/** In the page. `entry`: the package's class, or the WASM class that the crate alone gives. */
async function run({ what, entry, ...given }) {
  const { AuthSession: Front, AuthError, decodeJwt } = await import("/pkg/dist/index.js");
  const glue = await import("/pkg/dist/glue.js");
  const hostile = await import("/hostile.js");
  decodeJwt(""); // Loads the module, for the class that can't.
  const AuthSession = entry === "the package" ? Front : glue.AuthSession;
  window.wrong ??= hostile.watchWindow();
  if (what === "options") {
    const { tried, wrong } = await hostile.oddOptions(AuthSession, AuthError, { free: AuthSession !== Front });
    await new Promise((done) => setTimeout(done, 200));
    return { tried, wrong: [...wrong, ...window.wrong.splice(0)] };
  }
  const ran = await hostile.sequences(AuthSession, { ...given, wrong: window.wrong });
  return { ...ran, wrong: window.wrong.splice(0) };
}

const passes = (t, { wrong, ...ran }) => {
  t.diagnostic(JSON.stringify({ seed: SEED, ...ran }));
  assert.deepEqual(wrong, [], `again with HOSTILE_SEED=${SEED}`);
};

// Each in a browser of its own: sequences keep a core busy.
describe("a hostile page", { concurrency: 2 }, () => {
  for (const entry of ["the package", "the WASM class"]) {
    describe(entry, () => {
      let browser;
      before(async () => {
        browser = await openBrowser();
      });
      after(() => browser.close());
      const ask = async (t, given) => {
        const { page } = await openBare(t, browser, { session: null });
        passes(t, await page.evaluate(run, { entry, ...given }));
      };

      test("odd values in every place of the options", (t) => ask(t, { what: "options" }));

      // Together 100,000.
      test("50,000 sequences of calls, by user code from inside too", (t) =>
        ask(t, { what: "sequences", seed: SEED, from: FROM, count: 50_000 }));
    });
  }
});

describe("hostile pages in Firefox", () => {
  const host = firefox();
  before(() => host.start());
  after(() => host.stop());

  for (const entry of ["the package", "the WASM class"]) {
    test(`${entry}: odd options, and 3,000 sequences`, async (t) => {
      const server = await startServer({ pkg: PKG, page: BARE });
      t.after(() => server.close());
      const visitor = await host.visitor();
      t.after(() => visitor.close());
      const page = await visitor.newPage();
      await page.goto(server.url);
      passes(t, await page.evaluate(run, { what: "options", entry }));
      passes(t, await page.evaluate(run, { what: "sequences", entry, seed: SEED, from: FROM, count: 3_000 }));
    });
  }
});
