// createFetcher() wraps fetch; refresh tokens in localStorage, so that a reload keeps the login as it does for the others.
import { Auth0Client } from "@auth0/auth0-spa-js";

const SCOPE = "openid profile email offline_access";

export const server = { idToken: true, issuer: (origin) => `${origin}/` };

export function seed({ grant }) {
  const decode = (token) => JSON.parse(atob(token.split(".")[1].replace(/-/g, "+").replace(/_/g, "/")));
  const claims = { ...decode(grant.id_token), __raw: grant.id_token };
  const decodedToken = { claims, user: { sub: claims.sub, name: claims.name } };
  const body = { ...grant, audience: "default", scope: SCOPE, client_id: "bench", decodedToken };
  const expiresAt = Math.floor(Date.now() / 1000) + grant.expires_in;
  localStorage.setItem(`@@auth0spajs@@::bench::default::${SCOPE}`, JSON.stringify({ body, expiresAt }));
  localStorage.setItem("@@auth0spajs@@::bench::@@user@@", JSON.stringify({ id_token: grant.id_token, decodedToken }));
}

export async function open({ origin }) {
  const client = new Auth0Client({
    domain: origin,
    clientId: "bench",
    cacheLocation: "localstorage",
    useRefreshTokens: true,
    authorizationParams: { redirect_uri: `${origin}/` },
  });
  const fetcher = client.createFetcher();
  return { call: (url) => fetcher.fetchWithAuth(url), refresh: () => client.getTokenSilently({ cacheMode: "off" }) };
}
