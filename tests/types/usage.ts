// What users write, by the contract. Compiled against the contract and against the package: both must take all of it.

import {
  AuthError,
  type AuthErrorCode,
  AuthSession,
  type AuthSessionOptions,
  type CallOptions,
  type Decision,
  decodeJwt,
  presets,
  type RefreshContext,
  type Refresher,
  type RefreshRoute,
  type SessionEvents,
  type SignInRoute,
  type Snapshot,
  type Status,
  type StorageLike,
  type TokenResponse,
} from "tokenwell";

// ------------------------------------------------------------------------------------------------ options

new AuthSession({ refresh: "/oauth/token" });

const route: RefreshRoute = {
  url: new URL("https://id.example.com/token"),
  mode: "token",
  body: "json",
  clientId: "app",
  clientSecret: "hush",
  clientAuth: "basic",
  scope: "a b",
  params: { audience: "api" },
  headers: { "x-tenant": "1" },
  credentials: "include",
  fields: {
    refreshTokenParam: "refresh",
    accessToken: ["access", "token"] as const,
    refreshToken: "refresh",
    expiresIn: ["expires", "ttl"],
    user: "user",
  },
  interval: 86_400,
  terminal: [401, "bad_refresh_token"],
  timeout: 15_000,
};

const signIn: SignInRoute = {
  issuer: "https://id.example.com",
  authorizationEndpoint: new URL("https://id.example.com/auth"),
  tokenEndpoint: "https://id.example.com/token",
  clientId: "app",
  redirectUri: "https://app.example.com/callback",
  scope: "openid offline_access",
  params: { prompt: "login" },
};

const kept = new Map<string, string>();
const storage: StorageLike = {
  getItem: (key) => kept.get(key),
  setItem: (key, value) => kept.set(key, value),
  removeItem: (key) => kept.delete(key),
};
const slow: StorageLike = {
  getItem: async (key) => kept.get(key) ?? null,
  setItem: async () => {},
  removeItem: async () => {},
};

const full: AuthSessionOptions = {
  refresh: route,
  name: "main",
  allow: ["https://api.example.com/v2", new URL("https://files.example.com")] as const,
  scheme: "JWT",
  leeway: { seconds: 60, fraction: 0.1 },
  retryOn: "invalid_token",
  storage: "local",
  autoRefresh: false,
  crossTab: false,
  fetch: globalThis.fetch,
  signIn,
  revoke: { url: "/logout", body: "none", credentials: "omit" },
  dpop: true,
};
const session = new AuthSession(full);
new AuthSession({ ...full, storage, leeway: 60, revoke: "/revoke", retryOn: "never" });
new AuthSession({ ...full, storage: slow, leeway: {}, retryOn: "any" });
new AuthSession({
  refresh: { url: "/me", mode: "cookie", body: "none", credentials: "same-origin" },
  storage: "memory",
});

// Refreshers of every kind: a declared one, an inline one, an answer of any shape, a bare token, a failure.
const declared: Refresher = async ({ refreshToken, accessToken, reason }: RefreshContext) => {
  const why: "expiry" | "unauthorized" | "manual" | "startup" = reason;
  return { access_token: `${refreshToken}${accessToken}${why}`, expires_in: "3600", refresh_token: null };
};
new AuthSession({ refresh: declared });
new AuthSession({ refresh: async () => "token" });
new AuthSession({ refresh: async () => ({ whatever: { nested: true } }) });
new AuthSession({ refresh: () => Promise.reject(Object.assign(new AuthError("over"), { code: "invalid_grant" })) });

// ------------------------------------------------------------------------------------------------ the session

const made: AuthSession = await AuthSession.create({ refresh: "/oauth/token" });
const found: AuthSession | undefined = AuthSession.get("main") ?? AuthSession.get();
found?.dispose();

const { fetch: authorised } = session;
const same: typeof globalThis.fetch = session.fetch;
const answer: Response = await authorised("/api/me", { method: "POST", body: "{}" });
await same(new URL("https://api.example.com/v2/me"));
await session.fetch(new Request("https://api.example.com/v2/me"), { signal: AbortSignal.timeout(1000) });
console.log(answer.status);

const snapshot: Snapshot = session.snapshot;
const status: Status = snapshot.status;
switch (status) {
  case "signed-in":
  case "signed-out":
  case "expired":
    break;
  default:
    status satisfies never;
}
const expiresAt: number | null = snapshot.expiresAt ?? snapshot.refreshTokenExpiresAt;
const subject: unknown = snapshot.claims?.sub;
const scope: string | null = snapshot.scope;
const refreshing: boolean = snapshot.refreshing;
switch (snapshot.reason) {
  case "none":
  case "stored":
  case "signed-in":
  case "refreshed":
  case "adopted":
  case "signed-out":
  case "rejected":
  case "expired":
    break;
  default:
    snapshot.reason satisfies never;
}
console.log(expiresAt, subject, scope, refreshing, snapshot.user, snapshot.accessToken, snapshot.error?.code);

const now: string | null = session.accessToken;
const user: unknown = session.user;
const call: CallOptions = { signal: AbortSignal.timeout(1000) };
const token: string | null = await session.getAccessToken({ ...call, minValidity: 60 });
const refreshed: boolean = await session.refreshAccessTokenIfNeeded(call);
const after: Snapshot = await session.refresh();
const data: unknown = await session.resync(call);
console.log(now, user, token, refreshed, after, data);

