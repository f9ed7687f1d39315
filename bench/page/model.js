// The network of a bench page: `fetch` is ours, and behind it stand a token endpoint, discovery and an API.
// Answers come after `delay` ms by the page's own timers; what a request costs beyond that is the library's.

const b64 = (text) => btoa(text).replace(/\+/g, "-").replace(/\//g, "_").replace(/=/g, "");
const seconds = () => Math.floor(Date.now() / 1000);

/** A JWT as servers make them, about 1 KB; nobody here checks its signature. */
export function jwt(claims) {
  const head = b64(JSON.stringify({ alg: "RS256", typ: "JWT", kid: "bench-1" }));
  const filler = { scope: "openid profile email offline_access", roles: ["reader", "writer"], org: "o".repeat(160) };
  return `${head}.${b64(JSON.stringify({ ...filler, ...claims }))}.${"s".repeat(342)}`;
}

export const CLIENT = "bench";

/** What the page's fake servers know, and count. */
export class Model {
  /** @param {{ origin: string, issuer?: string, idToken?: boolean, ttl?: number, tokenDelay?: number, apiDelay?: number }} options */
  constructor(options) {
    this.options = { ttl: 3600, tokenDelay: 0, apiDelay: 0, issuer: options.origin, ...options };
    this.tokenRequests = 0;
    this.apiCalls = 0;
    this.refused = 0;
    this.serial = 0;
    this.valid = new Map();
  }

  grant() {
    const { origin, issuer, idToken, ttl } = this.options;
    const now = seconds();
    const both = { iss: issuer, sub: "user-1", aud: CLIENT, iat: now, exp: now + ttl, jti: ++this.serial };
    const access = jwt({ ...both, typ: "Bearer" });
    this.valid.set(access, now + ttl);
    const grant = {
      access_token: access,
      token_type: "Bearer",
      expires_in: ttl,
      refresh_token: jwt({ iss: issuer, sub: "user-1", jti: `r${this.serial}`, exp: now + 864_000 }),
      scope: "openid profile email offline_access",
    };
    if (idToken) grant.id_token = jwt({ ...both, name: "Ada" });
    return { ...grant, origin };
  }

  /** All tokens handed out so far are expired for the API too. */
  expireAll() {
    this.valid.clear();
  }

  async fetch(input, init) {
    const url = new URL(input.url ?? input, this.options.origin);
    if (url.pathname.startsWith("/api/")) return this.api(input, init);
    if (url.pathname.includes(".well-known/")) return json(200, this.discovery());
    if (/token/.test(url.pathname)) return this.token();
    return json(404, {});
  }

  async api(input, init) {
    this.apiCalls += 1;
    const headers = init?.headers ?? input.headers;
    const value = headers?.get?.("authorization") ?? headers?.Authorization ?? headers?.authorization ?? "";
    const until = this.valid.get(value.slice(7));
    if (this.options.apiDelay) await later(this.options.apiDelay);
    if (until > Date.now() / 1000) return json(200, { ok: true });
    this.refused += 1;
    return json(401, { error: "invalid_token" }, { "www-authenticate": 'Bearer error="invalid_token"' });
  }

  async token() {
    this.tokenRequests += 1;
    const began = performance.now();
    await later(this.options.tokenDelay);
    const { origin, ...grant } = this.grant();
    this.lastRefreshMs = performance.now() - began;
    return json(200, { ...grant, user: { id: "user-1", aud: "authenticated", email: "ada@example.com" } });
  }

  discovery() {
    const { origin, issuer } = this.options;
    return {
      issuer,
      authorization_endpoint: `${origin}/oauth/authorize`,
      token_endpoint: `${origin}/oauth/token`,
      userinfo_endpoint: `${origin}/oauth/userinfo`,
      revocation_endpoint: `${origin}/oauth/revoke`,
      end_session_endpoint: `${origin}/oauth/logout`,
      jwks_uri: `${origin}/.well-known/jwks.json`,
      keys: [],
    };
  }
}

const json = (status, body, headers = {}) =>
  new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json", ...headers } });

const later = (ms) => new Promise((done) => setTimeout(done, ms));
