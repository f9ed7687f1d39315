import { AuthSession } from "tokenwell";

// Made on the server too, where it stays signed out: nobody's tokens are shared there.
export const session = new AuthSession({ refresh: { url: "/oidc/token", clientId: "tokenwell-demo" } });
