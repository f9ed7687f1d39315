/** What kind of failure it is, and so what to do about it. Stable: branch on this, never on the message. */
export type AuthErrorCode =
  /** There is no session to act on. Show the sign-in. */
  | "signed_out"
  /** The route refused the refresh token (RFC 6749 §5.2): signed out. Show the sign-in. */
  | "invalid_grant"
  /** Network, timeout, 429, 5xx: the session is kept. Try again, at `retryAt` if that is given. */
  | "refresh_unavailable"
  /** The route answered something that is no token answer: the session is kept. Look at the route. */
  | "invalid_response"
  /** The caller's mistake, named in the message: options, a use after `dispose`, a page that cannot load the WASM. */
  | "invalid_options"
  /** PKCE `state` missing or wrong (RFC 6749 §10.12). Start the sign-in again. */
  | "invalid_state"
  /** The authorization server's own error (RFC 6749 §4.1.2.1); `error` holds its code. */
  | "access_denied"
  /** State could not be kept or read: the session goes on in memory. */
  | "storage";

/** What an `AuthError` is made from. Only needed to throw one from a {@link Refresher}. */
export interface AuthErrorFields {
  /** Default `"refresh_unavailable"`: the session is kept and the refresh tried again. */
  code?: AuthErrorCode;
  error?: string | null;
  description?: string | null;
  uri?: string | null;
  status?: number | null;
  retryable?: boolean;
  /** Epoch milliseconds. */
  retryAt?: number | null;
  cause?: unknown;
}

/**
 * The one error of this library. Never carries a token, a client secret or an authorization code, so it can be
 * logged or sent to an error tracker as it is; `JSON.stringify(error)` gives all its fields but `stack` and `cause`.
 * Only what a {@link Refresher} of yours throws is as safe as you make it: that is the `cause`.
 *
 * @example
 * ```ts
 * import { AuthError, AuthSession } from "tokenwell";
 *
 * const session = new AuthSession({ refresh: "/oauth/token" });
 * try {
 *   await session.getAccessToken();
 * } catch (error) {
 *   if (!AuthError.is(error)) throw error;
 *   if (error.retryable) console.log("later", error.retryAt && new Date(error.retryAt));
 * }
 * ```
 */
export declare class AuthError extends Error {
  /**
   * @example Ending the session from a refresher:
   * ```ts
   * import { AuthError } from "tokenwell";
   *
   * throw new AuthError("the account is closed", { code: "invalid_grant" });
   * ```
   */
  constructor(message?: string, fields?: AuthErrorFields);
  constructor(fields: AuthErrorFields & { message?: string });

  /** Whether `value` is an AuthError of any copy of this library, from any realm. Safer than `instanceof` where two copies may meet. */
  static is(value: unknown): value is AuthError;

  readonly name: "AuthError";
  readonly code: AuthErrorCode;
  /** The server's own `error` (RFC 6749 §5.2), where it gave one; secrets quoted in it are blanked. */
  readonly error: string | null;
  /** The server's `error_description`; secrets quoted in it are blanked. */
  readonly description: string | null;
  /** The server's `error_uri`. */
  readonly uri: string | null;
  /** The HTTP status of the answer, if there was one. */
  readonly status: number | null;
  /** Whether the same call may succeed later. */
  readonly retryable: boolean;
  /** When the next attempt will be made or is welcome (`Retry-After`, RFC 9110 §10.2.3), in epoch milliseconds. */
  readonly retryAt: number | null;
  /**
   * What the app's own {@link Refresher} threw, or why the WASM could not be loaded. It is passed on as it is, and so may
   * say what the rest of the error never does; it stays in this page, and out of `JSON.stringify(error)` and `explain()`.
   */
  readonly cause?: unknown;
}
