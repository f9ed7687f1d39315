// The page and the charts, from the raw figures. Charts are SVG that can be read on light and on dark.

import { writeFileSync } from "node:fs";
import { bars, lines } from "./chart.mjs";
import { PEERS, version, WEIGHED } from "./peers.mjs";

const ALL = [...PEERS, ...WEIGHED];
const name = (id) => ALL.find((peer) => peer.id === id)?.name ?? id;
const ours = (id) => id.startsWith("tokenwell");

export function draw(results, out) {
  const parts = [HEAD];
  for (const [section, write] of Object.entries(WRITERS)) {
    if (results[section]) parts.push(write(results[section], (file, svg) => writeFileSync(out + file, svg)));
  }
  parts.push(peersTable(), conditions(results));
  writeFileSync(`${out}README.md`, `${parts.join("\n\n")}\n`);
}

const HEAD = `# Beside other libraries

Made by \`cargo xtask bench\`, which anyone can run again: it builds the package, installs the peers at the versions
below, and measures all of them in one run in headless Chromium, each used as its documentation says
([bench/peers](../../bench/peers)). Libraries take turns in short rounds, so that a busy machine hits all alike: read
the ratios first. Figures are medians; in brackets the middle half of the rounds. The raw ones are in
[results.json](results.json). What misses a target, and why, is in [profile.md](profile.md).`;

const WRITERS = {
  size(r, save) {
    const rows = [...r.rows].sort((a, b) => a.brotli - b.brotli);
    save(
      "size.svg",
      bars(
        "Transfer size, KB brotli",
        rows.map((row) => ({ label: name(row.id), value: row.brotli / 1000, ours: ours(row.id) })),
      ),
    );
    return `## Transfer size

What an app imports, with everything that needs, minified by esbuild; KB of 1,000 bytes. \`tokenwell/slim\` is counted
with its \`.wasm\`.

![Transfer size](size.svg)

${table(
  ["", "brotli", "gzip", "raw"],
  rows.map((row) => [bold(row.id), kb(row.brotli), kb(row.gzip), kb(row.raw)]),
)}`;
  },

  features(r) {
    const whole = r.rows.reduce((sum, row) => sum + row.bytes, 0);
    const percent = (bytes) => `${((100 * bytes) / whole).toFixed(1)} %`;
    return `## What each feature costs

The module's code by the line of ours that each byte was made from, whatever was inlined into what
([bench/profile](../../bench/profile/src/features.rs)). The last column shares out what the module has after brotli,
${kb(r.module.brotli)} KB, in proportion.

${table(
  ["", "of the code", "KB of brotli"],
  r.rows.map((row) => [row.feature, percent(row.bytes), kb((row.bytes / whole) * r.module.brotli)]),
)}`;
  },

  cold(r, save) {
    const rows = byMedian(r.rows, "ms");
    save(
      "cold.svg",
      bars(
        "Cold start, ms",
        rows.map((row) => bar(row, "ms")),
      ),
    );
    return `## Cold start

From \`import()\` to the answer of the first authorised request, on a fresh page of a signed-in user, everything from
a local server with nothing cached. Two of the peers make a token request first: they keep no access token over a
reload, or do not trust it.

![Cold start](cold.svg)

${table(
  ["", "to keycloak-js", "ms", "token requests"],
  rows.map((row) => [bold(row.id), times(row.toKeycloak), spread(row.ms), row.tokenRequests]),
)}`;
  },

  call(r, save) {
    const rows = byMedian(r.rows, "sequential");
    save(
      "call.svg",
      bars(
        "A call with a fresh token, µs (network stubbed out)",
        rows.map((row) => bar(row, "sequential")),
      ),
    );
    return `## A call with a fresh token

The network is stubbed out: what is left is the library. One after another, and a hundred at once. Those marked with *
wrap \`fetch\`; of the others it is "get the token, then fetch".

![A call with a fresh token](call.svg)

${table(
  ["", "to by hand", "µs", "100 at once: to by hand", "µs"],
  rows.map((row) => [
    bold(row.id) + (ALL.find((peer) => peer.id === row.id)?.wraps ? " *" : ""),
    times(row.sequentialRatio),
    spread(row.sequential),
    times(row.togetherRatio),
    spread(row.together),
  ]),
)}`;
  },

  stampede(r, save) {
    const rows = [...r.rows].sort((a, b) => a[10_000].beyondMs.median - b[10_000].beyondMs.median);
    const best = rows[0][10_000].beyondMs.median;
    save(
      "stampede.svg",
      bars(
        "10,000 calls on an expired token, ms beyond the refresh",
        rows.map((row) => ({ ...bar({ id: row.id, v: row[10_000].beyondMs }, "v"), note: trouble(row[10_000]) })),
      ),
    );
    const cells = (x) => [spread(x.beyondMs), x.tokenRequests, x.failures];
    return `## Stampede

So many calls at once when the token has expired, the token endpoint answering after ${r.tokenDelayMs} ms. Time is what
comes on top of the refresh: mostly the calls themselves.

![Stampede](stampede.svg)

${table(
  ["", "to the best", "10,000: ms", "token requests", "failed calls", "1,000: ms", "token requests", "failed calls"],
  rows.map((row) => [
    bold(row.id),
    `${(row[10_000].beyondMs.median / best).toFixed(1)} ×`,
    ...cells(row[10_000]),
    ...cells(row[1_000]),
  ]),
)}`;
  },

  jwt(r) {
    const rows = byMedian(r.rows, "us");
    return `## Decoding a JWT

A token of ${r.length} characters.

${table(
  ["", "as fast as jwt-decode", "µs"],
  rows.map((row) => [bold(row.id), times(row.toJwtDecode), spread(row.us)]),
)}`;
  },

  memory(r) {
    const delta = (a, b) => `${b - a >= 0 ? "+" : "−"}${Math.abs((b - a) / 1000).toFixed(0)} KB`;
    return `## Memory

The JavaScript heap after a collection, and the module's memory in pages of 64 KiB: what grows, grows with use.

${table(
  ["", "calls", "heap", "pages", "refreshes", "heap", "pages"],
  r.rows.map((row) => [
    bold(row.id),
    row.calls.toLocaleString("en"),
    delta(row.start.heap, row.afterCalls.heap),
    pages(row.start, row.afterCalls),
    row.refreshes.toLocaleString("en"),
    delta(row.before.heap, row.afterRefreshes.heap),
    pages(row.before, row.afterRefreshes),
  ]),
)}`;
  },

  fleet(r, save) {
    return r.outages
      .map((outage) => {
        const file = `fleet-${outage.id}.svg`;
        save(file, lines(`Token requests a second, ${outage.title}`, outage.policies, r));
        return `## The fleet: ${outage.title}

${outage.text}

![Token requests a second](${file})

${table(
  [
    "policy",
    "peak, times the steady rate",
    "in the outage",
    "after it",
    "waiting users recovered within",
    "token requests in all",
  ],
  outage.policies.map((p) => [
    p.ours ? `**${p.name}**` : p.name,
    `${p.peak.toFixed(1)} ×`,
    `${p.peakDuring.toFixed(1)} ×`,
    `${p.peakAfter.toFixed(1)} ×`,
    `${p.recoveredS.toFixed(0)} s (99 %: ${p.recovered99S.toFixed(0)} s)`,
    p.requests.toLocaleString("en"),
  ]),
)}`;
      })
      .join("\n\n");
  },

  day(r) {
    return `## An hour of use, with faults

${r.text}

${table(
  ["", ...r.tabs.flatMap((n) => [`${n} tab${n > 1 ? "s" : ""}: failed calls`, "refreshes", "sign-outs"])],
  r.rows.map((row) => [
    bold(row.id),
    ...r.tabs.flatMap((n) => (row[n] ? [row[n].failed, row[n].refreshes, row[n].signedOut] : ["–", "–", "–"])),
  ]),
)}`;
  },
};

