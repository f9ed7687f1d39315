// The main job, in many tabs at once.

import assert from "node:assert/strict";
import { until } from "../browser.mjs";
import { story } from "./world.mjs";

/** A refresh every 2.4 s, and a token that lives on long enough for a machine that is busy with other things. */
const PACE = { accessTtl: 12, session: { leeway: { seconds: 60, fraction: 0.8 } } };

/** @param {{ times?: number, insecure?: boolean }} [options] `insecure`: also where there are no locks */
export function rotation(host, { times = 30, insecure = true } = {}) {
  for (const storage of ["session", "local"]) {
    const options = { ...PACE, session: { ...PACE.session, storage }, timeout: 180_000 };
    story(host, `three tabs on ${storage}Storage pass ${times} rotations, one token request each`, options, (world) =>
      rotate(world, times),
    );
  }

  for (const storage of insecure ? ["session", "local"] : []) {
    const options = { ...PACE, session: { ...PACE.session, storage }, insecure: true, timeout: 120_000 };
    story(host, `so they do without locks and a database, ten times on ${storage}Storage`, options, async (world) => {
      await rotate(world, 10);
      const has = await world.tabs[0].run(() => ({ secure: isSecureContext, locks: "locks" in navigator }));
      assert.deepEqual(has, { secure: false, locks: false });
    });
  }
}

async function rotate(world, times) {
  const tabs = await world.threeTabs();
  for (const tab of tabs) await tab.run(keepCalling);
  const rotations = () => world.counts().rotations;
  await until(
    () => rotations() >= times,
    () => `${times} rotations, not ${rotations()}`,
    { within: times * 5000 },
  );
  world.server.setAccessTtl(600);
  // The tokens of now are short-lived still: once all are settled on a long-lived one, nothing is on its way.
  await until(
    async () =>
      (await Promise.all(tabs.map((tab) => tab.glance()))).every((one) => one.expiresAt > Date.now() + 60_000),
    "the last rotation",
  );
  await world.settled();

  for (const tab of tabs) {
    const calls = await tab.run(() => window.calls);
    assert.deepEqual(calls.bad, [], `calls in ${tab.name}`);
    assert.ok(calls.fine > times, `only ${calls.fine} calls in ${tab.name}`);
    assert.deepEqual(await tab.heard("signed-out"), []);
    assert.deepEqual(await tab.heard("refresh-failed"), []);
  }
  const { asked, rotations: done, refused, reuseDetected } = world.counts();
  assert.deepEqual({ asked, refused, reuseDetected }, { asked: done, refused: 0, reuseDetected: 0 });
  const refreshed = (await Promise.all(tabs.map((tab) => tab.heard("refreshed")))).flat();
  assert.equal(refreshed.filter(({ by }) => by === "this-tab").length, done, "each rotation has one tab that made it");
}

/** In the page: one call after the other, as a busy app does. */
function keepCalling() {
  window.calls = { fine: 0, bad: [] };
  const call = async () => {
    try {
      const response = await window.session.fetch("/api/time");
      if (response.status === 200) window.calls.fine += 1;
      else window.calls.bad.push(response.status);
    } catch (error) {
      window.calls.bad.push(String(error));
    }
    setTimeout(call, 100);
  };
  call();
}
