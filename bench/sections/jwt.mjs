// Decoding a JWT of 1 KB, beside `jwt-decode` and two lines by hand.

import { inBrowser, openPeer } from "../lib/host.mjs";
import { summary } from "../lib/stats.mjs";

export const title = "Decoding a JWT";

export async function run({ quick }) {
  return inBrowser(async (browser, host) => {
    const page = await openPeer(browser, host.origin, { id: "tokenwell" }, {});
    const took = {};
    let length;
    const rounds = quick ? 9 : 31;
    for (let round = -3; round < rounds; round++) {
      const result = await page.evaluate(() => window.bench.decoding(500));
      length = result.length;
      if (round < 0) continue;
      for (const [name, ms] of Object.entries(result.took)) {
        took[name] ??= [];
        took[name].push((ms * 1000) / 500);
      }
    }
    const rows = Object.entries(took).map(([id, us]) => ({
      id,
      us: summary(us),
      toJwtDecode: summary(us.map((one, round) => took["jwt-decode"][round] / one)),
    }));
    return { rows, unit: "µs", length };
  });
}
