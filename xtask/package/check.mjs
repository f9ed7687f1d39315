// What must hold for the package as npm would pack it: exactly the listed files, every export
// there, a module that wants nothing but its glue, and imports that do nothing where there is no
// window. Sizes are sizes.mjs's business.

import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { manifest, pkg, resolve, root, targets } from "./exports.mjs";

const LIST = "xtask/package/files.txt";
const problems = [];

function files() {
  const said = execFileSync("npm", ["pack", "--dry-run", "--json"], {
    cwd: pkg,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  const packed = [Object.values(JSON.parse(said))[0]].flat()[0].files.map((file) => file.path);
  const listed = readFileSync(root + LIST, "utf8")
    .split("\n")
    .filter((line) => line && !line.startsWith("#"));
  for (const file of packed) if (!listed.includes(file)) problems.push(`packed but not in ${LIST}: ${file}`);
  for (const file of listed) if (!packed.includes(file)) problems.push(`in ${LIST} but not packed: ${file}`);
  return packed;
}

function exportsLead(packed) {
  for (const [entry, value] of Object.entries(manifest.exports)) {
    for (const [condition, target] of targets(value)) {
      if (!packed.includes(target.replace(/^\.\//, ""))) {
        problems.push(`exports["${entry}"] ${condition}: ${target} is not in the package`);
      }
    }
  }
}

function wasmImports() {
  const file = `${pkg}dist/tokenwell.wasm`;
  if (!existsSync(file)) return problems.push("dist/tokenwell.wasm is missing");
  const module = new WebAssembly.Module(readFileSync(file));
  const strangers = WebAssembly.Module.imports(module).filter(({ module }) => !module.startsWith("./glue"));
  for (const { module, name } of strangers) problems.push(`the module imports ${module}.${name}`);
}

function importsAreQuiet() {
  const probe = fileURLToPath(new URL("quiet.mjs", import.meta.url));
  const entries = Object.keys(manifest.exports).filter((entry) => /\.m?js$/.test(resolve(entry) ?? ""));
  for (const entry of entries) {
    try {
      execFileSync(process.execPath, [probe, pkg + resolve(entry)], { encoding: "utf8", stdio: "pipe" });
    } catch (error) {
      problems.push(`importing ${manifest.name}${entry.slice(1)} in Node: ${(error.stderr || error.message).trim()}`);
    }
  }
  return entries.length;
}

const packed = files();
exportsLead(packed);
wasmImports();
const quiet = importsAreQuiet();
if (problems.length > 0) {
  console.error(problems.join("\n"));
  process.exit(1);
}
console.log(`ok: ${packed.length} files as listed, exports lead somewhere, ${quiet} entries import quietly`);