const login: TokenResponse = { access_token: "a", refresh_token_expires_in: 60, id_token: "i", extra: 1 };
const signedIn: Snapshot = await session.setTokens(login);
await session.setTokens({ access: "a", refresh: "r" });
const known: Snapshot = await session.setUser({ id: 1 });
const url: string = await session.startSignIn({ state: { from: "/cart" }, params: { prompt: "login" } });
const { snapshot: there, state }: { snapshot: Snapshot; state: unknown } = await session.finishSignIn(new URL(url));
await made.startSignIn();
await made.finishSignIn();
const nothing: Promise<void> = session.signOut({ revoke: false, force: true });
await session.signOut();
console.log(signedIn, known, there, state, await nothing);

const unsubscribe: () => void = session.subscribe(() => {});
unsubscribe();
// As React takes it.
declare function useSyncExternalStore<T>(subscribe: (listener: () => void) => () => void, getSnapshot: () => T): T;
const shown: Snapshot = useSyncExternalStore(
  (listener) => session.subscribe(listener),
  () => session.snapshot,
);
console.log(shown);

session.on("change", (event: Snapshot) => console.log(event.status));
session.on("refreshed", ({ snapshot, attempts, by }) => {
  const who: "this-tab" | "other-tab" = by;
  console.log(snapshot.status, attempts + 1, who);
});
session.on("refresh-failed", ({ error, retryAt }) => console.log(error.code, retryAt ?? 0));
session.on("signed-out", ({ reason, error }) => {
  const why: "signed-out" | "rejected" | "expired" = reason;
  console.log(why, error?.message);
});
session.on("step-up", (event) => console.log(event.url, event.acrValues, event.maxAge));
session.on("storage", ({ error }: { error: AuthError }) => console.log(error.code));
const listen = <K extends keyof SessionEvents>(type: K, listener: (event: SessionEvents[K]) => void) =>
  session.on(type, listener);
listen("change", (event) => console.log(event.accessToken));

const decisions: readonly Decision[] = session.explain();
for (const { at, what, why, detail } of decisions) {
  const value: string | number | boolean | null | undefined = detail.status;
  console.log(at + 1, what.length, why.length, value);
}

{
  using scoped = new AuthSession({ refresh: "/oauth/token", name: "scoped" });
  console.log(scoped.snapshot);
}
made[Symbol.dispose]();

class Ours extends AuthSession {
  label(): string {
    return `${this.snapshot.status}`;
  }
}
console.log(new Ours({ refresh: "/oauth/token" }).label());

// A double for tests, by shape alone.
const double: AuthSession = {
  fetch: globalThis.fetch,
  snapshot: {
    status: "signed-out",
    refreshing: false,
    accessToken: null,
    expiresAt: null,
    refreshTokenExpiresAt: null,
    claims: null,
    user: null,
    scope: null,
    reason: "none",
    error: null,
  },
  accessToken: null,
  user: null,
  getAccessToken: async () => null,
  refreshAccessTokenIfNeeded: async () => false,
  refresh: async () => double.snapshot,
  resync: async () => null,
  setTokens: async () => double.snapshot,
  setUser: async () => double.snapshot,
  startSignIn: async () => "",
  finishSignIn: async () => ({ snapshot: double.snapshot, state: null }),
  signOut: async () => {},
  subscribe: () => () => {},
  on: () => () => {},
  explain: () => [],
  dispose: () => {},
  [Symbol.dispose]: () => {},
};

// ------------------------------------------------------------------------------------------------ errors

function advice(error: unknown): string {
  if (!(error instanceof AuthError)) return "not ours";
  const name: "AuthError" = error.name;
  const base: Error = error;
  const fields: (string | number | boolean | null)[] = [
    error.error,
    error.description,
    error.uri,
    error.status,
    error.retryable,
    error.retryAt,
  ];
  console.log(name, base.stack, base.cause, fields);
  const code: AuthErrorCode = error.code;
  switch (code) {
    case "signed_out":
    case "invalid_grant":
      return "sign in";
    case "refresh_unavailable":
    case "invalid_response":
    case "storage":
      return "later";
    case "invalid_options":
    case "invalid_state":
    case "access_denied":
      return "look";
    default:
      return code satisfies never;
  }
}
advice(new AuthError());
advice(new AuthError("why", { cause: new Error("because") }));

// ------------------------------------------------------------------------------------------------ the rest

const payload: Readonly<Record<string, unknown>> | null = decodeJwt("a.b.c");
console.log(payload?.exp, double.snapshot.status);

new AuthSession(presets.oauth2({ tokenEndpoint: "/token", clientId: "app", clientSecret: "s", clientAuth: "post" }));
new AuthSession({ ...presets.json({ url: new URL("https://id.example.com/renew"), clientId: "app" }), name: "json" });
new AuthSession(presets.baserow({ url: "https://baserow.example.com/api/user/" }));
const django: Partial<AuthSessionOptions> & { refresh: RefreshRoute } = presets.simplejwt({
  url: "/t/",
  scheme: "JWT",
});
new AuthSession(django);
new AuthSession(
  presets.sapphire({ origin: new URL("https://bot.example.com"), prefix: "api/", route: "oauth/refresh" }),
);
const authgear: Promise<Partial<AuthSessionOptions> & { refresh: RefreshRoute }> = presets.authgear({
  endpoint: "https://my-app.authgear.cloud",
  clientId: "app",
  redirectUri: new URL("https://app.example.com/signed-in"),
});
authgear.then((options) => new AuthSession(options));
const query: Refresher = async ({ refreshToken }) => ({ access_token: `after ${refreshToken}` });
for (const refresh of [query, { url: "/t" }, "/t"]) new AuthSession(presets.appsmith({ refresh }));
