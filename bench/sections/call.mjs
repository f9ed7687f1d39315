// The cost of a call with a fresh token, the network stubbed out: what the library itself costs.

import { inBrowser, openEach } from "../lib/host.mjs";
import { CALLERS } from "../lib/peers.mjs";
import { summary } from "../lib/stats.mjs";

export const title = "A call with a fresh token";

/** Of one peer in one turn; short, so that a machine busy with something else hits all alike. */
const TURN_MS = 30;

export async function run({ quick, only }) {
  return inBrowser(async (browser, host) => {
    const peers = CALLERS.filter(only);
    const open = [];
    for (const page of await openEach(browser, host, peers, { stub: true })) {
      open.push({
        page,
        sequential: await calibrate(page, "sequential", 1),
        together: await calibrate(page, "together", 100),
      });
    }
    const rounds = quick ? 9 : 25;
    const took = open.map(() => ({ sequential: [], together: [] }));
    for (let round = 0; round < rounds; round++) {
      for (const way of ["sequential", "together"]) {
        for (const [i, { page, [way]: n }] of open.entries()) {
          const ms = await page.evaluate(([way, n]) => window.bench[way](n), [way, n]);
          took[i][way].push((ms * 1000) / (way === "together" ? n * 100 : n));
        }
      }
    }
    const floor = took[peers.findIndex((peer) => peer.id === "by-hand")];
    const rows = peers.map(({ id }, i) => {
      const row = { id };
      for (const way of ["sequential", "together"]) {
        row[way] = summary(took[i][way]);
        row[`${way}Ratio`] = summary(took[i][way].map((us, round) => us / floor[way][round]));
      }
      return row;
    });
    return { rows, unit: "µs" };
  });
}

/** How many calls fill a turn, found when the code is warm. */
async function calibrate(page, way, calls) {
  let n = Math.ceil(2_000 / calls);
  let ms = 0;
  for (let i = 0; i < 6; i++) {
    ms = await page.evaluate(([way, n]) => window.bench[way](n), [way, n]);
    n = Math.max(1, Math.round((n * TURN_MS) / Math.max(ms, 0.5)));
    n = Math.min(n, 200_000);
  }
  return n;
}
