// The guides as pages: docs/guides and docs/presets rendered from Markdown, and the API reference made from the
// declarations. Served by the demo and written out by build.mjs.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Marked } from "marked";
import { referenceOf } from "./reference.mjs";

const root = fileURLToPath(new URL("../../", import.meta.url));
const SOURCE = "https://github.com/tokenwell/tokenwell/blob/main/";
const FOLDERS = { guides: "docs/guides", presets: "docs/presets" };

/** Every page there is, as "guides/start.html". */
export function guidePages() {
  const pages = ["guides/api.html"];
  for (const [folder, from] of Object.entries(FOLDERS)) {
    for (const file of readdirSync(join(root, from))) {
      if (file.endsWith(".md")) pages.push(`${folder}/${nameOf(file)}.html`);
    }
  }
  return pages;
}

/** The page at that path, or null. */
export function guidePage(path, { pkg }) {
  const [, folder, name] = path.match(/^(guides|presets)\/([\w-]*)(?:\.html)?$/) ?? [];
  if (!folder) return null;
  if (path === "guides/api.html") return page("API reference", referenceOf(pkg, markdown("docs/guides")), path);
  const file = `${FOLDERS[folder]}/${name === "" || name === "index" ? "README" : name}.md`;
  if (!existsSync(join(root, file))) return null;
  // What is said to the tests alone stays out.
  const text = readFileSync(join(root, file), "utf8").replaceAll(/<!--[\s\S]*?-->\n?/g, "");
  const [, title] = text.match(/^# (.+)$/m) ?? [null, "tokenwell"];
  return page(title, markdown(FOLDERS[folder]).parse(text), path);
}

const nameOf = (file) => (file === "README.md" ? "index" : file.slice(0, -3));
const slug = (text) =>
  text
    .toLowerCase()
    .replaceAll(/<[^>]+>|&\w+;|[^\w\s-]/g, "")
    .trim()
    .replaceAll(/\s+/g, "-");

/** Markdown of a folder: headings can be linked to, links lead to the rendered pages, or to the source. */
function markdown(from) {
  const marked = new Marked({ gfm: true });
  marked.use({
    renderer: {
      heading: (text, depth) => `<h${depth} id="${slug(text)}">${text}</h${depth}>\n`,
      code: (text, language) => {
        const escaped = text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
        return `<pre class="code" data-language="${(language ?? "").split(" ")[0]}"><code>${escaped}</code></pre>\n`;
      },
      table: (head, body) =>
        `<div class="wide"><table><thead>${head.replaceAll("<th></th>", "<td></td>")}</thead><tbody>${body}</tbody></table></div>\n`,
    },
    walkTokens(token) {
      if (token.type === "link") token.href = linked(token.href, from);
    },
  });
  return marked;
}

function linked(href, from) {
  if (/^(https?:|#)/.test(href)) return href;
  const [path, hash] = href.split("#");
  const file = join(from, path);
  const tail = hash ? `#${hash}` : "";
  if (file === "pkg-template/dist/index.d.ts") return "../guides/api.html";
  for (const [folder, home] of Object.entries(FOLDERS)) {
    if (file.startsWith(`${home}/`) && file.endsWith(".md"))
      return `../${folder}/${nameOf(file.slice(home.length + 1))}.html${tail}`;
  }
  return `${SOURCE}${file}${tail}`;
}

const page = (title, body, path) => `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <title>${title.replaceAll(/[`<>]/g, "")} · tokenwell</title>
    <link rel="icon" href="../icon.svg" type="image/svg+xml">
    <link rel="stylesheet" href="../style.css">
    <link rel="stylesheet" href="../home.css">
    <link rel="stylesheet" href="../guides.css">
  </head>
  <body>
    <a class="skip" href="#content">Skip to the content</a>
    <header class="top">
      <a class="brand" href="../"><img src="../icon.svg" alt="" width="30" height="30">tokenwell</a>
      <nav aria-label="Main">
        <a href="../#playground">Playground</a>
        <a href="../guides/"${/guides\/(index\.html)?$/.test(path) ? ' aria-current="page"' : ""}>Guides</a>
        <a href="../guides/api.html"${path === "guides/api.html" ? ' aria-current="page"' : ""}>API</a>
        <a href="https://github.com/tokenwell/tokenwell">Source</a>
      </nav>
    </header>
    <main class="guide" id="content" tabindex="-1">
${body}
    </main>
    <footer><a href="../guides/">All guides</a> · MIT or Apache-2.0</footer>
  </body>
</html>
`;
