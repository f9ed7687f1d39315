import { AuthSession } from "tokenwell";

export const session = new AuthSession({ refresh: { url: "/oidc/token", clientId: "tokenwell-demo" } });
