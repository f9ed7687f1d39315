// An Appsmith app that the tests drive from outside.

import { createApp } from "./main-thread.js";

const app = createApp({
  worker: "/appsmith-worker.js",
  runQuery: (name, store) => window.appsmithServer(name, store),
});

window.loadApp = (queries) => app.load({ queries });
window.inWorker = (method, argument) =>
  app.inWorker(method, argument).catch(({ name, message, code }) => ({ failed: { name, message, code } }));
window.appStore = app.store;
window.persisted = app.persisted;
window.ready = true;
