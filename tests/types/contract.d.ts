// tokenwell: the public contract, as its users see it.
//
// The package ships its own, fuller declarations. These are the names and meanings that must hold:
// whatever type-checks against this file must type-check against the package. Add to it freely;
// rename or weaken nothing. Times are epoch milliseconds, durations are seconds unless a name says
// otherwise. No call blocks; no error, event or snapshot other than `accessToken` itself ever
// carries a token, a client secret or an authorization code.

// ---------------------------------------------------------------- entry points (package.json "exports")
// "tokenwell"            ESM, nothing else to fetch or configure: the WASM bytes are inside, compiled at the first session,
//                        not at import. Both `new AuthSession(options)` and `await AuthSession.create(options)`.
// "tokenwell/slim"       the same without the bytes: `await init(urlOrBytesOrModule?)` first; by default the .wasm beside it.
// "tokenwell/react"      useAuthSession(session, selector?) on useSyncExternalStore; React is an optional peer.
// "tokenwell/worker"     the same AuthSession surface, the session itself living in a dedicated Worker: no refresh
//                        token ever enters the page's heap.
// "tokenwell/presets"    the provider presets below, for tree shaking (also re-exported by the main entries).
// "tokenwell/tokenwell.wasm"  the module itself.
// dist/tokenwell.global.js    classic script and importScripts: sets exactly one global, `tokenwell`.
// Importing any entry has no side effect and works where there is no window (SSR, Node 20+).

export interface AuthSessionOptions {
  /** Where and how to refresh. A string is short for `{ url }`. A function is called instead of a request. */
  refresh: string | RefreshRoute | Refresher;
  /** Names the session: storage keys, locks, channels. Default "default". Same name, same options → the same session. */
  name?: string;
  /** Exact origins, optionally with a path prefix (on segment borders), that may be sent the token. Replaces the default, which is the page's own origin. Fails closed. */
  allow?: readonly (string | URL)[];
  /** Authorization scheme. Default "Bearer"; Baserow and DRF use "JWT". */
  scheme?: string;
  /** How long before expiry to refresh. Default { seconds: 300, fraction: 0.2 }: whichever is the shorter of the two. A number means seconds, still capped by the default fraction. */
  leeway?: number | { seconds?: number; fraction?: number };
  /** Which 401 answers lead to one refresh and one replay. Default "any". */
  retryOn?: "any" | "invalid_token" | "never";
  /** Where state lives. Default "session" (sessionStorage); falls back to memory, with a `storage` event, when refused or full. */
  storage?: "session" | "local" | "memory" | StorageLike;
  /** Refresh in the background while the page lives. Default true. Off: only on demand. */
  autoRefresh?: boolean;
  /** Coordinate with the other tabs of the same session. Default true. */
  crossTab?: boolean;
  /** The `fetch` to wrap, read once per call site. Default: globalThis.fetch, looked up at call time. */
  fetch?: typeof globalThis.fetch;
  /** Authorization Code + PKCE sign-in, where the app wants it. */
  signIn?: SignInRoute;
  /** RFC 7009 revocation endpoint, or the app's own logout route; called by signOut. */
  revoke?: string | { url: string | URL; body?: "form" | "json" | "none"; credentials?: RequestCredentials };
  /** RFC 9449 proofs with a non-extractable key. Default false. */
  dpop?: boolean;
}

export interface RefreshRoute {
  url: string | URL;
  /** "token": the answer carries tokens. "cookie": the tokens are in an HttpOnly cookie and the answer is user data. Default "token". */
  mode?: "token" | "cookie";
  /** Body encoding. Default "form" (RFC 6749) in token mode, "none" in cookie mode. */
  body?: "form" | "json" | "none";
  clientId?: string;
  clientSecret?: string;
  /** RFC 6749 §2.3.1, Basic with its form-encoding of id and secret. Default "none" (client_id in the body if given). */
  clientAuth?: "none" | "basic" | "post";
  scope?: string;
  params?: Record<string, string>;
  headers?: Record<string, string>;
  /** Default "same-origin" in token mode, "include" in cookie mode. */
  credentials?: RequestCredentials;
  /** Names on the wire where they are not RFC 6749's. Answers may list alternatives, the first present wins. */
  fields?: {
    refreshTokenParam?: string;
    accessToken?: string | readonly string[];
    refreshToken?: string | readonly string[];
    expiresIn?: string | readonly string[];
    user?: string | readonly string[];
  };
  /** Cookie mode: refresh this often, in seconds, since no expiry is visible. Default 86400. */
  interval?: number;
  /** Error codes or statuses from this route that end the session. Default: OAuth invalid_grant class codes, and 401 from a non-OAuth route. All else is retried. */
  terminal?: readonly (string | number)[];
  /** Milliseconds before one attempt is given up as unanswered. Default 15000. */
  timeout?: number;
}

