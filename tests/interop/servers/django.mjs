// Django with djangorestframework-simplejwt, in a process of its own.

import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { existsSync, readdirSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const SERVER = fileURLToPath(new URL("./django/server.py", import.meta.url));

export const ADA = { username: "ada@example.com", password: `analytical-${randomUUID()}` };

/** How long it may take to end when it is asked to, ms. */
const PATIENCE = 10_000;

/** @param {{ scheme?: string, accessTtl?: number, env?: object }} [options] `accessTtl` in seconds */
export async function startDjango({ scheme = "Bearer", accessTtl = 300, env = {} } = {}) {
  const child = spawn(python(), ["-I", SERVER, scheme, String(accessTtl)], {
    stdio: ["pipe", "pipe", "inherit"],
    env: { ...process.env, ...env },
  });
  const ended = once(child, "exit");
  child.stdin.on("error", () => {}); // It has ended before it was told to.
  child.stdin.write(`${ADA.password}\n`);
  const lines = createInterface({ input: child.stdout });
  const [port] = await Promise.race([
    once(lines, "line"),
    ended.then(([code]) => {
      throw new Error(`Django ended with ${code}`);
    }),
  ]);
  const requests = [];
  lines.on("line", (line) => requests.push(JSON.parse(line)));
  return {
    url: `http://localhost:${port}`,
    pid: child.pid,
    requests,
    async close() {
      child.stdin.end();
      const late = setTimeout(() => child.kill("SIGKILL"), PATIENCE);
      await ended;
      clearTimeout(late);
    },
  };
}

/** The environment that `cargo xtask test interop` made and names; by hand, the newest that it ever made. */
function python() {
  const named = process.env.TOKENWELL_PYTHON;
  if (named) return named;
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "tokenwell");
  const made = (existsSync(cache) ? readdirSync(cache) : [])
    .filter((name) => /^venv-[0-9a-f]+$/.test(name))
    .map((name) => join(cache, name, "bin/python"))
    .sort((a, b) => statSync(a).mtimeMs - statSync(b).mtimeMs);
  if (!made.length) throw new Error("Django is not installed: `cargo xtask test interop` does that");
  return made.at(-1);
}
