// Everything at once, by chance: tabs come, are copied, reloaded, closed, hung; the network and the server have their
// troubles. What is left out is what nobody can survive: a tab killed with the only answer there is.
//
// CHAOS_SEED repeats a run as far as a browser repeats anything; CHAOS_SECONDS makes it longer.

import assert from "node:assert/strict";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { playTokenFault } from "../../../www/server/faults.mjs";
import { until } from "../browser.mjs";
import { story } from "./world.mjs";

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
  #hung = [];
  #gate = Promise.resolve();
  #unread = 0;

  constructor(world, chance, { freezes }) {
    this.world = world;
    this.chance = chance;
    this.freezes = freezes;
    // In place of the world's own: trouble by chance, and nothing is rotated for somebody who has gone.
    world.otherwise = async (request, response, proceed) => {
      const left = once(request.socket, "close").then(() => "left");
      if ((await Promise.race([sleep(this.chance() * 600), left])) === "left") return;
      if ((await Promise.race([this.#gate, left])) === "left") return;
      const fault = this.#trouble();
      if (fault) return playTokenFault(fault, request, response, proceed);
      this.#unread += 1;
      response.once("close", () => setTimeout(() => (this.#unread -= 1), 4000)); // Time to write it down, also for a page that hangs.
      return proceed();
    };
  }

  told() {
    return `seed ${SEED}: ${this.#steps.join(", ")}`;
  }

  #trouble() {
    const dice = this.chance();
    // Not "drop-before": Chromium would repeat the request by itself.
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
    const awake = world.living.filter((tab) => !this.#hung.includes(tab));
    const tab = this.#pick(awake);
    const dice = this.chance();
    if (dice < 0.2 && world.living.length < MOST_TABS) {
      const way = this.#pick(this.#ways());
      await this.#do(way, tab, async () => (await world[way](way === "newTab" ? {} : tab)).run(keepCalling));
    } else if (dice < 0.35 && awake.length > 1) {
      await this.#do("close", tab, () => this.#quietly(() => tab.close()));
    } else if (dice < 0.55) {
      await this.#do("reload", tab, async () => {
        await this.#quietly(() => tab.reload());
        await tab.open();
        await tab.run(keepCalling);
      });
    } else if (dice < 0.65) {
      await this.#do("offline", tab, async () => {
        await this.#quietly(() => world.visitor.setOffline(true));
        await sleep(this.chance() * 1500);
        await world.visitor.setOffline(false);
      });
    } else if (dice < 0.75 && this.freezes && awake.length > 1) {
      await this.#do("freeze", tab, async () => {
        await world.visitor.freeze(tab.page);
        this.#hung.push(tab);
      });
    } else if (dice < 0.85 && this.#hung.length > 0) {
      const one = this.#hung.shift();
      await this.#do("thaw", one, () => world.visitor.thaw(one.page));
    } else if (dice < 0.92) {
      await this.#do("401", tab, () => world.server.faults.set({ api: { times: 1 } }));
    } else {
      await this.#do("refresh", tab, () => tab.beginRefresh());
    }
    await sleep(this.chance() * 500);
  }

  /** A window shares its opener's process: where tabs are frozen, it would freeze with it. */
  #ways() {
    const own = this.world.session.storage === "local" ? "newTab" : "duplicate";
    return this.freezes ? [own] : [own, "popup"];
  }

  async #do(what, tab, work) {
    this.#steps.push(`${what} ${tab.name}`);
    await work();
  }

  /** While no answer is on its way that nobody else has. */
  async #quietly(work) {
    let open;
    this.#gate = new Promise((resolve) => {
      open = resolve;
    });
    await until(() => this.#unread === 0, "the last answer to be written down");
    await work();
    open();
  }

  async calm() {
    this.chance = () => 1;
    while (this.#hung.length > 0) await this.world.visitor.thaw(this.#hung.shift().page);
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
