// What the documents and declarations show is what works: examples compile against the installed package, under both
// ways of finding its types, and README.md's example runs as it stands against the demo's server.

import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { promisify } from "node:util";
import { transform } from "esbuild";
import { startServer } from "../../www/server/main.mjs";
import { install, pkg, root, tool } from "./installed.mjs";

let at;
before(() => {
  at = install();
});

/** The server of the example that is run, as README.md has it. */
const DEMO = "http://localhost:4400";

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
  "README.md": () => blocks(read(root, "README.md"), "js").filter(([, , code]) => !code.includes(DEMO)),
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

/** Where each fenced block of the documents is run or compiled, by its file and what is said after the fence. */
const ACCOUNTS = [
  // Every block here is compiled, the first is run too; of the commands see below.
  ["README.md", "js"],
  ["pkg-template/README.md", "js|tsx"],
  // The code of apps that tests/hosts builds and visits: "every recipe" below.
  ["pkg-template/RECIPES.md", "\\w+"],
  // tests/e2e/guides.test.mjs; what one moves from, below.
  ["docs/guides/*.md", "js run|js node|js playwright|js before|csp"],
  // What to write is compiled, what was there before is read by a parser; Appsmith's is run by tests/interop.
  ["docs/presets/*.md", "ts|js"],
  // Commands: below. Those for libFuzzer want a nightly compiler, which no test has.
  ["README.md|pkg-template/README.md|docs/guides/start.md|docs/fuzzing.md", "sh"],
];

const DOCUMENTS = ["", "docs", "docs/guides", "docs/presets", "docs/bench", "pkg-template"].flatMap((folder) =>
  readdirSync(join(root, folder))
    .filter((name) => name.endsWith(".md"))
    .map((name) => (folder ? `${folder}/${name}` : name)),
);

test("every block of every document is run, compiled or at least parsed", () => {
  let count = 0;
  for (const file of DOCUMENTS) {
    const fences = [...read(root, file).matchAll(/^ *```([^\n]*)\n.*?^ *```$/gms)];
    for (const [block, info] of fences) {
      const known = ACCOUNTS.some(
        ([files, kinds]) =>
          RegExp(`^(${files.replaceAll(".", "\\.").replaceAll("*", "[\\w-]+")})$`).test(file) &&
          RegExp(`^(${kinds})$`).test(info),
      );
      assert.ok(known, `${file}: nobody checks this:\n${block}`);
      count += 1;
    }
  }
  assert.ok(count > 80, `only ${count}`);
});

/** A heading's anchor, as GitHub makes it. */
const anchor = (heading) =>
  heading
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1")
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
    .trim()
    .replaceAll(/\s/g, "-");

test("every link within the repository leads to a file that is there, and to a heading of it", () => {
  let count = 0;
  for (const file of DOCUMENTS) {
    const text = read(root, file).replaceAll(/^ *```.*?^ *```$/gms, "");
    for (const [, link] of text.matchAll(/(?:\]\(|(?:src|srcset|href)=")([^)"\s]+)/g)) {
      if (/^[a-z]+:/.test(link)) continue;
      const [path, hash] = link.split("#");
      const target = path ? join(file, "..", path) : file;
      assert.ok(existsSync(join(root, target)), `${file}: ${link}`);
      if (hash && target.endsWith(".md")) {
        const headings = [...read(root, target).matchAll(/^#+ (.+)$/gm)].map(([, heading]) => anchor(heading));
        assert.ok(headings.includes(hash), `${file}: ${link}`);
      }
      count += 1;
    }
  }
  assert.ok(count > 60, `only ${count}`);
});

test("the commands that the documents show are there", () => {
  const { name } = JSON.parse(read(at.home, "package.json"));
  const commands = read(root, "xtask/src/main.rs");
  let count = 0;
  for (const file of ["README.md", "pkg-template/README.md", "docs/guides/start.md"]) {
    for (const [, , lines] of blocks(read(root, file), "sh")) {
      for (const line of lines.trim().split("\n")) {
        const [, command] = line.match(/^cargo xtask (\w+)/) ?? [];
        const there = command ? RegExp(`^    ${command}[(,]`, "im").test(commands) : line === `npm install ${name}`;
        assert.ok(there, `${file}: ${line}`);
        count += 1;
      }
    }
  }
  assert.ok(count >= 4);
});

/** The libraries are here for this alone. auth0-spa-js is not: it brings a script that npm runs when it installs. */
const BEFORE = `
declare module "@auth0/auth0-spa-js";
declare const [api, requestRefresh, data, authority, client_id, redirect_uri, state, url, domain, clientId, appState]: any;
`;

test("what the guide moves from compiles against the libraries it names", () => {
  const found = blocks(read(root, "docs/guides/moving.md"), "js before");
  assert.equal(found.length, 4);
  const folder = join(root, "target/xtask/before");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "before.d.ts"), BEFORE);
  const files = found.map(([, , code], i) => {
    writeFileSync(join(folder, `before-${i}.ts`), code);
    return `before-${i}.ts`;
  });
  const options = { module: "esnext", moduleResolution: "bundler", noImplicitAny: false, skipLibCheck: true };
  check(folder, ["before.d.ts", ...files], options);
});

