/** The demo's server, which is the page's own origin. */
export const options = { refresh: { url: "/oidc/token", clientId: "tokenwell-demo" } };
