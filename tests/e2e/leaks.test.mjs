// That a page which shows a secret is caught, by each of the ways in which one can: else no other test here would tell.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { leaks, openBare, openBrowser, until } from "./browser.mjs";

describe("secrets that a page shows", { concurrency: 4 }, () => {
  let browser;
  before(async () => {
    browser = await openBrowser();
  });
  after(() => browser.close());

  const WAYS = {
    "in the console": () => console.log(`signed in with ${window.session.accessToken}`),
    "in an error nobody catches": () => setTimeout(() => Promise.reject(new Error(window.session.accessToken))),
    "in a URL": () => void fetch(`/api/time?token=${window.session.accessToken}`),
    "in a property of an error": async () => {
      const { AuthError } = window.tokenwell;
      const error = Object.assign(new AuthError("harmless"), { hint: { deep: [window.session.accessToken] } });
      window.session.refresh = () => Promise.reject(error);
      const { record } = await import("/record.js");
      record({ prototype: window.session });
      await window.session.refresh().catch(() => {});
    },
  };

  for (const [way, leak] of Object.entries(WAYS)) {
    test(way, async (t) => {
      const { page, seen } = await openBare(t, browser, { leaky: true });
      await seen.settled();
      assert.deepEqual(leaks(seen), [], "nothing of the sign-in itself");
      await page.evaluate(leak);
      await until(() => leaks(seen).length > 0, "the leak is seen");
    });
  }
});