test("what the presets' pages begin with is JavaScript", async () => {
  for (const file of readdirSync(join(root, "docs/presets"))) {
    for (const [, , code] of blocks(read(root, "docs/presets", file), "js")) {
      await transform(code, { loader: "jsx", sourcefile: file, logLevel: "silent" });
    }
  }
});

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
  const [[, , example]] = blocks(read(root, "README.md"), "js").filter(([, , code]) => code.includes(DEMO));
  assert.ok(example.includes('"./pkg/dist/index.js"'));
  assert.ok(example.trim().split("\n").length <= 12, "ten lines, more or less");
  const script = example.replace(DEMO, demo.url).replace("./pkg/dist/index.js", join(at.home, "dist/index.js"));
  const run = promisify(execFile)(process.execPath, ["--input-type=module", "--eval", script], { timeout: 20_000 });
  const { stdout } = await run;
  assert.match(stdout, /200/);
});

test("what docs/comparison.md says is tested, is: the tests that it names are there", () => {
  const named = [...read(root, "docs/comparison.md").matchAll(/\[([^\]]+)\]\(\.\.\/(tests\/[^)]+)\)/g)];
  assert.ok(named.length > 10);
  for (const [, name, file] of named) assert.ok(read(root, file).includes(name), `${file}: ${name}`);
});

test("what the READMEs compare are rows of docs/comparison.md", () => {
  const rows = (text) =>
    text
      .split("\n")
      .filter((line) => line.startsWith("| "))
      .map((line) => line.slice(2, -2).split(" | "));
  const all = new Map(rows(read(root, "docs/comparison.md")).map((row) => [row[0], row]));
  for (const [file, cells] of [
    ["README.md", 3],
    ["pkg-template/README.md", 2],
  ]) {
    const [, section] = read(root, file).match(/^## Beside others\n(.*?)^## /ms);
    const [, ...shown] = rows(section.replaceAll("](tests/", "](../tests/"));
    assert.ok(shown.length >= 8, file);
    for (const row of shown) assert.deepEqual(row, all.get(row[0])?.slice(0, cells), `${file}: ${row[0]}`);
  }
});

test("the sizes that the package's README tells are those that the budgets hold it to, or nearly", () => {
  const [, section] = read(at.home, "README.md").match(/^## Sizes and speed\n(.*?)^## /ms);
  const budgets = JSON.parse(read(root, "xtask/package/budget.json"));
  for (const [name, pattern] of [
    ["tokenwell", /`tokenwell` is about (\d+) KB/],
    ["dist/tokenwell.wasm", /a `\.wasm` of about (\d+) KB/],
  ]) {
    const told = Number(section.match(pattern)?.[1]) * 1000;
    assert.ok(told > 0.85 * budgets[name] && told < 1.15 * budgets[name], `${name}: ${told}, budget ${budgets[name]}`);
  }
});
