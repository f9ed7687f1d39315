// The server in the page, as a function from its state: an authorization server whose refresh tokens rotate and work
// once, an API that checks access tokens, and trouble on order. What www/server does with the real oidc-provider, with
// this difference: a token's signature is a random one, and the server knows its tokens by it.

const CLIENTS = { "/oidc/token": "tokenwell", "/rival/token": "rival" };
const PEOPLE = ["Ada Lovelace", "Grace Hopper", "Alan Turing", "Edsger Dijkstra", "Barbara Liskov", "Tony Hoare"];
const REMEMBERED = 400;

const newCounts = () => ({
  signIns: 0,
  tokenRequests: { total: 0, ok: 0, refused: 0, faulted: 0 },
  rotations: 0,
  reuseDetected: 0,
  api: { total: 0, byStatus: {} },
});

export const newState = () => ({
  usedAt: 0,
  settings: { accessTtl: 20, skewMs: 0, asleepMs: 0 },
  /** Of each client: its counts, and the trouble ordered for it. */
  tokenwell: { counts: newCounts(), faults: {} },
  rival: { counts: newCounts(), faults: {} },
  /** Access token → { sub, exp, grant }; refresh token → { grant, used }; grant → { sub, name, client }. */
  access: new Map(),
  refresh: new Map(),
  grants: new Map(),
});

