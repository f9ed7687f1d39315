// A registry of npm's for one rehearsal: verdaccio, empty, with one user and nothing above it that it could ask or tell.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";

const { runServer } = createRequire(import.meta.url)("verdaccio");

/** Its address, and the settings by which npm goes there and to no other. */
export async function registry() {
  const home = mkdtempSync(join(tmpdir(), "tokenwell-registry-"));
  const server = await runServer({
    self_path: home,
    storage: join(home, "storage"),
    auth: { htpasswd: { file: join(home, "users"), max_users: 1 } },
    uplinks: {},
    packages: { "**": { access: "$all", publish: "$authenticated" } },
    log: { type: "stdout", level: "fatal" },
    web: { enable: false },
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  const url = `http://127.0.0.1:${port}/`;
  const answer = await fetch(`${url}-/user/org.couchdb.user:publisher`, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ name: "publisher", password: crypto.randomUUID() }),
  });
  const { token } = await answer.json();
  const npmrc = join(home, "npmrc");
  writeFileSync(npmrc, `registry=${url}\n//127.0.0.1:${port}/:_authToken=${token}\n`);
  return {
    url,
    env: { NPM_CONFIG_USERCONFIG: npmrc, NPM_CONFIG_REGISTRY: url, NPM_CONFIG_CACHE: join(home, "cache") },
    stop: () => {
      server.close();
      server.closeAllConnections();
      rmSync(home, { recursive: true, force: true });
    },
  };
}
