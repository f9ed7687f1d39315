// The worker's side of "tokenwell/worker": the session itself, as "tokenwell" has it, for a page that is elsewhere.

import { setPage } from "./glue.js";
import { AuthError, AuthSession } from "./index.js";
import { load } from "./load.js";
import { revivals } from "./trap.js";
import { data, fields, passesStreams, plain, responseHead, unpacked } from "./worker-parcel.js";
import { Cabinet } from "./worker-sealed.js";

const EVENTS = ["refreshed", "refresh-failed", "signed-out", "step-up", "storage"];
const SIGNALLED = ["getAccessToken", "refreshAccessTokenIfNeeded", "refresh", "resync"];
const PLAIN = ["setTokens", "setUser", "startSignIn", "finishSignIn", "signOut"];
/** What gives a snapshot or a part of it: those go the one way that they always go. */
const SHOWN = ["refresh", "resync", "setTokens", "setUser"];

/** A Response of such a status takes no body, though one that was fetched may show an empty one. */
const BODILESS = [204, 205, 304];

/** What a session's `fetch` throws for a request that it leaves alone: the page sends that itself. */
const UNTOUCHED = {};

/** An init as the session gets it; one that comes through to `fetch` as it is, the session has left alone. */
class Call {
  constructor(init, signal) {
    Object.assign(this, init, { signal });
  }
}

/** For each instance of the module, also for one after a trap. */
const stands = () => setPage(page);

/** Serves the page that has made this worker. `given` has what cannot come from there: functions. */
export const serve = (given = {}) => {
  addEventListener("message", ({ data, ports }) => {
    if (data?.tokenwell === 1) new Host(ports[0], data, given);
  });
};

/** One session. */
class Host {
  #port;
  #session;
  #shown;
  #exposed;
  #own;
  #cabinet = new Cabinet((key, text, fresh) => this.#keep(key, text, fresh));
  #aborts = new Map();
  #writes = new Map();
  #written = 0;
  /** Requests on their way, whose answers must not be lost, and bodies that somebody reads. */
  #busy = new Set();
  #bodies = new Set();
  /** How long an answer counts, ms. */
  #patience;

  constructor(port, { options, page: facts, key, kept, exposed, own }, given) {
    this.#port = port;
    this.#exposed = exposed;
    this.#own = own;
    this.#patience = 4 * (options?.refresh?.timeout ?? 15_000);
    for (const kept of [key, `${key}:sign-in`]) cabinets.set(kept, this.#cabinet);
    stand(facts, (url) => port.postMessage({ replace: url, of: page.location.href }));
    const opened = this.#open(options, kept, given);
    opened.catch((error) => this.#fail(0, error)); // Before the calls that fail by it.
    port.onmessage = ({ data }) => this.#hear(data, opened);
  }

  async #open(options, kept, given) {
    await Promise.all([load(), kept && this.#cabinet.open(kept)]);
    stands();
    if (!revivals.includes(stands)) revivals.unshift(stands);
    const wrapped = given.fetch ?? ((...args) => fetch(...args));
    this.#session = await AuthSession.create({
      ...options,
      ...given,
      fetch: (input, init) => (init instanceof Call ? Promise.reject(UNTOUCHED) : this.#note(wrapped(input, init))),
    });
    this.#session.subscribe(() => this.#show());
    for (const event of EVENTS) this.#session.on(event, (detail) => this.#tell(event, detail));
  }

  async #hear(message, opened) {
    if ("wrote" in message) return this.#acknowledge(message);
    if (message.ping) return this.#port.postMessage({ pong: true });
    if (message.event) return signal(message);
    if (message.abort) return this.#aborts.get(message.id)?.abort();
    if (message.method) this.#aborts.set(message.id, new AbortController());
    try {
      await opened;
      if (message.storage) return await this.#changed(message.storage);
      if (message.method) await this.#answer(message);
      else if (message.dispose) await this.#leave();
    } catch (error) {
      this.#fail(message.id, error);
    } finally {
      this.#aborts.delete(message.id);
    }
  }

  async #answer({ id, method, args, href }) {
    if (method === "fetch") return this.#fetch(id, ...args);
    if (href) page.location.href = href;
    const { signal } = this.#aborts.get(id);
    const session = this.#session;
    const given = unpacked(args[0]);
    let value;
    // The page refuses that itself; what stands in its place may not.
    if (method === "getAccessToken" && !this.#exposed) throw new AuthError({ code: "invalid_options" });
    if (SIGNALLED.includes(method)) value = await session[method]({ ...given, signal });
    else if (PLAIN.includes(method)) value = await session[method](given);
    if (method === "finishSignIn") value = { state: plain(value.state) };
    else if (SHOWN.includes(method)) value = undefined;
    await this.#cabinet.settled();
    this.#show();
    this.#port.postMessage({ id, value, log: session.explain() });
  }

  async #fetch(id, url, init) {
    const { signal } = this.#aborts.get(id);
    try {
      const response = await this.#session.fetch(url, new Call(init, signal));
      const head = responseHead(response);
      if (!response.body || BODILESS.includes(response.status))
        return this.#port.postMessage({ id, value: { head, body: null } });
      if (!passesStreams()) {
        const body = await response.arrayBuffer();
        return this.#port.postMessage({ id, value: { head, body } }, [body]);
      }
      const { readable, writable } = new TransformStream();
      const piped = this.#note(response.body.pipeTo(writable), this.#bodies);
      this.#port.postMessage({ id, value: { head, body: readable } }, [readable]);
      await piped.catch(() => {}); // The reader sees it.
      this.#port.postMessage({ id, over: true });
    } catch (error) {
      if (error !== UNTOUCHED) throw error;
      const { body } = init;
      const back = body?.getReader ? [body] : [];
      this.#port.postMessage({ id, value: { untouched: true, body } }, back);
    }
  }

