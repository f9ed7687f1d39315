import { AuthSession } from "tokenwell/slim";

export async function seed({ origin, grant }) {
  const session = await AuthSession.create(options(origin));
  await session.setTokens(grant);
  session.dispose();
}

export async function open({ origin }) {
  const session = await AuthSession.create(options(origin));
  return { call: (url) => session.fetch(url), refresh: () => session.refresh() };
}

const options = (origin) => ({ refresh: { url: `${origin}/oauth/token`, clientId: "bench" }, storage: "local" });
