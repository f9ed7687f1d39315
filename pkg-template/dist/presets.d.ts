import type { AuthSessionOptions, Refresher, RefreshRoute, StorageLike } from "./session.js";

/** Options to spread into those of a session. */
export type Preset = Partial<AuthSessionOptions> & { refresh: RefreshRoute };

/**
 * Any RFC 6749 token endpoint: a form with `grant_type=refresh_token` (§6).
 *
 * @example
 * ```ts
 * import { AuthSession } from "tokenwell";
 * import { oauth2 } from "tokenwell/presets";
 *
 * const session = new AuthSession(oauth2({ tokenEndpoint: "https://id.example.com/token", clientId: "my-app" }));
 * ```
 */
export declare function oauth2(o: {
  tokenEndpoint: string | URL;
  clientId: string;
  clientSecret?: string;
  clientAuth?: "none" | "basic" | "post";
  scope?: string;
}): Preset;

/** `POST {url}` with a JSON body in RFC 6749's names. */
export declare function json(o: { url: string | URL; clientId?: string }): Preset;

/**
 * A bot dashboard on `@sapphire/plugin-api`: an HttpOnly cookie, and its LoginData as `user`. `allow` is the bot's API,
 * so that a 401 of it leads to one refresh; send its requests with `credentials: "include"`.
 *
 * @example
 * ```ts
 * import { AuthSession, presets } from "tokenwell";
 *
 * const session = new AuthSession(presets.sapphire({ origin: "https://bot.example.com", prefix: "api/" }));
 * const response = await session.fetch("https://bot.example.com/api/guilds", { credentials: "include" });
 * ```
 */
export declare function sapphire(o: {
  /** Where the bot's server is. */
  origin: string | URL;
  /** Its `api.prefix`. Default none. */
  prefix?: string;
  /** The refresh route of your own. Default `"oauth/refresh"`, as in Sapphire's guide. */
  route?: string;
}): Preset;

/**
 * Authgear, or any OpenID provider of that kind: endpoints by discovery, which takes one request. With `redirectUri`
 * the session can `startSignIn` and `finishSignIn`.
 *
 * @throws {AuthError} `refresh_unavailable`: the network failed, try again. `invalid_response`: that is no issuer.
 *
 * @example
 * ```ts
 * import { AuthSession, presets } from "tokenwell";
 *
 * const session = new AuthSession(
 *   await presets.authgear({
 *     endpoint: "https://my-app.authgear.cloud",
 *     clientId: "my-client",
 *     redirectUri: "https://app.example.com/signed-in",
 *   }),
 * );
 * ```
 */
export declare function authgear(o: {
  endpoint: string | URL;
  clientId: string;
  redirectUri?: string | URL;
}): Promise<Preset>;

/**
 * Baserow's user API: `JWT` scheme, token-refresh/, token-blacklist/.
 *
 * @example
 * ```ts
 * import { AuthSession, presets } from "tokenwell";
 *
 * const session = new AuthSession({
 *   ...presets.baserow({ url: "https://baserow.example.com/api/user/" }),
 *   allow: ["https://baserow.example.com"],
 * });
 * ```
 */
export declare function baserow(o: {
  /** The user API's root, as `https://host/api/user/`. */
  url: string | URL;
}): Preset;

/** djangorestframework-simplejwt: `access` and `refresh` names. */
export declare function simplejwt(o: {
  /** The refresh endpoint itself, trailing slash as the server has it. */
  url: string | URL;
  /** As in the server's `AUTH_HEADER_TYPES`. Default `"Bearer"`. */
  scheme?: string;
}): Preset;

/**
 * Appsmith: state in `appsmith.store`, refresh on demand. The store keys of Appsmith's guide, `authAccessToken`,
 * `authRefreshToken` and `authAccessTokenExp`, are written beside it as the guide writes them, and a session begins with
 * what they hold.
 */
export declare function appsmith<R extends Refresher | RefreshRoute | string>(o: {
  /** As a rule a function that runs a query: `() => api_refreshAuthToken.run()`. */
  refresh: R;
  /** What the three keys begin with; another one for a second session in the same app. Default `"auth"`. */
  prefix?: string;
}): Partial<AuthSessionOptions> & { refresh: R; storage: StorageLike };

/** All of them under one name; the functions by themselves shake better. */
export declare const presets: {
  oauth2: typeof oauth2;
  json: typeof json;
  sapphire: typeof sapphire;
  authgear: typeof authgear;
  baserow: typeof baserow;
  simplejwt: typeof simplejwt;
  appsmith: typeof appsmith;
};
