// The network of one contender: a `fetch` with the latency, the losses and the cuts that the visitor has set, which
// tells what goes over it. The n-th request of one meets the fate of the n-th request of the other.

import { reach } from "./backend/index.js";
import { machine } from "./machine.js";

/** What the visitor has set, for both. */
export const network = { latencyMs: 150, lossPercent: 0, offline: false };

const LOST_AFTER_MS = 1500;

/** A number from 0 to 99 that n alone decides. */
const dice = (n) => (Math.imul(n + 1, 2_654_435_761) >>> 8) % 100;

const failed = () => new TypeError("Failed to fetch");

/**
 * @param {(url: URL) => { answered(response: Response): void, failed(): void } | null} watch told of each request
 */
export function createWire(watch) {
  let sent = 0;

  return async (input, init) => {
    const url = new URL(typeof input === "object" && "url" in input ? input.url : input, location.href);
    const told = watch(url);
    const fate = dice(sent);
    sent += 1;
    try {
      if (network.offline) throw failed();
      const { latencyMs, lossPercent } = network;
      if (latencyMs) await machine.pause(latencyMs / 2);
      if (fate < lossPercent) {
        // It never arrives; the browser notices after a while.
        await machine.pause(LOST_AFTER_MS);
        throw failed();
      }
      if (network.offline) throw failed();
      const response = await reach(input, init);
      if (latencyMs) await machine.pause(latencyMs / 2);
      told?.answered(response);
      return response;
    } catch (error) {
      told?.failed();
      throw error;
    }
  };
}
