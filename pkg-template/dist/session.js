// The class in front of the WASM class: comfort only, every decision is taken in Rust.

import { AuthSession as Inner, decodeJwt as decode } from "./glue.js";
import { load, loadSync, thrown } from "./load.js";

/** This page's sessions by name: the same name and the same options are the same object. */
const sessions = new Map();

export class AuthSession {
  #inner;

  static {
    if (Symbol.dispose) this.prototype[Symbol.dispose] = this.prototype.dispose;
  }

  static async create(options) {
    await load();
    return new this(await enter(Inner, "create", options));
  }

  static get(name = "default") {
    return sessions.get(name);
  }

  constructor(options) {
    loadSync();
    const inner = options instanceof Inner ? options : enter(Reflect, "construct", Inner, [options]);
    const known = sessions.get(inner.name);
    if (known) {
      inner.free(); // A second handle on what `known` holds already.
      // biome-ignore lint/correctness/noConstructorReturn: the contract's "same name, same options → the same session"
      return known;
    }
    this.#inner = inner;
    // Own properties, so that both can be handed on alone: `const { fetch } = session`, `useSyncExternalStore(session.subscribe, …)`.
    this.fetch = (input, init) => this.#ask("fetch", input, init);
    this.subscribe = (listener) => enter(inner, "subscribe", listener);
    sessions.set(inner.name, this);
  }

  // Hosts that list an object's members read these on the bare prototype too.
  get snapshot() {
    return #inner in this ? this.#inner.snapshot : null;
  }

  get accessToken() {
    return #inner in this ? this.#inner.accessToken : null;
  }

  get user() {
    return #inner in this ? this.#inner.user : null;
  }

  getAccessToken(options) {
    return this.#ask("getAccessToken", options);
  }

  refreshAccessTokenIfNeeded(options) {
    return this.#ask("refreshAccessTokenIfNeeded", options);
  }

  refresh(options) {
    return this.#ask("refresh", options);
  }

  resync(options) {
    return this.#ask("resync", options);
  }

  setTokens(response) {
    return this.#ask("setTokens", response);
  }

  setUser(user) {
    return this.#ask("setUser", user);
  }

  startSignIn(options) {
    return this.#ask("startSignIn", options);
  }

  finishSignIn(url) {
    return this.#ask("finishSignIn", url);
  }

  signOut(options) {
    return this.#ask("signOut", options);
  }

  on(type, listener) {
    return enter(this.#inner, "on", type, listener);
  }

  explain() {
    return enter(this.#inner, "explain");
  }

  dispose() {
    const { name } = this.#inner;
    if (sessions.get(name) === this) sessions.delete(name);
    enter(this.#inner, "dispose");
  }

  /** For what answers by a promise: what goes wrong at once comes out as a rejection too. */
  #ask(method, a, b) {
    try {
      return enter(this.#inner, method, a, b);
    } catch (error) {
      return Promise.reject(error);
    }
  }
}

export const decodeJwt = (token) => {
  loadSync();
  return enter({ decode }, "decode", token);
};

/** The only way into WASM. */
const enter = (target, method, a, b) => {
  try {
    return target[method](a, b);
  } catch (error) {
    throw thrown(error);
  }
};
