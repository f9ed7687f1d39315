// Nothing brings back a session that the user has ended.

import assert from "node:assert/strict";
import { ready, until } from "../browser.mjs";
import { story } from "./world.mjs";

export function signOut(host, { storages = ["session", "local"] } = {}) {
  for (const storage of storages) {
    for (const where of ["the same", "another"]) {
      for (const committed of [true, false]) {
        const moment = committed ? "has been granted" : "has not arrived";
        const name = `signing out in ${where} tab drops the refresh that ${moment} (${storage})`;
        story(host, name, { session: { storage } }, async (world) => {
          const tabs = await world.threeTabs();
          const [refreshing, other] = tabs;
          const answer = world.holdNext({ committed });
          await refreshing.beginRefresh();
          await answer.arrived();
          await (where === "the same" ? refreshing : other).signOut();
          await allSignedOut(tabs);
          answer.release();
          assert.equal(await refreshing.refreshed(), "signed_out");
          await until(() => world.counts().rotations === 1, "the late grant");
          await until(() => asker(refreshing).evaluate(answerHasCome), "the late answer");
          await allSignedOut(tabs);
          for (const tab of tabs) {
            assert.deepEqual(
              (await tab.heard("signed-out")).map(({ reason }) => reason),
              ["signed-out"],
              tab.name,
            );
            assert.equal(await tab.run(() => window.session.getAccessToken()), null);
          }
          await nothingIsKept(world, tabs);
          assert.deepEqual(world.counts(), { asked: 1, rotations: 1, refused: 0, reuseDetected: 0 });
        });
      }
    }
  }
}

async function allSignedOut(tabs) {
  const statuses = async () => Promise.all(tabs.map((tab) => tab.status()));
  await until(
    async () => (await statuses()).every((status) => status === "signed-out"),
    async () => `all to be signed out: ${await statuses()}`,
  );
}

async function nothingIsKept(world, tabs) {
  for (const tab of tabs) {
    const kept = await tab.run(() => Object.keys({ ...sessionStorage, ...localStorage }));
    assert.deepEqual(kept, [], `stored in ${tab.name}`);
    await tab.page.reload();
    await ready(tab.page);
    await tab.open();
    assert.equal(await tab.status(), "signed-out");
  }
  assert.equal(world.counts().asked, 1);
}

/** Where the token request was sent from. */
const asker = ({ page }) => page.workers?.()[0] ?? page;

/** There: whether the answer of the token request has come in. */
function answerHasCome() {
  const entries = performance.getEntriesByName(`${location.origin}/oidc/token`);
  return entries.some((entry) => entry.responseEnd > 0);
}
