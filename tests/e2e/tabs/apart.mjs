// What must stay apart: users, names, tabs that want to be alone; and what must stay where it is: tokens.

import assert from "node:assert/strict";
import { until } from "../browser.mjs";
import { story } from "./world.mjs";

export function apart(host) {
  story(host, "tabs signed in as two users never meet", { accessTtl: 3, oneSession: false }, async (world) => {
    const first = await world.signedIn();
    const copy = await world.popup(first);
    const second = await world.popup(first, { open: false });
    await second.open();
    await second.run(() => window.signIn()); // Somebody else, in a tab that began as a copy.
    const users = await Promise.all([first, copy, second].map(user));
    assert.equal(users[0], users[1]);
    assert.notEqual(users[0], users[2]);

    await until(() => world.counts().rotations >= 6, "six rotations");
    assert.deepEqual(await Promise.all([first, copy, second].map(user)), users);
    await first.signOut();
    await until(async () => (await copy.status()) === "signed-out", "the copy to be signed out");
    const { rotations } = world.counts();
    await until(() => world.counts().rotations >= rotations + 2, "the second user's rotations");
    assert.deepEqual(await user(second), users[2]);
    assert.equal(await second.call(), 200);
    const { refused, reuseDetected } = world.counts();
    assert.deepEqual({ refused, reuseDetected }, { refused: 0, reuseDetected: 0 });
  });

  const names = "sessions of two names in the same tabs never meet";
  story(host, names, { session: { storage: "local" }, oneSession: false }, async (world) => {
    const tabs = [await world.newTab({ open: false }), await world.newTab({ open: false })];
    for (const name of ["work", "home"]) {
      for (const tab of tabs) {
        tab.options = { name };
        await tab.open();
      }
      await tabs[0].run(() => window.signIn());
      await until(async () => (await tabs[1].status()) === "signed-in", "the other tab to be signed in");
    }
    const [work, home] = await usersByName(tabs[0]);
    assert.notEqual(work, home);
    for (const tab of tabs) {
      const refreshed = await tab.run(async () => {
        const both = ["work", "home"].map((name) => window.tokenwell.AuthSession.get(name).refresh());
        return (await Promise.all(both)).map((snapshot) => snapshot.claims.sub);
      });
      assert.deepEqual(refreshed, [work, home]);
      await until(async () => {
        const shown = await Promise.all(tabs.map(tokensByName));
        return JSON.stringify(shown[0]) === JSON.stringify(shown[1]);
      }, "both tabs to have the same tokens");
    }
    await tabs[0].run(() => window.tokenwell.AuthSession.get("work").signOut());
    await until(async () => (await usersByName(tabs[1]))[0] === null, "the other tab to be signed out");
    for (const tab of tabs) assert.deepEqual(await usersByName(tab), [null, home]);
    assert.equal(await tabs[1].refresh(), "refreshed", "the other session goes on");
    const { refused, reuseDetected } = world.counts();
    assert.deepEqual({ refused, reuseDetected }, { refused: 0, reuseDetected: 0 });
  });
}

