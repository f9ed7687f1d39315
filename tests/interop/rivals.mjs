// The clients that tokenwell stands beside, as one module for the page.

import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const ENTRY = `
  import authgear, { WebContainer } from "@authgear/web";
  import * as oslo from "@oslojs/oauth2";
  Object.assign(window, { authgear, WebContainer, oslo });
`;

export async function bundleRivals() {
  const { outputFiles } = await build({
    stdin: { contents: ENTRY, resolveDir: fileURLToPath(new URL("../../", import.meta.url)) },
    bundle: true,
    format: "esm",
    write: false,
    logLevel: "error",
  });
  return outputFiles[0].text;
}
