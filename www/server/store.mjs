// Where oidc-provider keeps grants and refresh tokens: one Map, in memory, optionally saved to a file so that a
// restarted demo still knows the tokens it has issued. Without that, a restart would sign everybody out, and rightly.

import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

const MOST_RECORDS = 2000;

/** @param {string | null} file where to keep it, or null for memory only */
export function openStore(file = null) {
  const saved = file ? read(file) : null;
  const records = new Map(saved?.records ?? []);
  const store = {
    records,
    jwks: saved?.jwks ?? null,
    changed() {
      dropOldest(records);
      if (file) write(file, { jwks: store.jwks, records: [...records] });
    },
  };
  return store;
}

/** The adapter factory oidc-provider asks for, one adapter per kind of record. */
export function adapterFor(store) {
  return (kind) => {
    const key = (id) => `${kind}:${id}`;
    const live = (record) => (record && record.expiresAt > Date.now() ? record.payload : undefined);
    const by = (property) => async (value) =>
      [...store.records.values()].map(live).find((payload) => payload?.[property] === value);
    return {
      async upsert(id, payload, expiresIn) {
        const expiresAt = Date.now() + (expiresIn ?? 86_400) * 1000;
        store.records.set(key(id), { payload: { ...payload }, expiresAt });
        store.changed();
      },
      async find(id) {
        return live(store.records.get(key(id)));
      },
      findByUid: by("uid"),
      findByUserCode: by("userCode"),
      async consume(id) {
        // Kept, marked as used: that is what lets a second use be recognised as one.
        store.records.get(key(id)).payload.consumed = Math.floor(Date.now() / 1000);
        store.changed();
      },
      async destroy(id) {
        store.records.delete(key(id));
        store.changed();
      },
      async revokeByGrantId(grantId) {
        for (const [name, { payload }] of store.records) {
          if (name.startsWith(`${kind}:`) && payload.grantId === grantId) store.records.delete(name);
        }
        store.changed();
      },
    };
  };
}

/** A page left open for days uses up thousands of refresh tokens; the oldest used ones are forgotten first. */
function dropOldest(records) {
  if (records.size <= MOST_RECORDS) return;
  for (const [name, { payload, expiresAt }] of records) {
    if (records.size <= MOST_RECORDS) return;
    if (payload.consumed || expiresAt <= Date.now()) records.delete(name);
  }
}

function read(file) {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return null; // Absent or unreadable: start anew.
  }
}

function write(file, contents) {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(`${file}.new`, JSON.stringify(contents), { mode: 0o600 });
  renameSync(`${file}.new`, file);
}