/** What a tab uses and shows, as far as its page can see that. */
export function traces(host) {
  story(host, "crossTab: false takes no lock, opens no channel and no database", {}, async (world) => {
    const used = async (options) => {
      const tab = await world.newTab({ open: false, options });
      await tab.run(countFacilities);
      await tab.open();
      await tab.run(() => window.signIn());
      assert.equal(await tab.refresh(), "refreshed");
      assert.equal(await tab.call(), 200);
      await tab.signOut();
      return tab.run(() => window.used);
    };
    assert.deepEqual(await used({ crossTab: false }), { locks: 0, channels: 0, databases: 0 });
    const shared = await used({});
    assert.ok(
      Object.values(shared).every((times) => times > 0),
      `else all are used: ${JSON.stringify(shared)}`,
    );
  });

  story(host, "nothing that can be read leaves sessionStorage", {}, async (world) => {
    const tabs = [await world.newTab({ open: false })];
    await tabs[0].run(watchChannels);
    await tabs[0].open();
    await tabs[0].run(() => window.signIn());
    tabs.push(await world.duplicate(tabs[0]));
    const secrets = new Map();
    const note = async (tab) => {
      for (const [what, secret] of await tab.run(secretsInStorage)) secrets.set(secret, what);
    };
    const seen = [];
    for (const tab of [...tabs, tabs[0]]) {
      await note(tab);
      const answer = world.holdNext({ committed: false });
      await tab.beginRefresh();
      await answer.arrived();
      seen.push(await tab.run(outsideSessionStorage)); // While the lock is held.
      answer.release();
      assert.equal(await tab.refreshed(), "refreshed");
      await note(tab);
      await world.settled();
    }
    for (const tab of tabs) seen.push(await tab.run(outsideSessionStorage));
    const channels = await tabs[0].run(() => window.channels);
    assert.equal(channels.length, 1);
    seen.push({ channels });
    const everything = JSON.stringify(seen);
    assert.match(everything, /"held":\["tokenwell\//, "a lock was held");
    assert.match(everything, /"sessions":/, "the database was read");
    assert.ok(secrets.size > 10, `${secrets.size} secrets were looked for`);
    const places = seen.flatMap((one) => Object.entries(one));
    for (const [secret, what] of secrets) {
      const found = places.filter(([_place, text]) => JSON.stringify(text).includes(secret)).map(([place]) => place);
      assert.deepEqual(found, [], `${what} can be read`);
    }
  });

  story(host, "what is said where no database can be had is sealed too", {}, async (world) => {
    const first = await world.newTab({ open: false });
    await first.run(watchChannels);
    await first.run(noDatabase);
    await first.open();
    await first.run(() => window.signIn());
    const second = await world.duplicate(first, { open: false });
    await second.run(noDatabase);
    await second.open();
    assert.equal(await first.refresh(), "refreshed");
    await until(async () => (await second.heard("refreshed")).length === 1, "the news in the other tab");
    assert.equal(await second.call(), 200);
    assert.deepEqual(world.counts(), { asked: 1, rotations: 1, refused: 0, reuseDetected: 0 });
    const said = await first.run(() => window.said);
    assert.ok(said.includes("sealed"), `the tokens were told: ${said}`);
    for (const [what, secret] of await first.run(secretsInStorage)) {
      assert.ok(!said.some((text) => text.includes(secret)), `${what} can be heard`);
    }
  });
}

const user = async (tab) => (await tab.glance()).user;

const usersByName = (tab) =>
  tab.run(() => ["work", "home"].map((name) => window.tokenwell.AuthSession.get(name).snapshot.claims?.sub ?? null));

const tokensByName = (tab) =>
  tab.run(() => ["work", "home"].map((name) => window.tokenwell.AuthSession.get(name).accessToken));

// -------------------------------------------------------------- in the page

function countFacilities() {
  window.used = { locks: 0, channels: 0, databases: 0 };
  const counted = (owner, method, what) => {
    const original = owner[method];
    owner[method] = function (...args) {
      window.used[what] += 1;
      return original.apply(this, args);
    };
  };
  counted(LockManager.prototype, "request", "locks");
  counted(LockManager.prototype, "query", "locks");
  counted(IDBFactory.prototype, "open", "databases");
  window.BroadcastChannel = class extends BroadcastChannel {
    constructor(name) {
      super(name);
      window.used.channels += 1;
    }
  };
}

function watchChannels() {
  window.channels = [];
  window.said = [];
  window.BroadcastChannel = class extends BroadcastChannel {
    constructor(name) {
      super(name);
      window.channels.push(name);
    }
    postMessage(data) {
      window.said.push(...(data instanceof Uint8Array ? ["sealed", String.fromCharCode(...data)] : [String(data)]));
      super.postMessage(data);
    }
  };
}

function noDatabase() {
  Object.defineProperty(window, "indexedDB", { value: undefined });
}

/** The tokens and the key, whole and in parts that say something. */
function secretsInStorage() {
  const { key, access_token: access, refresh_token: refresh } = JSON.parse(sessionStorage.getItem("tokenwell:default"));
  const [_header, payload, signature] = access.split(".");
  return Object.entries({ key, payload, signature, refresh }).flatMap(([what, text]) => [
    [what, text],
    [`the end of ${what}`, text.slice(-16)],
    // A JWT's payload begins with the user's name.
    ...(what === "payload" ? [] : [[`the beginning of ${what}`, text.slice(0, 16)]]),
  ]);
}

/** All that other pages of this origin could look at. */
export async function outsideSessionStorage() {
  const asText = (_name, value) =>
    value instanceof Uint8Array ? String.fromCharCode(...value) : value instanceof Object ? { ...value } : value;
  const result = (request) =>
    new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
  const databases = {};
  for (const { name } of await indexedDB.databases()) {
    const database = await result(indexedDB.open(name));
    for (const store of database.objectStoreNames) {
      const rows = database.transaction(store).objectStore(store);
      const [keys, values] = await Promise.all([result(rows.getAllKeys()), result(rows.getAll())]);
      databases[store] = JSON.stringify([keys, values], asText);
    }
    database.close();
  }
  const { held, pending } = await navigator.locks.query();
  return {
    ...databases,
    held: held.map((lock) => lock.name),
    pending: pending.map((lock) => lock.name),
    localStorage: { ...localStorage },
    cookie: document.cookie,
    history: history.state,
    title: document.title,
    url: location.href,
    window: window.name,
    caches: await caches.keys(),
  };
}
