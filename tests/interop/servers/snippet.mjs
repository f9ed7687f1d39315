// The server that the snippet implies: JSON at /oauth/token, RFC 6750 challenges at /api. Refresh tokens rotate; one
// presented twice is refused. `expires_in` and the wording of the challenge can be what other servers say.

import { randomUUID } from "node:crypto";
import { text } from "node:stream/consumers";
import { issued, listen, note, startApp } from "./http.mjs";

/** What the snippet looks for, to the letter. */
export const THE_SNIPPETS = 'Bearer error="invalid_token"';

/**
 * @param {object} [options]
 * @param {boolean} [options.apart] the API once more, on an origin of its own
 * @param {string} [options.page] an origin whose page may ask everything here, and read every answer
 * @param {number} [options.accessTtl] seconds after which the API refuses a token by itself
 */
export async function startSnippetServer({ apart = false, page, accessTtl = Infinity } = {}) {
  const requests = [];
  /** Access tokens with the moment of their end; refresh tokens that were not presented yet. */
  const live = { access: new Map(), refresh: new Set() };
  const server = {
    requests,
    /** In each token answer. */
    expiresIn: Number.isFinite(accessTtl) ? accessTtl : 3600,
    challenge: THE_SNIPPETS,
    /** Answers in place of the next token answers: `[status, type, body]`. */
    faults: [],
    issue() {
      const tokens = issued({ access_token: `at-${randomUUID()}`, refresh_token: `rt-${randomUUID()}` });
      live.access.set(tokens.access_token, Date.now() + accessTtl * 1000);
      live.refresh.add(tokens.refresh_token);
      return { ...tokens, token_type: "Bearer", expires_in: server.expiresIn };
    },
    /** The API refuses every access token given out so far. */
    expireAccess: () => live.access.clear(),
    close: () => Promise.all([app.close(), api?.close()]),
  };

  const json = (response, status, value, headers = {}) =>
    response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(value));

  async function token(request, response) {
    const body = await text(request);
    const fault = server.faults.shift();
    if (fault) return response.writeHead(fault[0], { "content-type": fault[1] }).end(fault[2]);
    const isJson = /^application\/json/.test(request.headers["content-type"]);
    const asked = isJson ? JSON.parse(body) : {};
    if (asked.grant_type !== "refresh_token" || asked.client_id !== "your_client_id") {
      return json(response, 400, { error: "invalid_request", error_description: "JSON is spoken here" });
    }
    if (!live.refresh.delete(asked.refresh_token)) {
      return json(response, 400, { error: "invalid_grant", error_description: "Used, or never given out" });
    }
    return json(response, 200, server.issue());
  }

  /** `/api/profile` wants a live token; `/api/always?CHALLENGE` refuses whatever comes, with that challenge. */
  function answerApi(request, response, { pathname, search }, more = {}) {
    const [, sent] = request.headers.authorization?.match(/^Bearer (.+)$/) ?? [];
    if (pathname === "/api/profile") {
      if (live.access.get(sent) > Date.now())
        return json(response, 200, { name: "Ada", marks: request.headers["x-mark"] ?? null }, more);
      return json(response, 401, { error: "no" }, { "www-authenticate": server.challenge, ...more });
    }
    const { status, challenge } = JSON.parse(decodeURIComponent(search.slice(1)));
    return json(response, status, { error: "no" }, { "www-authenticate": challenge, ...more });
  }

  const app = await startApp({
    route(request, response) {
      const url = new URL(request.url, "http://localhost");
      if (!/^\/(oauth|api)\//.test(url.pathname)) return false;
      note(request, requests);
      if (page) {
        response.setHeader("access-control-allow-origin", page);
        response.setHeader("access-control-allow-headers", "authorization, content-type");
        response.setHeader("access-control-expose-headers", "www-authenticate");
        if (request.method === "OPTIONS") return response.writeHead(204).end();
      }
      if (url.pathname === "/oauth/token") return token(request, response);
      // The snippet leaves open where its first tokens come from.
      if (url.pathname === "/oauth/login") return json(response, 200, server.issue());
      return answerApi(request, response, url);
    },
  });
  // The same API on an origin of its own, which lets itself be called and shows no challenge.
  const api = apart
    ? await listen((request, response) => {
        note(request, requests);
        const cors = {
          "access-control-allow-origin": "*",
          "access-control-allow-headers": "authorization, content-type",
        };
        if (request.method === "OPTIONS") return response.writeHead(204, cors).end();
        return answerApi(request, response, new URL(request.url, "http://localhost"), cors);
      })
    : null;
  return Object.assign(server, { url: app.url, api: api?.url });
}
