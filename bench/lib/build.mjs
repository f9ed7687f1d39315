// Bundles, as an app's bundler would: one ES module, minified, for browsers.

import { cpSync, mkdirSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { build } from "esbuild";
import { PEERS, WEIGHED } from "./peers.mjs";

export const BENCH = fileURLToPath(new URL("../", import.meta.url));
export const ROOT = fileURLToPath(new URL("../../", import.meta.url));
export const PKG = process.env.TOKENWELL_PKG ?? `${ROOT}pkg/`;
export const DIST = `${ROOT}target/bench/dist/`;

const common = {
  absWorkingDir: BENCH,
  alias: {
    tokenwell: `${PKG}dist/index.js`,
    "tokenwell/slim": `${PKG}dist/slim.js`,
  },
  bundle: true,
  charset: "utf8",
  conditions: ["browser", "import"],
  format: "esm",
  logLevel: "error",
  minify: true,
  platform: "browser",
  target: "es2022",
};

/** Every peer's module, and the page's own, into DIST. */
export async function bundle() {
  rmSync(DIST, { recursive: true, force: true });
  mkdirSync(DIST, { recursive: true });
  await build({
    ...common,
    entryPoints: [
      ...PEERS.map(({ id }) => ({ in: `${BENCH}peers/${id}.js`, out: id })),
      ...["main", "model", "day", "tab"].map((name) => ({ in: `${BENCH}page/${name}.js`, out: name })),
    ],
    external: ["/dist/*"],
    outdir: DIST,
  });
  const jwtDecode = { contents: 'export { jwtDecode } from "jwt-decode"', resolveDir: BENCH };
  await build({ ...common, stdin: jwtDecode, outfile: `${DIST}jwt-decode.js` });
  cpSync(`${PKG}dist/tokenwell.wasm`, `${DIST}tokenwell.wasm`);
}

/** Bytes as a server would send them at their best. */
export function weigh(bytes) {
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
    [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
  };
  return {
    raw: bytes.length,
    gzip: gzipSync(bytes, { level: 9 }).length,
    brotli: brotliCompressSync(bytes, { params }).length,
  };
}

/** The whole main entry, as `export *` keeps it: what an app that uses all of it downloads. */
export async function entrySize(contents) {
  const { outputFiles } = await build({ ...common, stdin: { contents, resolveDir: BENCH }, write: false });
  return weigh(outputFiles[0].contents);
}

export { PEERS, WEIGHED };
