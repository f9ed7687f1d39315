// What a story happens in: one server, one visitor and the tabs they have open, each with a session of the same name.
// Token requests are noted where they arrive, at the server.

import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { playTokenFault } from "../../../www/server/faults.mjs";
import { startServer } from "../../../www/server/main.mjs";
import { entryRoute, PKG, ready, until } from "../browser.mjs";

const PAGE = fileURLToPath(new URL("../fixtures/", import.meta.url));
const ROUTE = { url: "/oidc/token", clientId: "tokenwell-demo" };

/**
 * A test with a world of its own, that tells what every tab decided if it fails.
 *
 * @param {object} host a browser
 * @param {string} name what must be true
 * @param {object} options
 * @param {number} [options.accessTtl] seconds
 * @param {object} [options.session] options of each tab's session
 * @param {boolean} [options.insecure] the pages' origin is not secure
 * @param {boolean} [options.oneSession] whether the bound on the rate of requests can be checked for the whole server
 * @param {number} [options.timeout] ms
 * @param {(world: World) => Promise<void>} play
 */
export function story(host, name, { timeout = 60_000, ...options }, play) {
  test(name, { timeout }, async (t) => {
    const world = await World.open(t, host, options);
    try {
      await play(world);
      await world.check();
      if (process.env.TABS_TELL) console.log(`${name}\n${await world.accounts()}`);
    } catch (error) {
      throw new Error(`${error.message}\n${await world.accounts()}`, { cause: error });
    }
  });
}

export class World {
  tabs = [];
  /** When each token request arrived, epoch ms. */
  asked = [];
  /** By which page. */
  askers = [];
  /** Pages that hang until they get these answers. */
  hanging = [];
  /** How a token request is answered for which nothing was ordered. */
  otherwise = (_request, _response, proceed) => proceed();
  #answers = [];

