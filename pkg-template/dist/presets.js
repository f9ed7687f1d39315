// Options for kinds of backends, as plain data. What they mean is decided in Rust.

import { AuthError } from "./errors.js";

/** Any RFC 6749 token endpoint. */
export const oauth2 = ({ tokenEndpoint, ...route }) => ({ refresh: { url: tokenEndpoint, ...route } });

/** A route that takes and answers JSON. */
export const json = (route) => ({ refresh: { ...route, body: "json" } });

/** A bot dashboard on @sapphire/plugin-api. No header and no body: its CORS refuses what needs a preflight. */
export const sapphire = ({ origin, prefix = "", route = "oauth/refresh" }) => {
  const root = slashed(slashed(origin) + prefix.replace(/^\/+/, ""));
  return {
    allow: [root],
    refresh: { url: root + route, mode: "cookie" },
    revoke: { url: `${root}oauth/logout`, body: "none", credentials: "include" },
  };
};

/** Authgear, or another OpenID provider: the endpoints are where the issuer says. */
export const authgear = async ({ endpoint, clientId, redirectUri }) => {
  const issuer = new URL(endpoint).href.replace(/\/+$/, "");
  const found = await discover(issuer);
  const [authorizationEndpoint, tokenEndpoint] = [found.authorization_endpoint, found.token_endpoint];
  return {
    refresh: { url: tokenEndpoint, clientId },
    ...(confidential(found.revocation_endpoint) && { revoke: found.revocation_endpoint }),
    ...(redirectUri && { signIn: { issuer, authorizationEndpoint, tokenEndpoint, clientId, redirectUri } }),
  };
};

/** Baserow's user API. Its two-factor answer has a `token` that is no access token, hence only `access_token` is read. */
export const baserow = ({ url }) => {
  const root = slashed(url);
  return {
    scheme: "JWT",
    refresh: { url: `${root}token-refresh/`, body: "json", params: TOKEN_ALONE },
    revoke: { url: `${root}token-blacklist/`, body: "json", tokenParam: "refresh_token" },
  };
};

/** djangorestframework-simplejwt. */
export const simplejwt = ({ url, ...options }) => ({
  ...options,
  refresh: {
    url,
    body: "json",
    fields: { refreshTokenParam: "refresh", accessToken: "access", refreshToken: "refresh" },
    params: TOKEN_ALONE,
  },
});

/** Appsmith. Nothing happens by itself there: tokens are refreshed when they are asked for. */
export const appsmith = ({ refresh, prefix = "auth" }) => ({
  autoRefresh: false,
  crossTab: false,
  refresh,
  storage: appsmithStore(prefix),
});

export const presets = { oauth2, json, sapphire, authgear, baserow, simplejwt, appsmith };

/** These routes take the refresh token and nothing else. */
const TOKEN_ALONE = { grant_type: "" };

/** The default of a refresh route. */
const TIMEOUT_MS = 15_000;

const slashed = (url) => String(url).replace(/\/*$/, "/");

/** As `metadata_urls` of `src/proto/sign_in.rs` has it: OpenID's address, then RFC 8414's. */
const metadataUrls = (issuer) => {
  const { origin, pathname } = new URL(issuer);
  const path = pathname.replace(/\/+$/, "");
  const [openid, oauth] = ["openid-configuration", "oauth-authorization-server"].map((name) => `/.well-known/${name}`);
  const urls = [issuer + openid, origin + oauth + path];
  return path ? [...urls, origin + openid + path] : urls;
};

const discover = async (issuer) => {
  const init = { headers: { accept: "application/json" }, credentials: "omit", redirect: "manual" };
  const signal = AbortSignal.timeout?.(TIMEOUT_MS);
  const urls = metadataUrls(issuer);
  let reached = false;
  let cause;
  for (const url of urls) {
    try {
      const response = await fetch(url, { ...init, signal });
      const found = Object(response.ok && (await response.json()));
      const named = slashed(found.issuer) === slashed(issuer);
      if (named && [found.authorization_endpoint, found.token_endpoint].every(confidential)) return found;
      reached = true;
    } catch (failed) {
      cause ??= failed;
    }
  }
  throw reached
    ? new AuthError(`${urls[0]} is not that issuer's, or names no endpoints that keep secrets`, {
        code: "invalid_response",
      })
    : new AuthError(`${urls[0]} could not be fetched, or not in time`, { code: "refresh_unavailable", cause });
};

/** https, or this machine. */
const confidential = (url) =>
  typeof url === "string" && /^(https:\/\/|http:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d+)?(\/|$))/.test(url);

/**
 * Appsmith's store, looked up at each call, for its globals come and go. Our own state lies under `key` and goes with
 * the page; the three keys of Appsmith's guide are written beside it as the guide writes them, and count where they say
 * something else: then other code of the app has signed in.
 */
const appsmithStore = (prefix) => {
  const keys = ["AccessToken", "RefreshToken", "AccessTokenExp"].map((name) => prefix + name);
  const isSignIn = (key) => key.endsWith(":sign-in");
  const put = (...args) => globalThis.storeValue(...args);
  const remove = (key) => globalThis.removeValue(key);
  return {
    getItem(key) {
      const { store } = globalThis.appsmith;
      const kept = store[key] ?? null;
      if (isSignIn(key)) return kept;
      const [access, refresh, expires] = keys.map((name) => store[name]);
      const known = kept && JSON.parse(kept);
      const agree = known?.access_token === access && (known?.refresh_token ?? null) === (refresh ?? null);
      return agree ? kept : access ? record(access, refresh, expires) : null;
    },
    setItem(key, text) {
      // A sign-in under way must outlive the page.
      if (isSignIn(key)) return put(key, text);
      const { access_token: access, refresh_token: refresh, obtained_ms, lifetime_ms } = JSON.parse(text);
      const values = [access, refresh, lifetime_ms && obtained_ms + lifetime_ms];
      return Promise.all([
        put(key, text, false),
        ...keys.map((name, i) => (values[i] ? put(name, values[i]) : remove(name))),
      ]);
    },
    removeItem: (key) => Promise.all((isSignIn(key) ? [key] : [key, ...keys]).map(remove)),
  };
};

/** What Rust keeps (`src/proto/stored.rs`), from the guide's three values. A token of unknown end is due at once. */
const record = (access_token, refresh_token = null, expires = 0) => {
  const now = Date.now();
  const left = Math.trunc(new Date(expires) - now);
  const [obtained_ms, lifetime_ms] = left > 0 ? [now, Math.min(left, 300_000_000_000)] : [0, 1];
  const name = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(36)).join("");
  return JSON.stringify({
    v: 1,
    id: name(),
    key: name(),
    generation: 1,
    access_token,
    refresh_token,
    obtained_ms,
    lifetime_ms,
  });
};
