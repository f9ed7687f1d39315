// Who has asked and may have the only answer: no library can save a session whose newest refresh token died with a page.
// A page that is to be killed gets no new answer, and is left alive until it has taken the one it has.
//
// That a page is gone shows at the server when its connection closes, which may be long after: each page says who it is.

import { until } from "../browser.mjs";

export class Answers {
  /** The newest request of each page. A page asks again only when it has dealt with the answer before. */
  #newest = new Map();
  #killed = new Set();
  #gate = Promise.resolve();

  /** @param {() => import("./world.mjs").Tab[]} awake tabs that can be asked what they have */
  constructor(awake) {
    this.awake = awake;
  }

  /** A token request has arrived. */
  asked(request, response) {
    const by = request.headers["x-tab"];
    const asked = { at: Date.now(), answered: false, gone: false, cut: false };
    this.#newest.set(by, asked);
    return {
      hasGone: async () => {
        await this.#gate;
        return this.#killed.has(by) || request.socket.destroyed;
      },
      mayHaveGone: () => asked.cut,
      proceeds() {
        asked.answered = true;
        response.once("close", () => {
          asked.gone = true;
        });
      },
    };
  }

  /** Ends a page, now that it has nothing that nobody else has. */
  async kill(tab, work) {
    this.#killed.add(tab.pageName);
    await this.#taken(tab);
    await work();
  }

  /** Cuts what connections the browser likes to cut: requests that were waiting may have nobody any more who waits. */
  async cutAll(work) {
    let open;
    this.#gate = new Promise((resolve) => {
      open = resolve;
    });
    // Those who stand still have theirs in the browser's hands.
    await until(() => [...this.#newest.values()].every(({ answered, gone }) => !answered || gone), "answers to leave");
    await Promise.all(this.awake().map((tab) => this.#taken(tab)));
    await work();
    for (const asked of this.#newest.values()) asked.cut = true;
    open();
  }

  #taken(tab) {
    const asked = this.#newest.get(tab.pageName);
    if (!asked?.answered) return;
    return until(async () => {
      if (!asked.gone) return false;
      if (this.#newest.get(tab.pageName) !== asked || !(await tab.glance()).refreshing) return true;
      // It may be after the next token already, behind another tab.
      return (await tab.heard("refreshed")).some(({ at, by }) => by === "this-tab" && at >= asked.at);
    }, `${tab.name} to take its answer`);
  }
}
