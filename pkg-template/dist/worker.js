// "tokenwell/worker": the class of "tokenwell" with the session itself in a worker. Here are what can be known at once,
// and the listeners; all else is asked there.

import { AuthError } from "./errors.js";
import { Line, understood } from "./worker-line.js";
import { isObject, loose, passesStreams, plain, requestHead, response, unpacked } from "./worker-parcel.js";

export { AuthError } from "./errors.js";
export { presets } from "./presets.js";

/** This page's sessions by name. */
const sessions = new Map();

const KINDS = ["change", "refreshed", "refresh-failed", "signed-out", "step-up", "storage"];

/** Until the worker has said anything. */
const NOTHING = Object.freeze({
  status: "signed-out",
  refreshing: false,
  accessToken: null,
  expiresAt: null,
  refreshTokenExpiresAt: null,
  claims: null,
  user: null,
  scope: null,
  reason: "none",
  error: null,
});

export class AuthSession {
  #line;
  #name;
  #text;
  #exposed;
  #snapshot = NOTHING;
  #log = [];
  #listeners = new Set();
  #live = true;
  /** Nobody holds the body any more: the worker need not wait for a reader. */
  #dropped = new FinalizationRegistry((stop) => stop());

  static {
    if (Symbol.dispose) this.prototype[Symbol.dispose] = this.prototype.dispose;
  }

  static async create(options) {
    const known = new Set(sessions.values());
    const session = new this(options);
    try {
      await session.#line.opened();
    } catch (error) {
      if (!known.has(session)) session.dispose();
      throw error;
    }
    return session;
  }

  static get(name = "default") {
    return sessions.get(name);
  }

  constructor(options) {
    const parcel = understood(options);
    const known = sessions.get(parcel.name);
    if (known?.#text === parcel.text) {
      // biome-ignore lint/correctness/noConstructorReturn: the contract's "same name, same options → the same session"
      return known;
    }
    if (known) {
      throw mistake("A session of this name lives already, with other options: get, dispose or rename it.");
    }
    this.#name = parcel.name;
    this.#text = parcel.text;
    this.#exposed = parcel.exposed;
    this.#line = new Line(parcel, {
      snapshot: (snapshot) => this.#show(snapshot),
      event: (kind, detail) =>
        this.#tell(kind, kind === "refreshed" ? { snapshot: this.#snapshot, ...detail } : detail),
      log: (log) => {
        this.#log = log;
      },
      failed: (error) => this.#show({ ...NOTHING, error }),
    });
    // Own properties, so that both can be handed on alone.
    this.fetch = (input, init) => this.#fetch(input, init);
    this.subscribe = (listener) => this.#listen("", listener);
    sessions.set(this.#name, this);
  }

  get snapshot() {
    return #line in this ? this.#snapshot : null;
  }

  get accessToken() {
    if (!(#line in this)) return null;
    if (!this.#exposed) throw mistake(HIDDEN);
    return this.#snapshot.accessToken;
  }

  get user() {
    return #line in this ? this.#snapshot.user : null;
  }

  async getAccessToken(options) {
    if (!this.#exposed) throw mistake(HIDDEN);
    return this.#ask("getAccessToken", callOptions(options), options?.signal);
  }

  async refreshAccessTokenIfNeeded(options) {
    return this.#ask("refreshAccessTokenIfNeeded", callOptions(options), options?.signal);
  }

  async refresh(options) {
    return this.#ask("refresh", callOptions(options), options?.signal, () => this.#snapshot);
  }

  async resync(options) {
    return this.#ask("resync", callOptions(options), options?.signal, () => this.#snapshot.user);
  }

  async setTokens(response) {
    return this.#ask("setTokens", plain(response), null, () => this.#snapshot);
  }

  async setUser(user) {
    return this.#ask("setUser", plain(user), null, () => this.#snapshot);
  }

  async startSignIn(options) {
    return this.#ask("startSignIn", callOptions(options));
  }

  async finishSignIn(url) {
    const given = url == null ? url : String(url);
    return this.#ask("finishSignIn", given, null, ({ state }) => ({
      snapshot: this.#snapshot,
      state: unpacked(state),
    }));
  }

  async signOut(options) {
    return this.#ask("signOut", callOptions(options));
  }

  on(type, listener) {
    if (!KINDS.includes(type)) throw mistake(`on() knows ${KINDS.join(", ")}.`);
    return this.#listen(type, listener);
  }

  explain() {
    const frozen = (decision) => Object.freeze({ ...decision, detail: Object.freeze({ ...decision.detail }) });
    return Object.freeze(this.#log.map(frozen));
  }

  dispose() {
    if (!this.#live) return;
    this.#live = false;
    if (sessions.get(this.#name) === this) sessions.delete(this.#name);
    this.#line.dispose();
  }

  async #fetch(input, init) {
    this.#check();
    const request = new Request(input, init);
    const { signal } = request;
    if (signal.aborted) throw signal.reason;
    const head = requestHead(request, init);
    const transfer = [];
    if (init?.body?.getReader && request.body && passesStreams()) {
      head.duplex = "half";
      head.body = request.body;
      transfer.push(head.body);
    } else if (!/^(GET|HEAD)$/.test(head.method)) {
      const body = await request.blob();
      if (body.size > 0 || body.type) head.body = body;
    }
    const make = (answer, stop) => this.#response(answer, stop, signal);
    const answer = await this.#line.ask({ method: "fetch", args: [request.url, head], signal, transfer, make });
    if (!answer.untouched) return answer;
    // Nothing of the session's is in it: it goes out from the page, under the page's rules.
    return fetch(request.url, { ...head, body: answer.body, signal });
  }

  #response(answer, stop, signal) {
    let { head, body } = answer;
    if (!head) return answer;
    if (body?.getReader) {
      body = loose(body, signal);
      this.#dropped.register(body, stop);
    }
    return response(head, body);
  }

  #ask(method, arg, signal, make = (value) => value) {
    this.#check();
    return this.#line.ask({ method, args: [arg], signal: isObject(signal) ? signal : null, make });
  }

  #check() {
    if (!this.#live) throw mistake("This session was disposed of: make a new AuthSession.");
  }

  #show(snapshot) {
    for (const name of ["claims", "user"]) Object.freeze(snapshot[name]);
    this.#snapshot = Object.freeze(snapshot);
    this.#tell("");
    this.#tell("change", this.#snapshot);
  }

  #listen(kind, listener) {
    if (typeof listener !== "function") throw mistake("A listener must be a function.");
    const entry = { kind, listener };
    this.#listeners.add(entry);
    return () => {
      this.#listeners.delete(entry);
    };
  }

  #tell(kind, event) {
    const told = [...this.#listeners].filter((entry) => entry.kind === kind);
    for (const entry of told) {
      if (!this.#listeners.has(entry)) continue; // One before it may have removed it.
      try {
        entry.listener(event);
      } catch (error) {
        if (globalThis.reportError) reportError(error);
        else console.error(error);
      }
    }
  }
}

const HIDDEN = "This session keeps the access token in its worker (exposeAccessToken: false): use session.fetch.";

const mistake = (message) => new AuthError(message, { code: "invalid_options" });

/** A call's options without what cannot go to a worker: its signal, which stays with the caller. */
const callOptions = (options) => {
  const sent = {};
  if (isObject(options)) for (const name in options) if (name !== "signal") sent[name] = plain(options[name]);
  return sent;
};
