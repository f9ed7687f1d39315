// The package's own description, read as Node and bundlers read it.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../../", import.meta.url));
export const pkg = `${root}pkg/`;
export const manifest = JSON.parse(readFileSync(`${pkg}package.json`, "utf8"));

/** Every `[condition path, target]` below one entry of "exports". */
export function targets(value, conditions = []) {
  if (value === null) return [];
  if (typeof value === "string") return [[conditions.join("."), value]];
  return Object.entries(value).flatMap(([name, inner]) => targets(inner, [...conditions, name]));
}

/** The file that an import of `entry` leads to, or undefined. */
export function resolve(entry, conditions = ["import", "browser", "default"]) {
  let value = manifest.exports[entry];
  while (value !== null && typeof value === "object") {
    const name = Object.keys(value).find((key) => conditions.includes(key));
    value = name === undefined ? undefined : value[name];
  }
  return value ?? undefined;
}