function peersTable() {
  const rows = ALL.filter((peer) => peer.npm).map((peer) => [peer.name, version(peer)]);
  return `## Versions

${table(["", "measured"], rows)}`;
}

function conditions(results) {
  const rows = Object.entries(results).map(([section, r]) => [
    section,
    r.at,
    r.machine,
    r.chromium,
    r.load?.join(" → ") ?? "",
    r.quick ? "yes" : "",
  ]);
  return `## Conditions

The load is the machine's, one minute's average before and after the section: above 1 somebody else was at work too.

${table(["section", "UTC", "machine", "browser", "load", "quick"], rows)}`;
}

/** What is wrong with a stampede, where something is. */
const trouble = ({ tokenRequests, failures }) =>
  (tokenRequests > 1 ? `, ${tokenRequests.toLocaleString("en")} token requests` : "") +
  (failures > 0 ? `, ${failures.toLocaleString("en")} calls failed` : "");

const bold = (id) => (ours(id) ? `**${name(id)}**` : name(id));
const bar = (row, key) => ({
  label: name(row.id),
  value: row[key].median,
  low: row[key].low,
  high: row[key].high,
  ours: ours(row.id),
});
const byMedian = (rows, key) => [...rows].sort((a, b) => a[key].median - b[key].median);
const kb = (bytes) => (bytes / 1000).toFixed(1);
const digits = (n) => (n >= 100 ? n.toFixed(0) : n >= 10 ? n.toFixed(1) : n.toFixed(2));
const spread = ({ median, low, high }) => `${digits(median)} (${digits(low)}–${digits(high)})`;
const times = ({ median }) => `${digits(median)} ×`;
const pages = (a, b) => (a.pages === null ? "" : a.pages === b.pages ? `${b.pages}` : `${a.pages} → ${b.pages}`);

function table(head, rows) {
  const line = (cells) => `| ${cells.join(" | ")} |`;
  const rule = head.map((_, i) => (i === 0 ? "---" : "---:"));
  return [line(head), line(rule), ...rows.map(line)].join("\n");
}
