// The package as users get it: pkg/ packed by npm and unpacked into a project of its own.

import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../../", import.meta.url));
export const pkg = process.env.TOKENWELL_PKG ?? join(root, "pkg");

/** Packs and unpacks; the folder goes when the process does. */
export function install() {
  const project = mkdtempSync(join(tmpdir(), "tokenwell-npm-"));
  process.once("exit", () => rmSync(project, { recursive: true, force: true }));
  const said = execFileSync("npm", ["pack", "--json", "--loglevel=error", "--pack-destination", project, pkg]);
  // An array or an object by name, as npm's version has it.
  const [packed] = Object.values(JSON.parse(said));
  const tarball = join(project, packed.filename);
  const home = join(project, "node_modules/tokenwell");
  mkdirSync(home, { recursive: true });
  execFileSync("tar", ["-xzf", tarball, "-C", home, "--strip-components=1"]);
  writeFileSync(join(project, "package.json"), '{ "type": "module", "private": true }\n');
  return { project, home, tarball, files: packed.files.map(({ path }) => path).sort() };
}

/** One more copy of what is installed, as a bundler's mistake may bring it about: modules that share nothing. */
export function copy({ project, home }) {
  const other = mkdtempSync(join(project, "copy-"));
  cpSync(home, other, { recursive: true });
  return other;
}

/** A dev tool of the repository, run in `cwd`; what it said, and it must have been content. */
export function tool(name, args, cwd = root) {
  try {
    return execFileSync(join(root, "node_modules/.bin", name), args, { cwd, encoding: "utf8", stdio: "pipe" });
  } catch (error) {
    throw new Error(`${name} ${args.join(" ")}\n${error.stdout}${error.stderr}`);
  }
}
