// cargo xtask bench [SECTION…] [--quick] [--only PEER,…]: measures, keeps raw figures in docs/bench/results.json by
// section, and draws the table and the charts from them.

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, loadavg, totalmem } from "node:os";
import { parseArgs } from "node:util";
import { ROOT } from "./lib/build.mjs";
import { draw } from "./lib/draw.mjs";

const SECTIONS = ["size", "features", "cold", "call", "stampede", "jwt", "memory", "day", "fleet"];
const OUT = `${ROOT}docs/bench/`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: "boolean" }, only: { type: "string" }, draw: { type: "boolean" } },
});
const wanted = positionals.length > 0 ? positionals : SECTIONS;
const unknown = wanted.filter((name) => !SECTIONS.includes(name));
if (unknown.length > 0) {
  console.error(`bench knows ${SECTIONS.join(", ")}; not ${unknown.join(", ")}`);
  process.exit(2);
}
const named = values.only?.split(",");
const only = (peer) => !named || named.includes(peer.id);

mkdirSync(OUT, { recursive: true });
const file = `${OUT}results.json`;
const kept = () => (existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : {});

if (!values.draw) {
  for (const name of wanted) {
    const { run, title } = await import(`./sections/${name}.mjs`);
    console.log(`${title} …`);
    const [loadBefore] = loadavg();
    const measured = await run({ quick: values.quick ?? false, only });
    // A part of the peers is for looking at, not for keeping.
    if (named) {
      console.log(JSON.stringify(measured, null, 1));
      continue;
    }
    const load = [loadBefore, loadavg()[0]].map((one) => Math.round(one * 10) / 10);
    // Another run may have kept a section meanwhile.
    const results = kept();
    results[name] = { ...conditions(), load, quick: values.quick ?? false, ...measured };
    writeFileSync(file, `${JSON.stringify(results, null, 1)}\n`);
  }
}
draw(kept(), OUT);
console.log("docs/bench/README.md, results.json and the charts are written");

function conditions() {
  const chromium = execFileSync(process.env.CHROMIUM ?? "/usr/bin/chromium", ["--version"], { encoding: "utf8" });
  return {
    at: new Date().toISOString().slice(0, 16),
    machine: `${cpus().length} × ${cpus()[0].model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GB`,
    chromium: chromium.trim().split(" ").slice(0, 2).join(" "),
    node: process.version,
  };
}
