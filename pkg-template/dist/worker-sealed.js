// What is at rest when the session lives in a worker: the page keeps it, and the worker alone has opened it. The key
// cannot be taken out of this browser; it lies in the worker's database, for a worker has no other place that stays.

const DATABASE = "tokenwell-worker";
const STORE = "keys";
/** AES-GCM's nonce, bytes (NIST SP 800-38D §8.2.1). */
const NONCE = 12;

/** A storage as Rust knows them, over the page's: read at once, written behind, in turn. */
export class Cabinet {
  #key;
  #opened = new Map();
  #turn = Promise.resolve();
  #write;

  /** @param write `(key, sealed text or null, fresh)`: has the page write; a promise. */
  constructor(write) {
    this.#write = write;
  }

  /** Opens what the page had kept. Without a key nothing is kept at all. */
  async open(kept) {
    this.#key = await sealingKey();
    for (const [key, sealed] of Object.entries(kept)) await this.#take(key, sealed);
  }

  getItem(key) {
    if (!this.#key) throw new Error("no key");
    return this.#opened.get(key) ?? null;
  }

  setItem(key, text, fresh) {
    if (!this.#key) throw new Error("no key");
    this.#opened.set(key, text);
    const sealed = this.#next(() => seal(this.#key, key, text));
    return sealed.then((sealed) => this.#write(key, sealed, fresh));
  }

  removeItem(key) {
    this.#opened.delete(key);
    const removed = this.#next(() => null).then(() => this.#write(key, null));
    removed.catch(() => {}); // Not every caller waits.
    return removed;
  }

  /** What another tab has written there; gives it opened. */
  changed(key, sealed) {
    return this.#next(async () => {
      await this.#take(key, sealed);
      return this.#opened.get(key) ?? null;
    });
  }

  /** The page has been told of every write so far. */
  settled() {
    return this.#next(() => {});
  }

  async #take(key, sealed) {
    const text = sealed && this.#key ? await unseal(this.#key, key, sealed).catch(() => null) : null;
    if (text === null) this.#opened.delete(key);
    else this.#opened.set(key, text);
  }

  #next(work) {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => {});
    return done;
  }
}

// The name goes in, so that what was kept under one is nothing under another.
const how = (iv, name) => ({ name: "AES-GCM", iv, additionalData: new TextEncoder().encode(name) });

const seal = async (key, name, text) => {
  const iv = crypto.getRandomValues(new Uint8Array(NONCE));
  const sealed = await crypto.subtle.encrypt(how(iv, name), key, new TextEncoder().encode(text));
  const bytes = [...iv, ...new Uint8Array(sealed)];
  return btoa(bytes.map((byte) => String.fromCharCode(byte)).join(""));
};

const unseal = async (key, name, sealed) => {
  const bytes = Uint8Array.from(atob(sealed), (char) => char.charCodeAt(0));
  const text = await crypto.subtle.decrypt(how(bytes.slice(0, NONCE), name), key, bytes.slice(NONCE));
  return new TextDecoder().decode(text);
};

/** A database that does not answer within this, ms, must not keep the session from beginning. */
const PATIENCE = 5000;

const sealingKey = () => Promise.race([browserKey(), new Promise((resolve) => setTimeout(resolve, PATIENCE, null))]);

/** This browser's key, made at the first use; null where there can be none. */
const browserKey = async () => {
  try {
    const database = await openDatabase();
    try {
      const known = await request(keys(database, "readonly").get(0));
      if (known) return known;
      const made = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
      // Another tab may have been quicker.
      const store = keys(database, "readwrite");
      const there = await request(store.get(0));
      if (!there) await request(store.put(made, 0));
      return there ?? made;
    } finally {
      database.close(); // A page that is kept for going back to must not hold it.
    }
  } catch {
    return null;
  }
};

const openDatabase = () => {
  const opening = indexedDB.open(DATABASE, 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore(STORE);
  return request(opening);
};

const keys = (database, mode) => database.transaction(STORE, mode).objectStore(STORE);

const request = (asked) =>
  new Promise((resolve, reject) => {
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
    asked.onblocked = asked.onerror;
  });
