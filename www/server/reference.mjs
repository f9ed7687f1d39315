// The API reference, made from the declarations of the built package: what a type says of itself is what is shown.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Entry → title and declaration files, in the order of the page; those that the package lacks are left out. */
const ENTRIES = [
  ["tokenwell", ["session.d.ts", "errors.d.ts"]],
  ["tokenwell/slim", ["slim.d.ts"]],
  ["tokenwell/presets", ["presets.d.ts"]],
  ["tokenwell/inspector", ["inspector.d.ts"]],
  ["tokenwell/react", ["react.d.ts"]],
  ["tokenwell/worker", ["worker.d.ts"]],
  ["tokenwell/worker-serve", ["worker-serve.d.ts"]],
];

const DECLARATION =
  /(?:^\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\n)?^export (?:declare )?(interface|class|type|function|const) (\w+)([\s\S]*?)(?=^(?:\/\*\*|export |type |interface |\/\/ |declare )|$(?![\s\S]))/gm;
const MEMBER =
  /(?:^ {2}\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\n)?^ {2}((?:static |readonly )*(?:constructor|"[\w-]+"|\[Symbol\.\w+\]|\w+)[?]?[(:<][\s\S]*?)(?=^ {2}(?:\/\*\*|\w|"|\[)|^\})/gm;

/** Every exported name of the declarations in that text: `[{ name, kind, comment, code }]`. */
export function declarationsOf(text) {
  return [...text.matchAll(DECLARATION)].map(([, comment, kind, name, rest]) => ({
    name,
    kind,
    comment: plain(comment),
    code: `${kind} ${name}${rest}`.trimEnd(),
  }));
}

/** The members of an interface or class: `[{ code, comment }]`. */
export const membersOf = ({ code }) =>
  [...code.matchAll(MEMBER)].map(([, comment, member]) => ({ comment: plain(comment), code: member.trim() }));

/** The whole page, as HTML through `markdown`: what there is, then each. */
export function referenceOf(pkg, markdown) {
  const contents = [];
  const parts = [];
  const linked = new Set();
  for (const [entry, files] of ENTRIES) {
    const texts = files.map((file) => join(pkg, "dist", file)).filter(existsSync);
    const declared = texts.flatMap((text) => declarationsOf(readFileSync(text, "utf8")));
    if (declared.length === 0) continue;
    const names = [...new Set(declared.map(({ name }) => name))].map((name) => {
      // What a second entry has too is linked to once: under the first.
      if (linked.has(name)) return `\`${name}\``;
      linked.add(name);
      return `[\`${name}\`](#${name.toLowerCase()})`;
    });
    contents.push(`- **${entry}**: ${names.join(", ")}`);
    parts.push(`## ${entry}`, ...declared.map(written));
  }
  return markdown.parse([HEAD, contents.join("\n"), ...parts].join("\n\n"));
}

const HEAD =
  "# API reference\n\nMade from the types of the package. Durations are seconds unless a name says otherwise; times are epoch milliseconds.";

function written(declared) {
  const { name, kind, comment, code } = declared;
  const head = `### ${name}\n\n${comment}`;
  const members = kind === "interface" || kind === "class" ? membersOf(declared) : [];
  if (members.length === 0) return `${head}\n\n${fenced(code)}`;
  return [head, ...members.map((member) => `${fenced(member.code)}\n\n${member.comment}`)].join("\n\n");
}

const fenced = (code) => `\`\`\`ts\n${code}\n\`\`\``;

/** A comment as Markdown: its tags become sentences. */
const plain = (comment = "") =>
  comment
    .replaceAll(/^ *\*(?!\*) ?/gm, "")
    .replaceAll(/\{@link (\w+)\}/g, "`$1`")
    .replaceAll(/^@throws \{(\w+)\} ?/gm, "\n**Throws** `$1`: ")
    .replaceAll(/^@example ?(.*)$/gm, "\n*Example.* $1\n")
    .trim();