  static async open(t, host, { accessTtl = 60, session = {}, insecure = false, oneSession = true }) {
    const world = new World();
    const routes = {
      ...entryRoute(host.entry),
      "GET /demo/hang": (_request, response) => world.hanging.push(response),
    };
    world.server = await startServer({ accessTtl, pkg: PKG, page: PAGE, cacheControl: "no-cache", routes });
    world.visitor = await host.visitor();
    t.after(async () => {
      await world.visitor.close();
      await world.server.close();
    });
    world.session = session;
    // Its own set may come back to a worker by localStorage and a sibling before the database has said yes.
    world.mirrored = host.entry === "worker" && session.storage === "local";
    world.url = insecure ? world.server.url.replace("localhost", "insecure.test") : world.server.url;
    world.oneSession = oneSession;
    world.server.faults.set({ token: { kind: "play", times: "always", play: (...args) => world.#answer(...args) } });
    return world;
  }

  #answer(request, response, proceed) {
    this.asked.push(Date.now());
    this.askers.push(request.headers["x-tab"]);
    delete request.headers.origin; // It is the page's own, under a name that the provider does not know.
    const answer = this.#answers.shift() ?? this.otherwise;
    return answer(request, response, proceed);
  }

  /** The next token request is answered like that; call it again for the one after. */
  nextAnswer(answer) {
    const play = typeof answer === "function" ? answer : (...args) => playTokenFault(answer, ...args);
    this.#answers.push(play);
  }

  /** All is well again. */
  recover() {
    this.#answers = [];
  }

  /** The next token request arrives and its answer waits. `committed`: after the server has acted, else before. */
  holdNext({ committed }) {
    let release;
    const gate = new Promise((resolve) => {
      release = resolve;
    });
    const before = this.asked.length;
    let left;
    this.nextAnswer(async (request, response, proceed) => {
      left = once(request.socket, "close").then(() => "left");
      if (committed) {
        const end = response.end.bind(response);
        response.end = (...args) => {
          gate.then(() => end(...args));
          return response;
        };
        return proceed();
      }
      // Whoever asked has gone: this server has never heard of it.
      if ((await Promise.race([gate, left])) === "left") return;
      return proceed();
    });
    const rotated = this.server.stats().rotations;
    return {
      release,
      /** Whoever asked has gone, and gets no answer any more. */
      left: () => left,
      arrived: () =>
        committed
          ? until(() => this.server.stats().rotations > rotated, "the server to act")
          : until(() => this.asked.length > before, "the token request"),
    };
  }

  // -------------------------------------------------------------- tabs

  /** A tab that somebody opened by hand. */
  async newTab({ page = "/", open = true, options } = {}) {
    return this.#enter(await this.visitor.newPage(), page, open, options);
  }

  /** The first tab, signed in. */
  async signedIn() {
    const tab = await this.newTab();
    await tab.run(() => window.signIn());
    return tab;
  }

  /** A window that a page opened: it shares the page's process, and has a copy of its sessionStorage. */
  async popup(of, { open = true } = {}) {
    const page = await this.visitor.popup(of.page, `${this.url}/`);
    return this.#enter(page, null, open);
  }

  /** A duplicated tab: a process of its own, and a copy of the sessionStorage. */
  async duplicate(of, { open = true } = {}) {
    const copied = await of.run(() => ({ ...sessionStorage }));
    const tab = await this.newTab({ page: "/nothing-here", open: false });
    await tab.run((items) => {
      for (const [key, value] of Object.entries(items)) sessionStorage.setItem(key, value);
    }, copied);
    await tab.page.goto(`${this.url}/`);
    await ready(tab.page);
    if (open) await tab.open();
    return tab;
  }

  /** Three tabs of one session, made in all the ways there are for its storage. */
  async threeTabs() {
    const first = await this.signedIn();
    if (this.session.storage === "local") return [first, await this.newTab(), await this.newTab()];
    return [first, await this.popup(first), await this.duplicate(first)];
  }

  async #enter(page, path, open, options) {
    const tab = new Tab(this, page, options);
    this.tabs.push(tab);
    if (path) await page.goto(this.url + path);
    if (path === "/" || !path) await ready(page);
    if (open) await tab.open();
    return tab;
  }

  // -------------------------------------------------------------- what is known in the end

  get living() {
    return this.tabs.filter((tab) => tab.living);
  }

  /** The server's counts, in the words of a test. */
  counts() {
    const { tokenRequests, rotations, reuseDetected } = this.server.stats();
    return { asked: tokenRequests.total, rotations, refused: tokenRequests.refused, reuseDetected };
  }

  /** All tabs have the same fresh token and rest. */
  async settled() {
    const shown = async () => Promise.all(this.living.map((tab) => tab.glance()));
    await until(
      async () => {
        const all = await shown();
        const same = new Set(all.map((one) => one.accessToken)).size === 1;
        return same && all.every((one) => one.status === "signed-in" && !one.refreshing);
      },
      async () => `all tabs to have the same token: ${JSON.stringify((await shown()).map(blank))}`,
    );
  }

  /** From now on all tabs have a token that lives that long: opening them may have taken a while. */
  async shortToken(seconds) {
    this.server.setAccessTtl(seconds);
    // On a busy machine the others may have it, and say so, before it has seen its own write come back.
    assert.match(await this.tabs[0].refresh(), /^(refreshed|adopted)$/);
    await this.settled();
  }

  /**
   * True in every story: nothing is thrown into the page, and there is no storm. What is promised is no fourth request
   * within 5 s; on a busy machine one may be longer on its way than another.
   */
  async check() {
    for (const tab of this.living) assert.deepEqual(await tab.heard("error"), [], `in ${tab.name}`);
    if (!this.oneSession) return;
    for (const [i, at] of this.asked.entries()) {
      const fourth = this.asked[i + 3] ?? Number.POSITIVE_INFINITY;
      assert.ok(fourth - at >= 4000, `four token requests in ${fourth - at} ms`);
    }
  }

  /** What each tab has to say for itself. */
  async accounts() {
    const asked = this.asked.map((at, i) => `${clock(at)} (${this.askers[i]})`).join(" ");
    const told = this.living.map(async (tab) => `${tab.name}:\n${await tab.account()}`);
    return [`server: ${JSON.stringify(this.counts())}, asked at ${asked}`, ...(await Promise.all(told))].join("\n");
  }
}

export const clock = (at) => new Date(at).toISOString().slice(14, -1);

const blank = ({ accessToken, ...rest }) => ({ ...rest, token: accessToken?.slice(-6) ?? null });

export class Tab {
  living = true;
  #pages = 0;

  constructor(world, page, options = {}) {
    this.world = world;
    this.page = page;
    this.options = options;
    this.name = `tab ${world.tabs.length + 1}`;
  }

