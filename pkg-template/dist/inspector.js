// "tokenwell/inspector": an element for development that shows what a session is at. It only reads what the public
// surface gives; no token is shown unless the app asks for that.

import { STYLE } from "./inspector-style.js";

const TAG = "tokenwell-inspector";
const MOST_ERRORS = 5;

export const mountInspector = (session, { parent, open = false, secrets = false, name = "default" } = {}) => {
  customElements.get(TAG) ?? customElements.define(TAG, inspector());
  const element = document.createElement(TAG);
  Object.assign(element, { session, open, secrets, name });
  (parent ?? document.body).append(element);
  return element;
};

/** What can be pasted into a bug report: everything but tokens, claims and user data. */
export const report = (session) => {
  const { status, reason, refreshing, expiresAt, refreshTokenExpiresAt, scope, error, accessToken } = session.snapshot;
  const kind = accessToken ? (session.snapshot.claims ? "JWT" : "opaque") : "none";
  const state = { status, reason, refreshing, expiresAt, refreshTokenExpiresAt, scope, token: kind, error };
  return JSON.stringify({ at: Date.now(), ...state, decisions: session.explain() }, null, 2);
};

/** A function, so that importing needs no `HTMLElement`. */
const inspector = () =>
  class extends HTMLElement {
    session = null;
    open = false;
    secrets = false;
    name = "default";
    #errors = [];
    #counts = { here: 0, elsewhere: 0 };
    #tabs = new Map();
    #stops = [];
    #shown = "";
    #parts = {};

    connectedCallback() {
      const { session } = this;
      if (!session) throw new TypeError("tokenwell-inspector: use mountInspector(session)");
      if (!this.shadowRoot) this.#build();
      const failed = ({ error, retryAt }) => this.#failed(error, retryAt);
      this.#stops = [
        session.subscribe(() => this.#paint()),
        session.on("refreshed", ({ by }) => {
          this.#counts[by === "this-tab" ? "here" : "elsewhere"] += 1;
          this.#paint();
        }),
        session.on("refresh-failed", failed),
        session.on("storage", failed),
        session.on("signed-out", ({ error }) => error && failed({ error })),
        this.#meet(),
      ];
      const timer = setInterval(() => this.#paint(), 500);
      this.#stops.push(() => clearInterval(timer));
      this.#paint();
    }

    disconnectedCallback() {
      for (const stop of this.#stops.splice(0)) stop();
    }

    #failed(error, retryAt) {
      // To who asked here, it was an event a moment ago.
      const [last] = this.#errors;
      if (last?.error.message === error.message && Date.now() - last.at < 500) return;
      this.#errors.unshift({ at: Date.now(), error, retryAt: retryAt ?? error.retryAt });
      this.#errors.length = Math.min(this.#errors.length, MOST_ERRORS);
      this.#paint();
    }

    /** Inspectors of the same session in other tabs know of each other: each calls every two seconds. */
    #meet() {
      if (typeof BroadcastChannel === "undefined") return () => {};
      const channel = new BroadcastChannel(`tokenwell-inspector:${this.name}`);
      const id = String(Math.random());
      channel.onmessage = ({ data }) => this.#tabs.set(String(data), Date.now());
      const call = () => channel.postMessage(id);
      const timer = setInterval(call, 2000);
      call();
      return () => {
        clearInterval(timer);
        channel.close();
      };
    }

    #build() {
      const root = this.attachShadow({ mode: "open" });
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(STYLE);
      root.adoptedStyleSheets = [sheet];
      const parts = this.#parts;
      parts.toggle = make("button", { type: "button", className: "pill" });
      parts.toggle.addEventListener("click", () => {
        this.open = !this.open;
        this.#shown = "";
        this.#paint();
      });
      parts.dot = make("i");
      parts.line = make("span");
      parts.toggle.append(parts.dot, parts.line);
      parts.panel = make("section", { id: "panel" });
      parts.panel.setAttribute("aria-label", "tokenwell session");
      parts.toggle.setAttribute("aria-controls", "panel");

      parts.now = make("dl");
      parts.token = make("dl");
      parts.errors = make("ul");
      parts.decisions = make("ol");
      const copy = make("button", { type: "button", textContent: "Copy report" });
      copy.addEventListener("click", async () => {
        const done = await navigator.clipboard.writeText(report(this.session)).then(
          () => "Copied, without secrets",
          () => "The browser refused",
        );
        copy.textContent = done;
      });
      const refresh = make("button", { type: "button", textContent: "Refresh now" });
      // What goes wrong comes as an event, and into the list.
      refresh.addEventListener("click", () => this.session.refresh().catch((error) => this.#failed(error)));
      const buttons = make("p");
      buttons.append(refresh, copy);
      const titled = (title, part) => [make("h2", { textContent: title }), part];
      parts.panel.append(
        ...titled("Session", parts.now),
        buttons,
        ...titled("Last errors", parts.errors),
        ...titled("Access token", parts.token),
        ...titled("Decisions, newest first", parts.decisions),
      );
      root.append(parts.panel, parts.toggle);
    }

    #paint() {
      const { session, open } = this;
      const parts = this.#parts;
      const { snapshot } = session;
      const now = Date.now();
      const left = snapshot.expiresAt === null ? null : snapshot.expiresAt - now;
      const tone = snapshot.status === "signed-in" ? (this.#errors[0]?.retryAt > now ? "warn" : "ok") : "off";
      parts.dot.className = snapshot.status === "expired" ? "warn" : tone;
      parts.line.textContent =
        left === null || snapshot.status === "signed-out"
          ? snapshot.status
          : `${snapshot.status} · ${left > 0 ? span(left) : `${span(-left)} ago`}`;
      parts.toggle.setAttribute("aria-expanded", String(open));
      parts.panel.hidden = !open;
      if (!open) return;

      for (const [id, seen] of this.#tabs) if (now - seen > 6000) this.#tabs.delete(id);
      terms(parts.now, {
        Status: `${snapshot.status} (${snapshot.reason})${snapshot.refreshing ? ", refreshing" : ""}`,
        "Token expires": left === null ? "unknown" : left > 0 ? `in ${span(left)}` : `${span(-left)} ago`,
        "Refresh token expires":
          snapshot.refreshTokenExpiresAt === null ? "unknown" : `in ${span(snapshot.refreshTokenExpiresAt - now)}`,
        "Next attempt": this.#errors[0]?.retryAt > now ? `in ${span(this.#errors[0].retryAt - now)}` : "when due",
        Scope: snapshot.scope ?? "unknown",
        Refreshes: `${this.#counts.here} here, ${this.#counts.elsewhere} taken over from other tabs`,
        "Other tabs": `${this.#tabs.size} with an inspector`,
      });

      const decisions = session.explain();
      const key = `${decisions.length} ${decisions.at(-1)?.at} ${this.#errors.length} ${this.#errors[0]?.at} ${snapshot.accessToken?.length} ${snapshot.expiresAt}`;
      if (key === this.#shown) return;
      this.#shown = key;
      const { accessToken, claims } = snapshot;
      terms(parts.token, {
        Kind: accessToken ? `${claims ? "JWT" : "opaque"}, ${accessToken.length} characters` : "none",
        ...(this.secrets && accessToken ? { Token: accessToken } : {}),
        ...Object.fromEntries(Object.entries(claims ?? {}).map(([name, value]) => [name, told(name, value)])),
      });
      lines(
        parts.errors,
        this.#errors.map(({ at, error }) => [at, error.code, saying(error)]),
        "none",
      );
      lines(
        parts.decisions,
        decisions.toReversed().map(({ at, what, why, detail }) => [at, what, `${why}${numbers(detail)}`]),
        "none yet",
      );
    }
  };

const make = (tag, properties = {}) => Object.assign(document.createElement(tag), properties);

const terms = (list, entries) => {
  list.replaceChildren(
    ...Object.entries(entries).flatMap(([term, text]) => [
      make("dt", { textContent: term }),
      make("dd", { textContent: text }),
    ]),
  );
};

const lines = (list, entries, nothing) => {
  const items = entries.map(([at, what, why]) => {
    const item = make("li");
    item.append(
      make("time", { textContent: new Date(at).toLocaleTimeString() }),
      make("strong", { textContent: what }),
      make("span", { textContent: why }),
    );
    return item;
  });
  list.replaceChildren(...(items.length ? items : [make("li", { textContent: nothing })]));
};

const numbers = (detail) => {
  const entries = Object.entries(detail);
  return entries.length ? ` (${entries.map(([name, value]) => `${name} ${value}`).join(", ")})` : "";
};

/** The message, with what the server said. */
const saying = ({ message, status, error, description }) => {
  const said = [status, error, description].filter(Boolean).join(", ");
  return said ? `${message} (${said})` : message;
};

const told = (name, value) => {
  if (["exp", "iat", "nbf", "auth_time"].includes(name) && Number(value) > 0)
    return new Date(value * 1000).toLocaleString();
  return typeof value === "string" ? value : JSON.stringify(value);
};

/** 4000 → "4 s", 90000 → "1 min 30 s", 7200000 → "2 h 0 min" */
const span = (ms) => {
  const s = Math.max(0, Math.round(ms / 1000));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  if (s < 172_800) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
  return `${Math.floor(s / 86_400)} days`;
};
