// The other backends of the demo, each started when it is first chosen. They are the servers of the integration tests,
// so what is tried by hand is what is tested.

const SERVERS = "../../tests/interop/servers";
/** How long an access token lives, seconds. */
const TTL = 20;

/** What the page needs to know of each: where it is, the preset and its argument, and where a call can go. */
const starters = {
  async snippet(page) {
    const { startSnippetServer } = await import(`${SERVERS}/snippet.mjs`);
    const server = await startSnippetServer({ accessTtl: TTL, page: new URL(page).origin });
    return {
      server,
      preset: "json",
      of: { url: `${server.url}/oauth/token`, clientId: "your_client_id" },
      login: `${server.url}/oauth/login`,
      call: `${server.url}/api/profile`,
      expires: true,
    };
  },
  async appsmith() {
    const { startAppsmith } = await import(`${SERVERS}/appsmith.mjs`);
    const server = await startAppsmith({ accessTtl: TTL });
    return { server, tree: server.tree };
  },
  async sapphire(page) {
    const { startSapphire } = await import(`${SERVERS}/sapphire.mjs`);
    const server = await startSapphire({ origin: new URL(page).origin });
    return {
      server,
      preset: "sapphire",
      of: { origin: server.url },
      login: `${server.url}/oauth/callback`,
      call: `${server.url}/whoami`,
      callCredentials: "include",
    };
  },
  async simplejwt() {
    const { ADA, startDjango } = await import(`${SERVERS}/django.mjs`);
    const server = await startDjango({ accessTtl: TTL });
    const of = { url: `${server.url}/api/token/refresh/` };
    return {
      server,
      preset: "simplejwt",
      of,
      login: `${server.url}/api/token/`,
      credentials: ADA,
      call: `${server.url}/api/me/`,
    };
  },
  async baserow() {
    const { ADA, startDjango } = await import(`${SERVERS}/django.mjs`);
    const server = await startDjango({ scheme: "JWT", accessTtl: TTL });
    const of = { url: `${server.url}/api/user/` };
    const credentials = { email: ADA.username, password: ADA.password };
    return { server, preset: "baserow", of, login: `${of.url}token-auth/`, credentials, call: `${server.url}/api/me/` };
  },
  async authgear(page) {
    const { PUBLIC, startOidc } = await import(`${SERVERS}/oidc.mjs`);
    const server = await startOidc({ accessTtl: TTL, redirectUri: page });
    const of = { endpoint: server.issuer, clientId: PUBLIC, redirectUri: page };
    return { server, preset: "authgear", of, call: `${server.issuer}/me` };
  },
};

export function createBackends(origin) {
  const started = new Map();
  return {
    /** Starts a backend, or finds it started; null where there is none of that name. */
    async open(name) {
      if (!Object.hasOwn(starters, name)) return null;
      if (!started.has(name)) started.set(name, starters[name](`${origin}/backends.html?of=${name}`));
      try {
        const { server, ...facts } = await started.get(name);
        return { ...facts, origin: server.url };
      } catch (error) {
        started.delete(name); // Django not installed, say: it can be tried again.
        throw error;
      }
    },
    /** The last requests that reached a backend, with no secrets: method, path and body's size. */
    async requests(name) {
      const opened = await started.get(name);
      const told = ({ method, path, body }) => ({ method, path: path.split("?")[0], bytes: body.length });
      return (opened?.server.requests ?? [])
        .filter(({ method }) => method !== "OPTIONS")
        .slice(-12)
        .map(told);
    },
    /** Has the API refuse every access token that it gave out. */
    async expire(name) {
      (await started.get(name))?.server.expireAccess?.();
      return {};
    },
    /** Appsmith's server runs the queries of an app. */
    async query(name, query, bound) {
      return (await started.get(name))?.server.runQuery?.(query, bound) ?? null;
    },
    /** A script of the backend's own, with its type; null where there is none. */
    async file(name, path) {
      return (await started.get(name))?.server.files?.[path] ?? null;
    },
    async close() {
      const closing = [...started.values()].map(async (opening) => (await opening.catch(() => null))?.server.close());
      await Promise.allSettled(closing); // What goes wrong with one keeps no other running.
    },
  };
}
