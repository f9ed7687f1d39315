// The authorization server: the real oidc-provider, with short access tokens (signed JWTs, so that the page can show
// their claims) and rotating refresh tokens. A refresh token presented a second time ends the whole session.

import { generateKeyPairSync, randomInt, randomUUID } from "node:crypto";
import { adapterFor } from "./store.mjs";

export const CLIENT_ID = "tokenwell-demo";
/** The usual snippet, which runs beside it on the page: a client and a session of its own. */
export const RIVAL_ID = "usual-snippet";
const API_SCOPE = "api";
const OIDC_SCOPE = "openid offline_access";
const REFRESH_TTL_S = 14 * 24 * 3600;

/** The issuer's requests arrive under this path of the demo's own origin. */
export const MOUNT = "/oidc";

/**
 * @param {object} options
 * @param {string} options.origin
 * @param {() => number} options.accessTtl seconds
 * @param {object} options.store
 * @param {() => number} [options.ahead] by how many ms this server's clock is wrong
 */
export async function createProvider({ origin, accessTtl, store, ahead = () => 0 }) {
  const Provider = await importQuietly();
  store.jwks ??= { keys: [newSigningKey()] };
  const audience = `${origin}/api`;
  const resourceServer = {
    scope: API_SCOPE,
    audience,
    accessTokenFormat: "jwt",
    jwt: { sign: { alg: "ES256" } },
  };

  const provider = new Provider(`${origin}${MOUNT}`, {
    adapter: adapterFor(store),
    clients: [CLIENT_ID, RIVAL_ID].map((client_id) => ({
      client_id,
      application_type: "web",
      token_endpoint_auth_method: "none",
      grant_types: ["authorization_code", "refresh_token"],
      response_types: ["code"],
      redirect_uris: [`${origin}/`],
      id_token_signed_response_alg: "ES256",
    })),
    jwks: store.jwks,
    cookies: { keys: [randomUUID()] },
    scopes: ["openid", "offline_access"],
    rotateRefreshToken: true,
    clientBasedCORS: (_ctx, from) => /^(http:\/\/localhost(:\d+)?|chrome-extension:\/\/\w+)$/.test(from),
    features: {
      // Its own login and consent pages take any name: that is what a demo wants.
      devInteractions: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => audience,
        useGrantedResource: () => true, // Else a refresh would fall back to an opaque token for /me.
        getResourceServerInfo: () => resourceServer,
      },
    },
    // The account's id carries the name, so that accounts survive a restart without a table of their own.
    findAccount: (_ctx, sub) => ({ accountId: sub, claims: () => ({ sub }) }),
    extraTokenClaims: (_ctx, token) => ({ name: nameOf(token.accountId) }),
    formats: {
      customizers: {
        /** A wrong clock stamps its tokens with the wrong time. */
        jwt(_ctx, _token, { payload }) {
          const seconds = Math.round(ahead() / 1000);
          payload.iat += seconds;
          payload.exp += seconds;
        },
      },
    },
    ttl: {
      AccessToken: () => accessTtl(), // Read at each token: a test changes it on the way.
      IdToken: 3600,
      RefreshToken: REFRESH_TTL_S,
      Grant: REFRESH_TTL_S,
    },
    renderError: (ctx, out) => {
      ctx.body = out;
    },
  });

  /** What a sign-in with a login page would end with: a grant, and the first tokens of it. */
  async function signIn(clientId = CLIENT_ID) {
    const client = await provider.Client.find(clientId);
    const accountId = newAccount();

    const grant = new provider.Grant({ accountId, clientId });
    grant.addOIDCScope(OIDC_SCOPE);
    grant.addResourceScope(audience, API_SCOPE);
    const grantId = await grant.save();

    const common = { accountId, client, grantId, gty: "authorization_code" };
    const refresh = new provider.RefreshToken({
      ...common,
      scope: `${OIDC_SCOPE} ${API_SCOPE}`,
      resource: [audience],
    });
    const access = new provider.AccessToken({ ...common, scope: API_SCOPE });
    access.resourceServer = new provider.ResourceServer(audience, resourceServer);

    return {
      access_token: await access.save(),
      token_type: "Bearer",
      expires_in: access.expiration,
      refresh_token: await refresh.save(),
      scope: API_SCOPE,
      user: { sub: accountId, name: nameOf(accountId) },
    };
  }

  /** Ends every session of that account, as an administrator would. */
  function revoke(accountId) {
    for (const [name, { payload }] of store.records) if (payload.accountId === accountId) store.records.delete(name);
    store.changed();
  }

  return { provider, audience, signIn, revoke, publicKeys: publicHalf(store.jwks) };
}

/** oidc-provider warns on import that Node 20 is older than it likes. It works there, and we know. */
async function importQuietly() {
  const { warn } = console;
  console.warn = () => {};
  try {
    return (await import("oidc-provider")).default;
  } finally {
    console.warn = warn;
  }
}

function newSigningKey() {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return { ...privateKey.export({ format: "jwk" }), alg: "ES256", use: "sig", kid: randomUUID() };
}

const publicHalf = ({ keys }) => ({ keys: keys.map(({ d: _private, ...rest }) => rest) });

const PEOPLE = ["Ada Lovelace", "Grace Hopper", "Alan Turing", "Edsger Dijkstra", "Barbara Liskov", "Tony Hoare"];

function newAccount() {
  const name = PEOPLE[randomInt(PEOPLE.length)];
  return `${name.toLowerCase().replace(" ", "-")}-${randomInt(1000, 10_000)}`;
}

const nameOf = (accountId) =>
  accountId
    .split("-")
    .filter((part) => !/^\d+$/.test(part))
    .map((part) => part[0].toUpperCase() + part.slice(1))
    .join(" ");
