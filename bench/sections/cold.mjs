// From `import()` to the answer of the first authorised request, on a fresh page of a user who is signed in.

import { inBrowser, openPeer } from "../lib/host.mjs";
import { PEERS } from "../lib/peers.mjs";
import { summary } from "../lib/stats.mjs";

export const title = "Cold start";

export async function run({ quick, only }) {
  return inBrowser(async (browser, host) => {
    const peers = PEERS.filter((peer) => peer.id !== "snippet" && only(peer));
    // A login of each is kept in a context of its own; every round is a new page of that context, from the network.
    const contexts = [];
    for (const peer of peers) contexts.push(await loggedIn(browser, host, peer));
    const rounds = quick ? 7 : 21;
    const took = peers.map(() => []);
    const requests = peers.map(() => 0);
    for (let round = -1; round < rounds; round++) {
      for (const [i, peer] of peers.entries()) {
        const page = await contexts[i].newPage();
        await page.goto(`${host.origin}/`);
        const before = host.model.tokenRequests;
        const ms = await page.evaluate(cold, peer.id);
        if (round >= 0) took[i].push(ms);
        requests[i] = host.model.tokenRequests - before;
        await page.close();
      }
    }
    const keycloak = took[peers.findIndex((peer) => peer.id === "keycloak")] ?? took[0];
    const rows = peers.map(({ id }, i) => ({
      id,
      ms: summary(took[i]),
      toKeycloak: summary(took[i].map((ms, round) => ms / keycloak[round])),
      tokenRequests: requests[i],
    }));
    return { rows, unit: "ms" };
  });
}

async function loggedIn(browser, host, peer) {
  const page = await openPeer(browser, host.origin, peer, {});
  const context = page.context();
  // What the page's model handed out must be good for the server too.
  const valid = await page.evaluate(() => window.bench.valid());
  for (const [token, until] of valid) host.model.valid.set(token, until);
  await page.close();
  return context;
}

async function cold(id) {
  const { origin } = location;
  const began = performance.now();
  const { open } = await import(`/dist/${id}.js`);
  const session = await open({ origin });
  const response = await session.call(`${origin}/api/thing`);
  const took = performance.now() - began;
  if (response.status !== 200) throw new Error(`${id}: the first request was answered ${response.status}`);
  return took;
}