/** Answers one request and changes `state`. @returns {{ status: number, headers?: object, body: unknown }} */
export function answer(state, request, realNow) {
  const { method, path } = request;
  const now = realNow + state.settings.skewMs + state.settings.asleepMs;
  const clientName = path.startsWith("/rival/") ? "rival" : "tokenwell";
  const client = state[clientName];
  const [, , action] = path.split("/");

  if (CLIENTS[path] && method === "POST") return token(state, client, request, now, realNow);
  if (/^(\/rival)?\/api\//.test(path)) return counted(client, api(state, client, request, now, realNow));
  switch (`${method} ${action}`) {
    case "POST sign-in":
      return signIn(state, clientName, now);
    case "POST expire": {
      const known = valid(state, request.token, now);
      if (known) known.exp = 0;
      return ok({ expired: Boolean(known) });
    }
    case "POST revoke": {
      const known = state.access.get(request.token);
      if (known) endGrant(state, known.grant);
      return ok({ revoked: Boolean(known) });
    }
    case "POST faults":
      for (const each of [state.tokenwell, state.rival]) setFaults(each, JSON.parse(request.body), realNow);
      return ok({});
    case "DELETE faults":
      for (const each of [state.tokenwell, state.rival]) each.faults = {};
      return ok({});
    case "GET stats":
      return ok(client.counts);
    case "GET settings":
      return ok(state.settings);
    case "POST settings":
      Object.assign(state.settings, JSON.parse(request.body));
      return ok(state.settings);
    default:
      return { status: 404, body: { error: "not_found" } };
  }
}

const ok = (body) => ({ status: 200, body });

// ---------------------------------------------------------------- trouble

function setFaults(client, wanted, realNow) {
  for (const [which, fault] of Object.entries(wanted)) {
    const { seconds, times = seconds ? Number.POSITIVE_INFINITY : 1, ...rest } = fault ?? { times: 0 };
    client.faults[which] = { ...rest, left: times, until: seconds ? realNow + seconds * 1000 : null };
  }
}

function takeFault(client, which, realNow) {
  const fault = client.faults[which];
  if (!fault || fault.left <= 0 || (fault.until && fault.until <= realNow)) return null;
  fault.left -= 1;
  if (fault.retryAfter === undefined || !fault.until) return fault;
  return { ...fault, retryAfter: Math.ceil((fault.until - realNow) / 1000) };
}

// ---------------------------------------------------------------- tokens

function signIn(state, client, now) {
  state[client].counts.signIns += 1;
  const name = PEOPLE[Math.floor(Math.random() * PEOPLE.length)];
  const sub = `${name.toLowerCase().replace(" ", "-")}-${Math.floor(1000 + Math.random() * 9000)}`;
  const grant = crypto.randomUUID();
  state.grants.set(grant, { sub, name, client });
  forget(state.grants);
  return ok({ ...issue(state, grant, now), user: { sub, name } });
}

function token(state, client, { body }, now, realNow) {
  const { counts } = client;
  counts.tokenRequests.total += 1;
  const fault = takeFault(client, "token", realNow);
  if (fault) {
    counts.tokenRequests.faulted += 1;
    const headers = fault.retryAfter === undefined ? {} : { "retry-after": String(fault.retryAfter) };
    return { status: fault.status ?? 503, headers, body: { error: "temporarily_unavailable" } };
  }
  const asked = new URLSearchParams(body);
  const known = asked.get("grant_type") === "refresh_token" && state.refresh.get(asked.get("refresh_token"));
  if (!known || known.used || !state.grants.has(known.grant)) {
    counts.tokenRequests.refused += 1;
    if (known?.used) {
      // RFC 9700 §4.14.2: a refresh token that comes twice may have been stolen, so all of its session ends.
      counts.reuseDetected += 1;
      endGrant(state, known.grant);
    }
    const description = known?.used ? "refresh token already used" : "grant request is invalid";
    return { status: 400, body: { error: "invalid_grant", error_description: description } };
  }
  known.used = true;
  counts.tokenRequests.ok += 1;
  counts.rotations += 1;
  return ok(issue(state, known.grant, now));
}

function issue(state, grant, now) {
  const { sub, name } = state.grants.get(grant);
  const seconds = Math.floor(now / 1000);
  const { accessTtl } = state.settings;
  const claims = { sub, name, iat: seconds, exp: seconds + accessTtl, scope: "api", jti: crypto.randomUUID() };
  const access = `${encode({ alg: "none", typ: "at+jwt" })}.${encode(claims)}.${random()}`;
  const refresh = random();
  state.access.set(access, { sub, grant, exp: now + accessTtl * 1000 });
  state.refresh.set(refresh, { grant, used: false });
  forget(state.access);
  forget(state.refresh);
  return { access_token: access, token_type: "Bearer", expires_in: accessTtl, refresh_token: refresh, scope: "api" };
}

function endGrant(state, grant) {
  state.grants.delete(grant);
  for (const [access, known] of state.access) if (known.grant === grant) state.access.delete(access);
}

/** The oldest go first, as a page left open for days needs it. */
function forget(map) {
  while (map.size > REMEMBERED) map.delete(map.keys().next().value);
}

const base64url = (text) => btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const encode = (value) => base64url(JSON.stringify(value));
const random = () => base64url(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(32))));

// ---------------------------------------------------------------- API

function valid(state, access, now) {
  const known = state.access.get(access);
  return known && known.exp > now ? known : null;
}

function api(state, client, { token: access, path }, now, realNow) {
  const fault = takeFault(client, "api", realNow);
  if (fault) return refuse("This 401 was ordered");
  if (!access) return refuse(null);
  const known = valid(state, access, now);
  if (!known) return refuse(state.access.has(access) ? "The access token expired" : "The access token is invalid");
  if (!path.endsWith("/api/time")) return { status: 404, body: { error: "not_found" } };
  return ok({ time: new Date(now).toISOString(), sub: known.sub });
}

function counted({ counts }, response) {
  counts.api.total += 1;
  counts.api.byStatus[response.status] = (counts.api.byStatus[response.status] ?? 0) + 1;
  return response;
}

/** RFC 6750 §3, in the words of real servers: a realm first. */
function refuse(problem) {
  const error = problem ? `, error="invalid_token", error_description="${problem}"` : "";
  return {
    status: 401,
    headers: { "www-authenticate": `Bearer realm="demo"${error}` },
    body: { error: problem ? "invalid_token" : "unauthorized", error_description: problem },
  };
}
