// A working day of one user, time-scaled, with faults: page/day.js has the whole story.

import { inBrowser } from "../lib/host.mjs";
import { CALLERS } from "../lib/peers.mjs";

export const title = "A day of use, with faults";

const TEXT = `Eight working hours of one user, of whom every tab makes a call a minute on average. Access tokens live 15 minutes and
refresh tokens rotate: one that is presented again more than 30 s later ends the sign-in. The faults: the token endpoint
answers 503 for 5 and for 12 minutes, 2 % of its answers get lost after it has rotated, three times all access tokens
are withdrawn, and the laptop is shut for an hour. After five failed calls in a row, with the server well, the user
signs in again: that is a sign-out.

How it is driven: the real libraries in frames of one page, of which each has its own \`Date\`, \`performance.now\` and
timers, some hundred times as fast, and a model of the server behind \`fetch\`. IndexedDB, Web Locks and BroadcastChannel
are real and not sped up, so that each of their milliseconds counts as a quarter of a second: that is against those who
use them, tokenwell among them. The snippet and keycloak-js share nothing among tabs: there each tab has a sign-in of
its own. One run each; single figures are chance.`;

export async function run({ quick, only }) {
  const tabs = quick ? [1, 3] : [1, 3, 8];
  const scale = quick ? 720 : 240;
  return inBrowser(async (browser, host) => {
    const peers = CALLERS.filter(only);
    const rows = peers.map(({ id }) => ({ id }));
    for (const n of tabs) {
      // All at the same time: they wait most of it.
      await Promise.all(
        peers.map(async ({ id }, i) => {
          const context = await browser.newContext();
          const page = await context.newPage();
          await page.goto(`${host.origin}/day`);
          await page.waitForFunction(() => window.runDay);
          rows[i][n] = await page.evaluate((order) => window.runDay(order), { peer: id, tabs: n, scale });
          await context.close();
        }),
      );
    }
    return { rows, tabs, scale, text: TEXT };
  });
}