export interface RefreshContext {
  refreshToken: string | null;
  accessToken: string | null;
  reason: "expiry" | "unauthorized" | "manual" | "startup";
}
/** Called in place of a request: an Appsmith query, an SDK, anything. Throwing `AuthError` with code "invalid_grant" ends the session; any other throw is retried. */
export type Refresher = (context: RefreshContext) => Promise<TokenResponse | Record<string, unknown> | string>;

/** RFC 6749 §5.1, tolerant: expires_in may be a numeric string or absent, refresh_token may be absent or null (the old one is kept). */
export interface TokenResponse {
  access_token: string;
  token_type?: string;
  expires_in?: number | string;
  refresh_token?: string | null;
  refresh_token_expires_in?: number | string;
  scope?: string;
  id_token?: string;
  user?: unknown;
  [extra: string]: unknown;
}

export interface StorageLike {
  getItem(key: string): string | null | undefined | Promise<string | null | undefined>;
  setItem(key: string, value: string): unknown;
  removeItem(key: string): unknown;
}

export interface SignInRoute {
  /** OIDC/RFC 8414 issuer; discovered once. Or name the endpoints. */
  issuer?: string | URL;
  authorizationEndpoint?: string | URL;
  tokenEndpoint?: string | URL;
  clientId: string;
  redirectUri: string | URL;
  /** Default "openid offline_access". */
  scope?: string;
  params?: Record<string, string>;
}

export type Status = "signed-out" | "signed-in" | "expired";

/** Immutable; the same object until something changes, so it can feed useSyncExternalStore directly. */
export interface Snapshot {
  readonly status: Status;
  readonly refreshing: boolean;
  readonly accessToken: string | null;
  readonly expiresAt: number | null;
  readonly refreshTokenExpiresAt: number | null;
  /** Decoded, unverified JWT payload of the access token; null when it is opaque. */
  readonly claims: Readonly<Record<string, unknown>> | null;
  /** User data: the cookie-mode answer, or the answer's `user` field. */
  readonly user: unknown;
  readonly scope: string | null;
  /** Why the status is what it is; "rejected": the server ended the session. */
  readonly reason: "none" | "stored" | "signed-in" | "refreshed" | "adopted" | "signed-out" | "rejected" | "expired";
  readonly error: AuthError | null;
}

export interface CallOptions {
  signal?: AbortSignal;
}

export declare class AuthSession {
  /** Synchronous; starts no request and no timer before the caller's turn ends. Stored state is there at once where the storage is synchronous. */
  constructor(options: AuthSessionOptions);
  /** The same, when stored state has been restored, whatever the storage; needs no `init` in any entry. */
  static create(options: AuthSessionOptions): Promise<AuthSession>;
  /** A live session by name, from anywhere in the page. */
  static get(name?: string): AuthSession | undefined;

  /** fetch with the token attached, refreshed first when due, replayed once on 401. Usable detached: `const { fetch } = session`. */
  readonly fetch: typeof globalThis.fetch;
  readonly snapshot: Snapshot;
  /** Shorthands of `snapshot`; cheap, synchronous, never start anything. */
  readonly accessToken: string | null;
  readonly user: unknown;

  /** A token good for `minValidity` more seconds (default: the leeway), refreshing if need be. Null when signed out. With a still-valid token and a failing route: that token. With an expired one: rejects as soon as the attempt it started or joined has failed, or at once during a cool-down (`retryAt`); later attempts go on behind it. */
  getAccessToken(options?: CallOptions & { minValidity?: number }): Promise<string | null>;
  /** Refreshes only if due; true if it did. */
  refreshAccessTokenIfNeeded(options?: CallOptions): Promise<boolean>;
  /** Refreshes now, or joins the refresh under way. One attempt: rejects with `AuthError` when that has failed. */
  refresh(options?: CallOptions): Promise<Snapshot>;
  /** Cookie mode's "resync": refreshes and gives the new user data. */
  resync(options?: CallOptions): Promise<unknown>;

  /** Takes the tokens of a login, of any shape the route's `fields` describe. */
  setTokens(response: TokenResponse | Record<string, unknown>): Promise<Snapshot>;
  /** Cookie mode: takes the user data of a login. */
  setUser(user: unknown): Promise<Snapshot>;
  /** PKCE: the URL to go to (state and verifier are stored). */
  startSignIn(options?: { state?: unknown; params?: Record<string, string> }): Promise<string>;
  /** PKCE: finishes from the redirect's URL; gives back `state`. Rejects a wrong or missing state. */
  finishSignIn(url?: string | URL): Promise<{ snapshot: Snapshot; state: unknown }>;
  /** Clears state in every tab of the session, and revokes if configured. `force` (default true) clears even if that fails. */
  signOut(options?: { revoke?: boolean; force?: boolean }): Promise<void>;

