// Imports the file named on the command line and fails if that did anything: touched the network,
// storage or WebAssembly, set a global, a timer or a listener, or kept the process alive.

import { pathToFileURL } from "node:url";

const done = [];
const watch = (holder, name, label) => {
  const original = holder[name];
  if (typeof original !== "function") return;
  const spy = new Proxy(original, {
    apply: (target, self, args) => {
      done.push(label);
      return Reflect.apply(target, self, args);
    },
    construct: (target, args) => {
      done.push(label);
      return Reflect.construct(target, args);
    },
  });
  Object.defineProperty(holder, name, { value: spy, configurable: true, writable: true });
};

for (const name of ["fetch", "setTimeout", "setInterval", "queueMicrotask", "atob", "BroadcastChannel", "Worker"]) {
  watch(globalThis, name, name);
}
for (const name of ["Module", "Instance", "compile", "instantiate", "compileStreaming", "instantiateStreaming"]) {
  watch(WebAssembly, name, `WebAssembly.${name}`);
}
watch(EventTarget.prototype, "addEventListener", "addEventListener");

const file = process.argv[2];
const globals = Reflect.ownKeys(globalThis);
const resources = process.getActiveResourcesInfo().length;
await import(pathToFileURL(file));
const added = Reflect.ownKeys(globalThis).filter((key) => !globals.includes(key));
if (added.length > 0) done.push(`new globals: ${added.map(String).join(", ")}`);
if (process.getActiveResourcesInfo().length > resources) done.push("something is still open");

if (done.length > 0) {
  console.error(`the import did more than nothing: ${[...new Set(done)].join("; ")}`);
  process.exit(1);
}
