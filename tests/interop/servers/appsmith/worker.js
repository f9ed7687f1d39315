// Appsmith's evaluation worker as far as a JS library can tell: globals replaced and wiped, requests without
// credentials, data fields that may start nothing, a store that is there only while something is evaluated. Written
// after app/client/src/workers/Evaluation of appsmithorg/appsmith. One of these is one load of an app's page.

import * as dom from "linkedom/worker";

const native = {
  fetch: self.fetch,
  Request: self.Request,
  importScripts: self.importScripts.bind(self),
  setTimeout: self.setTimeout.bind(self),
  setInterval: self.setInterval.bind(self),
};
const post = self.postMessage.bind(self);
const workersOwn = new Set(Object.keys(self));
const domsOwn = new Set([...Object.keys(dom), "window", "document", "location", "$isDataField"]);
const libraries = new Set();

/** The app's store, queries with what they are bound to, and JS Objects by name, as its data tree has them. */
let tree = { store: {}, queries: [], bindings: {}, objects: {} };
/** What each function of a JS Object gave last: its `data`. */
const given = {};
const called = [];

// -------------------------------------------------------------- set-up: once, before any library

/** What throws at once in a data field, which is evaluated to a value and must start nothing. */
const triggersOnly = (name, run) =>
  function trigger(...args) {
    called.push(name);
    if (self.$isDataField) throw new Error(`Please remove any direct/indirect references to ${name}() and try again.`);
    return run(...args);
  };

for (const name of ["XMLHttpRequest", "setImmediate", "Navigator"]) self[name] = undefined;
self.window = self;
for (const [name, value] of Object.entries(dom)) self[name] = value;
self.document = dom.parseHTML("<!DOCTYPE html><body></body>").window.document;
Object.defineProperty(self, "localStorage", {
  enumerable: false,
  value: {
    getItem: (key) => self.appsmith.store[key],
    setItem: (key, value) => void self.storeValue(key, value),
    removeItem: (key) => void self.removeValue(key),
  },
});

const platform = {
  setTimeout: triggersOnly("setTimeout", (run, ...more) => native.setTimeout(inContext(run), ...more)),
  setInterval: triggersOnly("setInterval", (run, ...more) => native.setInterval(inContext(run), ...more)),
  fetch: triggersOnly("fetch", async (input, init) =>
    native.fetch.call(self, new native.Request(input, { ...init, credentials: "omit" })),
  ),
  storeValue: triggersOnly("storeValue", async (key, value, persist = true) => {
    self.appsmith.store[key] = value;
    post({ store: { key, value, persist } });
    return {};
  }),
  removeValue: triggersOnly("removeValue", async (key) => {
    delete self.appsmith.store[key];
    post({ store: { key, value: null } });
    return {};
  }),
};
// Not enumerable, so that they outlive every wiping.
for (const [name, value] of Object.entries(platform)) Object.defineProperty(self, name, { value, enumerable: false });

/** What a timer runs finds the app's entities, whatever was evaluated meanwhile. */
function inContext(run) {
  return (...args) => {
    Object.assign(self, context(), { $isDataField: false });
    run(...args);
  };
}

// -------------------------------------------------------------- evaluation

function wipe() {
  self.$isDataField = false;
  for (const key of Object.keys(self)) {
    if (!workersOwn.has(key) && !domsOwn.has(key) && !libraries.has(key)) delete self[key];
  }
}

/** The data tree, anew for each evaluation: what the script has put into it before is gone. */
function context() {
  const entities = { appsmith: { store: structuredClone(tree.store) } };
  for (const name of tree.queries) {
    entities[name] = { data: tree.data?.[name], run: triggersOnly(`${name}.run`, (params) => runQuery(name, params)) };
  }
  for (const [name, source] of Object.entries(tree.objects)) entities[name] = jsObject(name, source);
  return entities;
}

