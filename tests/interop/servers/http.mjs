// What the backends here have in common as HTTP servers. No browser is needed for it: the demo starts them too.

import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { createStatic } from "../../../www/server/static.mjs";

/** Where the built package is; another folder can be tried with TOKENWELL_PKG. */
const PKG = process.env.TOKENWELL_PKG ?? fileURLToPath(new URL("../../../pkg/", import.meta.url));
const PAGE = fileURLToPath(new URL("../page/", import.meta.url));

/** Starts an HTTP server on a free port of localhost. `answer` may leave a request to the next by giving `false`. */
export async function listen(answer) {
  const server = createServer(answer);
  await new Promise((resolve, reject) => server.once("error", reject).listen(0, "127.0.0.1", resolve));
  return {
    url: `http://localhost:${server.address().port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      }),
  };
}

/** The app: its page, the package, and whatever files and routes of its own it has. */
export function startApp({ files = {}, route = () => false, page = PAGE } = {}) {
  const serve = createStatic({ page, pkg: PKG, connect: "'self' http://localhost:*" });
  return listen(async (request, response) => {
    const path = new URL(request.url, "http://localhost").pathname;
    if (path in files) {
      response.writeHead(200, { "content-type": "text/javascript" });
      return response.end(files[path]);
    }
    if ((await route(request, response, path)) === false) serve(request, response, path);
  });
}

/** Notes a request as it passes, body included, without taking part in reading it. */
export function note(request, requests) {
  const { method, url, headers } = request;
  const noted = { method, path: url, headers, body: "" };
  requests.push(noted);
  const { emit } = request;
  request.emit = (event, ...args) => {
    if (event === "data") noted.body += args[0];
    return emit.call(request, event, ...args);
  };
  return noted;
}

/** Tokens that a test gets by no answer of the server: the search of tests/secrets is to know them as well. */
export function issued(tokens) {
  globalThis[Symbol.for("tokenwell.issued")]?.(tokens);
  return tokens;
}
