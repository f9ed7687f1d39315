// A server in trouble and storage that fails, with three tabs at once.

import assert from "node:assert/strict";
import { until } from "../browser.mjs";
import { story } from "./world.mjs";

const WAIT_S = 5;

export function trouble(host) {
  for (const [how, retryAfter] of [
    ["seconds", () => WAIT_S],
    ["a date", () => new Date(Date.now() + WAIT_S * 1000).toUTCString()],
  ]) {
    const name = `no tab comes back before a 429 allows it (Retry-After in ${how})`;
    story(host, name, { timeout: 90_000 }, async (world) => {
      const tabs = await world.threeTabs();
      await world.shortToken(4);
      const refused = world.asked.length;
      let allowed;
      world.nextAnswer((_request, response) => {
        const value = retryAfter();
        // A date has whole seconds.
        allowed = typeof value === "number" ? Date.now() + value * 1000 : Date.parse(value);
        response.writeHead(429, { "content-type": "application/json", "retry-after": String(value) });
        response.end("{}");
      });
      world.server.setAccessTtl(60);
      await until(() => allowed, "the 429");
      await until(() => told(tabs), "somebody to be told");
      // Callers do what they can to make it come back too early.
      for (const tab of tabs) assert.equal(await tab.refresh(), "refresh_unavailable", tab.name);
      for (const tab of tabs) await tab.run(keepAsking);
      await until(() => world.asked.length > refused + 1, "the next request");
      const early = allowed - world.asked[refused + 1];
      assert.ok(early <= 0, `${early} ms too early`);
      await world.settled();
      const all = await Promise.all(tabs.map((tab) => tab.heard("signed-out")));
      assert.deepEqual(all, [[], [], []]);
      const { refused: no, reuseDetected } = world.counts();
      assert.deepEqual({ no, reuseDetected }, { no: 0, reuseDetected: 0 });
    });
  }

  const busy = "three tabs together ask a server in trouble no more often than one does";
  story(host, busy, { timeout: 90_000 }, async (world) => {
    const tabs = await world.threeTabs();
    await world.shortToken(2);
    for (let i = 0; i < 50; i += 1) world.nextAnswer({ kind: "status", status: 503 });
    const { length } = world.asked;
    for (const tab of tabs) await tab.run(keepAsking);
    // How often is checked at the end of every story.
    await until(() => world.asked.length >= length + 6, "six requests", { within: 60_000 });
    for (const tab of tabs) await tab.run(() => clearInterval(window.asking));
    for (const tab of tabs) await until(async () => (await tab.status()) === "expired", "the token to expire");
    world.server.setAccessTtl(60);
    world.recover();
    await world.settled();
    for (const tab of tabs) assert.deepEqual(await tab.heard("signed-out"), []);
    const { rotations, refused, reuseDetected } = world.counts();
    assert.deepEqual({ rotations, refused, reuseDetected }, { rotations: 2, refused: 0, reuseDetected: 0 });
  });

  lostStorage(host);

  const late = "without locks, a copy with outdated tokens waits for a sibling that is slow to answer";
  story(host, late, { insecure: true, accessTtl: 1, session: { autoRefresh: false } }, async (world) => {
    const first = await world.newTab({ open: false });
    await first.run(hearLate, 400);
    await first.open();
    await first.run(() => window.signIn());
    const copy = await world.duplicate(first, { open: false });
    world.server.setAccessTtl(60);
    assert.equal(await first.refresh(), "refreshed");
    await until(async () => copy.run(() => Date.now() > performance.timeOrigin + 1000), "the copy's token to expire");
    copy.options = { autoRefresh: true }; // It needs another one at once.
    await copy.open();
    await world.settled();
    assert.deepEqual(world.counts(), { asked: 1, rotations: 1, refused: 0, reuseDetected: 0 });
  });
}

export function lostStorage(host) {
  const cleared = "a localStorage that is cleared under way is told once, and the session goes on in memory";
  story(host, cleared, { session: { storage: "local" } }, async (world) => {
    const tabs = await world.threeTabs();
    assert.equal(await tabs[0].refresh(), "refreshed");
    await world.settled();
    await tabs[1].run(() => localStorage.clear());
    await until(async () => {
      const told = await Promise.all([tabs[0], tabs[2]].map((tab) => tab.heard("storage")));
      return told.every((events) => events.length === 1);
    }, "the tabs that see it to be told");
    for (const tab of tabs) {
      assert.equal(await tab.refresh(), "refreshed");
      await world.settled();
    }
    for (const tab of tabs) {
      assert.deepEqual(
        (await tab.heard("storage")).map(({ code }) => code),
        ["storage"],
        tab.name,
      );
      assert.deepEqual(await tab.heard("signed-out"), []);
      assert.equal(await tab.call(), 200);
    }
    assert.deepEqual(world.counts(), { asked: 4, rotations: 4, refused: 0, reuseDetected: 0 });
  });

  for (const storage of ["session", "local"]) {
    story(
      host,
      `a database that is deleted under way costs nothing (${storage})`,
      { session: { storage } },
      async (world) => {
        const tabs = await world.threeTabs();
        assert.equal(await tabs[0].refresh(), "refreshed");
        await world.settled();
        for (const [i, tab] of tabs.entries()) {
          await tab.run(deleteDatabase);
          assert.equal(await tabs[(i + 1) % 3].refresh(), "refreshed");
          await world.settled();
        }
        await tabs[0].run(deleteDatabase);
        const answer = world.holdNext({ committed: true });
        for (const tab of tabs) await tab.beginRefresh();
        await answer.arrived();
        answer.release();
        const ended = await Promise.all(tabs.map((tab) => tab.refreshed()));
        // Who asked may hear its own set from a sibling first.
        assert.match(ended.sort().join(), /^adopted,adopted,(refreshed|adopted)$/);
        assert.deepEqual(world.counts(), { asked: 5, rotations: 5, refused: 0, reuseDetected: 0 });
        for (const tab of tabs) assert.deepEqual(await tab.heard("signed-out"), []);
      },
    );
  }
}

async function told(tabs) {
  const failed = await Promise.all(tabs.map((tab) => tab.heard("refresh-failed")));
  return failed.flat().length > 0;
}

// -------------------------------------------------------------- in the page

function keepAsking() {
  window.asking = setInterval(() => {
    window.session.refresh().catch(() => {});
    window.session.getAccessToken().catch(() => {});
  }, 200);
}

function deleteDatabase() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.deleteDatabase("tokenwell");
    request.onsuccess = resolve;
    request.onerror = () => reject(request.error);
  });
}

/** A busy page: what others say is heard that much later. */
function hearLate(ms) {
  window.BroadcastChannel = class extends BroadcastChannel {
    set onmessage(listener) {
      super.onmessage = listener && ((event) => later(() => listener(event)));
    }
  };
  // Not by a timer, which a tab in the background would stretch.
  const later = (then) => {
    const end = performance.now() + ms;
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => (performance.now() < end ? port2.postMessage(null) : then());
    port2.postMessage(null);
  };
}
