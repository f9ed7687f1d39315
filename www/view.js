// The words and numbers of the page: status, ring, facts. No decision is made here.

import { clock } from "./format.js";
import { announce } from "./log.js";

const $ = (id) => document.getElementById(id);
const LEEWAY_FRACTION = 0.2; // The session's default, for tokens this short.
const SHORTEST_REFRESHING_MS = 500; // A refresh takes milliseconds; seen, it has to last a moment.

/** Tone, title and text of the snippet's side. */
const RIVAL = {
  none: ["off", "Signed out", "It signs in together with tokenwell, as another user of the same server."],
  "signed-in": ["ok", "Signed in", "Refreshes when a call finds that it is time."],
  rejected: ["bad", "Signed out by accident", "Its user looks at the login page."],
  revoked: ["off", "Signed out", "The session was revoked. Its user looks at the login page."],
  forgotten: [
    "bad",
    "Signed out by accident",
    "Its tokens were variables; this page load does not know them. Its user looks at the login page.",
  ],
};

export function createView() {
  let refreshingUntil = 0;
  let lastStatus = null;
  let lastToken = null;
  let tokens = 0;
  let paint = () => {};

  const view = {
    /** Paints again four times a second, for the countdown. */
    start(read) {
      paint = () => view.session(...read());
      setInterval(paint, 250);
    },

    session(snapshot, failure) {
      if (snapshot.refreshing) refreshingUntil = Date.now() + SHORTEST_REFRESHING_MS;
      const status = describe(snapshot, failure, Date.now() < refreshingUntil);
      $("status").dataset.tone = status.tone;
      set("status-title", status.title);
      set("status-text", status.text);
      ring(snapshot);
      facts(snapshot);
      buttons(snapshot);
      if (snapshot.accessToken !== lastToken) {
        lastToken = snapshot.accessToken;
        if (lastToken) tokens += 1;
        set("tokens", String(tokens));
        claims(snapshot);
      }
      if (snapshot.status !== lastStatus) {
        if (lastStatus !== null || snapshot.status !== "signed-out") announce(status.title);
        lastStatus = snapshot.status;
      }
    },

    rival({ state, why }) {
      const [tone, title, text] = RIVAL[state];
      $("rival-status").dataset.tone = tone;
      set("rival-title", title);
      set("rival-text", text);
      set("rival-why", why);
      $("rival-again").hidden = state === "none" || state === "signed-in";
    },

    broken(error) {
      $("status").dataset.tone = "bad";
      set("status-title", "The package did not load");
      set("status-text", String(error.message));
    },

    nameOf: (snapshot) => snapshot.user?.name ?? snapshot.claims?.name ?? "somebody",
  };

  return view;
}

/** What the status line says. */
function describe(snapshot, failure, refreshing) {
  const now = Date.now();
  if (snapshot.status === "signed-out") {
    const text = {
      rejected: "The server ended the session.",
      expired: "The session’s time was over.",
      "signed-out": "Nothing is stored, nothing is asked.",
    }[snapshot.reason];
    return { tone: "off", title: "Signed out", text: text ?? "One click signs in, without a password." };
  }
  if (failure) {
    const wait = failure.retryAt ? `Next try in ${Math.max(0, Math.ceil((failure.retryAt - now) / 1000))} s.` : "";
    const token = snapshot.expiresAt > now ? "The token is still good." : "Token expired, session kept.";
    return { tone: "warn", title: "Kept, retrying", text: `${token} ${wait}` };
  }
  if (refreshing) return { tone: "busy", title: "Refreshing", text: "One request, shared by every caller." };
  if (snapshot.status === "expired") {
    return { tone: "warn", title: "Expired", text: "A new token is fetched at the next chance." };
  }
  return { tone: "ok", title: "Signed in", text: "Refreshed by itself before each token ends." };
}

/** How long the token lives, in ms: from its claims, since the snapshot tells only the end. */
export function lifeOf({ claims, expiresAt }) {
  if (expiresAt === null) return null;
  const seconds = Number(claims?.exp) - Number(claims?.iat);
  return seconds > 0 ? seconds * 1000 : null;
}

export const leewayOf = (life) => life * LEEWAY_FRACTION;

function ring(snapshot) {
  const life = lifeOf(snapshot);
  const left = Math.max(0, (snapshot.expiresAt ?? 0) - Date.now());
  const part = life ? Math.min(1, left / life) : 0;
  $("ring-life").setAttribute("stroke-dasharray", `${part * 100} 100`);
  $("ring-leeway").setAttribute("stroke-dasharray", life ? `${LEEWAY_FRACTION * 100} 100` : "0 100");
  $("ring").classList.toggle("ring-low", Boolean(life) && left <= leewayOf(life));
  set("ring-number", snapshot.expiresAt === null ? "–" : String(Math.ceil(left / 1000)));
  set("ring-unit", snapshot.expiresAt === null ? "no token" : "s left");
}

function facts(snapshot) {
  const life = lifeOf(snapshot);
  const signedIn = snapshot.status !== "signed-out";
  set("user", signedIn ? `${snapshot.user?.name ?? snapshot.claims?.name ?? "unknown"}` : "–");
  set("expires", snapshot.expiresAt ? clock(snapshot.expiresAt) : "–");
  set("due", life ? clock(snapshot.expiresAt - leewayOf(life)) : "–");
}

function claims({ claims: all, accessToken }) {
  const rows = all
    ? Object.entries(all).map(([name, value]) => [name, name === "iat" || name === "exp" ? clock(value * 1000) : value])
    : [[accessToken ? "Opaque" : "Nothing", accessToken ? `${accessToken.length} characters` : "signed out"]];
  if (all) rows.push(["length", `${accessToken.length} characters`]);
  $("claims").replaceChildren(
    ...rows.map(([name, value]) => {
      const row = document.createElement("div");
      const term = document.createElement("dt");
      const text = document.createElement("dd");
      term.textContent = name;
      text.textContent = typeof value === "string" ? value : JSON.stringify(value);
      row.append(term, text);
      return row;
    }),
  );
}

function buttons({ status }) {
  const signedIn = status !== "signed-out";
  for (const button of document.querySelectorAll("[data-action]:not([data-always])")) {
    const disabled = (button.dataset.action === "signIn") === signedIn;
    if (button.disabled === disabled) continue;
    const hadFocus = button === document.activeElement;
    button.disabled = disabled;
    // A disabled button drops the keyboard's place; the next thing to do takes it.
    if (hadFocus)
      queueMicrotask(() => document.querySelector(`[data-action=${signedIn ? "callApi" : "signIn"}]`).focus());
  }
}

function set(id, text) {
  const element = $(id);
  if (element.textContent !== text) element.textContent = text;
}
