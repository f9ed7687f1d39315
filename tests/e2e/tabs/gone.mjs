// The tab that refreshes goes away while its answer is on its way.

import assert from "node:assert/strict";
import { until } from "../browser.mjs";
import { story } from "./world.mjs";

const WAYS = {
  closed: (tab) => tab.close(),
  reloaded: async (tab) => {
    await tab.reload();
    await tab.open();
  },
  crashed: (tab) => tab.crash(),
};

export function gone(host, { crashes, storages = ["session", "local"] }) {
  for (const [how, go] of Object.entries(WAYS)) {
    if (how === "crashed" && !crashes) continue;
    for (const storage of storages) {
      const options = { session: { storage }, timeout: 90_000 };

      const before = `a tab that is ${how} before the server has acted leaves the session to the others (${storage})`;
      story(host, before, options, async (world) => {
        const { goer, others } = await cast(world);
        const answer = world.holdNext({ committed: false });
        await goer.beginRefresh();
        await answer.arrived();
        for (const other of others) await other.beginRefresh();
        await go(goer);
        await answer.left();
        for (const other of others) assert.match(await other.refreshed(), /^(refreshed|adopted)$/);
        await world.settled();
        assert.deepEqual(world.counts(), { asked: 2, rotations: 1, refused: 0, reuseDetected: 0 });
      });

      const after = `a tab that is ${how} with the only answer costs one more try, and all are told (${storage})`;
      story(host, after, options, async (world) => {
        const { goer, others } = await cast(world);
        const answer = world.holdNext({ committed: true });
        await goer.beginRefresh();
        await answer.arrived();
        for (const other of others) await other.beginRefresh();
        await go(goer);
        await answer.left();
        for (const other of others) assert.equal(await other.refreshed(), "invalid_grant");
        await until(async () => {
          const statuses = await Promise.all(world.living.map((tab) => tab.status()));
          return statuses.every((status) => status === "signed-out");
        }, "all to be signed out");
        for (const other of others) {
          const told = (await other.heard("signed-out")).map(({ reason, code }) => ({ reason, code }));
          assert.deepEqual(told, [{ reason: "rejected", code: "invalid_grant" }]);
        }
        assert.deepEqual(world.counts(), { asked: 2, rotations: 1, refused: 1, reuseDetected: 1 });
      });
    }
  }

  story(host, "a server that answers a repeated request again keeps the session for the others", {}, async (world) => {
    const { goer, others } = await cast(world);
    const answer = graceful(world);
    await goer.beginRefresh();
    await answer.arrived();
    for (const other of others) await other.beginRefresh();
    await goer.close();
    for (const other of others) assert.match(await other.refreshed(), /^(refreshed|adopted)$/);
    await world.settled();
    assert.equal(await others[0].refresh(), "refreshed");
    assert.deepEqual(world.counts(), { asked: 3, rotations: 2, refused: 0, reuseDetected: 0 });
  });

  story(host, "an answer that is cut off is asked for once more by all tabs together", {}, async (world) => {
    const tabs = await world.threeTabs();
    world.nextAnswer({ kind: "cut-after" });
    assert.equal(await tabs[0].refresh(), "refresh_unavailable");
    for (const tab of tabs) assert.equal(await tab.call(), 200, "the valid token is served on");
    assert.deepEqual(await Promise.all(tabs.map((tab) => tab.refresh())), Array(3).fill("invalid_grant"));
    for (const tab of tabs) assert.equal((await tab.heard("signed-out")).length, 1);
    assert.deepEqual(world.counts(), { asked: 2, rotations: 1, refused: 1, reuseDetected: 1 });
  });
}

/** Three tabs, one of which can go without taking the others' process with it. */
async function cast(world) {
  const [first, second, third] = await world.threeTabs();
  return { goer: third, others: [first, second] };
}

/** The next answer is lost, and given again to whoever asks next: what servers with a grace period do. */
function graceful(world) {
  let given;
  world.nextAnswer((_request, response, proceed) => {
    response.end = (body) => {
      given = body;
      return response;
    };
    return proceed();
  });
  world.nextAnswer((_request, response) => {
    response.writeHead(200, { "content-type": "application/json" });
    response.end(given);
  });
  return { arrived: () => until(() => given, "the server to act") };
}
