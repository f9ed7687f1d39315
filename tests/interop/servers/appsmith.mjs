// Appsmith's evaluation worker, bundled, and an Appsmith server of its own: it runs the queries of an app, against
// Baserow, where no page can see how.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { ADA, startDjango } from "./django.mjs";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

/** The worker's script. It evaluates what users write, so it is served without a policy against that. */
export async function bundleWorker() {
  const { outputFiles } = await build({
    entryPoints: [here("./appsmith/worker.js")],
    bundle: true,
    format: "iife",
    write: false,
    logLevel: "silent", // Of indirect eval, which is what this worker is for.
  });
  return outputFiles[0].text;
}

/** The JS Object that docs/presets/appsmith.md has its readers paste. */
function documentedObject() {
  const page = readFileSync(here("../../../docs/presets/appsmith.md"), "utf8");
  return [...page.matchAll(/^```js\n([\s\S]*?)^```$/gm)].at(-1)[1];
}

/** The guide's queries: what each is bound to, and the request it makes of it. */
const QUERIES = {
  api_authToken: { request: () => ["POST", "user/token-auth/", { email: ADA.username, password: ADA.password }] },
  api_refreshAuthToken: {
    bound: "appsmith.store.authRefreshToken",
    request: (bound) => ["POST", "user/token-refresh/", { refresh_token: bound }],
  },
  getusers_API: {
    bound: "Auth.getAccessToken.data",
    request: (bound) => ["GET", "me/", null, { authorization: `JWT ${bound}` }],
  },
};

/** @param {{ accessTtl: number }} options `accessTtl` in seconds */
export async function startAppsmith({ accessTtl }) {
  const worker = await bundleWorker();
  const baserow = await startDjango({ scheme: "JWT", accessTtl });
  return {
    url: baserow.url,
    requests: baserow.requests,
    files: { "worker.js": worker, "main-thread.js": readFileSync(here("./appsmith/main-thread.js")) },

    /** What the app's data tree begins with. */
    tree: {
      queries: Object.keys(QUERIES),
      bindings: Object.fromEntries(Object.entries(QUERIES).map(([name, { bound }]) => [name, bound])),
      objects: { Auth: documentedObject() },
    },

    /** Runs a query; gives what it gives, or throws as Appsmith says it. */
    async runQuery(name, bound) {
      if (!Object.hasOwn(QUERIES, name)) throw new Error("no such query");
      const [method, path, body, more] = QUERIES[name].request(bound);
      const headers = { "content-type": "application/json", ...more };
      const response = await fetch(`${baserow.url}/api/${path}`, {
        method,
        headers,
        body: body && JSON.stringify(body),
      });
      const answer = await response.json();
      if (!response.ok) throw new Error(`${response.status} ${answer.error ?? answer.detail ?? ""}`.trim());
      return answer;
    },
    close: baserow.close,
  };
}
