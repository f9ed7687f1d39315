// The class in front of the WASM class: comfort only, every decision is taken in Rust.

import { AuthSession as Inner, decodeJwt as decode } from "./glue.js";
import { load, loadSync } from "./load.js";
import { check, report, revivals, thrown, tracked } from "./trap.js";

/** This page's sessions by name: the same name and the same options are the same object. */
const sessions = new Map();
let revive;

export class AuthSession {
  #inner;
  /** What `fetch` needs: calls that are out go on with what is there when their answers come. */
  #way;
  #options;
  #shown = null;
  /** Its listeners, and how each is removed. */
  #heard = new Set();

  static {
    if (Symbol.dispose) this.prototype[Symbol.dispose] = this.prototype.dispose;
    // A way in for what stands below.
    revive = (session) => session.#revive();
  }

  static async create(options) {
    await load();
    return new this(options, await tracked(enter(Inner, "create", options)));
  }

  static get(name = "default") {
    return sessions.get(name);
  }

  constructor(options, made) {
    loadSync();
    const inner = made instanceof Inner ? made : enter(Reflect, "construct", Inner, [options]);
    const known = sessions.get(inner.name);
    if (known) {
      inner.free(); // A second handle on what `known` holds already.
      // biome-ignore lint/correctness/noConstructorReturn: the contract's "same name, same options → the same session"
      return known;
    }
    this.#inner = inner;
    this.#options = options;
    this.#shown = inner.snapshot; // What there is to see should the module be given up.
    // Own properties, so that both can be handed on alone: `const { fetch } = session`, `useSyncExternalStore(session.subscribe, …)`.
    this.#way = { inner, wrapped: inner.wrapped, due: null };
    this.fetch = (input, init) => {
      try {
        return quick(this.#way, input, init) ?? this.#ask("fetch", input, init);
      } catch (error) {
        return Promise.reject(error);
      }
    };
    this.subscribe = (listener) => this.#hear("subscribe", listener);
    if (!revivals.includes(reviveAll)) revivals.push(reviveAll); // Not at import: what is unused shakes off.
    sessions.set(inner.name, this);
  }

  // Hosts that list an object's members read these on the bare prototype too.
  get snapshot() {
    if (!(#inner in this)) return null;
    this.#shown = read(this.#inner, "snapshot") ?? this.#shown;
    return this.#shown;
  }

  get accessToken() {
    return #inner in this ? read(this.#inner, "accessToken") : null;
  }

  get user() {
    return #inner in this ? read(this.#inner, "user") : null;
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
    return this.#hear("on", type, listener);
  }

  explain() {
    return enter(this.#inner, "explain");
  }

  dispose() {
    const { name } = this.#inner;
    if (sessions.get(name) === this) sessions.delete(name);
    this.#heard.clear();
    enter(this.#inner, "dispose");
  }

  /** For what answers by a promise: what goes wrong at once comes out as a rejection too. */
  #ask(method, a, b) {
    try {
      return tracked(enter(this.#inner, method, a, b));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #hear(method, a, b) {
    const heard = { method, a, b, stop: enter(this.#inner, method, a, b) };
    this.#heard.add(heard);
    return () => {
      this.#heard.delete(heard);
      heard.stop();
    };
  }

  /** After a trap: the same session from what is stored, on a new instance, with the same listeners. */
  #revive() {
    const inner = enter(Reflect, "construct", Inner, [this.#options]);
    this.#inner = inner;
    Object.assign(this.#way, { inner, wrapped: inner.wrapped, due: null });
    for (const heard of this.#heard) heard.stop = enter(inner, heard.method, heard.a, heard.b);
    for (const { method, a, b } of [...this.#heard]) {
      if (method === "subscribe") told(a);
      else if (a === "change") told(b, this.snapshot);
    }
  }
}

const reviveAll = () => {
  for (const session of sessions.values()) {
    try {
      revive(session);
    } catch (error) {
      report(error);
    }
  }
};

const told = (listener, event) => {
  try {
    listener(event);
  } catch (error) {
    report(error);
  }
};

export const decodeJwt = (token) => {
  loadSync();
  return enter({ decode }, "decode", token);
};

/**
 * The way of nearly every call, to a URL as text with a plain init or none: one question, what it leaves with, or one wait
 * with all others, and back in only for a 401. Everything else is the longer way's, which gives the same.
 */
const quick = (way, input, init) => {
  if (typeof input !== "string") return;
  let ticket = attach(way, input);
  if (ticket === undefined) return;
  let sent = NOTHING;
  if (init || way.wrapped) {
    if (init && Object.getPrototypeOf(init) !== Object.prototype) return;
    sent = { ...init };
    // An app's own fetch is always given Headers; the platform's takes what is quicker to make.
    if (sent.headers !== undefined || way.wrapped) {
      sent.headers = new Headers(sent.headers);
      if (sent.headers.has("authorization")) return long(way, input, sent);
    }
    // The init may have run code of the user's.
    ticket = attach(way, input);
  }
  if (Array.isArray(ticket)) return send(way, input, sent, ticket);
  if (ticket === undefined || sent.signal) return long(way, input, sent);
  const base = ticket; // What a relative URL is relative to.
  return (way.due ?? wait(way)).then((awaited) => {
    // Since it came others may have signed out, or in, or somebody has moved the page's base.
    const ticket = enter(way.inner, "attach", input, awaited);
    const ready = Array.isArray(ticket);
    if (base && (ready ? ticket[2] : ticket) !== base) return long(way, new URL(input, base).href, sent);
    return ready ? send(way, input, sent, ticket) : long(way, input, sent);
  });
};

const NOTHING = Object.freeze({});

/** While somebody waits, others wait with them. */
const attach = (way, input) => enter(way.inner, "attach", input, way.due ? null : undefined);

const long = (way, input, sent) => tracked(enter(way.inner, "fetch", input, sent));

const wait = (way) => {
  const due = tracked(enter(way.inner, "due"));
  const over = () => {
    if (way.due === due) way.due = null;
  };
  due.then(over, over);
  way.due = due;
  return due;
};

const send = (way, input, sent, ticket) => {
  const { wrapped } = way; // Called as a function, without `this`.
  const authorization = ticket[0];
  sent.headers?.set("authorization", authorization);
  // A copy: a replay goes by `sent`, whatever becomes of what others are handed.
  const given = { ...sent, headers: sent.headers ?? { authorization } };
  const answer = wrapped ? wrapped(input, given) : globalThis.fetch(input, given);
  return ours(answer).then((response) =>
    is401(response) ? tracked(enter(way.inner, "refused", response, input, sent, ticket)) : response,
  );
};

/** A fetch of somebody's may answer with any thenable, or a promise with a `then` of its own. */
const ours = (answer) =>
  answer?.constructor === Promise && answer.then === Promise.prototype.then ? answer : Promise.race([answer]);

/** … and that with anything. */
const is401 = (response) => {
  try {
    return response?.status === 401;
  } catch {
    return false;
  }
};

/** These tell of mistakes by throwing, and pass on what a getter of the options throws. */
const THROW = ["construct", "on", "subscribe"];

/** The only way into WASM. */
const enter = (target, method, ...args) => {
  check();
  try {
    return target[method](...args);
  } catch (error) {
    throw thrown(error, THROW.includes(method));
  }
};

/** The same for what gives what it can. */
const read = (inner, name) => {
  try {
    check();
    return inner[name];
  } catch (cause) {
    thrown(cause);
    return null;
  }
};
