// The demo's server: page, authorization server and API under one origin.
//
//   node www/server/main.mjs [--port 4400] [--access-ttl 20] [--state FILE]

import { existsSync } from "node:fs";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { createApi } from "./api.mjs";
import { createBackends } from "./backends.mjs";
import { createFaults, playTokenFault } from "./faults.mjs";
import { readBody, sendJson } from "./http.mjs";
import { CLIENT_ID, createProvider, MOUNT, RIVAL_ID } from "./provider.mjs";
import { createStatic } from "./static.mjs";
import { createStats, isTokenRequest } from "./stats.mjs";
import { openStore } from "./store.mjs";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

/**
 * @param {object} [options]
 * @param {number} [options.port] 0 takes any free one
 * @param {number} [options.accessTtl] seconds an access token lives
 * @param {ReturnType<typeof openStore>} [options.store] hand the old one to a second server to play a restart
 * @param {string} [options.page] folder of the page
 * @param {string} [options.pkg] folder of the built package
 * @param {(request: object, response: object) => unknown} [options.serve] answers for the page in place of a folder
 * @param {string} [options.connect] the page's connect-src, where a test needs a second origin
 * @param {string} [options.base] the page's base-uri, where a test needs one
 * @param {string} [options.cacheControl] of the page: with "no-store" it is not kept for going back to
 * @param {Record<string, (request: object, response: object) => unknown>} [options.routes] more under /demo/, for tests
 */
