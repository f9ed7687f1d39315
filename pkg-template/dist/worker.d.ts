import type { AuthSession as Session, AuthSessionOptions } from "./session.js";

export * from "./errors.js";
export { presets } from "./presets.js";
export type * from "./session.js";

/**
 * The options of `tokenwell`, but for functions, which cannot go to a worker: `fetch`, and `refresh` as a function, which
 * would bring the refresh token into the page. For those, give `worker` a script of your own that calls `serve` of
 * `tokenwell/worker-serve`. A `storage` of your own stays in the page and keeps ciphertext.
 */
export interface WorkerSessionOptions extends AuthSessionOptions {
  /**
   * The worker, where the default is not found: the address of its script, a function that makes one, or a `Worker`. It
   * must be of the page's origin. A `Worker` may serve several sessions, and is yours to end.
   */
  worker?: string | URL | Worker | (() => Worker);
  /**
   * Whether the page may see the access token: in `snapshot`, `accessToken` and by `getAccessToken`. Default true. If
   * not, it is null in the snapshot, and the other two fail with `invalid_options`; `fetch` does without.
   */
  exposeAccessToken?: boolean;
}

/** What this file needs of a `Worker`, for those without the DOM library. */
interface Worker {
  postMessage(message: unknown, transfer: never[]): void;
}

/** {@link Session}, which lives in a worker. */
export type AuthSession = Session;

/**
 * `AuthSession` of `tokenwell` with the session itself in a dedicated worker: no refresh token is ever in the page,
 * unless the page itself hands one to `setTokens`. What is stored is sealed.
 *
 * What is at the worker takes a moment: after `new AuthSession(…)`, `snapshot` and `explain()` are empty until the
 * worker has restored what was stored (`create` waits for that), and options that are wrong make the calls reject,
 * with the error in `snapshot.error`.
 *
 * @example
 * ```ts
 * import { AuthSession } from "tokenwell/worker";
 *
 * const session = await AuthSession.create({
 *   refresh: { url: "https://id.example.com/token", clientId: "my-app" },
 *   signIn: {
 *     issuer: "https://id.example.com",
 *     clientId: "my-app",
 *     redirectUri: "https://app.example.com/signed-in",
 *   },
 *   allow: ["https://api.example.com"],
 * });
 * if (location.pathname === "/signed-in") await session.finishSignIn(); // The worker gets the tokens, the page never.
 * ```
 */
export declare const AuthSession: {
  new (options: WorkerSessionOptions): AuthSession;
  readonly prototype: AuthSession;
  /** The same, when stored state has been restored. */
  create(options: WorkerSessionOptions): Promise<AuthSession>;
  /** A live session of this entry by name, from anywhere in the page. Default name `"default"`. */
  get(name?: string): AuthSession | undefined;
};
