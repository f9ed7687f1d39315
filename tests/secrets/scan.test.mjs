// That the search for leaked secrets finds them: servers that issue some, and a program that prints them or does not.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const here = (file) => fileURLToPath(new URL(file, import.meta.url));

/** A server that is sent a code and a verifier and issues tokens, a cookie and another code; then `prints` runs. */
const PROGRAM = (prints) => `
  import { createServer } from "node:http";
  import { randomBytes } from "node:crypto";
  const secret = (name) => name + "-" + randomBytes(16).toString("base64url");
  const of = Object.fromEntries(["access", "refresh", "cookie", "sent", "verifier", "given"].map((name) => [name, secret(name)]));
  const server = createServer((request, response) => {
    request.resume();
    request.on("end", () => {
      response.setHeader("set-cookie", "sid=" + of.cookie + "; HttpOnly");
      response.setHeader("location", "https://app.test/?state=x&code=" + of.given);
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify({ access_token: of.access, nested: [{ refresh_token: of.refresh }] }));
    });
  });
  server.listen(0, "127.0.0.1", async () => {
    const body = new URLSearchParams({ code: of.sent, code_verifier: of.verifier });
    const response = await fetch("http://127.0.0.1:" + server.address().port, { method: "POST", body, redirect: "manual" });
    await response.text();
    console.log("harmless");
    ${prints}
    server.close();
  });
`;

function scanned(t, prints) {
  const dir = mkdtempSync(join(tmpdir(), "tokenwell-secrets-"));
  t.after(() => rmSync(dir, { recursive: true }));
  const [secrets, log] = [join(dir, "secrets.txt"), join(dir, "some.log")];
  const { NODE_OPTIONS: _, ...env } = process.env;
  const ran = spawnSync(
    process.execPath,
    ["--import", here("register.mjs"), "--input-type=module", "--eval", PROGRAM(prints)],
    {
      env: { ...env, TOKENWELL_SECRETS: secrets },
      encoding: "utf8",
    },
  );
  assert.equal(ran.status, 0, ran.stderr);
  writeFileSync(log, ran.stdout);
  const scan = spawnSync(process.execPath, [here("scan.mjs"), secrets, log], { encoding: "utf8" });
  return { code: scan.status, said: scan.stdout, issued: readFileSync(secrets, "utf8") };
}

test("a suite that prints no secret passes, and all that were issued or sent are known", (t) => {
  const { code, said, issued } = scanned(t, "");
  assert.equal(code, 0, said);
  assert.match(said, /6 secrets looked for in 1 logs, 0 found/);
  for (const name of ["access", "refresh", "cookie", "sent", "verifier", "given"])
    assert.match(issued, new RegExp(`^${name}-`, "m"));
});

for (const name of ["access", "refresh", "cookie", "sent", "verifier", "given"]) {
  test(`a suite that prints ${name} fails, and the search does not print it again`, (t) => {
    const { code, said, issued } = scanned(t, `console.log("oops: [" + of.${name} + "]");`);
    assert.equal(code, 1);
    assert.match(said, /1 found/);
    for (const secret of issued.trim().split("\n")) assert.ok(!said.includes(secret));
  });
}

test("percent-encoded secrets and unknown JWTs are found too", (t) => {
  assert.equal(scanned(t, 'of.access += "/+"; console.log(encodeURIComponent(of.access));').code, 1);
  const jwt = [{ alg: "RS256" }, { sub: "somebody" }, { signature: "enough" }];
  const text = jwt.map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");
  assert.equal(scanned(t, `console.log(${JSON.stringify(text)});`).code, 1);
});

test("a search that knows of no secret fails: nothing was noted", (t) => {
  const dir = mkdtempSync(join(tmpdir(), "tokenwell-secrets-"));
  t.after(() => rmSync(dir, { recursive: true }));
  writeFileSync(join(dir, "none"), "");
  assert.equal(spawnSync(process.execPath, [here("scan.mjs"), join(dir, "none")]).status, 1);
});
