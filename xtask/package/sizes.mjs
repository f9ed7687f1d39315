// Prints what the package weighs, each artefact and each entry as a bundler would ship it, and
// says so when a figure passes its budget (budget.json, bytes of brotli); with --check, that fails.

import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { build } from "esbuild";

const pkg = fileURLToPath(new URL("../../pkg/", import.meta.url));
const { exports } = JSON.parse(readFileSync(`${pkg}package.json`, "utf8"));
const budget = JSON.parse(readFileSync(new URL("budget.json", import.meta.url), "utf8"));

/** Bytes as a server would send them: raw, gzip and brotli at their best. */
function weigh(bytes) {
  const options = {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
      [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
    },
  };
  return {
    raw: bytes.length,
    gzip: gzipSync(bytes, { level: 9 }).length,
    brotli: brotliCompressSync(bytes, options).length,
  };
}

async function bundled(file) {
  const result = await build({
    stdin: { contents: `export * from "./${file}"`, resolveDir: pkg },
    bundle: true,
    charset: "utf8",
    external: ["react"],
    format: "esm",
    logLevel: "error",
    minify: true,
    platform: "browser",
    target: "es2022",
    write: false,
  }).catch(() => {
    // esbuild has said what is wrong.
    console.error(`pkg/${file} cannot be bundled`);
    process.exit(1);
  });
  return weigh(result.outputFiles[0].contents);
}

const rows = {};
for (const file of ["dist/tokenwell.wasm", "dist/glue.js", "dist/bytes.js", "dist/tokenwell.global.js"]) {
  if (existsSync(pkg + file)) rows[file] = weigh(readFileSync(pkg + file));
}
for (const [entry, target] of Object.entries(exports)) {
  const file = target.default ?? target;
  if (!file.endsWith(".js")) continue;
  rows[`tokenwell${entry.slice(1)}`] = await bundled(file);
}
// What a page with "tokenwell/worker" loads beside it.
rows["dist/worker-thread.js"] = await bundled("dist/worker-thread.js");
if (rows["tokenwell/slim"]) {
  const [slim, wasm] = [rows["tokenwell/slim"], rows["dist/tokenwell.wasm"]];
  rows["tokenwell/slim + .wasm"] = {
    raw: slim.raw + wasm.raw,
    gzip: slim.gzip + wasm.gzip,
    brotli: slim.brotli + wasm.brotli,
  };
}

const over = [];
console.log(`${"bytes; entries bundled and minified".padEnd(36)}     raw    gzip  brotli  budget`);
for (const [name, size] of Object.entries(rows)) {
  const figures = [size.raw, size.gzip, size.brotli, budget[name] ?? ""];
  console.log(name.padEnd(36) + figures.map((n) => String(n).padStart(8)).join(""));
  if (size.brotli > budget[name]) over.push(name);
}
for (const name of Object.keys(budget)) {
  if (!rows[name]) over.push(`${name} (in the budget, not in the package)`);
}
if (over.length > 0) {
  console.error(
    `over xtask/package/budget.json: ${over.join(", ")}. Make it smaller, or raise the budget in a commit that says why.`,
  );
  if (process.argv.includes("--check")) process.exit(1);
}
