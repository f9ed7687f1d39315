// Bytes to transfer: the main entry, JS and WASM, minified as a bundler would.

import { readFileSync } from "node:fs";
import { entrySize, PEERS, PKG, WEIGHED, weigh } from "../lib/build.mjs";

export const title = "Transfer size";

export async function run() {
  const rows = [];
  for (const peer of [...PEERS, ...WEIGHED]) {
    const entry = peer.entry ?? imported(peer);
    if (!entry) continue;
    const size = await entrySize(entry);
    if (peer.id === "tokenwell-slim") {
      const wasm = weigh(readFileSync(`${PKG}dist/tokenwell.wasm`));
      for (const way of Object.keys(size)) size[way] += wasm[way];
    }
    rows.push({ id: peer.id, ...size });
  }
  return { rows };
}

function imported({ npm, use, with: other }) {
  if (!npm) return null;
  const names = use === "default" ? "default as it" : use;
  return `export { ${names} } from "${npm}";${other ? `export { default as other } from "${other}";` : ""}`;
}
