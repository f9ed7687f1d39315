// oidc-provider, standing in for Authgear and for whatever Oslo is pointed at, with its own login pages. It shares its
// origin with the app's page, since Authgear's SDK sends cookies along, which oidc-provider allows no other origin.

import { randomUUID } from "node:crypto";
import { issued, note, startApp } from "./http.mjs";

export const PUBLIC = "a-public-client";
/** Confidential clients: Oslo and RFC 6749 agree on the first two, and differ on the third. */
export const CLIENTS = {
  basic: { client_id: "basic-client", client_secret: "basic-secret_of.the-client" },
  post: { client_id: "post-client", client_secret: "s3cret of the client & more" },
  odd: { client_id: "odd client:id", client_secret: "100% odd+secret" },
};

const MOUNT = "/oidc";
const SCOPE = "openid offline_access";

/** Where the metadata of this issuer, which has a path, may be: by OpenID Connect Discovery §4, and by RFC 8414 §3.1 and §5. */
export const METADATA = {
  openid: `${MOUNT}/.well-known/openid-configuration`,
  oauth: `/.well-known/oauth-authorization-server${MOUNT}`,
  inserted: `/.well-known/openid-configuration${MOUNT}`,
};

/**
 * `route` answers what it does not leave by `false`; `dpop` are the provider's own settings for it. Its metadata is at
 * `metadataAt` alone: the provider itself knows the first address, and leaves the others to who puts them before it.
 * @param {{ accessTtl?: number, redirectUri?: string, files?: object, route?: Function, dpop?: object, metadataAt?: string }} [options]
 */
export async function startOidc({
  accessTtl = 300,
  redirectUri,
  files,
  route: own = () => false,
  dpop,
  metadataAt = METADATA.openid,
} = {}) {
  const requests = [];
  const faults = [];
  let answer;
  const app = await startApp({
    files,
    async route(request, response, path) {
      const noted = note(request, requests);
      response.on("finish", () => {
        noted.status = response.statusCode;
      });
      if (path === metadataAt) request.url = METADATA.openid;
      else if (Object.values(METADATA).includes(path)) return response.writeHead(404).end();
      else if (!path.startsWith(`${MOUNT}/`)) return own(request, response, path);
      const fault = path === `${MOUNT}/token` && request.method === "POST" && faults.shift();
      if (fault) return response.writeHead(fault).end();
      request.originalUrl = request.url;
      request.url = request.url.slice(MOUNT.length);
      return answer(request, response);
    },
  });
  const provider = await createProvider(app.url, accessTtl, redirectUri ?? `${app.url}/`, dpop);
  answer = provider.callback();

  return {
    url: app.url,
    issuer: provider.issuer,
    requests,
    /** Statuses with which the next token requests are answered in the provider's place. */
    faults,
    /** Tokens as a login page would have ended with. */
    async signIn(clientId = PUBLIC) {
      const client = await provider.Client.find(clientId);
      const accountId = randomUUID();
      const grant = new provider.Grant({ accountId, clientId });
      grant.addOIDCScope(SCOPE);
      const common = { accountId, client, grantId: await grant.save(), gty: "authorization_code", scope: SCOPE };
      const access = new provider.AccessToken(common);
      return issued({
        access_token: await access.save(),
        refresh_token: await new provider.RefreshToken(common).save(),
        token_type: "Bearer",
        expires_in: access.expiration,
      });
    },
    /** Whether a refresh token has been revoked. */
    revoked: async (token) => !(await provider.RefreshToken.find(token)),
    close: app.close,
  };
}

async function createProvider(origin, accessTtl, redirectUri, dpop) {
  const Provider = await importQuietly();
  const grants = { grant_types: ["authorization_code", "refresh_token"], response_types: ["code"] };
  const redirect_uris = [redirectUri];
  const confidential = (client, method) => ({
    ...client,
    ...grants,
    redirect_uris,
    token_endpoint_auth_method: method,
  });
  return quietly(
    () =>
      new Provider(`${origin}${MOUNT}`, {
        clients: [
          {
            client_id: PUBLIC,
            ...grants,
            redirect_uris,
            token_endpoint_auth_method: "none",
            ...(dpop && { dpop_bound_access_tokens: true }),
          },
          confidential(CLIENTS.basic, "client_secret_basic"),
          confidential(CLIENTS.post, "client_secret_post"),
          confidential(CLIENTS.odd, "client_secret_basic"),
        ],
        cookies: { keys: [randomUUID()] },
        scopes: ["openid", "offline_access"],
        rotateRefreshToken: true,
        clientBasedCORS: () => true,
        features: {
          devInteractions: { enabled: true },
          revocation: { enabled: true, allowedPolicy: () => true },
          // `undefined` is not the default to it.
          ...(dpop && { dPoP: { enabled: true, ...dpop } }),
        },
        findAccount: (_ctx, sub) => ({ accountId: sub, claims: () => ({ sub }) }),
        ttl: {
          AccessToken: accessTtl,
          IdToken: 300,
          RefreshToken: 86_400,
          Grant: 86_400,
          Interaction: 300,
          Session: 300,
        },
        renderError: (ctx, out) => {
          ctx.body = out;
        },
      }),
  );
}

const importQuietly = () => quietly(async () => (await import("oidc-provider")).default);

/** oidc-provider tells everybody that Node 20 and its own test pages are not for production. */
async function quietly(make) {
  const { warn, info } = console;
  Object.assign(console, { warn() {}, info() {} });
  try {
    return await make();
  } finally {
    Object.assign(console, { warn, info });
  }
}
