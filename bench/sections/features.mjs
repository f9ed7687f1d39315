// What each feature of ours costs in the module: bench/profile, by the line tables of a build made for this.

import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";
import { PKG, ROOT, weigh } from "../lib/build.mjs";

export const title = "What each feature costs";

const TARGET = "wasm32-unknown-unknown";
const DIR = `${ROOT}target/bench/profile`;

export async function run() {
  // The same code as in the package, and beside it which line it is from.
  const lines = { CARGO_PROFILE_RELEASE_DEBUG: "line-tables-only", CARGO_PROFILE_RELEASE_STRIP: "none" };
  await cargo(["build", "--release", "--target", TARGET, "--package", "tokenwell", "--lib"], {
    ...lines,
    CARGO_TARGET_DIR: DIR,
  });
  const rows = await cargo(["run", "--package", "tokenwell-profile", "--", `${DIR}/${TARGET}/release/tokenwell.wasm`]);
  return { module: weigh(readFileSync(`${PKG}dist/tokenwell.wasm`)), rows: JSON.parse(rows) };
}

async function cargo([command, ...args], env = {}) {
  const { stdout } = await promisify(execFile)("cargo", [command, "--quiet", ...args], {
    cwd: ROOT,
    env: { ...process.env, ...env },
    maxBuffer: 1 << 26,
  });
  return stdout;
}
