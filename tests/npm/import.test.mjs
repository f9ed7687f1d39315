// Importing an entry has no effect, also where there is no window: each in a process of its own, whose platform reports
// whatever is touched.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { pkg, install } from "./installed.mjs";

const SPY = `
  const touched = [];
  const spy = (owner, name) => {
    const real = owner[name];
    owner[name] = new Proxy(real, {
      apply(target, self, args) { touched.push(name); return Reflect.apply(target, self, args); },
      construct(target, args) { touched.push(name); return Reflect.construct(target, args); },
    });
  };
  for (const name of ["fetch", "atob", "setTimeout", "setInterval", "setImmediate", "BroadcastChannel", "MessageChannel"]) {
    spy(globalThis, name);
  }
  for (const name of ["Module", "Instance", "Memory", "compile", "instantiate"]) spy(WebAssembly, name);
`;

const probe = (entry) => `${SPY}
  const before = Reflect.ownKeys(globalThis);
  const listeners = process.eventNames().length;
  const made = await import(${JSON.stringify(entry)});
  console.log(JSON.stringify({
    exports: Object.keys(made).sort(),
    globals: Reflect.ownKeys(globalThis).filter((key) => !before.includes(key)).map(String),
    listeners: process.eventNames().length - listeners,
    waiting: process.getActiveResourcesInfo().filter((what) => /Timeout|Immediate|Message/.test(what)),
    touched,
  }));
`;

const ENTRIES = {
  tokenwell: ["AuthError", "AuthSession", "decodeJwt", "presets"],
  "tokenwell/slim": ["AuthError", "AuthSession", "decodeJwt", "init", "presets"],
  "tokenwell/react": ["useAuthSession"],
  "tokenwell/worker": ["AuthError", "AuthSession", "presets"],
  "tokenwell/worker-serve": ["serve"],
  "tokenwell/inspector": ["mountInspector", "report"],
  "tokenwell/presets": ["appsmith", "authgear", "baserow", "json", "oauth2", "presets", "sapphire", "simplejwt"],
};

/** Stands for React, which is the app's: tests/hosts has the real ones. */
const REACT = ["useDebugValue", "useEffect", "useMemo", "useRef", "useSyncExternalStore"];

let at;
before(() => {
  at = install();
  const react = join(at.project, "node_modules/react");
  mkdirSync(react);
  writeFileSync(join(react, "package.json"), '{ "type": "module", "exports": "./react.js" }');
  writeFileSync(join(react, "react.js"), `export const ${REACT.map((name) => `${name} = null`).join(", ")};`);
});

function run(script) {
  const args = ["--input-type=module", "--eval", script];
  return execFileSync(process.execPath, args, { cwd: at.project, encoding: "utf8", timeout: 20_000 });
}

test("every JavaScript entry is tried here", () => {
  const { exports } = JSON.parse(readFileSync(join(pkg, "package.json"), "utf8"));
  const entries = Object.keys(exports).filter((key) => exports[key].default?.endsWith(".js"));
  assert.deepEqual(entries.map((key) => `tokenwell${key.slice(1)}`).sort(), Object.keys(ENTRIES).sort());
});

for (const [entry, exports] of Object.entries(ENTRIES)) {
  test(`importing ${entry} does nothing, and the process ends by itself`, () => {
    assert.deepEqual(JSON.parse(run(probe(entry))), { exports, globals: [], listeners: 0, waiting: [], touched: [] });
  });
}

test("getters on the bare prototype do not throw, and load nothing", () => {
  const script = `${SPY}
    const { AuthSession } = await import("tokenwell");
    const { prototype } = AuthSession;
    const seen = {};
    for (const [key, { get }] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
      if (get) seen[key] = prototype[key];
    }
    console.log(JSON.stringify({ seen, touched }));
  `;
  assert.deepEqual(JSON.parse(run(script)), { seen: { snapshot: null, accessToken: null, user: null }, touched: [] });
});

test("the module is found under its own name", () => {
  const script = `
    import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
    const bytes = readFileSync(new URL(import.meta.resolve("tokenwell/tokenwell.wasm")));
    console.log(WebAssembly.validate(bytes));
  `;
  assert.equal(run(script).trim(), "true");
});
