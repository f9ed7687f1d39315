// getUser(), signinSilent() when it has expired, then fetch.
import { UserManager, WebStorageStateStore } from "oidc-client-ts";

export function seed({ origin, grant }) {
  const expires_at = Math.floor(Date.now() / 1000) + grant.expires_in;
  const profile = { iss: origin, sub: "user-1", aud: "bench" };
  const { origin: _, ...rest } = grant;
  localStorage.setItem(`oidc.user:${origin}:bench`, JSON.stringify({ ...rest, expires_at, profile }));
}

export async function open({ origin }) {
  const manager = new UserManager({
    authority: origin,
    client_id: "bench",
    redirect_uri: `${origin}/`,
    scope: "openid profile email offline_access",
    userStore: new WebStorageStateStore({ store: localStorage }),
  });
  async function call(url) {
    let user = await manager.getUser();
    if (!user || user.expired) user = await manager.signinSilent();
    return fetch(url, { headers: { Authorization: `Bearer ${user.access_token}` } });
  }
  return { call, refresh: () => manager.signinSilent() };
}
