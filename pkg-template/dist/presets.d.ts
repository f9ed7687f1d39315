import type { AuthSessionOptions, RefreshRoute } from "./session.js";

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

/** All of them under one name; the functions by themselves shake better. */
export declare const presets: {
  oauth2: typeof oauth2;
  json: typeof json;
  baserow: typeof baserow;
  simplejwt: typeof simplejwt;
};