export async function startServer({
  port = 0,
  accessTtl = 20,
  store = openStore(),
  page = here("../"),
  pkg = process.env.TOKENWELL_PKG ?? here("../../pkg/"),
  connect,
  base,
  cacheControl,
  serve,
  routes = {},
} = {}) {
  const server = createServer();
  await listen(server, port);
  // Only now is the port known, and with it the issuer.
  const origin = `http://localhost:${server.address().port}`;

  const faults = createFaults();
  const stats = createStats();
  let ttl = accessTtl;
  /** By how much the clock is wrong, and how long the visitor's machine is said to have slept. */
  const clock = { skewMs: 0, asleepMs: 0 };
  const ahead = () => clock.skewMs + clock.asleepMs;
  const now = () => Date.now() + ahead();
  const made = await createProvider({ origin, accessTtl: () => ttl, store, ahead });
  const { provider, audience, signIn, revoke, publicKeys } = made;
  stats.watch(provider, CLIENT_ID);
  const api = createApi({ issuer: provider.issuer, audience, publicKeys, faults, stats, now });
  // The usual snippet meets the same faults, and what it does is counted apart.
  const rival = { faults: createFaults(), stats: createStats() };
  rival.stats.watch(provider, RIVAL_ID);
  rival.api = createApi({ issuer: provider.issuer, audience, publicKeys, now, ...rival });
  const answerOidc = provider.callback();
  const serveFile = serve ?? createStatic({ page, pkg, connect, base, cacheControl });
  const backends = createBackends(origin);
  const serveBackends = createStatic({ page, pkg, connect: "'self' http://localhost:*" });

  function oidc(request, response, path, by = { faults, stats }) {
    const proceed = () => {
      request.originalUrl = request.url;
      request.url = request.url.slice(MOUNT.length);
      return answerOidc(request, response);
    };
    if (!isTokenRequest(request, path)) return proceed();
    by.stats.tokenRequest();
    const fault = by.faults.nextTokenRequest();
    if (!fault) return proceed();
    by.stats.tokenFault();
    return playTokenFault(fault, request, response, proceed);
  }

  async function revokeSession(by, request, response) {
    const { claims } = await by.check(request);
    if (claims) revoke(claims.sub);
    sendJson(response, 200, { revoked: Boolean(claims) });
  }

  const settings = () => ({ accessTtl: ttl, ...clock });

  const demo = {
    "POST /demo/sign-in": async (_request, response) => {
      stats.signedIn();
      sendJson(response, 200, await signIn());
    },
    "POST /demo/expire": (request, response) => api.expire(request, response),
    "POST /demo/revoke": (request, response) => revokeSession(api, request, response),
    "POST /demo/faults": async (request, response) => {
      const wanted = JSON.parse(await readBody(request));
      faults.set(wanted);
      rival.faults.set(wanted);
      sendJson(response, 200, {});
    },
    "DELETE /demo/faults": (_request, response) => {
      faults.clear();
      rival.faults.clear();
      sendJson(response, 200, {});
    },
    "GET /demo/stats": (_request, response) => sendJson(response, 200, stats.read()),
    "GET /demo/settings": (_request, response) => sendJson(response, 200, settings()),
    "POST /demo/settings": async (request, response) => {
      const wanted = JSON.parse(await readBody(request));
      ttl = whole(wanted.accessTtl, 1, 3600) ?? ttl;
      for (const name of Object.keys(clock)) clock[name] = whole(wanted[name], -DAY_MS, DAY_MS) ?? clock[name];
      sendJson(response, 200, settings());
    },
    "POST /rival/sign-in": async (_request, response) => {
      rival.stats.signedIn();
      sendJson(response, 200, await signIn(RIVAL_ID));
    },
    "POST /rival/token": (request, response) => {
      request.url = `${MOUNT}/token`;
      return oidc(request, response, request.url, rival);
    },
    "POST /rival/expire": (request, response) => rival.api.expire(request, response),
    "POST /rival/revoke": (request, response) => revokeSession(rival.api, request, response),
    "GET /rival/stats": (_request, response) => sendJson(response, 200, rival.stats.read()),
    ...routes,
  };

  async function route(request, response) {
    const path = new URL(request.url, origin).pathname;
    if (path.startsWith(`${MOUNT}/`)) return oidc(request, response, path);
    if (path.startsWith("/api/")) return api.handle(request, response, path);
    if (path.startsWith("/rival/api/")) return rival.api.handle(request, response, path.slice("/rival".length));
    if (path.startsWith("/demo/backends/")) return backend(request, response, path);
    if (path.startsWith("/demo/") || path.startsWith("/rival/")) {
      const answer = demo[`${request.method} ${path}`];
      return answer ? answer(request, response) : sendJson(response, 404, { error: "not_found" });
    }
    if (path === "/backends.html") return serveBackends(request, response, path);
    return serveFile(request, response, path);
  }

  /**
   * `/demo/backends/NAME` starts it and tells where it is; `…/requests` what it was asked; `…/expire` ends its tokens;
   * `…/queries/QUERY` has it run an app's query. Anything else is a script of its own.
   */
  async function backend(request, response, path) {
    const [name, what, which] = path.slice("/demo/backends/".length).split("/");
    const answers = {
      undefined: () => backends.open(name),
      requests: () => backends.requests(name),
      expire: () => backends.expire(name),
      queries: async () => backends.query(name, which, JSON.parse(await readBody(request)).bound),
    };
    const answer = Object.hasOwn(answers, what) && answers[what];
    if (!answer) {
      const script = await backends.file(name, what);
      // Under no policy: an app builder's worker evaluates what its users write.
      response.writeHead(script ? 200 : 404, { "content-type": "text/javascript", "cache-control": "no-store" });
      return response.end(script);
    }
    try {
      const told = await answer();
      return sendJson(response, told ? 200 : 404, told ?? { error_description: "There is no such backend." });
    } catch (error) {
      return sendJson(response, 503, { error_description: error.message });
    }
  }

  server.on("request", (request, response) => {
    route(request, response).catch((error) => {
      if (request.destroyed && !request.complete) return; // The browser went away.
      if (!response.headersSent) sendJson(response, 500, { error: "server_error" });
      if (process.env.TOKENWELL_DEMO_DEBUG) console.error(error);
    });
  });

  return {
    url: origin,
    store,
    stats: stats.read,
    faults,
    /** For the tokens issued from now on. */
    setAccessTtl(seconds) {
      ttl = seconds;
    },
    /** Cuts every connection: that is what a crashed server looks like. */
    async close() {
      await backends.close();
      await new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      });
    },
  };
}

const DAY_MS = 86_400_000;

/** A whole number within bounds, or nothing. */
const whole = (value, least, most) => (Number.isInteger(value) && value >= least && value <= most ? value : undefined);

/** On 127.0.0.1 only: the demo signs in whoever asks. */
function listen(server, port) {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
}

async function main() {
  const { values } = parseArgs({
    options: {
      port: { type: "string", default: "4400" },
      "access-ttl": { type: "string", default: "20" },
      state: { type: "string", default: here("../../target/demo-state.json") },
    },
  });
  const accessTtl = Number(values["access-ttl"]);
  if (!Number.isInteger(accessTtl) || accessTtl < 1) throw new Error("--access-ttl wants a whole number of seconds");
  const { url } = await startServer({
    port: Number(values.port),
    accessTtl,
    store: openStore(values.state || null),
  });
  if (!existsSync(here("../../pkg/dist/index.js"))) console.error("pkg/ is missing: run `cargo xtask package` first.");
  console.log(`tokenwell demo: ${url}/`);
}

if (process.argv[1] && fileURLToPath(import.meta.url) === process.argv[1]) {
  await main().catch((error) => {
    console.error(
      error.code === "EADDRINUSE" ? `Port ${error.port} is taken; choose another with --port.` : String(error.message),
    );
    process.exitCode = 1;
  });
}
