// The crate alone, as `wasm-pack build --target web` leaves it: no package of ours around it. `cargo xtask test wasm-pack`
// builds it first.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { tool } from "../npm/installed.mjs";

const built = new URL("../../target/xtask/wasm-pack/", import.meta.url);

let crate;
before(async () => {
  crate = await import(new URL("tokenwell.js", built));
  await crate.default({ module_or_path: readFileSync(new URL("tokenwell_bg.wasm", built)) });
});

test("signs in, attaches the token, refreshes on a 401 and sends the request again", async () => {
  let issued = 1;
  const seen = [];
  const session = new crate.AuthSession({
    refresh: "https://id.test/token",
    allow: ["https://api.test"],
    storage: "memory",
    fetch: async (input, init) => {
      const request = new Request(input, init);
      if (request.url === "https://id.test/token") {
        issued += 1;
        return Response.json({ access_token: `access-${issued}`, expires_in: 60 });
      }
      seen.push([request.headers.get("authorization"), await request.text()]);
      return new Response(null, { status: seen.length === 1 ? 401 : 200 });
    },
  });
  assert.equal(session.snapshot.status, "signed-out");
  await session.setTokens({ access_token: "access-1", refresh_token: "refresh-1", expires_in: 60 });
  const answer = await session.fetch("https://api.test/orders", { method: "POST", body: "one" });
  assert.equal(answer.status, 200);
  assert.deepEqual(seen, [
    ["Bearer access-1", "one"],
    ["Bearer access-2", "one"],
  ]);
  assert.equal(session.accessToken, "access-2");
  await session.signOut();
  assert.equal(await session.getAccessToken(), null);
  session.dispose();
});

test("its errors are errors, with the contract's properties, before any class is set", () => {
  assert.throws(
    () => new crate.AuthSession({}),
    (error) => error instanceof Error && error.name === "AuthError" && error.code === "invalid_options",
  );
});

test("its declarations let what is optional be left out", () => {
  const folder = mkdtempSync(join(tmpdir(), "tokenwell-crate-"));
  try {
    const file = join(folder, "use.ts");
    writeFileSync(
      file,
      `import init, { AuthSession, decodeJwt } from "${fileURLToPath(new URL("tokenwell.js", built))}";

      await init();
      const session = new AuthSession({ refresh: "/token", name: "app" });
      const answer: Response = await session.fetch("/api/orders");
      const token: string | null = await session.getAccessToken();
      await session.getAccessToken({ minValidity: 60, signal: AbortSignal.timeout(1) });
      const did: boolean = await session.refreshAccessTokenIfNeeded();
      const stop: () => void = session.subscribe(() => {});
      session.on("signed-out", ({ reason }) => console.log(reason, answer, token, did, stop));
      await session.refresh();
      await session.finishSignIn();
      const to: string = await session.startSignIn();
      await session.signOut();
      const [other]: AuthSession[] = [await AuthSession.create({ refresh: { url: to } })];
      decodeJwt("a.b.c");
      // @ts-expect-error: a session needs its refresh route
      new AuthSession({});
      other?.dispose();
      export {};`,
    );
    const lib = ["--lib", "es2022,dom,dom.iterable,esnext.disposable", "--types", ""];
    const how = ["--strict", "--noEmit", "--target", "es2022", "--module", "esnext", "--moduleResolution", "bundler"];
    tool("tsc", [file, ...lib, ...how]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
