// Time in a test's hands: the clocks of the page, and its timers too where time stands still.

const { setTimeout, clearTimeout } = globalThis;
const BODIES = [Request, Response].map(({ prototype }) => ({ prototype, text: prototype.text }));
const date = Date.now;
const mono = () => Performance.prototype.now.call(performance);

/** Lets everything happen that waits for no timer of the page. */
export const turn = () => new Promise((resolve) => setTimeout(resolve, 0));

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export class Clock {
  passed = 0;
  /** Every delay that was asked for. */
  delays = [];
  #timers = new Map();
  #last = 0;
  /** Bodies that are being read: in Firefox another thread does, in its own time. */
  #reading = 0;

  /** `running`: clocks and timers go on as they do, and `sleep` sets the clocks forward. */
  constructor(running) {
    const [wall, ticks] = [date(), mono()];
    Date.now = () => (running ? date() : wall) + this.passed;
    Object.defineProperty(performance, "now", {
      configurable: true,
      value: () => (running ? mono() : ticks) + this.passed,
    });
    if (running) return;
    globalThis.setTimeout = (callback, delay) => {
      this.delays.push(delay);
      this.#last += 1;
      this.#timers.set(this.#last, { callback, at: this.passed + (delay | 0) });
      return this.#last;
    };
    globalThis.clearTimeout = (id) => this.#timers.delete(id);
    const clock = this;
    for (const { prototype, text } of BODIES) {
      prototype.text = async function () {
        clock.#reading += 1;
        try {
          return await text.call(this);
        } finally {
          clock.#reading -= 1;
        }
      };
    }
  }

  get armed() {
    return this.#timers.size;
  }

  /** Time passes, and timers fire when they are due. */
  async advance(ms) {
    await this.#rest();
    const end = this.passed + ms;
    for (let fired = 0; ; fired += 1) {
      if (fired > 2000) throw new Error(`timers without end: ${this.delays.slice(-5)}`);
      const [first] = [...this.#timers].sort(([, a], [, b]) => a.at - b.at);
      if (!first || first[1].at > end) break;
      this.#timers.delete(first[0]);
      this.passed = Math.max(this.passed, first[1].at);
      first[1].callback();
      await this.#rest();
    }
    this.passed = end;
    await this.#rest();
  }

  async #rest() {
    do await turn();
    while (this.#reading > 0);
  }

  /** Time passes while timers are frozen, as in a page that sleeps. */
  sleep(ms) {
    this.passed += ms;
  }

  restore() {
    Date.now = date;
    delete performance.now;
    Object.assign(globalThis, { setTimeout, clearTimeout });
    for (const { prototype, text } of BODIES) prototype.text = text;
  }
}
