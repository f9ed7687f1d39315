// The few lines of HTTP that the demo's own routes share.

const MOST_BYTES = 8 << 20;

export async function readBody(request) {
  const parts = [];
  let bytes = 0;
  for await (const part of request) {
    bytes += part.length;
    if (bytes > MOST_BYTES) throw new Error("request body too large");
    parts.push(part);
  }
  return Buffer.concat(parts);
}

export function sendJson(response, status, value) {
  response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store" });
  response.end(JSON.stringify(value));
}
