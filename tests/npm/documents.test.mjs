// What the documents and declarations show is what works: examples compile against the installed package, under both
// ways of finding its types, and README.md's example runs as it stands against the demo's server.

import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { promisify } from "node:util";
import { startServer } from "../../www/server/main.mjs";
import { install, pkg, root, tool } from "./installed.mjs";

let at;
before(() => {
  at = install();
});

const read = (...path) => readFileSync(join(...path), "utf8");
const blocks = (text, languages) => [...text.matchAll(RegExp(`^\`\`\`(${languages})\n([^]*?)^\`\`\`$`, "gm"))];
const uncommented = (text) => text.replace(/^ *\* ?/gm, "");

/** Stands for React, which is no dependency. */
const REACT = `
declare namespace JSX {
  interface IntrinsicElements { [name: string]: unknown }
}
`;

const examples = {
  "errors.d.ts": () => blocks(uncommented(read(at.home, "dist/errors.d.ts")), "ts"),
  "session.d.ts": () => blocks(uncommented(read(at.home, "dist/session.d.ts")), "tsx?"),
  "slim.d.ts": () => blocks(uncommented(read(at.home, "dist/slim.d.ts")), "ts"),
  "react.d.ts": () => blocks(uncommented(read(at.home, "dist/react.d.ts")), "tsx"),
  "worker.d.ts": () => blocks(uncommented(read(at.home, "dist/worker.d.ts")), "ts"),
  "worker-serve.d.ts": () => blocks(uncommented(read(at.home, "dist/worker-serve.d.ts")), "ts"),
  "inspector.d.ts": () => blocks(uncommented(read(at.home, "dist/inspector.d.ts")), "ts"),
  "presets.d.ts": () => blocks(uncommented(read(at.home, "dist/presets.d.ts")), "ts"),
  "README.md of the package": () => blocks(read(at.home, "README.md"), "js|tsx"),
};
// What a page begins with, to be replaced, is JavaScript; what replaces it is TypeScript, for the compiler to check.
for (const file of readdirSync(join(root, "docs/presets"))) {
  examples[`docs/presets/${file}`] = () => {
    const shown = blocks(read(root, "docs/presets", file), "ts");
    // The JS Object for Appsmith has a test of its own.
    return file === "appsmith.md" ? [["", "ts", "export {};"], ...shown] : shown;
  };
}

function check(folder, files, options) {
  const compilerOptions = {
    target: "es2022",
    lib: ["es2022", "dom"],
    types: [],
    strict: true,
    noEmit: true,
    jsx: "preserve",
    allowJs: true,
    ...options,
  };
  const config = join(folder, "tsconfig.json");
  writeFileSync(config, JSON.stringify({ compilerOptions, files }));
  tool("tsc", ["--project", config], folder);
}

for (const [where, find] of Object.entries(examples)) {
  test(`the examples of ${where} compile`, () => {
    const folder = join(at.project, where.replaceAll(/\W/g, "-"));
    mkdirSync(folder);
    writeFileSync(join(folder, "react.d.ts"), REACT);
    // The first is what later ones import as "./session".
    const files = find().map(([, language, code], i) => {
      const name = `${i === 0 ? "session" : `example-${i}`}.${language === "tsx" ? "tsx" : "ts"}`;
      writeFileSync(join(folder, name), code);
      return name;
    });
    assert.ok(files.length > 0);
    const options = { module: "esnext", moduleResolution: "bundler", noImplicitAny: false };
    check(folder, ["react.d.ts", ...files], options);
  });
}

for (const moduleResolution of ["bundler", "node16"]) {
  test(`the installed package's types are found and hold with moduleResolution ${moduleResolution}`, () => {
    const folder = join(at.project, moduleResolution);
    mkdirSync(folder);
    writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
    const files = ["usage.ts", "more.ts", "errors.ts"];
    for (const file of files) copyFileSync(join(root, "tests/types", file), join(folder, file));
    const module = moduleResolution === "bundler" ? "esnext" : "node16";
    check(folder, files, { module, moduleResolution, exactOptionalPropertyTypes: true });
  });
}

const shared = join(root, "../shared/contract/tokenwell.d.ts");
const skip = !existsSync(shared) && "no contract beside the checkout";
test("the contract in tests/types is the contract, but for the formatting", { skip }, () => {
  const biome = join(root, "node_modules/.bin/biome");
  const formatted = execFileSync(biome, ["format", "--stdin-file-path=contract.d.ts"], {
    cwd: root,
    input: read(shared),
  });
  assert.ok(formatted.toString() === read(root, "tests/types/contract.d.ts"), "cp it over, and `biome format --write`");
});

test("every recipe is the code of an example that tests/hosts builds and visits", () => {
  const recipes = read(at.home, "RECIPES.md");
  const shown = [...recipes.matchAll(/^<!-- (\S+) -->\n```\w+\n(.*?)^```$/gms)];
  assert.equal(shown.length, blocks(recipes, "\\w+").length, "each block names its file");
  assert.ok(shown.length >= 10);
  for (const [, file, code] of shown) {
    // In one's own app the module has one's own place.
    const tested = read(root, file).replaceAll(/"\.\.?\/(\w+)\.tsx?"/g, '"./$1"');
    assert.equal(code, tested, file);
  }
});

test("the example of README.md works as it stands", async (t) => {
  const demo = await startServer({ pkg });
  t.after(() => demo.close());
  const [[, , example]] = blocks(read(root, "README.md"), "js");
  assert.ok(example.includes('"http://localhost:4400"') && example.includes('"./pkg/dist/index.js"'));
  assert.ok(example.trim().split("\n").length <= 12, "ten lines, more or less");
  const script = example
    .replace("http://localhost:4400", demo.url)
    .replace("./pkg/dist/index.js", join(at.home, "dist/index.js"));
  const run = promisify(execFile)(process.execPath, ["--input-type=module", "--eval", script], { timeout: 20_000 });
  const { stdout } = await run;
  assert.match(stdout, /200/);
});

test("what docs/comparison.md says is tested, is: the tests that it names are there", () => {
  const named = [...read(root, "docs/comparison.md").matchAll(/\[([^\]]+)\]\(\.\.\/(tests\/[^)]+)\)/g)];
  assert.ok(named.length > 10);
  for (const [, name, file] of named) assert.ok(read(root, file).includes(name), `${file}: ${name}`);
});
