// The page's end of the line to the worker: options as they can be sent, calls and their answers, what the worker has
// the page keep, and what happens to the page.

import { AuthError } from "./errors.js";
import { isObject, revived, unpacked } from "./worker-parcel.js";

const failure = (code, message, more) => new AuthError(message, { code, ...more });
const WRONG = "invalid_options";

/** How often, ms, to ask a worker that somebody waits for, and how often it may stay silent before it counts as dead. */
const PING = 3000;
const SILENT = 5;
/** The same before it has begun: its script may take long to come. */
const SILENT_AT_FIRST = 10;

/** Where the app has put what it was asked for in another place. */
const FUNCTIONS = {
  refresh:
    "refresh cannot be a function in tokenwell/worker: it would bring the refresh token into the page. Give a route, or the function to serve() in a worker script of your own.",
  fetch:
    "fetch cannot be replaced in tokenwell/worker: the worker sends the requests. Give it to serve() in a worker script of your own.",
};

/** An app's options, apart: what the worker gets, and what stays. What is wrong with the rest, the worker says. */
export const understood = (options) => {
  if (!isObject(options)) {
    throw failure(WRONG, "AuthSession needs an options object: new AuthSession({ refresh: … }).");
  }
  const all = Object.create(null);
  // A class of the app's may have getters; what something has put on Object.prototype is nobody's option.
  for (const name in options) {
    if (!(name in Object.prototype) || Object.hasOwn(options, name)) all[name] = options[name];
  }
  const { worker, exposeAccessToken: exposed = true, ...rest } = all;
  if (!worker && typeof Worker === "undefined") {
    throw failure(WRONG, "tokenwell/worker needs Worker, which is missing here: make the session in a page.");
  }
  if (typeof exposed !== "boolean") throw failure(WRONG, "exposeAccessToken must be true or false.");
  for (const [name, message] of Object.entries(FUNCTIONS)) {
    if (typeof rest[name] === "function") throw failure(WRONG, message);
  }
  let place = rest.storage;
  if (["getItem", "setItem", "removeItem"].every((name) => typeof Object(place)[name] === "function")) {
    rest.storage = "session"; // For the worker, whatever the page keeps it in.
  } else {
    place = { session: "sessionStorage", local: "localStorage" }[place ?? "session"] ?? null;
  }
  let text;
  try {
    text = JSON.stringify({ ...rest, exposed }, sorted);
  } catch (cause) {
    if (AuthError.is(cause)) throw cause;
    throw failure(WRONG, "The options must be plain data: they go to a worker.", { cause });
  }
  const { exposed: _, ...sent } = JSON.parse(text);
  const name = typeof rest.name === "string" && rest.name ? rest.name : "default";
  return { name, text, options: sent, place, worker, exposed };
};

