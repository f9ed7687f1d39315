// Tabs that hang, sleep or have no network.

import assert from "node:assert/strict";
import { until } from "../browser.mjs";
import { eightTabs } from "./copies.mjs";
import { story } from "./world.mjs";

const ON_DEMAND = { autoRefresh: false };

export function waiting(host, { freezes, keepsPages }) {
  hanging(host);
  offlineAndAsleep(host);
  returning(host, keepsPages);
  if (freezes) frozen(host);
}

function hanging(host) {
  const hung = "the refresh of a tab that hangs is neither repeated nor lost";
  story(host, hung, { accessTtl: 1, session: ON_DEMAND, timeout: 90_000 }, async (world) => {
    const { holder, other, wake } = await hangingHolder(world);
    const calls = Promise.all([other.call(), other.call(), other.refresh()]);
    await until(() => Date.now() > world.asked[0] + 8000, "eight seconds"); // Half of what one attempt may take.
    wake();
    assert.deepEqual(await calls, [200, 200, "adopted"]);
    assert.equal(await holder.refreshed(), "refreshed");
    await world.settled();
    assert.deepEqual(await other.heard("signed-out"), []);
    assert.deepEqual(world.counts(), { asked: 1, rotations: 1, refused: 0, reuseDetected: 0 });
  });

  const short = { accessTtl: 1, session: { ...ON_DEMAND, refresh: { timeout: 1500 } }, timeout: 90_000 };
  story(host, "callers are told in time while another tab hangs, and served when it is back", short, async (world) => {
    const { holder, other, wake } = await hangingHolder(world);
    assert.equal(await other.call(), "refresh_unavailable");
    wake();
    await holder.refreshed(); // Its own caller may have been told the same.
    await until(async () => (await other.call()) === 200, "the token");
    await world.settled();
    assert.deepEqual(world.counts(), { asked: 1, rotations: 1, refused: 0, reuseDetected: 0 });
  });

  story(
    host,
    "a tab that hangs while the token is valid keeps nobody's calls",
    { session: ON_DEMAND },
    async (world) => {
      const { other, wake } = await hangingHolder(world);
      for (let i = 0; i < 5; i += 1) assert.equal(await other.call(), 200);
      await other.beginRefresh();
      for (let i = 0; i < 5; i += 1) assert.equal(await other.call(), 200, "not even when it waits for a newer one");
      wake();
      assert.equal(await other.refreshed(), "adopted");
      assert.deepEqual(world.counts(), { asked: 1, rotations: 1, refused: 0, reuseDetected: 0 });
    },
  );
}

/** With the session in a worker, which goes on where its page does not. */
export function hungPages(host) {
  for (const storage of ["session", "local"]) {
    const name = `a page that hangs keeps nobody: its worker refreshes, and tells the others (${storage})`;
    story(host, name, { session: { ...ON_DEMAND, storage }, timeout: 90_000 }, async (world) => {
      const other = await world.signedIn();
      const holder = storage === "local" ? await world.newTab() : await world.duplicate(other);
      const answer = world.holdNext({ committed: true });
      await holder.beginRefresh();
      await answer.arrived();
      holder.run(() => window.hang()).catch(() => {}); // Not awaited: the page will not answer.
      await until(() => world.hanging.length === 1, "the page to hang");
      await other.beginRefresh();
      answer.release();
      assert.match(await other.refreshed(), /^(adopted|refreshed)$/);
      assert.equal(await other.call(), 200);
      assert.deepEqual(world.counts(), { asked: 1, rotations: 1, refused: 0, reuseDetected: 0 });
      world.hanging[0].end();
      assert.equal(await holder.refreshed(), "refreshed");
      await world.settled();
      // What the worker had for the page to keep meanwhile is kept.
      await holder.reload();
      await holder.open();
      assert.equal(await holder.call(), 200);
      assert.equal((await holder.glance()).reason, "stored");
      await world.settled();
      assert.deepEqual(world.counts(), { asked: 1, rotations: 1, refused: 0, reuseDetected: 0 });
    });
  }
}

export function offlineAndAsleep(host) {
  for (const storage of ["session", "local"]) {
    const options = { session: { storage }, timeout: 90_000 };
    story(
      host,
      `without a network nobody is signed out, and its return costs one request (${storage})`,
      options,
      offline,
    );
  }

  const asleep = "eight tabs that need a token at once, long after it has expired, make one request";
  story(host, asleep, { accessTtl: 1, session: ON_DEMAND, timeout: 90_000 }, async (world) => {
    const tabs = await eightTabs(world);
    await expired(tabs);
    world.server.setAccessTtl(60);
    const at = Date.now() + 500;
    const answers = tabs.map((tab) =>
      tab.run(async (when) => {
        await new Promise((resolve) => setTimeout(resolve, when - Date.now()));
        return (await window.session.fetch("/api/time")).status;
      }, at),
    );
    assert.deepEqual(await Promise.all(answers), Array(8).fill(200));
    await world.settled();
    assert.deepEqual(world.counts(), { asked: 1, rotations: 1, refused: 0, reuseDetected: 0 });
  });
}

