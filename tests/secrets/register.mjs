// Preloaded into every Node process of the suites (`--import`, by xtask): notes every secret that a server of that process
// issues or is sent. What the suites print must hold none of them. register.py does the same for servers in Python.

import { appendFileSync, readFileSync } from "node:fs";
import { IncomingMessage, Server, ServerResponse } from "node:http";

/**
 * What secrets are called: by RFC 6749, RFC 7636, and the backends of tests/interop. Shorter values than `least` are test
 * data, such as `access-1`, and words.
 */
const { names, least } = JSON.parse(readFileSync(new URL("./names.json", import.meta.url), "utf8"));
const NAMES = new Set(names);

/** The secrets of this process. */
const known = new Set();
globalThis[Symbol.for("tokenwell.secrets")] = known;
/** For servers that hand out tokens by no answer of theirs. */
globalThis[Symbol.for("tokenwell.issued")] = walk;

function note(value) {
  if (typeof value !== "string" || value.length < least || /\s/.test(value) || known.has(value)) return;
  known.add(value);
  if (process.env.TOKENWELL_SECRETS) appendFileSync(process.env.TOKENWELL_SECRETS, `${value}\n`);
}

function walk(value) {
  if (typeof value !== "object" || value === null) return;
  for (const [name, member] of Object.entries(value)) {
    if (NAMES.has(name)) note(member);
    walk(member);
  }
}

function body(text) {
  try {
    walk(JSON.parse(text));
  } catch {
    for (const [name, value] of new URLSearchParams(text)) if (NAMES.has(name)) note(value);
  }
}

function header(name, value) {
  if (/^location$/i.test(name)) body(String(value).split(/[?#]/).slice(1).join("&"));
  if (!/^set-cookie$/i.test(name)) return;
  // oidc-provider's interactions are named in its login page's URL.
  const cookies = [value]
    .flat()
    .map(String)
    .filter((cookie) => !cookie.startsWith("_interaction"));
  for (const cookie of cookies) note(cookie.split(/=(.*?)(;|$)/)[1]);
}

/** What a request authenticates itself with (RFC 9110 §11.6.2), and its cookies. */
function credentials({ authorization, cookie }) {
  const [scheme, given = ""] = (authorization ?? "").split(/ (.*)/s);
  if (/^basic$/i.test(scheme)) note(decoded(Buffer.from(given, "base64").toString().split(/:(.*)/s)[1] ?? ""));
  else note(given);
  for (const pair of (cookie ?? "").split("; ")) if (!pair.startsWith("_interaction")) note(pair.split(/=(.*)/s)[1]);
}

/** Client secrets are form-encoded there (RFC 6749 §2.3.1). */
const decoded = (text) => new URLSearchParams(`x=${text}`).get("x");

/** What a message is made of, without being in its way. */
function listen(of, method, take) {
  const original = of[method];
  of[method] = function (...args) {
    take.call(this, ...args);
    return original.apply(this, args);
  };
}

const MOST = 1_000_000;
const texts = new WeakMap();
const add = (message, chunk) => {
  if (typeof chunk !== "string" && !(chunk instanceof Uint8Array)) return;
  const text = (texts.get(message) ?? "") + Buffer.from(chunk).toString();
  texts.set(message, text.slice(0, MOST));
};

listen(ServerResponse.prototype, "setHeader", header);
listen(ServerResponse.prototype, "writeHead", (_status, ...more) => {
  for (const [name, value] of Object.entries(more.at(-1) ?? {})) header(name, value);
});
listen(ServerResponse.prototype, "write", function (chunk) {
  add(this, chunk);
});
listen(ServerResponse.prototype, "end", function (chunk) {
  add(this, chunk);
  body(texts.get(this) ?? "");
  texts.delete(this);
});
listen(Server.prototype, "emit", (event, request) => {
  if (event !== "request" || !(request instanceof IncomingMessage)) return;
  body(String(request.url).split("?")[1] ?? "");
  credentials(request.headers);
  listen(request, "push", (chunk) => {
    if (chunk !== null) return add(request, chunk);
    body(texts.get(request) ?? "");
  });
});
