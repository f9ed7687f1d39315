// The recipes of the documents, each in a small app: one build by Vite for all, Angular's by esbuild.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { build } from "esbuild";
import sirv from "sirv";
import { tool } from "../npm/installed.mjs";
import { here, openApp, openBrowser, output, visit } from "./world.mjs";

const BY_VITE = ["vue", "svelte", "axios", "openapi-fetch", "tanstack-query"];

test("the recipes hold by tsc, strict", () => {
  tool("tsc", ["--project", here("recipes/tsconfig.json")]);
});

describe("recipes", { concurrency: 3 }, () => {
  let browser;
  let folder;
  before(async () => {
    const { build } = await import("vite");
    const { default: vue } = await import("@vitejs/plugin-vue");
    const { svelte } = await import("@sveltejs/vite-plugin-svelte");
    folder = output("recipes");
    await build({
      root: here("recipes"),
      configFile: false,
      logLevel: "warn",
      plugins: [vue(), svelte({ configFile: false })],
      build: {
        outDir: folder,
        emptyOutDir: true,
        rolldownOptions: { input: BY_VITE.map((name) => here(`recipes/${name}/index.html`)) },
      },
    });
    browser = await openBrowser();
  });
  after(() => browser?.close());

  for (const name of BY_VITE) {
    test(`${name}: signs in and refreshes`, async (t) => {
      await visit(await openApp(t, browser, { page: folder }), `/${name}/`);
    });
  }

  test("angular: signs in and refreshes, by HttpClient with an interceptor", async (t) => {
    const to = output("angular");
    mkdirSync(to, { recursive: true });
    await build({
      entryPoints: [here("recipes/angular/main.ts")],
      tsconfig: here("recipes/tsconfig.json"),
      bundle: true,
      format: "esm",
      outdir: to,
    });
    writeFileSync(join(to, "index.html"), readFileSync(here("recipes/angular/index.html")));
    // Angular that compiles in the browser needs `eval`, which the demo's policy forbids.
    const serve = sirv(to, { dev: true });
    await visit(await openApp(t, browser, { serve: (request, response) => serve(request, response) }));
  });
});
