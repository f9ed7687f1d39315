// Tabs that were copied, sessionStorage and all: they hold one refresh token and cannot see each other's storage.

import assert from "node:assert/strict";
import { until } from "../browser.mjs";
import { story } from "./world.mjs";

export function copies(host) {
  for (const way of ["popup", "duplicate"]) {
    const name = way === "popup" ? "a window that the page opened" : "a duplicated tab";

    story(host, `${name} takes over what the first tab has got meanwhile, and asks for nothing`, {}, async (world) => {
      const first = await world.signedIn();
      const copy = await world[way](first, { open: false });
      assert.equal(await first.refresh(), "refreshed");
      assert.equal(await first.refresh(), "refreshed");
      await copy.open(); // With the tokens of two rotations ago.
      await world.settled();
      assert.equal((await copy.glance()).reason, "adopted");
      assert.equal(await copy.call(), 200);
      assert.deepEqual(world.counts(), { asked: 2, rotations: 2, refused: 0, reuseDetected: 0 });
      assert.equal(await copy.refresh(), "refreshed", "what it has taken over can be presented");
      await world.settled();
      assert.deepEqual(world.counts(), { asked: 3, rotations: 3, refused: 0, reuseDetected: 0 });
    });

    story(host, `${name} that refreshes at the same time joins the first tab's request`, {}, async (world) => {
      const first = await world.signedIn();
      const copy = await world[way](first);
      const answer = world.holdNext({ committed: true });
      await first.beginRefresh();
      await answer.arrived();
      await copy.beginRefresh();
      answer.release();
      assert.deepEqual([await first.refreshed(), await copy.refreshed()], ["refreshed", "adopted"]);
      await world.settled();
      assert.deepEqual(world.counts(), { asked: 1, rotations: 1, refused: 0, reuseDetected: 0 });
    });
  }

  story(host, "a copy goes on with the newest tokens when the tab that got them has been closed", {}, async (world) => {
    const first = await world.signedIn();
    const copy = await world.duplicate(first, { open: false });
    assert.equal(await first.refresh(), "refreshed");
    const newest = (await first.glance()).accessToken;
    await first.close();
    await copy.open();
    await until(async () => (await copy.glance()).accessToken === newest, "the newest token");
    assert.equal(await copy.refresh(), "refreshed");
    assert.deepEqual(world.counts(), { asked: 2, rotations: 2, refused: 0, reuseDetected: 0 });
  });

  story(host, "eight tabs that refresh at once make one token request", {}, async (world) => {
    const tabs = await eightTabs(world);
    const answer = world.holdNext({ committed: true });
    for (const tab of tabs) await tab.beginRefresh();
    await answer.arrived();
    answer.release();
    const ended = await Promise.all(tabs.map((tab) => tab.refreshed()));
    assert.deepEqual(ended.sort(), [...Array(7).fill("adopted"), "refreshed"]);
    await world.settled();
    assert.deepEqual(world.counts(), { asked: 1, rotations: 1, refused: 0, reuseDetected: 0 });
  });
}

export async function eightTabs(world) {
  const first = await world.signedIn();
  const tabs = [first];
  for (let i = 1; i < 8; i += 1) tabs.push(i % 2 ? await world.duplicate(first) : await world.popup(first));
  return tabs;
}
