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
      const attached = new Map();
      /** A way to the debugger of each worker that a page has. */
      const workers = async (page) => {
        if (!attached.has(page)) {
          const found = new Map();
          attached.set(page, found);
          const client = clients.get(page);
          client.on("Target.attachedToTarget", ({ sessionId, targetInfo }) => {
            if (targetInfo.type === "worker") found.set(sessionId, workerDevtools(client, sessionId));
          });
          client.on("Target.detachedFromTarget", ({ sessionId }) => found.delete(sessionId));
          // Those that are there are told of before this is answered.
          const all = { autoAttach: true, waitForDebuggerOnStart: false, flatten: false };
          await devtools(page, "Target.setAutoAttach", all);
        }
        return [...attached.get(page).values()];
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
          // Its workers with it, as with a page that the browser freezes.
          for (const worker of await workers(page)) {
            await worker("Debugger.enable");
            await worker("Debugger.pause");
          }
        },
        async thaw(page) {
          for (const worker of await workers(page)) await worker("Debugger.disable");
          await devtools(page, "Debugger.disable");
        },
      };
    },
  };
}

/** `(method) => answered`, through the page's own connection. */
function workerDevtools(client, sessionId) {
  let last = 0;
  return (method) => {
    last += 1;
    const id = last;
    const answered = new Promise((resolve, reject) => {
      const hear = ({ sessionId: from, message }) => {
        const { id: of, error } = JSON.parse(message);
        if (from !== sessionId || of !== id) return;
        client.off("Target.receivedMessageFromTarget", hear);
        if (error) reject(new Error(`${method}: ${error.message}`));
        else resolve();
      };
      client.on("Target.receivedMessageFromTarget", hear);
    });
    const message = JSON.stringify({ id, method });
    return Promise.all([answered, client.send("Target.sendMessageToTarget", { sessionId, message })]);
  };
}
