/// <reference lib="esnext.disposable" />

import type { AuthError } from "./errors.js";

// Times are epoch milliseconds, durations are seconds unless a name says otherwise.

/** `RequestCredentials`, spelled out so that these types need no DOM library. */
type Credentials = "omit" | "same-origin" | "include";

export interface AuthSessionOptions {
  /** Where and how to refresh. A string is short for `{ url }`. A function is called instead of a request. */
  refresh: string | RefreshRoute | Refresher;
  /** Names the session: storage keys, locks, channels. Default `"default"`. Same name, same options → the same session; same name, other options → `invalid_options`. */
  name?: string;
  /**
   * Exact origins, optionally with a path prefix (on segment borders), that may be sent the token. Replaces the
   * default, which is the page's own origin. Fails closed: requests elsewhere go through untouched.
   *
   * `["https://api.example.com/v2"]` allows `https://api.example.com/v2/me`, but neither `…/v20` nor any other host.
   */
  allow?: readonly (string | URL)[];
  /** Authorization scheme (RFC 9110 §11.4). Default `"Bearer"`; Baserow uses `"JWT"`. */
  scheme?: string;
  /** How long before expiry to refresh. Default `{ seconds: 300, fraction: 0.2 }`: whichever is the shorter of the two. A number means seconds, still capped by the default fraction. */
  leeway?: number | { seconds?: number; fraction?: number };
  /** Which 401 answers lead to one refresh and one replay. Default `"any"`. `"invalid_token"`: only where `WWW-Authenticate` says so (RFC 6750 §3.1). */
  retryOn?: "any" | "invalid_token" | "never";
  /** Where state lives. Default `"session"` (sessionStorage); falls back to memory, with a `storage` event, when refused or full. */
  storage?: "session" | "local" | "memory" | StorageLike;
  /** Refresh in the background while the page lives. Default `true`. Off: only on demand. */
  autoRefresh?: boolean;
  /** Coordinate with the other tabs of the same session. Default `true`. */
  crossTab?: boolean;
  /** The `fetch` to wrap. Default: `globalThis.fetch`, looked up at call time. */
  fetch?: typeof globalThis.fetch;
  /** Authorization Code + PKCE sign-in (RFC 7636), where the app wants it. */
  signIn?: SignInRoute;
  /**
   * RFC 7009 revocation endpoint, or the app's own logout route; called by `signOut`. Default: a form without cookies;
   * in cookie mode, no body and the cookies. `tokenParam` names the refresh token where it is not RFC 7009's `token`.
   */
  revoke?:
    | string
    | { url: string | URL; body?: "form" | "json" | "none"; credentials?: Credentials; tokenParam?: string };
  /**
   * RFC 9449 proofs with a non-extractable key, which all tabs of this `name` share (IndexedDB). Default `false`. The
   * authorization scheme is `DPoP`; an answer whose `token_type` is another is discarded (§5). Servers' nonces (§8, §9)
   * are learnt, and a refused proof is replaced by sending the request once more.
   *
   * Requests of `session.fetch` to allowed URLs carry a proof while nobody is signed in, too: a login that goes that way
   * can have its tokens bound.
   *
   * Not with `scheme`, cookie mode or a refresh function, and only where there is `crypto.subtle`: else `invalid_options`.
   */
  dpop?: boolean;
}

export interface RefreshRoute {
  url: string | URL;
  /** `"token"`: the answer carries tokens. `"cookie"`: the tokens are in an HttpOnly cookie and the answer is user data. Default `"token"`. */
  mode?: "token" | "cookie";
  /** Body encoding. Default `"form"` (RFC 6749 §6) in token mode, `"none"` in cookie mode. */
  body?: "form" | "json" | "none";
  clientId?: string;
  /** Only for what is no public client; a page cannot keep a secret. */
  clientSecret?: string;
  /** RFC 6749 §2.3.1; Basic with its form-encoding of id and secret. Default `"none"` (`client_id` in the body if given). */
  clientAuth?: "none" | "basic" | "post";
  scope?: string;
  /** Further parameters in the body. */
  params?: Record<string, string>;
  /** Further headers of the refresh request. */
  headers?: Record<string, string>;
  /** Default `"same-origin"` in token mode, `"include"` in cookie mode. */
  credentials?: Credentials;
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
  /** Error codes or statuses from this route that end the session. Default: OAuth `invalid_grant` class codes, and 401 from a non-OAuth route. All else is retried. */
  terminal?: readonly (string | number)[];
  /** **Milliseconds** before one attempt is given up as unanswered; also a discovery, the exchange of a code, a revocation. Default 15000. */
  timeout?: number;
}