/** So that the same options have the same text; and a number that JSON cannot hold stays wrong. */
const sorted = (name, value) => {
  if (typeof value === "function") throw failure(WRONG, `${name} cannot be a function in tokenwell/worker.`);
  if (typeof value === "number" && !Number.isFinite(value)) return String(value);
  if (!isObject(value) || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
};

export class Line {
  #parcel;
  #hear;
  #port = null;
  #worker = null;
  #opened = null;
  #calls = new Map();
  #last = 0;
  /** What lay under the session's key when we last looked, where tabs write over each other. */
  #seen = null;
  #turn = Promise.resolve();
  #failure = null;
  #left = new AbortController();
  #watching = null;
  /** Pings since the worker was last heard. */
  #unheard = 0;

  constructor(parcel, hear) {
    this.#parcel = parcel;
    this.#hear = hear;
    this.#listen();
    this.#connect();
  }

  /** When the worker has restored what was stored. */
  opened() {
    if (!this.#port && this.#failure.retryable) this.#connect();
    return this.#opened;
  }

  /** A call's answer, as `make(answer, stop)` has it; `stop` ends what is still coming. */
  ask({ method, args, signal, transfer, make }) {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) throw signal.reason;
      if (this.#failure && !this.#failure.retryable) throw this.#failure;
      if (!this.#port) this.#connect();
      this.#last += 1;
      const id = this.#last;
      const port = this.#port;
      port.postMessage({ id, method, args, href: globalThis.location?.href }, transfer ?? []);
      const abort = () => {
        port.postMessage({ id, abort: true });
        this.#calls.get(id)?.reject(signal.reason);
      };
      this.#calls.set(id, { resolve, reject, make, forget: () => signal?.removeEventListener?.("abort", abort) });
      signal?.addEventListener?.("abort", abort);
      this.#watch();
    });
  }

  dispose() {
    this.#left.abort();
    this.#port?.postMessage({ dispose: true });
  }

  // ------------------------------------------------------------ the worker

  /** Calls can be put in at once; nothing begins before the caller's turn ends. */
  #connect() {
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    this.#failure = null;
    port1.onmessage = ({ data }) => this.#answer(data, port1);
    port1.unref?.(); // Node: not a reason to keep the process alive.
    this.#opened = new Promise((resolve, reject) => this.#calls.set(0, { resolve, reject, forget() {} }));
    this.#opened.catch(() => {});
    this.#unheard = 0;
    this.#watch();
    queueMicrotask(() => this.#begin(port1, port2));
  }

  async #begin(port, other) {
    const { worker: given, options, exposed } = this.#parcel;
    const kept = await this.#stored();
    if (this.#left.signal.aborted) return this.#end(port, failure(WRONG, "This session was disposed of."));
    const own = typeof given?.postMessage !== "function";
    let worker = given;
    try {
      if (own) worker = typeof given === "function" ? given() : start(given);
    } catch (cause) {
      return this.#end(port, failure(WRONG, REFUSED, { cause }));
    }
    if (own) this.#worker = worker;
    let blocked = false;
    const { signal } = this.#left;
    const violated = ({ effectiveDirective }) => {
      blocked ||= /^(worker|child|script)-src/.test(effectiveDirective);
    };
    globalThis.document?.addEventListener("securitypolicyviolation", violated, { signal });
    worker.addEventListener?.("error", (event) => {
      if (!this.#calls.has(0)) return; // It has begun: what it throws later is not its end.
      event.preventDefault?.();
      // Why, if it is the policy, may be told after it.
      setTimeout(
        () => this.#end(port, blocked ? failure(WRONG, REFUSED) : failure("refresh_unavailable", MISSING)),
        50,
      );
    });
    const { document, location } = globalThis;
    const page = {
      base: document?.baseURI ?? location?.href,
      href: location?.href,
      origin: location?.origin,
      visibility: document?.visibilityState,
    };
    worker.postMessage({ tokenwell: 1, options, page, key: this.#key, kept, exposed, own }, [other]);
    port.postMessage({ id: 0, method: "open", args: [] });
  }

  /** While somebody waits: platforms do not tell that a worker has died. */
  #watch() {
    if (this.#watching) return;
    this.#unheard = 0;
    this.#watching = setInterval(() => {
      const port = this.#port;
      if (!port || this.#calls.size === 0) {
        clearInterval(this.#watching);
        this.#watching = null;
        return;
      }
      const begins = this.#calls.has(0);
      if (this.#unheard === (begins ? SILENT_AT_FIRST : SILENT)) {
        this.#end(port, failure("refresh_unavailable", begins ? MUTE : LOST));
      } else {
        this.#unheard += 1;
        if (!begins) port.postMessage({ ping: true });
      }
    }, PING);
    this.#watching.unref?.();
  }

  /** Everybody who waits is told; another call begins anew, from what is stored. */
  #end(port, error) {
    if (this.#port !== port) return;
    this.#port = null;
    this.#failure = error;
    this.#worker?.terminate?.();
    this.#worker = null;
    if (this.#calls.has(0)) this.#hear.failed(error);
    for (const { reject, forget } of this.#calls.values()) {
      forget();
      reject(error);
    }
    this.#calls.clear();
    port.onmessage = null;
    port.close();
  }

  #answer(message, port) {
    const { id, log } = message;
    this.#unheard = 0;
    if (log) this.#hear.log(log);
    if (message.snapshot) {
      const { error, claims, user, ...snapshot } = message.snapshot;
      const data = { claims: unpacked(claims), user: unpacked(user) };
      this.#hear.snapshot({ ...snapshot, ...data, error: revived(error) });
    } else if (message.event) {
      const { detail } = message;
      if ("error" in detail) detail.error = revived(detail.error);
      this.#hear.event(message.event, Object.freeze(detail));
    } else if (message.write) this.#write(message, port);
    else if (message.replace) this.#replace(message);
    else if (this.#calls.has(id)) this.#settle(message, port);
  }

  #settle(message, port) {
    const { id, value, failure, error, over } = message;
    if (id === 0 && failure) return this.#end(port, revived(failure));
    const { resolve, reject, make = (value) => value, forget } = this.#calls.get(id);
    // A response's body may still come: its signal holds till that is over.
    if (!over && value?.head && value.body?.getReader) {
      this.#calls.set(id, { resolve() {}, reject() {}, forget }); // No hold on the response from here.
    } else {
      this.#calls.delete(id);
      forget();
    }
    if (failure || "error" in message) reject(failure ? revived(failure) : error);
    else if (!over) resolve(make(value, () => port.postMessage({ id, abort: true })));
  }

  // ------------------------------------------------------------ what the page keeps

  get #key() {
    return `tokenwell:${this.#parcel.name}`;
  }

  /** A sign-in under way comes back to the tab that it left from, wherever the session's state is. */
  #place(key) {
    const { place } = this.#parcel;
    if (isObject(place)) return place;
    return globalThis[key === this.#key ? place : "sessionStorage"];
  }

  async #stored() {
    const kept = {};
    try {
      for (const key of [this.#key, `${this.#key}:sign-in`]) {
        const text = await this.#place(key)?.getItem(key);
        if (typeof text === "string") kept[key] = text;
      }
      this.#seen = kept[this.#key] ?? null;
      return kept;
    } catch {
      return null; // The worker then keeps nothing, and says so.
    }
  }

  #write({ write, key, text, fresh }, port) {
    const put = (place) => (text === null ? place.removeItem(key) : place.setItem(key, text));
    const answer = (refused) => port.postMessage({ wrote: write, refused });
    if (isObject(this.#parcel.place)) {
      this.#turn = this.#turn
        .then(() => put(this.#parcel.place))
        .then(
          () => answer(false),
          () => answer(true),
        );
      return;
    }
    let place;
    try {
      place = this.#place(key);
      if (key === this.#key) {
        const there = place.getItem(key);
        // Somebody has removed it, or put in something newer.
        if (!fresh && there !== this.#seen) {
          if (there !== null) this.#changed(there);
          this.#seen = there;
          return answer(there === null);
        }
        this.#seen = text;
      }
      put(place);
      answer(false);
    } catch {
      if (key === this.#key) this.#seen = null;
      answer(true);
      // An older set in the way would be taken for the current one after a reload.
      place?.removeItem(key);
    }
  }

  #changed(sealed) {
    if (sealed === this.#seen) return;
    this.#seen = sealed;
    this.#port?.postMessage({ storage: { key: this.#key, sealed } });
  }

  // ------------------------------------------------------------ what happens to the page

  #listen() {
    const { signal } = this.#left;
    const tell = ({ type, persisted }) => {
      this.#port?.postMessage({ event: type, persisted, visibility: globalThis.document?.visibilityState });
    };
    const { document } = globalThis;
    for (const type of ["visibilitychange", "resume"]) document?.addEventListener(type, tell, { signal });
    if (!globalThis.addEventListener) return;
    for (const type of ["pageshow", "focus", "online"]) globalThis.addEventListener(type, tell, { signal });
    if (this.#parcel.place !== "localStorage") return;
    const changed = ({ key, newValue }) => {
      if (key === null || key === this.#key) this.#changed(newValue);
    };
    globalThis.addEventListener("storage", changed, { signal });
  }

  #replace({ replace, of }) {
    const { history, location } = globalThis;
    if (location?.href === of) history.replaceState(history.state, "", replace);
  }
}

const LOST = "The session's worker has ended: the next call starts another, from what is stored";
const REFUSED =
  "The session's worker was refused: it must be of the page's origin, and allowed by worker-src in the Content-Security-Policy";
const MUTE =
  "The session's worker has not begun in half a minute: does its script call serve() of tokenwell/worker-serve? A later call tries again";
const MISSING =
  "The session's worker could not be started: is its script where the bundler has put it? A later call tries again";

/** Written as bundlers look for it. */
const start = (url) =>
  url
    ? new Worker(url, { type: "module", name: "tokenwell" })
    : new Worker(new URL("./worker-thread.js", import.meta.url), { type: "module", name: "tokenwell" });
