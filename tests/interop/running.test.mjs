// That nothing these suites start outlives them, and that what Django issues is known to the search for leaked secrets.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { running } from "./running.mjs";
import { ADA, startDjango } from "./servers/django.mjs";
import { until } from "./setup.mjs";

function lives(pid) {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

const folder = (t) => {
  const dir = mkdtempSync(join(tmpdir(), "tokenwell-running-"));
  t.after(() => rmSync(dir, { recursive: true }));
  return dir;
};

test("where one part cannot be started, the others are ended", async () => {
  const cast = running();
  const django = startDjango();
  const nothing = django.then(() => {
    throw new Error("no browser here");
  });
  await assert.rejects(cast.start(django, nothing), /no browser here/);
  assert.equal(lives((await django).pid), false);
});

test("what cannot be ended does not keep the others", async () => {
  const cast = running();
  const stuck = {
    close() {
      throw new Error("stuck");
    },
  };
  const [django] = await cast.start(startDjango(), stuck);
  await assert.rejects(cast.stop(), /stuck/);
  assert.equal(lives(django.pid), false);
  await cast.stop();
});

test("a server that has died already is no reason to wait", { timeout: 30_000 }, async () => {
  const cast = running();
  const [django] = await cast.start(startDjango());
  process.kill(django.pid, "SIGKILL");
  await until(() => !lives(django.pid), "Django to die");
  await cast.stop();
});

/** A suite whose set-up starts Django, tells where it is, and then goes on to fail. */
const BROKEN = (pid) => `
  import { writeFileSync } from "node:fs";
  import { after, before, test } from "node:test";
  import { running } from ${JSON.stringify(import.meta.resolve("./running.mjs"))};
  import { startDjango } from ${JSON.stringify(import.meta.resolve("./servers/django.mjs"))};
  const cast = running();
  before(async () => {
    const [django] = await cast.start(startDjango());
    writeFileSync(${JSON.stringify(pid)}, String(django.pid));
    await cast.start(Promise.reject(new Error("no second server")));
  });
  after(() => cast.stop());
  test("something", () => {});
`;

test("a suite whose set-up fails half way ends, and leaves nothing running", { timeout: 60_000 }, async (t) => {
  const dir = folder(t);
  const [suite, pid] = [join(dir, "broken.test.mjs"), join(dir, "pid")];
  writeFileSync(suite, BROKEN(pid));
  const { NODE_TEST_CONTEXT: _, ...env } = process.env; // It is a run of its own.
  const child = spawn(process.execPath, ["--test", suite], { env, stdio: ["ignore", "pipe", "inherit"] });
  let said = "";
  child.stdout.on("data", (part) => {
    said += part;
  });
  const [code] = await once(child, "exit");
  assert.equal(code, 1, said);
  assert.match(said, /no second server/);
  assert.equal(lives(Number(readFileSync(pid, "utf8"))), false);
});

test("what Django issues and is sent is noted for the search, the password too", async (t) => {
  const secrets = join(folder(t), "secrets.txt");
  const cast = running();
  t.after(() => cast.stop());
  const [django] = await cast.start(startDjango({ scheme: "JWT", env: { TOKENWELL_SECRETS: secrets } }));
  const ask = async (path, body, headers = {}) => {
    const init = body && { method: "POST", body: JSON.stringify(body) };
    headers["content-type"] = "application/json";
    return (await fetch(django.url + path, { ...init, headers })).json();
  };
  const first = await ask("/api/user/token-auth/", { email: ADA.username, password: ADA.password });
  const plain = await ask("/api/token/", ADA);
  const rotated = await ask("/api/token/refresh/", { refresh: plain.refresh });
  const alien = "presented-and-never-issued";
  await ask("/api/me/", null, { authorization: `JWT ${alien}` });
  const wanted = [
    first.access_token,
    first.refresh_token,
    plain.access,
    plain.refresh,
    rotated.access,
    rotated.refresh,
  ];
  wanted.push(ADA.password, alien);
  const noted = readFileSync(secrets, "utf8").split("\n");
  for (const [i, secret] of wanted.entries()) assert.ok(secret.length > 20 && noted.includes(secret), `secret ${i}`);
});
