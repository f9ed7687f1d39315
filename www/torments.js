// What the visitor can do to both contenders: the buttons, selects and switches of the page.

import { ask } from "./backend/index.js";
import { announce } from "./log.js";
import { machine } from "./machine.js";
import { network } from "./wire.js";

const $ = (id) => document.getElementById(id);
const SLEEP_MS = 60_000;
const STORM_S = 10;
/** What a page asks for when somebody comes back to it. */
const WIDGETS = 8;

/** Tells the page's other tabs that the machine has slept, for they were on it, and that their session was revoked. */
const channel = new BroadcastChannel("tokenwell-playground");

/**
 * @param {object} parts
 * @param {import("tokenwell").AuthSession} parts.session
 * @param {object} parts.rival
 * @param {() => void} parts.revoked told that tokenwell's session was ended on purpose, here or in another tab
 * @param {object} parts.timeline
 * @param {(text: string, kind?: string) => void} parts.log
 * @param {(n: number) => Promise<unknown>} parts.callSeveral of both apps
 */
export function createTorments({ session, rival, revoked, timeline, log, callSeveral }) {
  const faults = (wanted) => ask("POST", "demo/faults", { body: wanted });

  const slept = (asleepMs) => {
    const before = Date.now();
    machine.asleepMs = asleepMs;
    timeline.slept(before, Date.now());
  };
  channel.onmessage = ({ data }) => (data.revoked ? revoked() : slept(data.asleepMs));

  const settings = {
    async ttl(value) {
      await ask("POST", "demo/settings", { body: { accessTtl: Number(value) } });
      return `Tokens from now on live ${value} s.`;
    },
    async skew(value) {
      await ask("POST", "demo/settings", { body: { skewMs: Number(value) } });
      timeline.lasts("skew", Number(value) ? "its clock is wrong" : null);
      return Number(value) ? "The server’s clock is wrong from now on." : "The server’s clock is right again.";
    },
    latency(value) {
      network.latencyMs = Number(value);
      timeline.lasts("latency", Number(value) > 150 ? "slow" : null);
      return `Each request now takes ${value} ms longer.`;
    },
    loss(value) {
      network.lossPercent = Number(value);
      timeline.lasts("loss", Number(value) ? `${value} % lost` : null);
      return `${value} of 100 requests never arrive.`;
    },
    keep(value) {
      const url = new URL(location.href);
      url.searchParams.set("keep", value);
      location.assign(url);
      return "Loading again.";
    },
  };

  const torments = {
    async expire() {
      const [{ expired }] = await Promise.all([
        ask("POST", "demo/expire", { token: session.accessToken }),
        ask("POST", "rival/expire", { token: rival.token() }).catch(() => {}),
      ]);
      if (!expired) return "There was no valid token to expire.";
      timeline.did("token expired");
      log("The server made the token expire");
      return "The server refuses this token from now on. The next call finds out; the ticker rests 5 s, so it can be yours.";
    },

    async busy() {
      await faults({ token: { status: 429, retryAfter: STORM_S, seconds: STORM_S } });
      timeline.did("429", STORM_S * 1000);
      return `The token endpoint says 429 for ${STORM_S} s, with Retry-After.`;
    },

    async down() {
      await faults({ token: { status: 503, seconds: STORM_S } });
      timeline.did("503", STORM_S * 1000);
      return `The token endpoint says 503 for ${STORM_S} s.`;
    },

    async revoke() {
      rival.revoked();
      revoked();
      channel.postMessage({ revoked: true });
      await Promise.all([
        ask("POST", "demo/revoke", { token: session.accessToken }),
        ask("POST", "rival/revoke", { token: rival.token() }).catch(() => {}),
      ]);
      timeline.did("revoked");
      return "An administrator has ended the session at the server. The next refresh finds out.";
    },

    async sleep() {
      const asleepMs = machine.asleepMs + SLEEP_MS;
      await ask("POST", "demo/settings", { body: { asleepMs } });
      slept(asleepMs);
      channel.postMessage({ asleepMs });
      log("The machine slept for a minute; no timer ran");
      await callSeveral(WIDGETS);
      return `A minute has gone by, no timer ran, and the ${WIDGETS} widgets of the page asked at once.`;
    },

    tab() {
      window.open(location.href, "_blank", "noopener");
      return "A second tab is open. One of the two refreshes, the other takes over its token.";
    },

    duplicate() {
      // With an opener, as when a tab is duplicated by hand: the browser copies sessionStorage.
      window.open(location.href);
      return "This tab has a copy, with a copy of its sessionStorage.";
    },
  };

  for (const [name, set] of Object.entries(settings)) {
    $(`set-${name}`).addEventListener("change", async ({ target }) => {
      $("result").textContent = await set(target.value);
    });
  }
  $("set-offline").addEventListener("change", ({ target }) => {
    network.offline = target.checked;
    timeline.lasts("offline", target.checked ? "offline" : null);
    // As browsers do it.
    window.dispatchEvent(new Event(target.checked ? "offline" : "online"));
    $("result").textContent = target.checked ? "The network is gone." : "The network is back.";
    announce($("result").textContent);
  });

  return {
    torments,
    settings,
    faults,
    /** What other tabs have set, before this one begins. */
    async restore() {
      const { accessTtl, skewMs, asleepMs } = await ask("GET", "demo/settings");
      machine.asleepMs = asleepMs;
      $("set-ttl").value = String(accessTtl);
      $("set-skew").value = String(skewMs);
    },
  };
}
