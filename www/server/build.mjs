// The site as files, for any host of files: page, package and guides, with the server in the page.
//
//   node www/server/build.mjs DIR

import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { guidePage, guidePages } from "./guides.mjs";
import { POLICY_IN_PAGE } from "./static.mjs";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

/** What needs a server behind it stays out. */
const left = (from) => /\/www\/(server(\/|$)|backends\.)/.test(from);

export function buildSite(to, { pkg = here("../../pkg/") } = {}) {
  rmSync(to, { recursive: true, force: true });
  cpSync(here("../"), to, { recursive: true, filter: (from) => !left(from) });
  cpSync(join(pkg, "dist"), join(to, "pkg/dist"), { recursive: true });
  for (const path of guidePages()) write(join(to, path), guarded(guidePage(path, { pkg })));

  const index = join(to, "index.html");
  const home = readFileSync(index, "utf8").replace('name="backend" content="server"', 'name="backend" content="page"');
  write(index, guarded(home));
  // GitHub Pages else looks for what Jekyll would make of it.
  write(join(to, ".nojekyll"), "");
}

/** Where no header can be set, the page brings its policy along. */
const guarded = (html) =>
  html.replace(
    "<meta charset",
    `<meta http-equiv="Content-Security-Policy" content="${POLICY_IN_PAGE}">\n    <meta charset`,
  );

function write(file, text) {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

if (process.argv[1] && fileURLToPath(import.meta.url) === process.argv[1]) {
  const [, , to] = process.argv;
  if (!to) throw new Error("node www/server/build.mjs DIR");
  buildSite(to);
  console.log(`The site is in ${to}`);
}
