// The page, the package as it was built, and the rules the page lives under. The policy is as strict as a page with
// WebAssembly can have: no inline script, no inline style, no other origin.

import sirv from "sirv";
import { guidePage } from "./guides.mjs";

const rules = (connect, base) =>
  [
    "default-src 'none'",
    "script-src 'self' 'wasm-unsafe-eval'",
    "style-src 'self'",
    "img-src 'self'",
    `connect-src ${connect}`,
    "worker-src 'self'",
    `base-uri ${base}`,
    "form-action 'none'",
  ].join("; ");

const policy = (connect, base) => `${rules(connect, base)}; frame-ancestors 'none'`;

/** The same as a `meta` element may say it. */
export const POLICY_IN_PAGE = rules("'self'", "'none'");

/**
 * @param {object} options
 * @param {string} options.page folder served at /
 * @param {string} options.pkg folder served at /pkg/
 * @param {string} [options.connect] where the page may send requests
 * @param {string} [options.base] what the page may have as its base
 * @param {string} [options.cacheControl]
 */
export function createStatic({ page, pkg, connect = "'self'", base = "'none'", cacheControl = "no-store" }) {
  const headers = {
    "cache-control": cacheControl,
    "content-security-policy": policy(connect, base),
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
  };
  const setHeaders = (response) => {
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  };
  // `dev` reads the disk at each request: a package built anew is served without a restart.
  const options = { dev: true, etag: false, setHeaders };
  const servePage = sirv(page, options);
  const servePkg = sirv(pkg, options);

  return (request, response, path) => {
    const lost = () => {
      response.writeHead(404, { ...headers, "content-type": "text/plain" });
      response.end("Not found\n");
    };
    if (path.startsWith("/server/")) return lost();
    if (/^\/(guides|presets)\//.test(path)) {
      const html = guidePage(path.slice(1), { pkg });
      if (!html) return lost();
      response.writeHead(200, { ...headers, "content-type": "text/html; charset=utf-8" });
      return response.end(html);
    }
    if (!path.startsWith("/pkg/")) return servePage(request, response, lost);
    request.url = request.url.slice("/pkg".length);
    return servePkg(request, response, lost);
  };
}
