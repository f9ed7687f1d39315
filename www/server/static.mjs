// The page, the package as it was built, and the rules the page lives under. The policy is as strict as a page with
// WebAssembly can have: no inline script, no inline style, no other origin.

import sirv from "sirv";

const POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "worker-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const HEADERS = {
  "cache-control": "no-store",
  "content-security-policy": POLICY,
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};

/** @param {{ page: string, pkg: string }} folders */
export function createStatic({ page, pkg }) {
  // `dev` reads the disk at each request: a package built anew is served without a restart.
  const options = { dev: true, etag: false, setHeaders };
  const servePage = sirv(page, options);
  const servePkg = sirv(pkg, options);

  return (request, response, path) => {
    const lost = () => {
      response.writeHead(404, { ...HEADERS, "content-type": "text/plain" });
      response.end("Not found\n");
    };
    if (path.startsWith("/server/")) return lost();
    if (!path.startsWith("/pkg/")) return servePage(request, response, lost);
    request.url = request.url.slice("/pkg".length);
    return servePkg(request, response, lost);
  };
}

function setHeaders(response) {
  for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
}