export interface RefreshContext {
  refreshToken: string | null;
  accessToken: string | null;
  reason: "expiry" | "unauthorized" | "manual" | "startup";
}

/**
 * Called in place of a request: an SDK, a backend's query, anything. May give a token answer or just the access token.
 * Throwing {@link AuthError} with code `"invalid_grant"` ends the session; any other throw is retried. What it throws is the
 * `cause` of the error that callers and events get.
 *
 * @example
 * ```ts
 * import { AuthError, AuthSession } from "tokenwell";
 *
 * const session = new AuthSession({
 *   refresh: async ({ refreshToken }) => {
 *     const answer = await fetch("/renew", { method: "POST", body: refreshToken });
 *     if (answer.status === 403) throw new AuthError("renewal refused", { code: "invalid_grant" });
 *     return answer.json();
 *   },
 * });
 * ```
 */
export type Refresher = (context: RefreshContext) => Promise<TokenResponse | Record<string, unknown> | string>;

/** RFC 6749 §5.1, tolerant: `expires_in` may be a numeric string or absent, `refresh_token` may be absent or null (the old one is kept). */
export interface TokenResponse {
  access_token: string;
  token_type?: string;
  /** Seconds. Where it is absent, `exp − iat` of a JWT counts; without either, only a 401 leads to a refresh. */
  expires_in?: number | string;
  refresh_token?: string | null;
  /** Seconds. */
  refresh_token_expires_in?: number | string;
  scope?: string;
  id_token?: string;
  user?: unknown;
  [extra: string]: unknown;
}

/** Any key-value store, synchronous or not. May throw: the session then goes on in memory. */
export interface StorageLike {
  getItem(key: string): string | null | undefined | Promise<string | null | undefined>;
  setItem(key: string, value: string): unknown;
  removeItem(key: string): unknown;
}

export interface SignInRoute {
  /** OpenID or RFC 8414 issuer: its endpoints are discovered, once a page. Or name the endpoints. */
  issuer?: string | URL;
  /** RFC 6749 §3.1. */
  authorizationEndpoint?: string | URL;
  /** RFC 6749 §3.2. Default without an `issuer`: the refresh route, where that takes a form. */
  tokenEndpoint?: string | URL;
  /** A public client's, or the one of the refresh route: then it authenticates as it does there. */
  clientId: string;
  /** As it is registered, to the letter. */
  redirectUri: string | URL;
  /** Default `"openid offline_access"`. */
  scope?: string;
  /** Further parameters of the authorization request. */
  params?: Record<string, string>;
}

export type Status = "signed-out" | "signed-in" | "expired";

/** Immutable; the same object until something changes, so it can feed `useSyncExternalStore` directly. */
export interface Snapshot {
  readonly status: Status;
  /** Whether a refresh is under way. */
  readonly refreshing: boolean;
  /** The only place, besides `session.accessToken`, where a token can be read. */
  readonly accessToken: string | null;
  /** When the access token expires, epoch milliseconds by this device's clock; null when unknown. */
  readonly expiresAt: number | null;
  /** When the refresh token expires, epoch milliseconds; null when unknown. */
  readonly refreshTokenExpiresAt: number | null;
  /** Decoded, **unverified** JWT payload of the access token; null when it is opaque. */
  readonly claims: Readonly<Record<string, unknown>> | null;
  /** User data: the cookie-mode answer, or the answer's `user` field. */
  readonly user: unknown;
  readonly scope: string | null;
  /** Why the status is what it is; `"rejected"`: the server ended the session. */
  readonly reason: "none" | "stored" | "signed-in" | "refreshed" | "adopted" | "signed-out" | "rejected" | "expired";
  readonly error: AuthError | null;
}

export interface CallOptions {
  /** Detaches this caller alone, which rejects with the signal's reason; the refresh goes on for the others. */
  signal?: AbortSignal;
}

/** What `session.on(type, …)` can be told, and what the listener gets. */
export interface SessionEvents {
  /** The snapshot is another one. */
  change: Snapshot;
  /** A refresh succeeded, here or in another tab. */
  refreshed: { snapshot: Snapshot; attempts: number; by: "this-tab" | "other-tab" };
  /** An attempt failed and the session is kept; `retryAt`: when the next one will be, epoch milliseconds. */
  "refresh-failed": { error: AuthError; retryAt: number | null };
  /** The session is over. `"signed-out"`: by `signOut`; `"rejected"`: by the server; `"expired"`: nothing left to refresh with. */
  "signed-out": { reason: "signed-out" | "rejected" | "expired"; error: AuthError | null };
  /** RFC 9470: the API wants a stronger or fresher login. */
  "step-up": { url: string; acrValues: string | null; maxAge: number | null };
  /** State could not be kept: the session goes on in memory. */
  storage: { error: AuthError };
}

