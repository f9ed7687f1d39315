// What stays: the JS heap after a collection, and WASM pages, after many calls and after many refreshes.

import { inBrowser, openPeer } from "../lib/host.mjs";
import { PEERS } from "../lib/peers.mjs";

export const title = "Memory";

const SOME = ["by-hand", "tokenwell", "supabase", "keycloak", "oidc-client-ts", "badgateway"];

export async function run({ quick, only }) {
  const [calls, refreshes] = quick ? [100_000, 1_000] : [1_000_000, 10_000];
  return inBrowser(async (browser, host) => {
    const rows = [];
    for (const peer of PEERS.filter(({ id }) => SOME.includes(id)).filter(only)) {
      const page = await openPeer(browser, host.origin, peer, { clock: true, stub: true });
      const cdp = await page.context().newCDPSession(page);
      // Two collections: what the first one finalises, the second one frees.
      const measure = async () => {
        for (let i = 0; i < 3; i++) await cdp.send("HeapProfiler.collectGarbage");
        const { usedSize } = await cdp.send("Runtime.getHeapUsage");
        return { heap: usedSize, pages: await page.evaluate(() => window.bench.wasmPages()) };
      };
      await page.evaluate(() => window.bench.sequential(20_000));
      const start = await measure();
      for (let i = 0; i < calls; i += 50_000) await page.evaluate((n) => window.bench.sequential(n), 50_000);
      const afterCalls = await measure();
      await page.evaluate(() => window.bench.refreshes(100));
      const before = await measure();
      const began = Date.now();
      let done = 0;
      // A library that takes long for one is not waited for: how many there were is said.
      while (done < refreshes && Date.now() - began < 60_000) {
        done += await page.evaluate((n) => window.bench.refreshes(n), 100);
      }
      const afterRefreshes = await measure();
      rows.push({ id: peer.id, start, calls, afterCalls, before, refreshes: done, afterRefreshes });
      await page.context().close();
    }
    return { rows };
  });
}
