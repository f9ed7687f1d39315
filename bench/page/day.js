// An hour of work, so many times as fast: one user, some tabs, a server that rotates refresh tokens and has its bad
// moments. Counts what the user feels: calls that fail, and having to sign in again.

import { jwt, Model } from "./model.js";

const realFetch = globalThis.fetch.bind(globalThis);
const MINUTE = 60_000;
const LENGTH = 60 * MINUTE;
const TTL_S = 300;
const LATENCY_MS = 150;
/** Presented once more within this, a rotated refresh token is forgiven, as servers do for answers that got lost. */
const GRACE_MS = 30_000;
const OUTAGES = [
  [15 * MINUTE, 17 * MINUTE],
  [37 * MINUTE, 42 * MINUTE],
];
/** The laptop is shut for ten minutes. */
const SLEEP = [23 * MINUTE, 10 * MINUTE];
/** All access tokens are withdrawn: the API answers 401 to what looks fresh. */
const WITHDRAWN = [8 * MINUTE, 48 * MINUTE, 54 * MINUTE];
/** So many of the token endpoint's answers get lost on the way. */
const LOST = 0.1;
/** Between two calls of a tab, on average. */
const PAUSE_MS = 20_000;
/** After so many failures in a row, with the server well, the user gives up and signs in again. */
const GIVES_UP = 5;

class Day extends Model {
  constructor(options) {
    super({ ...options, ttl: TTL_S });
    this.scale = options.scale;
    this.seed = 7;
    this.real = performance.now();
    this.wall = Date.now();
    this.began = this.wall;
    this.slept = 0;
    this.refreshTokens = new Map();
    this.count = { calls: 0, failed: 0, refreshes: 0, signedOut: 0 };
  }

