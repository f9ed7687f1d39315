// Who is measured. `use`: what an app imports, which is what is weighed; `wraps`: it wraps fetch itself.

import { readFileSync } from "node:fs";

export const PEERS = [
  { id: "raw", name: "fetch, token at hand", own: true },
  { id: "by-hand", name: "by hand", own: true, wraps: true },
  { id: "snippet", name: "the snippet", own: true, wraps: true },
  { id: "tokenwell", name: "tokenwell", entry: 'export { AuthSession } from "tokenwell"', wraps: true, ours: true },
  {
    id: "tokenwell-slim",
    name: "tokenwell/slim",
    entry: 'export { AuthSession, init } from "tokenwell/slim"',
    wraps: true,
    ours: true,
  },
  {
    id: "badgateway",
    name: "badgateway",
    npm: "@badgateway/oauth2-client",
    use: "OAuth2Client, OAuth2Fetch",
    wraps: true,
  },
  { id: "keycloak", name: "keycloak-js", npm: "keycloak-js", use: "default" },
  { id: "logto", name: "logto", npm: "@logto/browser", use: "default" },
  { id: "oidc-client-ts", name: "oidc-client-ts", npm: "oidc-client-ts", use: "UserManager, WebStorageStateStore" },
  {
    id: "axios-auth-refresh",
    name: "axios + auth-refresh",
    npm: "axios-auth-refresh",
    use: "createAuthRefresh",
    with: "axios",
    wraps: true,
  },
  {
    id: "axios-jwt",
    name: "axios + axios-jwt",
    npm: "axios-jwt",
    use: "applyAuthTokenInterceptor, setAuthTokens",
    with: "axios",
    wraps: true,
  },
  { id: "supabase", name: "supabase auth-js", npm: "@supabase/auth-js", use: "AuthClient" },
  { id: "okta", name: "okta-auth-js", npm: "@okta/okta-auth-js", use: "OktaAuth" },
  { id: "authgear", name: "authgear web", npm: "@authgear/web", use: "default", wraps: true },
  { id: "auth0", name: "auth0-spa-js", npm: "@auth0/auth0-spa-js", use: "Auth0Client", wraps: true },
];

/** Whose calls are measured: what takes a token and sends it, each library once. */
export const CALLERS = PEERS.filter(({ id }) => id !== "raw" && id !== "tokenwell-slim");

/** Those that are weighed only. */
export const WEIGHED = [
  {
    id: "atproto",
    name: "atproto oauth-client-browser",
    npm: "@atproto/oauth-client-browser",
    use: "BrowserOAuthClient",
  },
  { id: "msal", name: "msal-browser", npm: "@azure/msal-browser", use: "PublicClientApplication" },
];

const lock = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")).dependencies;

export const version = (peer) =>
  peer.npm
    ? [peer.npm, peer.with]
        .filter(Boolean)
        .map((name) => `${name} ${lock[name]}`)
        .join(", ")
    : "";
