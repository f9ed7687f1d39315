import { OAuth2Client, OAuth2Fetch } from "@badgateway/oauth2-client";

export function seed({ grant }) {
  const { access_token, refresh_token, expires_in } = grant;
  const token = { accessToken: access_token, refreshToken: refresh_token, expiresAt: Date.now() + expires_in * 1000 };
  localStorage.setItem("token-store", JSON.stringify(token));
}

export async function open({ origin }) {
  const client = new OAuth2Client({ server: origin, clientId: "bench", tokenEndpoint: "/oauth/token" });
  const wrapper = new OAuth2Fetch({
    client,
    getNewToken: async () => null,
    storeToken: (token) => localStorage.setItem("token-store", JSON.stringify(token)),
    getStoredToken: () => JSON.parse(localStorage.getItem("token-store")),
  });
  return { call: (url) => wrapper.fetch(url), refresh: () => wrapper.refreshToken() };
}