  random() {
    this.seed = (this.seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return this.seed / 2_147_483_648;
  }

  elapsed() {
    return (performance.now() - this.real) * this.scale + this.slept;
  }

  now() {
    return this.wall + this.elapsed();
  }

  pause(ms) {
    return new Promise((done) => setTimeout(done, ms / this.scale));
  }

  away() {
    const at = this.elapsed();
    return OUTAGES.some(([from, to]) => at >= from && at < to);
  }

  grantFor(family) {
    const { origin, issuer, idToken } = this.options;
    const now = Math.floor(this.now() / 1000);
    const both = { iss: issuer, sub: "user-1", aud: "bench", iat: now, exp: now + TTL_S, jti: ++this.serial };
    const grant = {
      access_token: jwt({ ...both, typ: "Bearer" }),
      token_type: "Bearer",
      expires_in: TTL_S,
      refresh_token: jwt({ iss: issuer, sub: "user-1", jti: `r${this.serial}`, exp: now + 864_000 }),
      scope: "openid profile email offline_access",
      user: { id: "user-1", aud: "authenticated", email: "ada@example.com" },
    };
    if (idToken) grant.id_token = jwt({ ...both, name: "Ada" });
    this.valid.set(grant.access_token, now + TTL_S);
    this.refreshTokens.set(grant.refresh_token, { family });
    family.current = grant.refresh_token;
    return { ...grant, origin };
  }

  login() {
    return this.grantFor({ dead: false });
  }

  async fetch(input, init) {
    const url = String(input.url ?? input);
    if (url.includes("/dist/")) return realFetch(input, init);
    await this.pause(LATENCY_MS / 2);
    if (/token/.test(new URL(url, location.origin).pathname)) return this.refresh(input, init);
    const answer = await this.api2(input, init, url);
    await this.pause(LATENCY_MS / 2);
    return answer;
  }

  async api2(input, init, url) {
    if (!url.includes("/api/")) return Response.json(this.discovery());
    const headers = init?.headers ?? input.headers;
    const value = headers?.get?.("authorization") ?? headers?.Authorization ?? headers?.authorization ?? "";
    if (this.valid.get(value.slice(7)) * 1000 > this.now()) return Response.json({ ok: true });
    return Response.json({}, { status: 401, headers: { "www-authenticate": 'Bearer error="invalid_token"' } });
  }

  async refresh(input, init) {
    this.count.refreshes += 1;
    const body = input.url ? await input.clone().text() : String(init?.body ?? "");
    const token = /eyJ[\w-]+\.[\w-]+\.[\w-]*/g;
    const known = [...body.matchAll(token)].map(([text]) => text).find((text) => this.refreshTokens.has(text));
    if (this.away()) {
      await this.pause(LATENCY_MS / 2);
      return Response.json({ error: "temporarily_unavailable" }, { status: 503 });
    }
    const entry = this.refreshTokens.get(known);
    const late = entry?.rotatedAt && this.now() - entry.rotatedAt > GRACE_MS;
    if (late) entry.family.dead = true;
    if (!entry || entry.family.dead) {
      await this.pause(LATENCY_MS / 2);
      return Response.json({ error: "invalid_grant" }, { status: 400 });
    }
    entry.rotatedAt ??= this.now();
    const { origin: _, ...grant } = this.grantFor(entry.family);
    await this.pause(LATENCY_MS / 2);
    if (this.random() < LOST) throw new TypeError("Failed to fetch");
    return Response.json(grant);
  }
}

/** Each tab signs in by itself where the library's tabs share nothing. */
const ALONE = ["snippet", "keycloak"];

async function run({ peer, tabs, scale }) {
  const { origin } = location;
  const { server } = await import(`/dist/${peer}.js`);
  const issuer = server?.issuer?.(origin) ?? origin;
  const day = new Day({ origin, issuer, idToken: server?.idToken ?? false, scale });
  window.day = day;
  let frames = [];
  let failures = 0;
  let signingIn = null;

  async function signIn() {
    for (const frame of frames) frame.remove();
    localStorage.clear();
    frames = [];
    for (let i = 0; i < tabs; i++) {
      const frame = document.createElement("iframe");
      frame.src = `/tab?peer=${peer}`;
      document.body.append(frame);
      await new Promise((done) => {
        frame.onload = done;
      });
      while (!frame.contentWindow.tab) await new Promise((done) => setTimeout(done, 5));
      const { tab } = frame.contentWindow;
      if (i === 0 || ALONE.includes(peer)) await tab.seed(day.login());
      await tab.open().catch(() => {});
      frames.push(frame);
    }
    failures = 0;
  }

  async function call(i) {
    if (signingIn) return;
    const { tab } = frames[i]?.contentWindow ?? {};
    if (!tab) return;
    const at = day.elapsed();
    day.count.calls += 1;
    const status = await tab.call().then(
      (answer) => answer.status,
      () => 0,
    );
    if (status === 200) {
      failures = 0;
      return;
    }
    day.count.failed += 1;
    if (!day.away() && !OUTAGES.some(([, to]) => at < to + 2 * MINUTE && day.elapsed() > to - MINUTE)) failures += 1;
    if (failures >= GIVES_UP && !signingIn) {
      day.count.signedOut += 1;
      signingIn = signIn().catch(() => {});
      await signingIn;
      signingIn = null;
    }
  }

  await signIn();
  let asleep = false;
  const withdrawn = [...WITHDRAWN];
  const until = Array.from({ length: tabs }, () => day.random() * PAUSE_MS);
  while (day.elapsed() < LENGTH) {
    const at = day.elapsed();
    if (!asleep && at >= SLEEP[0]) {
      asleep = true;
      day.slept += SLEEP[1];
      for (let i = 0; i < tabs; i++) for (let k = 0; k < 5; k++) call(i);
    }
    if (at >= withdrawn[0]) {
      withdrawn.shift();
      day.valid.clear();
    }
    for (let i = 0; i < tabs; i++) {
      if (at < until[i]) continue;
      until[i] = at + (0.2 + 1.6 * day.random()) * PAUSE_MS;
      call(i);
    }
    await new Promise((done) => setTimeout(done, 8));
  }
  for (const frame of frames) frame.remove();
  return day.count;
}

window.runDay = run;
