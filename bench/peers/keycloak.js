// updateToken(30), then fetch. init() with tokens makes one token request of its own, as it does for every app.
import Keycloak from "keycloak-js";

export function seed({ grant }) {
  localStorage.setItem("kc", JSON.stringify(grant));
}

export async function open({ origin }) {
  const keycloak = new Keycloak({ url: origin, realm: "bench", clientId: "bench" });
  const grant = JSON.parse(localStorage.getItem("kc"));
  const keep = () => {
    const { token: access_token, refreshToken: refresh_token } = keycloak;
    localStorage.setItem("kc", JSON.stringify({ access_token, refresh_token }));
  };
  keycloak.onAuthRefreshSuccess = keep;
  await keycloak.init({ token: grant.access_token, refreshToken: grant.refresh_token, checkLoginIframe: false });
  async function call(url) {
    await keycloak.updateToken(30);
    return fetch(url, { headers: { Authorization: `Bearer ${keycloak.token}` } });
  }
  return { call, refresh: () => keycloak.updateToken(-1) };
}
