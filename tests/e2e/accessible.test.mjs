// What axe-core has to say of every page and of the inspector: the WCAG 2 rules of levels A and AA, contrast among
// them, and its best practices; in light and in dark, on a desktop and on a phone. And that no page says a word on the
// console.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { guidePages } from "../../www/server/guides.mjs";
import { openBare, openBrowser, openDemo, until } from "./browser.mjs";

const AXE = readFileSync(fileURLToPath(import.meta.resolve("axe-core/axe.min.js")), "utf8");
const DESKTOP = 1280;
const PHONE = 390;
const LOOKS = ["light", "dark"].flatMap((colorScheme) => [DESKTOP, PHONE].map((width) => ({ colorScheme, width })));

/** Drawn over the ring, so axe cannot tell what is behind them; `.hint` and `.facts dd` have the same colours. */
const UNSURE = new Set(["#ring-number", "#ring-unit"]);

async function complaints(page, context = "document") {
  // What stays in view while one scrolls covers nothing then.
  await page.evaluate(() => window.scrollTo({ top: 0, behavior: "instant" }));
  await page.evaluate(AXE);
  const { violations, incomplete } = await page.evaluate(
    (where) => window.axe.run(where === "document" ? document : where, { resultTypes: ["violations", "incomplete"] }),
    context,
  );
  return [...violations, ...incomplete].flatMap(({ id, nodes }) =>
    nodes
      .map(({ target, failureSummary, any }) => ({
        at: target.flat().join(" "),
        why: failureSummary ?? any[0]?.message,
      }))
      .filter(({ at }) => !UNSURE.has(at))
      .map(({ at, why }) => `${id}: ${at}: ${why}`),
  );
}

async function look(page, { colorScheme, width }) {
  await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
  await page.setViewportSize({ width, height: 844 });
}

describe("accessible", { concurrency: 3 }, () => {
  let browser;
  before(async () => {
    browser = await openBrowser();
  });
  after(() => browser.close());

  for (const wanted of LOOKS) {
    const named = `${wanted.colorScheme}, ${wanted.width} px`;

    test(`the home page, before and after a torment, ${named}`, async (t) => {
      const { server, page } = await openDemo(t, browser, { accessTtl: 60 });
      await look(page, wanted);
      await page.waitForSelector("#sign-in:enabled");
      assert.deepEqual(await complaints(page), []);

      const press = (action) => page.click(`#buttons [data-action=${action}]`);
      await page.click("#sign-in");
      await page.waitForSelector("#status[data-tone=ok]");
      // Calls of the snippet have failed, its user is out, and tokenwell's refresh waits: every colour there is.
      await press("expire");
      await page.waitForSelector("text=refuses this token");
      await press("callMany");
      await press("sleep");
      await page.waitForSelector("#rival-status[data-tone=bad]");
      await page.waitForSelector("#status[data-tone=ok]");
      server.faults.set({ token: { status: 429, retryAfter: 60, times: "always" } });
      await press("expire");
      await page.waitForSelector("text=refuses this token");
      await press("callApi");
      await page.waitForSelector("#status[data-tone=warn]");
      assert.deepEqual(await complaints(page), []);
    });

    test(`the inspector, folded and unfolded, ${named}`, async (t) => {
      const { server, page } = await openBare(t, browser, { accessTtl: 60 });
      await look(page, wanted);
      await page.evaluate(async () => {
        const { mountInspector } = await import("/pkg/dist/inspector.js");
        mountInspector(window.session);
      });
      const inspector = { include: [["tokenwell-inspector"]] };
      assert.deepEqual(await complaints(page, inspector), []);
      await page.getByRole("button", { name: /^signed-in/ }).click();
      server.faults.set({ token: { status: 429, retryAfter: 30, times: "always" } });
      await page.getByRole("button", { name: "Refresh now" }).click();
      const shown = () => page.locator("tokenwell-inspector section").textContent();
      await until(async () => /refresh_unavailable/.test(await shown()), "the error in the inspector");
      assert.deepEqual(await complaints(page, inspector), []);
    });
  }

  for (const wanted of [
    { colorScheme: "light", width: DESKTOP },
    { colorScheme: "dark", width: PHONE },
  ]) {
    test(`every other page, ${wanted.colorScheme}, ${wanted.width} px, with nothing on the console`, async (t) => {
      const { server, page, seen } = await openDemo(t, browser, { accessTtl: 60 });
      await look(page, wanted);
      const pages = ["", "backends.html?of=sapphire", "backends.html?of=appsmith", ...guidePages()];
      for (const path of pages) {
        await page.goto(`${server.url}/${path}`, { waitUntil: "load" });
        assert.match(await page.title(), /tokenwell/, path);
        assert.deepEqual(await complaints(page), [], path);
      }
      assert.ok(pages.length > 15);
      assert.deepEqual([seen.errors, seen.console], [[], []]);
    });
  }
});