  #note(promise, among = this.#busy) {
    const noted = Promise.resolve(promise).finally(() => among.delete(noted));
    noted.catch(() => {});
    among.add(noted);
    return noted;
  }

  #fail(id, error) {
    this.#show();
    const log = this.#session?.explain() ?? [];
    if (AuthError.is(error)) return this.#port.postMessage({ id, failure: fields(error), log });
    try {
      this.#port.postMessage({ id, error, log });
    } catch {
      this.#port.postMessage({ id, error: new Error(String(error)), log });
    }
  }

  #show() {
    const session = this.#session;
    if (!session || session.snapshot === this.#shown) return;
    this.#shown = session.snapshot;
    const { accessToken, error, ...rest } = this.#shown;
    const snapshot = { ...rest, accessToken: this.#exposed ? accessToken : null, error: fields(error) };
    for (const name of ["claims", "user"]) snapshot[name] = data(snapshot[name]);
    this.#port.postMessage({ snapshot, log: session.explain() });
  }

  #tell(event, { snapshot, error, ...detail }) {
    this.#show();
    if (error !== undefined) detail.error = fields(error);
    this.#port.postMessage({ event, detail, log: this.#session.explain() });
  }

  // ------------------------------------------------------------ what the page keeps

  #keep(key, text, fresh) {
    this.#written += 1;
    this.#port.postMessage({ write: this.#written, key, text, fresh });
    return new Promise((resolve, reject) => this.#writes.set(this.#written, { resolve, reject }));
  }

  #acknowledge({ wrote, refused }) {
    const { resolve, reject } = this.#writes.get(wrote) ?? {};
    this.#writes.delete(wrote);
    if (refused) reject?.(new Error("refused"));
    else resolve?.();
  }

  async #changed({ key, sealed }) {
    const newValue = await this.#cabinet.changed(key, sealed);
    page.dispatchEvent(Object.assign(new Event("storage"), { key, newValue }));
  }

  /** A refresh under way is seen through, as long as its answer would count. */
  async #leave() {
    this.#session.dispose();
    this.#show();
    let late = false;
    let tell;
    const enough = new Promise((resolve) => {
      tell = resolve;
    });
    const timer = setTimeout(() => {
      late = true;
      tell();
    }, this.#patience);
    while (this.#busy.size > 0 && !late) await Promise.race([Promise.allSettled(this.#busy), enough]);
    clearTimeout(timer);
    while (this.#bodies.size > 0) await Promise.allSettled(this.#bodies);
    await this.#cabinet.settled();
    // A moment for what its answer leads to: the database.
    setTimeout(() => (this.#own ? close() : this.#port.close()), 1000);
  }
}

/** Who keeps what, by key: several sessions may share a worker. */
const cabinets = new Map();

const storage = {
  getItem: (key) => cabinets.get(key).getItem(key),
  setItem: (key, text, fresh) => cabinets.get(key).setItem(key, text, fresh),
  removeItem: (key) => cabinets.get(key).removeItem(key),
};

/** What stands for the page here. */
let page;

const stand = (facts, replace) => {
  page ??= Object.assign(new EventTarget(), { document: new EventTarget(), location: {}, history: { state: null } });
  Object.assign(page, { localStorage: storage, sessionStorage: storage });
  Object.assign(page.document, { baseURI: facts.base, visibilityState: facts.visibility });
  Object.assign(page.location, { href: facts.href, origin: facts.origin });
  page.history.replaceState = (_state, _title, url) => replace(url);
};

const signal = ({ event, visibility, persisted }) => {
  page.document.visibilityState = visibility;
  const target = event === "visibilitychange" || event === "resume" ? page.document : page;
  target.dispatchEvent(Object.assign(new Event(event), { persisted }));
};
