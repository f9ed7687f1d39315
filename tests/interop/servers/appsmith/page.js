// The main thread of an Appsmith app: it holds the store, persists what is to be persisted, and has queries run.

const PERSISTED = "APPSMITH_LOCAL_STORE";
let worker;
let store;
let last = 0;
const waiting = new Map();

/** Loads the app: a new evaluation worker over what has been persisted. */
window.loadApp = (queries) => {
  worker?.terminate();
  store = JSON.parse(localStorage.getItem(PERSISTED) ?? "{}");
  worker = new Worker("/appsmith-worker.js");
  worker.onmessage = async ({ data }) => {
    if (data.store) return keep(data.store);
    if (data.query) return run(data.query);
    const { resolve, reject } = waiting.get(data.id);
    if (data.error) reject(Object.assign(new Error(data.error.message), data.error));
    else resolve(data.value);
  };
  worker.postMessage({ tree: { store, queries } });
};

function keep({ key, value, persist }) {
  if (value === null) delete store[key];
  else store[key] = value;
  const persisted = JSON.parse(localStorage.getItem(PERSISTED) ?? "{}");
  if (value === null) delete persisted[key];
  else if (persist) persisted[key] = value;
  localStorage.setItem(PERSISTED, JSON.stringify(persisted));
  worker.postMessage({ tree: { store } });
}

async function run({ id, name, store: seen }) {
  const answer = await window.appsmithServer(name, seen).then(
    (value) => ({ value }),
    (error) => ({ error: error.message }),
  );
  worker.postMessage({ answer: { id, ...answer } });
}

window.inWorker = (method, argument) => {
  last += 1;
  const settled = new Promise((resolve, reject) => waiting.set(last, { resolve, reject }));
  worker.postMessage({ id: last, method, argument });
  return settled.catch(({ name, message, code }) => ({ failed: { name, message, code } }));
};

window.appStore = () => store;
window.persisted = () => JSON.parse(localStorage.getItem(PERSISTED) ?? "{}");
window.ready = true;
