// Getting the WASM module in: once for all entries, at the first use and not at import. A failed load can be tried again.

import { AuthError } from "./errors.js";
import { initSync } from "./glue.js";
import { prepare } from "./trap.js";

const LOST = "refresh_unavailable"; // Try again later.
const WRONG = "invalid_options"; // Something must be put right first.

/** Where the module may come from: `bytes()` from the entry that has them inside, `url()` from the slim one. */
const sources = {};
let ready = false;
let pending = null;

/** Gives back `value`, usable with that source. The sources hang on the exports that need them, so unused ones shake off. */
export const from = (source, value) => {
  Object.assign(sources, source);
  return value;
};

/** For `new AuthSession` and `decodeJwt`, which cannot wait. */
export const loadSync = () => {
  if (ready) return;
  if (!sources.bytes) {
    throw failure(
      WRONG,
      "tokenwell/slim is not loaded yet: `await init()` first, or use `await AuthSession.create(…)`",
    );
  }
  try {
    start(new WebAssembly.Module(sources.bytes()));
  } catch (cause) {
    throw explained(cause);
  }
};

/** For `create` and `init`; everyone who comes meanwhile shares the load under way. */
export const load = async (source) => {
  if (ready) return;
  try {
    pending ??= compile(source ?? sources.bytes?.() ?? sources.url());
    start(await pending);
  } catch (cause) {
    throw explained(cause);
  } finally {
    pending = null;
  }
};

const start = (module) => {
  if (ready) return;
  try {
    initSync({ module });
  } catch (cause) {
    throw failure(WRONG, "tokenwell.wasm does not fit its JavaScript: deploy both from the same version", { cause });
  }
  prepare();
  ready = true;
};

const compile = async (source) => {
  source = await source;
  // Told apart by shape, not by class: values come from other realms too.
  if (source.byteLength >= 0) return WebAssembly.compile(source);
  if (String(source) === "[object WebAssembly.Module]") return source;
  const response = source.arrayBuffer ? source : await request(source);
  const { ok, status, headers } = response;
  const type = headers.get("content-type")?.toLowerCase();
  // A single-page app's server answers with its page for files that it lacks.
  if (!ok || /html/.test(type)) {
    const what = ok ? "an HTML page" : `HTTP ${status}`;
    const at = response.url.split(/[?#]/)[0];
    throw failure(
      status < 500 ? WRONG : LOST,
      `tokenwell.wasm: ${what} at ${at}: put the file there, or name its place to init()`,
      { status },
    );
  }
  if (type === "application/wasm" && WebAssembly.compileStreaming) return WebAssembly.compileStreaming(response);
  return WebAssembly.compile(await response.arrayBuffer());
};

/** Node cannot fetch a `file:` URL, which is what the place beside this file is there. */
const request = (url) => {
  const fs = /^file:/.test(url) && globalThis.process?.getBuiltinModule?.("node:fs");
  return fs ? new Response(fs.readFileSync(new URL(url))) : fetch(url);
};

const explained = (cause) => (AuthError.is(cause) ? cause : failure(...diagnosis(cause), { cause }));

const diagnosis = (cause) => {
  if (typeof WebAssembly === "undefined") {
    return [WRONG, "tokenwell needs WebAssembly, which this browser does not have or has switched off"];
  }
  if (/unsafe-eval|disallowed|CSP/.test(cause)) {
    return [WRONG, "tokenwell is blocked by the Content-Security-Policy: add 'wasm-unsafe-eval' to script-src"];
  }
  if (cause instanceof WebAssembly.CompileError) {
    return [WRONG, "tokenwell.wasm cannot be compiled: not a WASM file, cut short, or too new for this browser"];
  }
  return [LOST, "tokenwell.wasm could not be fetched: network, CORS or connect-src; a later call tries again"];
};

const failure = (code, message, more) => new AuthError(message, { code, ...more });
