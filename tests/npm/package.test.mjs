import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { install, root, tool } from "./installed.mjs";

let at;
before(() => {
  at = install();
});

const read = (file) => readFileSync(join(at.home, file), "utf8");

test("holds exactly the files of the committed list", () => {
  const list = readFileSync(join(root, "xtask/package/files.txt"), "utf8");
  assert.deepEqual(at.files, list.trim().split("\n"));
});

test("has the crate's version, no dependencies and nothing to run at install", () => {
  const manifest = JSON.parse(read("package.json"));
  const [, version] = readFileSync(join(root, "Cargo.toml"), "utf8").match(/^version = "(.+)"$/m);
  assert.equal(manifest.version, version);
  for (const key of ["dependencies", "optionalDependencies", "scripts", "bin"]) {
    assert.equal(manifest[key], undefined, key);
  }
});

test("has nothing in it that a strict Content-Security-Policy refuses", () => {
  for (const file of at.files.filter((name) => name.endsWith(".js"))) {
    assert.doesNotMatch(read(file), /\beval\s*\(|\bnew Function\b|\bFunction\s*\(/, file);
  }
});

test("names the .wasm file in the slim entry alone, so that bundlers leave it out of the others", () => {
  const naming = (what) => at.files.filter((name) => name.endsWith(".js") && read(name).includes(what));
  assert.deepEqual(naming("import.meta.url"), ["dist/slim.js", "dist/worker-line.js"]);
  assert.deepEqual(naming('new URL("./tokenwell.wasm"'), ["dist/slim.js"]);
});

test("publint finds nothing", () => {
  tool("publint", ["--strict", at.home]);
});

test("attw finds nothing", () => {
  const profile = ["--profile", "esm-only", "--exclude-entrypoints", "tokenwell.wasm"];
  tool("attw", [at.tarball, "--no-color", ...profile]);
});
