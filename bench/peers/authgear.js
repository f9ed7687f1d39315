// authgear.fetch. It keeps no access token across loads: the first call of a page makes a token request.
import authgear from "@authgear/web";

export function seed({ grant }) {
  localStorage.setItem("authgear_default_refreshToken", grant.refresh_token);
}

export async function open({ origin }) {
  await authgear.configure({ endpoint: origin, clientID: "bench", sessionType: "refresh_token" });
  return { call: (url) => authgear.fetch(url), refresh: () => authgear.refreshAccessTokenIfNeeded() };
}