/** One entry of `session.explain()`. Holds no secrets. */
export interface Decision {
  /** Epoch milliseconds. */
  readonly at: number;
  readonly what: string;
  readonly why: string;
  readonly detail: Readonly<Record<string, string | number | boolean | null>>;
}

/**
 * One signed-in user in one app: holds the tokens, keeps them fresh, and gives a `fetch` that sends them.
 *
 * @example
 * ```ts
 * import { AuthSession } from "tokenwell";
 *
 * const session = new AuthSession({ refresh: { url: "/oauth/token", clientId: "my-app" } });
 * session.on("signed-out", ({ reason }) => console.log("signed out:", reason));
 *
 * const login = await fetch("/login", { method: "POST", body: JSON.stringify({ user: "ada" }) });
 * await session.setTokens(await login.json());
 *
 * const answer = await session.fetch("/api/me");
 * ```
 */
export declare class AuthSession {
  /**
   * Synchronous; starts no request and no timer before the caller's turn ends. Stored state is there at once where the
   * storage is synchronous. The same name and the same options give the same object again.
   *
   * @throws {AuthError} `invalid_options`: an option is wrong, the name is taken by a session with other options, or
   * the WASM cannot be loaded (the message says why). In `tokenwell/slim` also before `init()` is done.
   */
  constructor(options: AuthSessionOptions);

  /**
   * The same, when stored state has been restored, whatever the storage; needs no `init` in any entry.
   *
   * @example
   * ```ts
   * import { AuthSession } from "tokenwell/slim";
   *
   * const session = await AuthSession.create({ refresh: "/oauth/token" });
   * console.log(session.snapshot.status);
   * ```
   */
  static create(options: AuthSessionOptions): Promise<AuthSession>;

  /** A live session by name, from anywhere in the page. Default name `"default"`. */
  static get(name?: string): AuthSession | undefined;

  /**
   * `fetch` with the token attached, refreshed first when due, replayed once on 401. Usable detached:
   * `const { fetch } = session`. Takes and gives what `fetch` does; an `Authorization` header that is already there is
   * left alone. A body that is a stream is not replayed: its 401 comes back as it is.
   *
   * @throws {AuthError} `refresh_unavailable` when the token has expired and cannot be refreshed now. `storage`, with
   * `dpop`: the key that the stored tokens are bound to can't be read now; the session is kept.
   *
   * @example
   * ```ts
   * import { AuthSession } from "tokenwell";
   *
   * const { fetch } = new AuthSession({ refresh: "/oauth/token", allow: ["https://api.example.com"] });
   * const answer = await fetch("https://api.example.com/orders", {
   *   method: "POST",
   *   headers: { "content-type": "application/json" },
   *   body: JSON.stringify({ item: 1 }),
   * });
   * ```
   */
  readonly fetch: typeof globalThis.fetch;

  /**
   * The state now; another object only when something has changed.
   *
   * @example In React:
   * ```tsx
   * import { AuthSession } from "tokenwell";
   * import { useAuthSession } from "tokenwell/react";
   *
   * const session = new AuthSession({ refresh: "/oauth/token" });
   * const Status = () => <p>{useAuthSession(session).status}</p>;
   * ```
   */
  readonly snapshot: Snapshot;
  /** `snapshot.accessToken`: cheap, synchronous, never starts anything; may have expired. To send it, use `getAccessToken`. */
  readonly accessToken: string | null;
  /** `snapshot.user`. */
  readonly user: unknown;

  /**
   * A token good for `minValidity` more seconds (default: the leeway), refreshing if need be. Null when signed out.
   * With a still-valid token and a failing route: that token.
   *
   * @throws {AuthError} `refresh_unavailable` with an expired token, as soon as the attempt it started or joined has
   * failed, or at once during a cool-down (`retryAt`); later attempts go on behind it.
   *
   * @example
   * ```ts
   * import { AuthSession } from "tokenwell";
   *
   * const session = new AuthSession({ refresh: "/oauth/token" });
   * const token = await session.getAccessToken({ minValidity: 60, signal: AbortSignal.timeout(5000) });
   * const socket = new WebSocket(`wss://example.com/live`, ["bearer", token ?? ""]);
   * ```
   */
  getAccessToken(options?: CallOptions & { minValidity?: number }): Promise<string | null>;

  /** Refreshes only if due; true if it did. */
  refreshAccessTokenIfNeeded(options?: CallOptions): Promise<boolean>;

