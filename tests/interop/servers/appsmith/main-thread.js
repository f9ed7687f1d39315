// The main thread of an Appsmith app: it holds the store, persists what is to be persisted, and has queries run. The
// tests and the demo are two such apps.

const PERSISTED = "APPSMITH_LOCAL_STORE";

/**
 * @param {object} options
 * @param {string} options.worker where the evaluation worker's script is
 * @param {(name: string, store: object, bound: unknown) => Promise<unknown>} options.runQuery Appsmith's server: runs a
 *   query, given the store and the value of the query's binding, if it has one
 */
export function createApp({ worker: url, runQuery }) {
  let worker;
  let store;
  let last = 0;
  const waiting = new Map();
  const persisted = () => JSON.parse(localStorage.getItem(PERSISTED) ?? "{}");

  function keep({ key, value, persist }) {
    if (value === null) delete store[key];
    else store[key] = value;
    const kept = persisted();
    if (value === null) delete kept[key];
    else if (persist) kept[key] = value;
    localStorage.setItem(PERSISTED, JSON.stringify(kept));
    worker.postMessage({ tree: { store } });
  }

  async function run({ id, name, store: seen, bound }) {
    const answer = await runQuery(name, seen, bound).then(
      (value) => ({ value }),
      (error) => ({ error: error.message }),
    );
    worker.postMessage({ answer: { id, ...answer } });
  }

  return {
    store: () => store,
    persisted,

    /** Loads the app: a new evaluation worker over what has been persisted. */
    load(tree) {
      worker?.terminate();
      store = persisted();
      worker = new Worker(url);
      worker.onmessage = async ({ data }) => {
        if (data.store) return keep(data.store);
        if (data.query) return run(data.query);
        const { resolve, reject } = waiting.get(data.id);
        waiting.delete(data.id);
        if (data.error) reject(Object.assign(new Error(data.error.message), data.error));
        else resolve(data.value);
      };
      worker.postMessage({ tree: { ...tree, store } });
    },

    /** What was written anew while the app is open: its JS Objects. */
    edit: (tree) => worker.postMessage({ tree }),

    inWorker(method, argument) {
      last += 1;
      const settled = new Promise((resolve, reject) => waiting.set(last, { resolve, reject }));
      worker.postMessage({ id: last, method, argument });
      return settled;
    },
  };
}
