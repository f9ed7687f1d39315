// The protected API: `GET /api/time` and `/api/echo`. It checks what a resource server must: signature, issuer,
// audience, type and expiry, and a list of the tokens that were expired by hand.

import { createLocalJWKSet, jwtVerify } from "jose";
import { readBody, sendJson } from "./http.mjs";

export function createApi({ issuer, audience, publicKeys, faults, stats, now = Date.now }) {
  const keys = createLocalJWKSet(publicKeys);
  /** jti → exp in seconds. */
  const expiredByHand = new Map();

  /** The token's claims, or the sentence that says what is wrong with it. */
  async function check(request) {
    const [scheme, token] = (request.headers.authorization ?? "").split(" ");
    if (!token || scheme.toLowerCase() !== "bearer") return { problem: null };
    try {
      const { payload } = await jwtVerify(token, keys, {
        issuer,
        audience,
        typ: "at+jwt",
        currentDate: new Date(now()),
      });
      if (expiredByHand.has(payload.jti)) return { problem: "The access token has been expired by hand" };
      return { claims: payload };
    } catch (error) {
      return { problem: error.code === "ERR_JWT_EXPIRED" ? "The access token expired" : "The access token is invalid" };
    }
  }

  async function handle(request, response, path) {
    response.on("finish", () => stats.api(response.statusCode));
    const body = await readBody(request);
    if (faults.nextApiCall()) return refuse(response, "This 401 was ordered");
    const { claims, problem } = await check(request);
    if (!claims) return refuse(response, problem);

    if (path === "/api/time") return sendJson(response, 200, { time: new Date(now()).toISOString(), sub: claims.sub });
    if (path === "/api/echo") return sendJson(response, 200, echo(request, body));
    return sendJson(response, 404, { error: "not_found" });
  }

  /** Makes the caller's own access token expire now. */
  async function expire(request, response) {
    const { claims } = await check(request);
    if (!claims) return sendJson(response, 200, { expired: false });
    const seconds = now() / 1000;
    for (const [jti, exp] of expiredByHand) if (exp < seconds) expiredByHand.delete(jti);
    expiredByHand.set(claims.jti, claims.exp);
    return sendJson(response, 200, { expired: true });
  }

  return { handle, expire, check };
}

/** RFC 6750 §3: no error code when the request carried no token at all. */
function refuse(response, problem) {
  const error = problem ? `, error="invalid_token", error_description="${problem}"` : "";
  response.setHeader("www-authenticate", `Bearer realm="demo"${error}`);
  return sendJson(response, 401, { error: problem ? "invalid_token" : "unauthorized", error_description: problem });
}

function echo(request, body) {
  const { authorization: _secret, cookie: _cookie, ...headers } = request.headers;
  return { method: request.method, url: request.url, headers, bytes: body.length, text: body.toString("utf8") };
}
