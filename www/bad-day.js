// A bad day, played by itself: what an ordinary week brings, in forty seconds.

import { network } from "./wire.js";

const expireAndCall = ({ press }) => press("expire").then(() => press("callMany"));

/** Seconds from the beginning, what the log says, and what happens. */
const DAY = [
  [0, "Fifty requests on an expired token", expireAndCall],
  [5, "The train enters a tunnel", ({ offline }) => offline(true)],
  [12, "and leaves it", ({ offline }) => offline(false)],
  [14, "The laptop is closed for a minute", ({ press }) => press("sleep")],
  [18, "The token endpoint has had enough: 429", ({ press }) => press("busy").then(() => press("expire"))],
  [30, "One request in ten is lost, the rest are slow", ({ weather }) => weather(400, 10)],
  [38, "Fifty requests at once again", expireAndCall],
  [42, "Evening", ({ weather }) => weather(0, 0)],
];

/**
 * @param {object} parts
 * @param {(name: string) => Promise<unknown>} parts.press a button's action
 * @param {(text: string, kind?: string) => void} parts.log
 */
export function createBadDay({ press, log }) {
  let playing = false;
  const offline = (on) => {
    const box = document.getElementById("set-offline");
    if (box.checked !== on) box.click();
  };
  const weather = (latencyMs, lossPercent) => Object.assign(network, { latencyMs, lossPercent });

  return async function play() {
    if (playing) return "The bad day is not over yet.";
    playing = true;
    const started = performance.now();
    let slept = 0;
    try {
      for (const [at, text, act] of DAY) {
        const wait = at * 1000 - (performance.now() - started - slept);
        if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
        log(text, "note");
        const before = Date.now();
        await Promise.resolve(act({ press, offline, weather })).catch(() => {}); // A bad day fails here and there.
        if (Date.now() - before > 50_000) slept += 60_000;
      }
    } finally {
      playing = false;
      offline(false);
      weather(Number(document.getElementById("set-latency").value), Number(document.getElementById("set-loss").value));
    }
    return "The bad day is over. The table has the result.";
  };
}
