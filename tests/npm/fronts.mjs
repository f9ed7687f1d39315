// The suites of the class run through both fronts: with the session in the page, and behind a port as in
// tokenwell/worker. That is in this thread too, with real ports and clones; real workers are in tests/e2e. Functions
// that a page cannot send are given to `serve`, as a worker script of the app's own does it.

import { join } from "node:path";
import { pathToFileURL } from "node:url";

export const IN_WORKER = process.env.TOKENWELL_FRONT === "worker";

/** For what is not the same there, with the reason. */
export const notInWorker = (why) => ({ skip: IN_WORKER && why });

/** What "tokenwell" exports, or the same with the other front. */
export async function front({ home }) {
  const load = (file) => import(pathToFileURL(join(home, "dist", file)));
  const main = await load("index.js");
  if (!IN_WORKER) return main;
  const { serve } = await load("worker-serve.js");
  const isolated = await load("worker.js");

  class AuthSession extends isolated.AuthSession {
    constructor(options) {
      super(typeof options === "object" ? split(options) : options);
    }
  }

  /** What the page sends, and a worker that has the rest. */
  function split({ fetch, refresh, ...options }) {
    const given = { ...(fetch && { fetch }), ...(typeof refresh === "function" && { refresh }) };
    return { ...options, ...(given.refresh || { refresh }), worker: pretendWorker(() => serve(given)) };
  }

  return { ...main, AuthSession, AuthError: isolated.AuthError };
}

function pretendWorker(run) {
  let hear;
  globalThis.addEventListener = (_type, listener) => {
    hear = listener;
  };
  run();
  delete globalThis.addEventListener;
  return {
    postMessage(message, ports) {
      const { port1, port2 } = new MessageChannel();
      port2.onmessage = (event) => {
        hear(event);
        port1.close();
      };
      port1.postMessage(message, ports);
    },
  };
}
