// Everything at once, by chance: tabs come, are copied, reloaded, closed, hung; the network and the server have their
// troubles. What is left out is what nobody can survive: a tab killed with the only answer there is.
//
// CHAOS_SEED repeats a run as far as a browser repeats anything; CHAOS_SECONDS makes it longer.

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { playTokenFault } from "../../../www/server/faults.mjs";
import { until } from "../browser.mjs";
import { Answers } from "./answers.mjs";
import { clock, story } from "./world.mjs";

const SEED = Number(process.env.CHAOS_SEED ?? 1);
const SECONDS = Number(process.env.CHAOS_SECONDS ?? 25);
const MOST_TABS = 6;

export function chaos(host, { freezes }) {
  for (const storage of ["session", "local"]) {
    const options = {
      accessTtl: 8,
      session: { storage, leeway: { seconds: 60, fraction: 0.6 } },
      timeout: (SECONDS + 120) * 1000,
    };
    story(host, `chaos signs nobody out (${storage}, seed ${SEED})`, options, async (world) => {
      const play = new Play(world, random(SEED), { freezes });
      const first = await world.signedIn();
      await first.run(keepCalling);
      const end = Date.now() + SECONDS * 1000;
      while (Date.now() < end) await play.step();
      await play.calm();
      await world.settled();
      // However few there were by chance: one more goes through, once the last silence is over.
      const [one] = world.living;
      await until(async () => /^(refreshed|adopted)$/.test(await one.refresh()), "a refresh after all that");
      await world.settled();
      const { refused, reuseDetected } = world.counts();
      assert.deepEqual({ refused, reuseDetected }, { refused: 0, reuseDetected: 0 }, play.told());
      for (const tab of world.living) {
        assert.deepEqual(await tab.heard("signed-out"), [], `${tab.name}; ${play.told()}`);
        assert.equal(await tab.call(), 200);
      }
      assert.ok(world.counts().rotations >= 2, play.told());
    });
  }
}

class Play {
  #steps = [];
  /** Pages that stand still, and the timers that wake them. */
  #hung = new Map();
  #answers;

  constructor(world, chance, { freezes }) {
    this.world = world;
    this.chance = chance;
    this.freezes = freezes;
    this.#answers = new Answers(() => world.living.filter((tab) => !this.#hung.has(tab)));
    // In place of the world's own: trouble by chance, and nothing is rotated for somebody who has gone.
    world.otherwise = async (request, response, proceed) => {
      const asked = this.#answers.asked(request, response);
      await sleep(this.chance() * 600);
      if (await asked.hasGone()) return; // Not cut off: Chromium would repeat the request by itself.
      const fault = asked.mayHaveGone() ? { kind: "status", status: 503 } : this.#trouble();
      if (fault) return playTokenFault(fault, request, response, proceed);
      asked.proceeds();
      return proceed();
    };
  }

  told() {
    return `seed ${SEED}: ${this.#steps.join(", ")}`;
  }

  #trouble() {
    const dice = this.chance();
    // Not "drop-before", for the same reason.
    if (dice < 0.06) return { kind: "play", play: cutOff };
    if (dice < 0.12) return { kind: "status", status: 503 };
    if (dice < 0.16) return { kind: "status", status: 429, retryAfter: 1 };
    if (dice < 0.2) return { kind: "html" };
    return null;
  }

  #pick(list) {
    return list[Math.floor(this.chance() * list.length)];
  }

  async step() {
    const { world } = this;
    const awake = world.living.filter((tab) => !this.#hung.has(tab));
    const tab = this.#pick(awake);
    const dice = this.chance();
    if (dice < 0.2 && world.living.length < MOST_TABS) {
      const way = this.#pick(this.#ways());
      await this.#do(way, tab, async () => (await world[way](way === "newTab" ? {} : tab)).run(keepCalling));
    } else if (dice < 0.35 && awake.length > 1) {
      await this.#do("close", tab, () => this.#answers.kill(tab, () => tab.close()));
    } else if (dice < 0.55) {
      await this.#do("reload", tab, async () => {
        await this.#answers.kill(tab, () => tab.reload());
        await tab.open();
        await tab.run(keepCalling);
      });
    } else if (dice < 0.65) {
      await this.#do("offline", tab, async () => {
        await this.#answers.cutAll(() => world.visitor.setOffline(true));
        await sleep(this.chance() * 1500);
        await world.visitor.setOffline(false);
      });
    } else if (dice < 0.75 && this.freezes && awake.length > 1) {
      await this.#do("freeze", tab, () => this.#freeze(tab));
    } else if (dice < 0.87) {
      await this.#do("401", tab, () => world.server.faults.set({ api: { times: 1 } }));
    } else {
      await this.#do("refresh", tab, () => tab.beginRefresh());
    }
    await sleep(this.chance() * 500);
  }

  /** For less time than the others have patience with one that may have the answer, however busy the machine is. */
  async #freeze(tab) {
    await this.world.visitor.freeze(tab.page);
    const timer = setTimeout(() => this.#thaw(tab), 500 + this.chance() * 5000);
    this.#hung.set(tab, timer);
  }

  async #thaw(tab) {
    clearTimeout(this.#hung.get(tab));
    await this.world.visitor.thaw(tab.page).catch(() => {});
    this.#hung.delete(tab);
  }

  /** A window shares its opener's process: where tabs are frozen, it would freeze with it. */
  #ways() {
    const own = this.world.session.storage === "local" ? "newTab" : "duplicate";
    return this.freezes ? [own] : [own, "popup"];
  }

  async #do(what, tab, work) {
    this.#steps.push(`${clock(Date.now())} ${what} ${tab.name}`);
    await work();
  }

  async calm() {
    this.chance = () => 1;
    await Promise.all([...this.#hung.keys()].map((tab) => this.#thaw(tab)));
    await this.world.visitor.setOffline(false);
  }
}

/** An answer that stops in the middle, from a server that has done nothing. */
function cutOff(request) {
  const { socket } = request;
  socket.write("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{", () =>
    socket.destroy(),
  );
}

/** In the page. */
function keepCalling() {
  window.calling = setInterval(() => window.session.fetch("/api/time").catch(() => {}), 150);
}

/** Mulberry32. */
function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
