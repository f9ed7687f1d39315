// Many calls at once when the token has expired: token requests, failures, and time beyond the refresh itself.

import { inBrowser, openEach } from "../lib/host.mjs";
import { CALLERS } from "../lib/peers.mjs";
import { summary } from "../lib/stats.mjs";

export const title = "Stampede on an expired token";

export async function run({ quick, only }) {
  return inBrowser(async (browser, host) => {
    const peers = CALLERS.filter(only);
    const rows = peers.map(({ id }) => ({ id }));
    for (const calls of [1_000, 10_000]) {
      const seen = peers.map(() => []);
      // A fresh page each time for those who remember failures; the first turn warms the code.
      const pages = await openEach(browser, host, peers, { clock: true, tokenDelay: 50 });
      const rounds = quick ? 3 : 7;
      for (let round = -1; round < rounds; round++) {
        for (const [i, page] of pages.entries()) {
          const result = await page.evaluate((calls) => window.bench.stampede(calls), calls);
          if (round >= 0) seen[i].push(result);
        }
      }
      for (const [i, row] of rows.entries()) {
        row[calls] = {
          beyondMs: summary(seen[i].map((r) => r.beyondMs)),
          tokenRequests: Math.max(...seen[i].map((r) => r.tokenRequests)),
          failures: Math.max(...seen[i].map((r) => r.failures)),
          why: seen[i].find((r) => r.why)?.why,
        };
      }
      for (const page of pages) await page.context().close();
    }
    return { rows, unit: "ms", tokenDelayMs: 50 };
  });
}
