import { AuthSession } from "tokenwell";

export { decodeJwt } from "tokenwell";

export function seed({ origin, grant }) {
  // As this library itself leaves it after a login; by another session of the same storage.
  const session = new AuthSession(options(origin));
  return session.setTokens(grant).then(() => session.dispose());
}

export async function open({ origin }) {
  const session = new AuthSession(options(origin));
  return { call: (url) => session.fetch(url), refresh: () => session.refresh() };
}

const options = (origin) => ({ refresh: { url: `${origin}/oauth/token`, clientId: "bench" }, storage: "local" });
