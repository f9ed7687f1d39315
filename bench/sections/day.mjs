// An hour of one user, time-scaled, with faults: page/day.js has the whole story.

import { inBrowser } from "../lib/host.mjs";
import { CALLERS } from "../lib/peers.mjs";

export const title = "An hour of use, with faults";

const TEXT = `An hour of one user, every tab of whom makes a call each 20 s on average. Access tokens live 5 minutes and refresh
tokens rotate: one that is presented again more than 30 s later ends the sign-in. The faults: the token endpoint answers
503 for 2 and for 5 minutes, one in ten of its answers gets lost after it has rotated, three times all access tokens are
withdrawn, and the laptop is shut for ten minutes. After five failed calls in a row, with the server well, the user signs
in again: that is a sign-out.

How it is driven: the real libraries in frames of one page, of which each has its own \`Date\`, \`performance.now\` and
timers, 15 times as fast, and a model of the server behind \`fetch\`. IndexedDB, Web Locks and BroadcastChannel are real
and not sped up. (At 240 times as fast a database that takes 40 ms takes ten seconds: that showed the machine, and
nothing else.) The snippet and keycloak-js share nothing among tabs: there each tab has a sign-in of its own. One run
each; single figures are chance.`;

export async function run({ quick, only }) {
  const tabs = quick ? [1, 3] : [1, 3, 8];
  const scale = quick ? 60 : 15;
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
