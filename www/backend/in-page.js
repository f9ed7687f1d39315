// A `fetch` whose server is in the page. Its state is one record of IndexedDB, read and written in one transaction a
// request: so every tab of the page meets the same server, and two of them cannot use up the same refresh token.
//
// Not a service worker: that is missing after a forced reload and in some private windows, and dies between requests.

import { realNow } from "../machine.js";
import { answer, newState } from "./server.js";

const STORE = "server";
const KEY = "state";
/** Who comes back later than this meets a new server. */
const FORGET_MS = 3 * 86_400_000;

const done = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

function open() {
  const request = indexedDB.open("tokenwell-playground", 1);
  request.onupgradeneeded = () => request.result.createObjectStore(STORE);
  return done(request);
}

/** Where there is no IndexedDB, the server lives as long as the page. */
const inMemory = () => {
  let state = newState();
  return async (use) => {
    const copy = structuredClone(state);
    const result = use(copy);
    state = copy;
    return result;
  };
};

async function transactions() {
  const database = await open().catch(() => null);
  if (!database) return inMemory();
  return (use) =>
    new Promise((resolve, reject) => {
      const transaction = database.transaction(STORE, "readwrite", { durability: "relaxed" });
      const store = transaction.objectStore(STORE);
      const read = store.get(KEY);
      let result;
      read.onsuccess = () => {
        const known = read.result;
        const state = known && realNow() - known.usedAt < FORGET_MS ? known : newState();
        state.usedAt = realNow();
        result = use(state);
        store.put(state, KEY);
      };
      transaction.oncomplete = () => resolve(result);
      transaction.onabort = () => reject(transaction.error);
    });
}

/** @param {URL} base the folder of the page */
export function createInPage(base) {
  let ready = null;

  return async (input, init) => {
    const request = new Request(input, init);
    const { pathname, origin } = new URL(request.url);
    if (origin !== base.origin || !pathname.startsWith(base.pathname)) return globalThis.fetch(input, init);
    const asked = {
      method: request.method,
      path: `/${pathname.slice(base.pathname.length)}`,
      token: request.headers.get("authorization")?.match(/^Bearer (.+)$/i)?.[1] ?? null,
      body: await request.text(),
    };
    ready ??= transactions();
    const use = await ready;
    const { status, headers = {}, body } = await use((state) => answer(state, asked, realNow()));
    return new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json", ...headers } });
  };
}