export function returning(host, keepsPages) {
  const back = "a page kept for the back button refreshes once when it is back and its token has expired";
  story(host, back, { accessTtl: 6 }, async (world) => {
    const tab = await world.signedIn();
    const { expiresAt } = await tab.glance();
    const kept = await tab.leaveAndReturn(async () => {
      await until(() => Date.now() > expiresAt + 500, "the token to expire");
      assert.equal(world.counts().asked, 0, "a page that is not there asks nothing");
      world.server.setAccessTtl(60);
    });
    // Whether it keeps a page is the browser's to say, and a busy one may not; the rest holds either way.
    if (keepsPages && !kept) console.log("the browser did not keep the page");
    await world.settled();
    assert.deepEqual(await tab.heard("refresh-failed"), []);
    assert.equal(await tab.call(), 200);
    assert.deepEqual(world.counts(), { asked: 1, rotations: 1, refused: 0, reuseDetected: 0 });
  });

  story(host, "a page that is back by the back button takes over what other tabs have got", {}, async (world) => {
    const tab = await world.signedIn();
    const other = await world.duplicate(tab);
    await tab.leaveAndReturn(async () => {
      assert.equal(await other.refresh(), "refreshed");
      assert.equal(await other.refresh(), "refreshed");
    });
    await world.settled();
    assert.equal((await tab.glance()).reason, "adopted");
    assert.deepEqual(world.counts(), { asked: 2, rotations: 2, refused: 0, reuseDetected: 0 });
  });
}

export function frozen(host) {
  const wake = "eight frozen tabs that wake after their token has expired make one request";
  story(host, wake, { timeout: 120_000 }, async (world) => {
    const { freeze, thaw } = world.visitor;
    const tabs = [await world.signedIn()];
    while (tabs.length < 8) tabs.push(await world.duplicate(tabs[0]));
    await world.shortToken(10);
    const { asked } = world.counts();
    const { expiresAt } = await tabs[0].glance();
    await Promise.all(tabs.map((tab) => freeze(tab.page)));
    await until(() => Date.now() > expiresAt + 1000, "the token to expire");
    assert.equal(world.counts().asked, asked, "the frozen ask nothing");
    world.server.setAccessTtl(60);
    await Promise.all(tabs.map((tab) => thaw(tab.page)));
    await until(() => world.counts().asked > asked, "a refresh");
    await world.settled();
    assert.deepEqual(world.counts(), { asked: asked + 1, rotations: asked + 1, refused: 0, reuseDetected: 0 });
  });

  const holder = "a tab that is frozen with the answer on its way is waited for, and delivers it";
  story(host, holder, { session: ON_DEMAND, timeout: 90_000 }, async (world) => {
    const { freeze, thaw } = world.visitor;
    const other = await world.signedIn();
    const sleeper = await world.duplicate(other);
    const answer = world.holdNext({ committed: true });
    await sleeper.beginRefresh();
    await answer.arrived();
    await freeze(sleeper.page);
    answer.release();
    assert.equal(await other.call(), 200, "the token is valid still");
    await other.beginRefresh();
    // Time enough for a tab that would lose its patience.
    await until(() => Date.now() > world.asked[0] + 8000, "eight seconds");
    await thaw(sleeper.page);
    assert.equal(await other.refreshed(), "adopted");
    await world.settled();
    assert.deepEqual(world.counts(), { asked: 1, rotations: 1, refused: 0, reuseDetected: 0 });
  });
}

/** Two tabs in processes of their own, one of which hangs with the token request on its way, until `wake`. */
async function hangingHolder(world) {
  const other = await world.signedIn();
  const holder = await world.duplicate(other, { open: false });
  await holder.run(() => {
    const { fetch } = window;
    window.fetch = (...args) => {
      const answer = fetch(...args);
      if (String(args[0]?.url ?? args[0]).includes("/oidc/token")) window.hang();
      return answer;
    };
  });
  await holder.open();
  const valid = (await other.glance()).expiresAt > Date.now() + 30_000;
  if (!valid) await expired([other, holder]);
  world.server.setAccessTtl(60);
  holder.beginRefresh().catch(() => {}); // Not awaited: the page will not answer.
  await until(() => world.counts().rotations === 1 && world.hanging.length === 1, "the tab to hang");
  return { holder, other, wake: () => world.hanging[0].end() };
}

async function expired(tabs) {
  for (const tab of tabs) await until(async () => (await tab.status()) === "expired", "the token to expire");
}

async function offline(world) {
  const tabs = await world.threeTabs();
  await world.shortToken(4); // With nothing on its way that going offline would cut off.
  await world.visitor.setOffline(true);
  for (const tab of tabs) {
    await until(async () => (await tab.status()) === "expired", "the token to expire");
    assert.equal(await tab.call(), "refresh_unavailable");
  }
  const went = Date.now();
  await until(() => Date.now() > went + 6000, "a while");
  for (const tab of tabs) assert.equal(await tab.status(), "expired");
  const before = world.counts();
  world.server.setAccessTtl(60);
  await world.visitor.setOffline(false);
  await world.settled();
  for (const tab of tabs) {
    assert.equal(await tab.call(), 200);
    assert.deepEqual(await tab.heard("signed-out"), []);
  }
  assert.deepEqual(world.counts(), { ...before, asked: before.asked + 1, rotations: before.rotations + 1 });
}
