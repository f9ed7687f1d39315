// `cargo xtask release` for real, to a registry of its own: in a clone of this checkout whose changelog names the version.
// What is not committed is not rehearsed, as it would not be released. Run by `cargo xtask release --rehearse`.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { registry } from "./registry.mjs";

const root = fileURLToPath(new URL("../../", import.meta.url));
// Always the same place, so that only the first rehearsal compiles everything.
const place = join(root, "target/rehearsal");
const checkout = join(place, "checkout");
const [, version] = readFileSync(join(root, "Cargo.toml"), "utf8").match(/^version = "(.+)"$/m);

const git = (...args) => execFileSync("git", args, { cwd: checkout, encoding: "utf8" }).trim();

let npmjs;
before(async () => {
  npmjs = await registry();
  rmSync(checkout, { recursive: true, force: true });
  mkdirSync(place, { recursive: true });
  execFileSync("git", ["clone", "--quiet", "--local", "--no-tags", root, checkout]);
  symlinkSync(join(root, "node_modules"), join(checkout, "node_modules"));
  writeFileSync(join(checkout, ".git/info/exclude"), "node_modules\n");
});
after(() => {
  npmjs?.stop();
  rmSync(checkout, { recursive: true, force: true });
});

/** The command as it is here, at work in the clone. The registry is in this process: nothing may block it. */
function release() {
  const child = spawn(process.env.TOKENWELL_XTASK ?? join(root, "target/debug/xtask"), ["release"], {
    cwd: checkout,
    env: {
      ...process.env,
      ...npmjs.env,
      CARGO_MANIFEST_DIR: join(checkout, "xtask"),
      CARGO_TARGET_DIR: join(place, "target"),
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  return ended(child);
}

function npm(cwd, ...args) {
  return ended(spawn("npm", args, { cwd, env: { ...process.env, ...npmjs.env }, stdio: ["ignore", "pipe", "pipe"] }));
}

async function ended(child) {
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text) => (said += text));
  const [code] = await new Promise((resolve) => child.on("close", (...how) => resolve(how)));
  return { code, said };
}

const published = async () => {
  const answer = await fetch(`${npmjs.url}tokenwell`);
  return answer.ok ? Object.keys((await answer.json()).versions) : [];
};

test("what is not ready is not published: first the changelog must name the version, then all be committed", async () => {
  const unnamed = await release();
  assert.equal(unnamed.code, 1, unnamed.said);
  assert.match(unnamed.said, new RegExp(`no section \\[${version}\\]`));

  const changelog = join(checkout, "CHANGELOG.md");
  const text = readFileSync(changelog, "utf8");
  assert.match(text, /^## \[Unreleased\]$/m);
  writeFileSync(changelog, text.replace(/^## \[Unreleased\]$/m, `## [${version}] - 2027-01-01`));
  const uncommitted = await release();
  assert.equal(uncommitted.code, 1, uncommitted.said);
  assert.match(uncommitted.said, /not committed:\nM CHANGELOG\.md/);

  assert.deepEqual(await published(), []);
  git("-c", "user.name=rehearsal", "-c", "user.email=rehearsal@localhost", "commit", "-qam", `Release ${version}`);
});

test("it is published as it was checked, and tagged with its notes", async () => {
  git("config", "user.name", "rehearsal");
  git("config", "user.email", "rehearsal@localhost");
  const done = await release();
  assert.equal(done.code, 0, done.said);
  assert.deepEqual(await published(), [version]);

  const { versions, "dist-tags": tags } = await (await fetch(`${npmjs.url}tokenwell`)).json();
  assert.equal(tags.latest, version);
  const tarball = readFileSync(join(checkout, `target/xtask/release/tokenwell-${version}.tgz`));
  const integrity = `sha512-${createHash("sha512").update(tarball).digest("base64")}`;
  assert.equal(versions[version].dist.integrity, integrity, "the very tarball that was checked");

  assert.equal(git("cat-file", "-t", `v${version}`), "tag");
  assert.match(git("tag", "--list", "--format=%(contents)", `v${version}`), /`AuthSession`: `fetch` with the token/);
  assert.equal(git("rev-parse", `v${version}^{commit}`), git("rev-parse", "HEAD"));
});

test("what npm installs from there into an empty project holds every file, and works", async (t) => {
  const project = mkdtempSync(join(tmpdir(), "tokenwell-installed-"));
  t.after(() => rmSync(project, { recursive: true, force: true }));
  writeFileSync(join(project, "package.json"), '{ "type": "module", "private": true }\n');
  const installed = await npm(project, "install", "tokenwell", "--no-audit", "--no-fund");
  assert.equal(installed.code, 0, installed.said);

  const home = join(project, "node_modules/tokenwell");
  const files = readdirSync(home, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const list = readFileSync(join(root, "xtask/package/files.txt"), "utf8").trim().split("\n");
  assert.deepEqual(files.map((file) => relative(home, join(file.parentPath, file.name))).sort(), list.sort());
  const manifest = JSON.parse(readFileSync(join(home, "package.json"), "utf8"));
  assert.equal(manifest.version, version);
  // Of the lock file: one package, and what it must be.
  const { packages } = JSON.parse(readFileSync(join(project, "package-lock.json"), "utf8"));
  assert.deepEqual(Object.keys(packages), ["", "node_modules/tokenwell"]);
  assert.match(packages["node_modules/tokenwell"].integrity, /^sha512-/);

  const needsReact = ["./react"]; // An optional peer, which this project does not have.
  const entries = Object.keys(manifest.exports).filter((entry) => /^\.(\/[a-z-]+)?$/.test(entry));
  const names = entries.filter((entry) => !needsReact.includes(entry)).map((entry) => `tokenwell${entry.slice(1)}`);
  writeFileSync(
    join(project, "use.mjs"),
    `for (const name of ${JSON.stringify(names)}) await import(name);
    import { AuthSession } from "tokenwell";
    const route = async () => Response.json({ access_token: "new", expires_in: 60 });
    const session = new AuthSession({ refresh: "https://id.test/token", storage: "memory", fetch: route });
    await session.setTokens({ access_token: "old", refresh_token: "one", expires_in: 60 });
    await session.refresh();
    console.log(session.accessToken);
    session.dispose();`,
  );
  const used = await ended(spawn(process.execPath, ["use.mjs"], { cwd: project, stdio: ["ignore", "pipe", "pipe"] }));
  assert.deepEqual(used, { code: 0, said: "new\n" });
});

test("the same version is not released twice: not by the command, and not by the registry", async () => {
  const tagged = await release();
  assert.equal(tagged.code, 1, tagged.said);
  assert.match(tagged.said, new RegExp(`v${version} is there already`));

  git("tag", "--delete", `v${version}`);
  const again = await release();
  assert.equal(again.code, 1, again.said);
  assert.match(again.said, /cannot publish over the previously published|E409|E403/i);
  assert.equal(git("tag", "--list"), "", "what was not published has no tag");
});
