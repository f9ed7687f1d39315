// What the server has counted. The page shows it, and the tests believe nothing else.

import { MOUNT } from "./provider.mjs";

export function createStats() {
  const counts = {
    signIns: 0,
    /** Every request that reached the token endpoint, also those that a fault answered in its place. */
    tokenRequests: { total: 0, ok: 0, refused: 0, faulted: 0, byGrant: {} },
    /** Refresh tokens used up. In a healthy session each costs exactly one token request. */
    rotations: 0,
    reuseDetected: 0,
    api: { total: 0, byStatus: {} },
  };

  return {
    signedIn() {
      counts.signIns += 1;
    },
    api(status) {
      counts.api.total += 1;
      increment(counts.api.byStatus, status);
    },
    tokenRequest() {
      counts.tokenRequests.total += 1;
    },
    tokenFault() {
      counts.tokenRequests.faulted += 1;
    },
    /** Of one client alone: each on the page has its own. */
    watch(provider, clientId) {
      provider.on("refresh_token.consumed", (token) => {
        if (token.clientId === clientId) counts.rotations += 1;
      });
      provider.on("grant.success", (ctx) => {
        if (ctx.oidc.client?.clientId !== clientId) return;
        counts.tokenRequests.ok += 1;
        increment(counts.tokenRequests.byGrant, ctx.oidc.params.grant_type);
      });
      provider.on("grant.error", (ctx, error) => {
        if ((ctx.oidc.client?.clientId ?? clientId) !== clientId) return;
        counts.tokenRequests.refused += 1;
        if (error.error_detail === "refresh token already used") counts.reuseDetected += 1;
      });
    },
    read: () => structuredClone(counts),
  };
}

export const isTokenRequest = (request, path) => request.method === "POST" && path === `${MOUNT}/token`;

function increment(table, key) {
  table[key] = (table[key] ?? 0) + 1;
}
