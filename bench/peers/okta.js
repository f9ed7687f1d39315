// getOrRenewAccessToken(), then fetch.
import { OktaAuth } from "@okta/okta-auth-js";

const config = (origin) => ({
  issuer: `${origin}/oauth2/default`,
  clientId: "bench",
  redirectUri: `${origin}/`,
  scopes: ["openid", "profile", "email", "offline_access"],
});

export const server = { issuer: (origin) => `${origin}/oauth2/default` };

export function seed({ origin, grant }) {
  const auth = new OktaAuth(config(origin));
  const { token } = { token: auth.options.issuer };
  const expiresAt = Math.floor(Date.now() / 1000) + grant.expires_in;
  const { payload } = auth.token.decode(grant.access_token);
  const common = { authorizeUrl: `${token}/v1/authorize`, tokenUrl: `${token}/v1/token`, issuer: token };
  const scopes = config(origin).scopes;
  auth.tokenManager.setTokens({
    accessToken: {
      ...common,
      accessToken: grant.access_token,
      claims: payload,
      expiresAt,
      tokenType: "Bearer",
      scopes,
      userinfoUrl: `${token}/v1/userinfo`,
    },
    refreshToken: { ...common, refreshToken: grant.refresh_token, expiresAt: expiresAt + 864_000, scopes },
  });
}

export async function open({ origin }) {
  const auth = new OktaAuth(config(origin));
  async function call(url) {
    const token = await auth.getOrRenewAccessToken();
    if (!token) throw new Error("no token");
    return fetch(url, { headers: { Authorization: `Bearer ${token}` } });
  }
  return { call, refresh: () => auth.tokenManager.renew("accessToken") };
}