  /** For stores: called after every change of `snapshot`. */
  subscribe(listener: () => void): () => void;
  on<K extends keyof SessionEvents>(type: K, listener: (event: SessionEvents[K]) => void): () => void;
  /** The last decisions and why, oldest first, with no secrets: what to paste into a bug report. */
  explain(): readonly Decision[];
  /** Stops timers and listeners and forgets the name. Stored state stays. */
  dispose(): void;
  [Symbol.dispose](): void;
}

export interface SessionEvents {
  change: Snapshot;
  refreshed: { snapshot: Snapshot; attempts: number; by: "this-tab" | "other-tab" };
  "refresh-failed": { error: AuthError; retryAt: number | null };
  "signed-out": { reason: "signed-out" | "rejected" | "expired"; error: AuthError | null };
  /** RFC 9470: the API wants a stronger or fresher login. */
  "step-up": { url: string; acrValues: string | null; maxAge: number | null };
  storage: { error: AuthError };
}

export interface Decision {
  readonly at: number;
  readonly what: string;
  readonly why: string;
  readonly detail: Readonly<Record<string, string | number | boolean | null>>;
}

export type AuthErrorCode =
  | "signed_out" // no session to act on
  | "invalid_grant" // the route refused the refresh token: signed out
  | "refresh_unavailable" // network, timeout, 429, 5xx: the session is kept, try again
  | "invalid_response" // the route answered something that is no token answer: the session is kept
  | "invalid_options" // the caller's mistake, named
  | "invalid_state" // PKCE state missing or wrong
  | "access_denied" // the authorization server's own error, `error` holds its code
  | "storage";

export declare class AuthError extends Error {
  readonly name: "AuthError";
  readonly code: AuthErrorCode;
  /** The server's own `error`, `error_description`, `error_uri`, where it gave them; secrets quoted in them are blanked. */
  readonly error: string | null;
  readonly description: string | null;
  readonly uri: string | null;
  readonly status: number | null;
  readonly retryable: boolean;
  /** From Retry-After, epoch ms. */
  readonly retryAt: number | null;
}

/** Unverified decode of a JWT payload: base64url with or without padding, UTF-8. Null for anything that is not a JWT. */
export declare function decodeJwt(token: string): Readonly<Record<string, unknown>> | null;

/** Each gives `refresh` (and what else applies) for one kind of backend. */
export declare const presets: {
  /** Any RFC 6749 token endpoint. */
  oauth2(o: {
    tokenEndpoint: string | URL;
    clientId: string;
    clientSecret?: string;
    clientAuth?: "none" | "basic" | "post";
    scope?: string;
  }): Partial<AuthSessionOptions> & { refresh: RefreshRoute };
  /** `POST {endpoint}` with a JSON body. */
  json(o: { url: string | URL; clientId?: string }): Partial<AuthSessionOptions> & { refresh: RefreshRoute };
  /** A bot dashboard on @sapphire/plugin-api: HttpOnly cookie, LoginData. `prefix` is its `api.prefix`. */
  sapphire(o: {
    origin: string | URL;
    prefix?: string;
    route?: string;
  }): Partial<AuthSessionOptions> & { refresh: RefreshRoute };
  /** Authgear: endpoints by discovery. */
  authgear(o: {
    endpoint: string | URL;
    clientId: string;
    redirectUri?: string | URL;
  }): Promise<Partial<AuthSessionOptions> & { refresh: RefreshRoute }>;
  /** Baserow's user API: `JWT` scheme, token-refresh/, token-blacklist/. `url` is the user API's root, as `https://host/api/user/`. */
  baserow(o: { url: string | URL }): Partial<AuthSessionOptions> & { refresh: RefreshRoute };
  /** djangorestframework-simplejwt: access/refresh names. `url` is the refresh endpoint itself, trailing slash as the server has it. */
  simplejwt(o: { url: string | URL; scheme?: string }): Partial<AuthSessionOptions> & { refresh: RefreshRoute };
  /** Appsmith: state over storeValue/appsmith.store, on-demand refresh, the seed page's store keys. */
  appsmith(o: {
    refresh: Refresher | RefreshRoute | string;
  }): Partial<AuthSessionOptions> & { refresh: Refresher | RefreshRoute | string };
};
