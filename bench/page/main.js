// What a bench page does, told by the runner. One page holds one library, opened as its documentation says.

import { Model } from "./model.js";

const real = { now: performance.now.bind(performance), fetch: fetch.bind(globalThis), Date };
let offset = 0;
let answer;
let model;
let session;
let module;
let memory;

// Libraries may take `fetch` at import: what stands behind this one can be changed later.
globalThis.fetch = (input, init) => answer(input, init);

/** A clock that can be put forward: both of the platform's, as after an hour that nobody spent here. */
function shiftClock() {
  globalThis.Date = class extends real.Date {
    constructor(...args) {
      if (args.length > 0) super(...args);
      else super(real.Date.now() + offset);
    }
    static now() {
      return real.Date.now() + offset;
    }
  };
  performance.now = () => real.now() + offset;
}

/** WASM memories that the page makes, to be measured. */
function watchMemory() {
  const { Instance } = WebAssembly;
  WebAssembly.Instance = new Proxy(Instance, {
    construct(target, args) {
      const instance = Reflect.construct(target, args);
      memory ??= instance.exports.memory;
      return instance;
    },
  });
}

const OK = new Response("{}", { status: 200 });
const stubbed = () => Promise.resolve(OK);
const axiosStub = (config) =>
  Promise.resolve({ data: {}, status: 200, statusText: "OK", headers: {}, config, request: null });

/** Opens the library with a session that a login left behind, and makes a first call. */
async function prepare(peer, { clock = false, stub = false, tokenDelay = 0 } = {}) {
  if (clock) shiftClock();
  watchMemory();
  const { origin } = location;
  answer = (input, init) => (String(input).includes("/dist/") ? real.fetch(input, init) : model.fetch(input, init));
  module = await import(`/dist/${peer}.js`);
  const issuer = module.server?.issuer?.(origin) ?? origin;
  model = new Model({ origin, issuer, idToken: module.server?.idToken ?? false, tokenDelay: 0 });
  localStorage.clear();
  await module.seed({ origin, grant: model.grant() });
  session = await module.open({ origin, adapter: stub ? axiosStub : "fetch" });
  const first = await session.call(url());
  if (first.status !== 200) throw new Error(`${peer}: the first call was answered ${first.status}`);
  model.options.tokenDelay = tokenDelay;
  if (stub) answer = stubbed;
}

const url = () => `${location.origin}/api/thing`;

/** ms for `n` calls one after another. */
async function sequential(n) {
  const { call } = session;
  const to = url();
  const began = real.now();
  for (let i = 0; i < n; i++) await call(to);
  return real.now() - began;
}

/** ms for `n` times a hundred calls at once. */
async function together(n) {
  const { call } = session;
  const to = url();
  const began = real.now();
  for (let i = 0; i < n; i++) {
    const calls = [];
    for (let k = 0; k < 100; k++) calls.push(call(to));
    await Promise.all(calls);
  }
  return real.now() - began;
}

/** `n` calls at once when the token has expired two hours ago. */
async function stampede(n) {
  offset += 7_200_000;
  model.expireAll();
  const before = model.tokenRequests;
  const { call } = session;
  const to = url();
  const began = real.now();
  const calls = [];
  for (let i = 0; i < n; i++) calls.push(call(to));
  const results = await Promise.allSettled(calls);
  const took = real.now() - began;
  const failed = results.filter((r) => r.status === "rejected" || r.value.status !== 200);
  return {
    tokenRequests: model.tokenRequests - before,
    failures: failed.length,
    beyondMs: took - (model.lastRefreshMs ?? 0),
    why: failed[0] && String(failed[0].reason ?? failed[0].value?.status).slice(0, 200),
  };
}

/** `n` refreshes, each by a call two hours after the last. */
async function refreshes(n) {
  answer = (input, init) => model.fetch(input, init);
  const before = model.tokenRequests;
  const to = url();
  for (let i = 0; i < n; i++) {
    offset += 7_200_000;
    model.expireAll();
    const { status } = await session.call(to);
    if (status !== 200) throw new Error(`call ${i} was answered ${status}`);
  }
  return model.tokenRequests - before;
}

const wasmPages = () => (memory ? memory.buffer.byteLength / 65_536 : null);

/** ms for `n` decodings by each of these, in turns. */
async function decoding(n) {
  const [{ decodeJwt }, peers] = await Promise.all([import("/dist/tokenwell.js"), import("/dist/jwt-decode.js")]);
  const { jwt } = await import("/dist/model.js");
  const ascii = jwt({ sub: "user-1", name: "Ada", exp: 1_900_000_000, pad: "p".repeat(200) });
  const ways = {
    tokenwell: decodeJwt,
    "jwt-decode": peers.jwtDecode,
    "atob + JSON.parse": (token) => JSON.parse(atob(token.split(".")[1].replace(/-/g, "+").replace(/_/g, "/"))),
  };
  const took = {};
  for (const [name, way] of Object.entries(ways)) {
    const began = real.now();
    for (let i = 0; i < n; i++) {
      if (way(ascii).sub !== "user-1") throw new Error(name);
    }
    took[name] = real.now() - began;
  }
  return { took, length: ascii.length };
}

const valid = () => [...model.valid];

window.bench = { prepare, valid, sequential, together, stampede, refreshes, wasmPages, decoding };
