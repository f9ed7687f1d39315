// Chromium, through Playwright.

import { openBrowser } from "../browser.mjs";

/** Names that a test may use for an origin that is not secure. */
const RESOLVE = "--host-resolver-rules=MAP insecure.test 127.0.0.1";

export function chromium() {
  let browser;

  return {
    name: "Chromium",
    async start() {
      // As people have it: pages are kept for going back to.
      browser = await openBrowser({ args: [RESOLVE], ignoreDefaultArgs: ["--disable-back-forward-cache"] });
    },
    stop: () => browser?.close(),
    /** A visitor of their own: nothing is shared with others. */
    async visitor() {
      const context = await browser.newContext();
      const clients = new Map();
      // What is set lasts as long as the client does.
      const devtools = async (page, method, params) => {
        if (!clients.has(page)) clients.set(page, await context.newCDPSession(page));
        return clients.get(page).send(method, params);
      };
      return {
        newPage: () => context.newPage(),
        async popup(page, url) {
          const opened = context.waitForEvent("page");
          await page.evaluate((to) => {
            window.open(to);
          }, url);
          return opened;
        },
        setOffline: (offline) => context.setOffline(offline),
        close: () => context.close(),
        /** Its process dies, and nothing in it has time for last words. */
        async crash(page) {
          const crashed = new Promise((resolve) => page.once("crash", resolve));
          page.goto("chrome://crash").catch(() => {});
          await crashed;
        },
        /** Stands still from the next line of script on. What comes for it meanwhile waits: timers, answers, messages. */
        async freeze(page) {
          await devtools(page, "Debugger.enable");
          await devtools(page, "Debugger.pause");
        },
        thaw: (page) => devtools(page, "Debugger.disable"),
      };
    },
  };
}
