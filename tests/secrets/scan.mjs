// Looks for secrets in what the suites have printed.
//
//   node tests/secrets/scan.mjs SECRETS LOG…

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** What any JWT looks like, whoever issued it; those in tests are unsigned, or of an RFC. */
const JWT = /eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{16,}/g;

/** A secret is shown by its beginning alone. */
export const shown = (secret) => `${secret.slice(0, 6)}… (${secret.length} characters)`;

/** The secrets found in a text, as it is or percent-encoded. */
export function found(text, secrets) {
  const hits = [...secrets].filter((secret) => text.includes(secret) || text.includes(encodeURIComponent(secret)));
  return [...new Set([...hits, ...(text.match(JWT) ?? [])])];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [file, ...logs] = process.argv.slice(2);
  const secrets = new Set(readFileSync(file, "utf8").split("\n").filter(Boolean));
  let leaks = 0;
  for (const log of logs) {
    for (const secret of found(readFileSync(log, "utf8"), secrets)) {
      console.log(`${log} holds ${shown(secret)}`);
      leaks += 1;
    }
  }
  console.log(`ok: ${secrets.size} secrets looked for in ${logs.length} logs, ${leaks} found`);
  process.exitCode = secrets.size > 0 && leaks === 0 ? 0 : 1;
}