/** A JS Object, made anew for each evaluation too. */
function jsObject(name, source) {
  const object = indirectEval(`(${source.replace(/^\s*export default/, "").replace(/;\s*$/, "")})`);
  for (const [key, written] of Object.entries(object)) {
    if (typeof written !== "function") continue;
    const path = `${name}.${key}`;
    const kept = (value) => {
      given[path] = value;
      call.data = value;
      return value;
    };
    const call = (...args) => {
      const value = written.apply(object, args);
      return typeof value?.then === "function" ? value.then(kept) : kept(value);
    };
    object[key] = Object.assign(call, { data: given[path] });
  }
  return object;
}

// biome-ignore lint/security/noGlobalEval: evaluating what users write is what this worker is for
const indirectEval = eval;

/** `{{ … }}` in a widget's property. */
function evaluateSync(script) {
  wipe();
  called.length = 0;
  const entities = context();
  Object.assign(self, entities, { $isDataField: true });
  try {
    const result = indirectEval(`(function () { return ${script} })()`);
    if (result instanceof Promise) throw new Error("Please use synchronous code in data fields.");
    return { result, called: [...called] };
  } finally {
    for (const name of Object.keys(entities)) delete self[name];
    self.$isDataField = false;
  }
}

/** A trigger, or a function of a JS Object. */
async function evaluateAsync(script) {
  wipe();
  called.length = 0;
  Object.assign(self, context());
  const result = await indirectEval(`(async function () { ${script} })()`);
  return { result, called: [...called] };
}

// -------------------------------------------------------------- libraries

async function installLibrary(url) {
  const before = Object.keys(self);
  called.length = 0;
  let accessor;
  try {
    native.importScripts(url);
    const fresh = Object.keys(self).filter((key) => !before.includes(key));
    if (fresh.length !== 1) return { by: "importScripts", accessors: fresh };
    [accessor] = fresh;
  } catch {
    const module = await import(url);
    accessor = "tokenwell";
    self[accessor] = Object.assign(Object.create(module.default ?? {}), module);
    const fresh = Object.keys(self).filter((key) => !before.includes(key) && key !== accessor);
    if (fresh.length) throw new Error(`left behind: ${fresh}`);
  }
  libraries.add(accessor);
  return { accessors: [accessor], members: walk(self[accessor]), called };
}

/** As the autocompletion's makeTernDefs walks: over functions, prototypes and every getter on them. */
function walk(library) {
  const queue = [["", library]];
  const visited = new Set();
  const members = [];
  while (queue.length && visited.size < 5000) {
    const [name, value] = queue.shift();
    members.push(name);
    if (!value || !/^(object|function)$/.test(typeof value) || visited.has(value)) continue;
    visited.add(value);
    for (const key of Object.getOwnPropertyNames(value)) {
      if (/^(constructor|window|self|arguments|caller|length|name)$/.test(key)) continue;
      queue.push([`${name}.${key}`, value[key]]);
    }
  }
  return members;
}

// -------------------------------------------------------------- the main thread

const waiting = new Map();
let last = 0;

/** A query is run by Appsmith's server; the worker has only its answer. */
function runQuery(name, params) {
  last += 1;
  const bound = tree.bindings[name] && indirectEval(tree.bindings[name]);
  post({ query: { id: last, name, params, bound, store: structuredClone(self.appsmith.store) } });
  const answer = Promise.withResolvers?.() ?? withResolvers();
  waiting.set(last, answer);
  return answer.promise;
}

function withResolvers() {
  const made = {};
  made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }));
  return made;
}

const does = { installLibrary, evaluateSync, evaluateAsync };

self.onmessage = async ({ data: { id, method, argument, tree: newTree, answer } }) => {
  if (newTree) tree = { ...tree, ...newTree };
  if (answer) {
    const { resolve, reject } = waiting.get(answer.id);
    if (answer.error) reject(new Error(answer.error));
    else resolve(answer.value);
    return;
  }
  if (!method) return;
  try {
    post({ id, value: await does[method](argument) });
  } catch (error) {
    post({ id, error: { name: error.name, message: error.message, code: error.code ?? null } });
  }
};
