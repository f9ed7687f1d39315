// What the development packages are, byte by byte: a lock file that a machine of one platform has written, or one without
// a registry that has all, leaves gaps for the others.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { root } from "./installed.mjs";

const files = execFileSync("git", ["ls-files", "*package-lock.json"], { cwd: root, encoding: "utf8" })
  .trim()
  .split("\n");

for (const file of files) {
  const { packages } = JSON.parse(readFileSync(join(root, file), "utf8"));
  const foreign = Object.entries(packages).filter(([path, { link }]) => path.includes("node_modules/") && !link);

  test(`${file}: every package is named with its hash`, () => {
    assert.ok(foreign.length > 0);
    assert.deepEqual(
      foreign.filter(([, { integrity }]) => !integrity).map(([path]) => path),
      [],
    );
  });

  test(`${file}: every platform's packages are there`, () => {
    const names = new Set(foreign.map(([path]) => path.split("node_modules/").at(-1)));
    const optional = foreign.flatMap(([, { optionalDependencies = {} }]) => Object.keys(optionalDependencies));
    assert.deepEqual(
      optional.filter((name) => !names.has(name)),
      [],
    );
  });
}
