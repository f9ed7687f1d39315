// getAccessToken(), then fetch.
import LogtoClient from "@logto/browser";

export function seed({ grant }) {
  const expiresAt = Math.floor(Date.now() / 1000) + grant.expires_in;
  const map = { "@": { token: grant.access_token, scope: grant.scope, expiresAt } };
  localStorage.setItem("logto:bench:idToken", grant.access_token);
  localStorage.setItem("logto:bench:refreshToken", grant.refresh_token);
  localStorage.setItem("logto:bench:accessToken", JSON.stringify(map));
}

export async function open({ origin }) {
  const client = new LogtoClient({ endpoint: origin, appId: "bench" });
  async function call(url) {
    const token = await client.getAccessToken();
    return fetch(url, { headers: { Authorization: `Bearer ${token}` } });
  }
  async function refresh() {
    await client.clearAccessToken();
    return client.getAccessToken();
  }
  return { call, refresh };
}
