// A million sessions on the real core, natively, and an outage of the token endpoint: bench/fleet.

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { ROOT } from "../lib/build.mjs";

export const title = "The fleet";

const COMMON = `A million sessions, their one-hour tokens of all ages; the token endpoint is away from minute 10 to minute 20. A user at
work makes a call every 20 s on average, at random, and is waiting from the first that fails until there is a token
again. Ours is the real core, with its default options; the others are models of what the peers' source does
([bench/fleet](../../bench/fleet/src/peers.rs)), with 10 % of users at work. Peaks are of the worst single second.`;

const OUTAGES = {
  plain: { title: "an outage of ten minutes", text: COMMON },
  silent: {
    title: "an outage without any answer",
    text: "The same, but requests fail without an answer, as when a connection is refused.",
  },
  told: {
    title: "an outage that says when it ends",
    text: "The same, but each 503 carries a `Retry-After` that names the end, one second for all. The models of the peers do\nnot read it, as their source does not.",
  },
};

export async function run({ quick }) {
  const sessions = quick ? "100000" : "1000000";
  const args = ["run", "--quiet", "--profile", "sim", "--package", "tokenwell-fleet", "--", sessions];
  const { stdout } = await promisify(execFile)("cargo", args, { cwd: ROOT, maxBuffer: 1 << 26 });
  const outages = JSON.parse(stdout).map((outage) => ({ ...outage, ...OUTAGES[outage.id] }));
  return { sessions: Number(sessions), outageS: [600, 1200], limit: 4, outages };
}