  /**
   * Refreshes now, or joins the refresh under way. One attempt.
   *
   * @throws {AuthError} when that has failed: `signed_out`, `invalid_grant`, `refresh_unavailable`, `invalid_response`.
   */
  refresh(options?: CallOptions): Promise<Snapshot>;

  /** Cookie mode's "resync": refreshes and gives the new user data. */
  resync(options?: CallOptions): Promise<unknown>;

  /**
   * Takes the tokens of a login (RFC 6749 §5.1), of any shape the route's `fields` describe.
   *
   * @throws {AuthError} `invalid_options`: there is no access token in it, or with `dpop` one of another `token_type`.
   */
  setTokens(response: TokenResponse | Record<string, unknown>): Promise<Snapshot>;

  /** Cookie mode: takes the user data of a login. */
  setUser(user: unknown): Promise<Snapshot>;

  /**
   * PKCE (RFC 7636): the URL to go to. `state`, any data that JSON can hold, and the verifier are kept for this tab until
   * `finishSignIn`; of several started sign-ins the last one counts. `params` go to the authorization endpoint:
   * `{ prompt: "consent" }`, where a provider wants that for a refresh token.
   *
   * @throws {AuthError} `invalid_options`: no `signIn` option, or options that it cannot use. `refresh_unavailable`,
   * `invalid_response`: the issuer cannot be discovered.
   *
   * @example
   * ```ts
   * import { AuthSession } from "tokenwell";
   *
   * const session = new AuthSession({
   *   refresh: { url: "https://id.example.com/token", clientId: "my-app" },
   *   signIn: {
   *     issuer: "https://id.example.com",
   *     clientId: "my-app",
   *     redirectUri: "https://app.example.com/signed-in",
   *   },
   * });
   * location.assign(await session.startSignIn({ state: { to: "/inbox" } }));
   * ```
   */
  startSignIn(options?: { state?: unknown; params?: Record<string, string> }): Promise<string>;

  /**
   * PKCE: finishes from the redirect's URL (default: the page's own, from which `code`, `state` and the like are then
   * removed); gives back `state`. A redirect is good for once; two calls at the same time share it.
   *
   * @throws {AuthError} `invalid_state`: the URL is no redirect, or of another sign-in, an older one, one that was
   * finished before, or of another issuer (RFC 9207). `access_denied`: the server's own error, in its redirect or to the
   * code; `error` holds its code. `refresh_unavailable`, `invalid_response`: the token endpoint gave no tokens; unless
   * `retryable`, start the sign-in again.
   *
   * @example
   * ```ts
   * import { AuthError, AuthSession } from "tokenwell";
   *
   * const session = AuthSession.get();
   * try {
   *   const finished = await session?.finishSignIn();
   *   console.log("go on to", finished?.state);
   * } catch (error) {
   *   if (AuthError.is(error) && error.code === "access_denied") console.log(error.error, error.description);
   * }
   * ```
   */
  finishSignIn(url?: string | URL): Promise<{ snapshot: Snapshot; state: unknown }>;

  /**
   * Clears state in every tab of the session, and revokes (RFC 7009) if configured. `force` (default true) clears even
   * if that fails.
   */
  signOut(options?: { revoke?: boolean; force?: boolean }): Promise<void>;

  /** For stores: called after every change of `snapshot`. Usable detached. Gives the function that ends it. */
  subscribe(this: void, listener: () => void): () => void;

  /**
   * Gives the function that ends it.
   *
   * @example
   * ```ts
   * import { AuthSession } from "tokenwell";
   *
   * const session = new AuthSession({ refresh: "/oauth/token" });
   * const stop = session.on("refresh-failed", ({ error, retryAt }) => console.warn(error.code, retryAt));
   * stop();
   * ```
   */
  on<K extends keyof SessionEvents>(type: K, listener: (event: SessionEvents[K]) => void): () => void;

  /** The last decisions and why, oldest first, with no secrets: what to paste into a bug report. */
  explain(): readonly Decision[];

  /** Stops timers and listeners and forgets the name. Stored state stays. Later calls reject with `invalid_options`. */
  dispose(): void;
  /** `dispose`, for `using session = …`, where the platform has it. */
  [Symbol.dispose](): void;
}

/**
 * Unverified decode of a JWT payload (RFC 7519): base64url with or without padding, UTF-8. Null for anything that is
 * not a JWT. Checks no signature and no expiry.
 *
 * @example
 * ```ts
 * import { decodeJwt } from "tokenwell";
 *
 * decodeJwt("eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZGEifQ.")?.sub; // "ada"
 * ```
 */
export declare function decodeJwt(token: string): Readonly<Record<string, unknown>> | null;