  run(what, given) {
    return this.page.evaluate(what, given);
  }

  /** What its token requests say of where they are from: a tab is another page after each reload. */
  get pageName() {
    return `${this.name}, page ${this.#pages}`;
  }

  /** Makes the session object, and notes what it says. */
  async open() {
    this.#pages += 1;
    const { refresh, ...options } = { ...this.world.session, ...this.options };
    const headers = { "X-Tab": this.pageName };
    await this.run(listenToSession, { ...options, refresh: { ...ROUTE, headers, ...refresh } });
  }

  async reload() {
    await this.page.reload();
    await ready(this.page);
  }

  /** Leaves the page by a link, and comes back to it. Whether it was kept meanwhile, scripts and all. */
  async leaveAndReturn(meanwhile) {
    await this.run(() => {
      window.addEventListener("pageshow", ({ persisted }) => {
        window.kept = persisted;
      });
    });
    await this.page.goto(`${this.world.url}/nothing-here`);
    await meanwhile();
    await this.run(() => {
      setTimeout(() => history.back());
    });
    await ready(this.page);
    const kept = await this.run(() => window.kept === true);
    if (!kept) await this.open();
    return kept;
  }

  async close() {
    this.living = false;
    await this.page.close();
  }

  async crash() {
    this.living = false;
    await this.world.visitor.crash(this.page);
  }

  /** What the session shows. */
  glance() {
    return this.run(() => {
      const { status, reason, refreshing, accessToken, expiresAt, claims } = window.session.snapshot;
      return { status, reason, refreshing, accessToken, expiresAt, user: claims?.sub ?? null };
    });
  }

  async status() {
    return (await this.glance()).status;
  }

  heard(kind) {
    return this.run((wanted) => window.heard.filter((event) => event.kind === wanted), kind);
  }

  /** Calls the API: the status, or the error's code. */
  call() {
    return this.run(() =>
      window.session.fetch("/api/time").then(
        (response) => response.status,
        (error) => error.code ?? String(error),
      ),
    );
  }

  /** Refreshes by hand: why the new snapshot is what it is, or the error's code. */
  async refresh() {
    const ended = await this.run(() =>
      window.session.refresh().then(
        (snapshot) => snapshot.reason,
        (error) => error.code ?? String(error),
      ),
    );
    return ended === "adopted" && this.world.mirrored ? "refreshed" : ended;
  }

  /** The same, for those who do not wait. */
  async beginRefresh() {
    await this.run(() => {
      window.refreshing = window.session.refresh().then(
        (snapshot) => snapshot.reason,
        (error) => error.code ?? String(error),
      );
    });
  }

  /** How what `beginRefresh` began has ended. */
  refreshed() {
    return this.run(() => window.refreshing);
  }

  signOut() {
    return this.run(() => window.session.signOut());
  }

  async account() {
    const silent = new Promise((resolve) => setTimeout(resolve, 2000, "  says nothing"));
    const said = this.run(() => ({ log: window.session.explain(), heard: window.heard, now: Date.now() })).then(
      ({ log, heard, now }) =>
        [
          ...log.map(({ at, what, why, detail }) => `  ${clock(at)} ${what}: ${why} ${JSON.stringify(detail)}`),
          ...heard.map(({ at, ...event }) => `  ${clock(at)} heard ${JSON.stringify(event)}`),
          `  ${clock(now)} now`,
        ].join("\n"),
      (error) => `  cannot be asked: ${error.message}`,
    );
    return Promise.race([said, silent]);
  }
}

/** In the page. */
async function listenToSession(options) {
  window.heard = [];
  const hear = (kind, event) => window.heard.push({ at: Date.now(), kind, ...event });
  window.addEventListener("error", (event) => hear("error", { message: event.message }));
  window.addEventListener("unhandledrejection", (event) => hear("error", { message: String(event.reason) }));
  await window.openSession(options);
  const { session } = window;
  session.on("refreshed", ({ by }) => hear("refreshed", { by }));
  session.on("refresh-failed", ({ error, retryAt }) =>
    hear("refresh-failed", { code: error.code, message: error.message, status: error.status, retryAt }),
  );
  session.on("signed-out", ({ reason, error }) => hear("signed-out", { reason, code: error?.code ?? null }));
  session.on("storage", ({ error }) => hear("storage", { code: error.code }));
}
