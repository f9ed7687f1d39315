// The other backends of the demo, each started when it is first chosen. They are the servers of the integration tests,
// so what is tried by hand is what is tested.

const SERVERS = "../../tests/interop/servers";

/** What the page needs to know of each: where it is, the preset and its argument, and where a call can go. */
const starters = {
  async sapphire(page) {
    const { startSapphire } = await import(`${SERVERS}/sapphire.mjs`);
    const server = await startSapphire({ origin: new URL(page).origin });
    return { server, preset: "sapphire", of: { origin: server.url }, login: `${server.url}/oauth/callback` };
  },
  async simplejwt() {
    const { ADA, startDjango } = await import(`${SERVERS}/django.mjs`);
    const server = await startDjango({ accessTtl: 20 });
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
    const server = await startDjango({ scheme: "JWT", accessTtl: 20 });
    const of = { url: `${server.url}/api/user/` };
    const credentials = { email: ADA.username, password: ADA.password };
    return { server, preset: "baserow", of, login: `${of.url}token-auth/`, credentials, call: `${server.url}/api/me/` };
  },
  async authgear(page) {
    const { PUBLIC, startOidc } = await import(`${SERVERS}/oidc.mjs`);
    const server = await startOidc({ accessTtl: 20, redirectUri: page });
    return { server, preset: "authgear", of: { endpoint: server.issuer, clientId: PUBLIC, redirectUri: page } };
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
    async close() {
      for (const opening of started.values()) await (await opening.catch(() => null))?.server.close();
    },
  };
}
