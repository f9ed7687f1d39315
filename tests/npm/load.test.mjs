// Loading: who loads what and when, and what the error says where it fails.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { before, beforeEach, test } from "node:test";
import { pathToFileURL } from "node:url";
import { copy, install } from "./installed.mjs";

let at;
let dist;
let home;
let wasm;
before(() => {
  at = install();
});

/** Every test gets modules that have loaded nothing yet. */
beforeEach(() => {
  home = copy(at);
  dist = (file) => import(pathToFileURL(join(home, "dist", file)));
  wasm = readFileSync(join(home, "dist/tokenwell.wasm"));
});

const OPTIONS = { refresh: async () => "token", storage: "memory", autoRefresh: false };

/** How often the module itself was compiled by that: what decodes its bytes is a module of a hundred bytes. */
const times = ({ mock }) => mock.calls.filter(({ arguments: [bytes] }) => bytes.byteLength > 10_000).length;

test("the main entry compiles at the first session, and then no more", async (t) => {
  const compiled = t.mock.method(WebAssembly, "Module");
  const { AuthSession } = await dist("index.js");
  assert.equal(compiled.mock.callCount(), 0);
  new AuthSession({ ...OPTIONS, name: "one" }).dispose();
  new AuthSession({ ...OPTIONS, name: "two" }).dispose();
  assert.equal(times(compiled), 1);
});

test("create compiles off the main thread, once for all who come at the same time", async (t) => {
  const sync = t.mock.method(WebAssembly, "Module");
  const async = t.mock.method(WebAssembly, "compile");
  const { AuthSession } = await dist("index.js");
  const made = await Promise.all(["one", "two", "three"].map((name) => AuthSession.create({ ...OPTIONS, name })));
  for (const session of made) session.dispose();
  assert.equal(times(sync), 0);
  assert.equal(times(async), 1);
});

test("the bytes inside are those of tokenwell.wasm, in ASCII that no minifier or script tag minds", async () => {
  const { bytes } = await dist("bytes.js");
  assert.ok(Buffer.from(bytes()).equals(wasm));
  const [text] = readFileSync(join(home, "dist/bytes.js"), "utf8").match(/(?<=\n {2}").*(?=";\n)/);
  assert.match(text, /^[ -~]+$/);
  assert.doesNotMatch(text, /["'`\\$<]/);
});

test("the module names no file of the machine that built it, and no import or function by a hash or its path", () => {
  for (const part of [".rs", "/root", "/home", ".cargo", "library/core"]) assert.ok(!wasm.includes(part), part);
  const module = new WebAssembly.Module(wasm);
  const hashed = WebAssembly.Module.imports(module).filter(({ name }) => /_[0-9a-f]{16}$/.test(name));
  assert.deepEqual(hashed, []);
  assert.equal(WebAssembly.Module.customSections(module, "name").length, 0);
});

test("a session made while create still compiles is a session like any other", async () => {
  const { AuthSession } = await dist("index.js");
  const pending = AuthSession.create(OPTIONS);
  const session = new AuthSession(OPTIONS);
  assert.equal(await pending, session);
  session.dispose();
});

test("decodeJwt loads by itself", async () => {
  const { decodeJwt } = await dist("index.js");
  assert.deepEqual(decodeJwt("eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZGEifQ."), { sub: "ada" });
});

test("the slim entry says what to do when it is used before it is loaded", async () => {
  const { AuthError, AuthSession, decodeJwt } = await dist("slim.js");
  const clear = (error) =>
    AuthError.is(error) && error.code === "invalid_options" && /await init\(\)/.test(error.message);
  assert.throws(() => new AuthSession(OPTIONS), clear);
  assert.throws(() => decodeJwt("a.b.c"), clear);
});

test("create in the slim entry loads the module beside it", async () => {
  const { AuthSession } = await dist("slim.js");
  (await AuthSession.create(OPTIONS)).dispose();
});

const answer = (type) => new Response(wasm, { headers: { "content-type": type } });

const SOURCES = {
  bytes: () => wasm,
  "an ArrayBuffer": () => new Uint8Array(wasm).buffer,
  "a module": () => new WebAssembly.Module(wasm),
  "a response": () => answer("application/wasm"),
  "a response of the wrong MIME type": () => answer("text/plain"),
  "the promise of a response": () => Promise.resolve(answer("application/wasm")),
  "an address": () => `data:application/wasm;base64,${wasm.toString("base64")}`,
  "a URL of the wrong MIME type": () => new URL(`data:text/plain;base64,${wasm.toString("base64")}`),
  "nothing, which means the file beside it": () => undefined,
};

for (const [name, source] of Object.entries(SOURCES)) {
  test(`init takes ${name}`, async () => {
    const { AuthSession, init } = await dist("slim.js");
    assert.equal(await init(source()), undefined);
    new AuthSession(OPTIONS).dispose();
  });
}

/** An empty module: one of another version, as far as imports and exports go. */
const OTHER = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0);
const html = new TextEncoder().encode("<!doctype html>");

const FAILURES = [
  ["a page instead of the module", () => html, "invalid_options", /not a WASM file/],
  ["nothing at all", () => new Uint8Array(), "invalid_options", /not a WASM file/],
  ["half a module", () => wasm.subarray(0, wasm.length / 2), "invalid_options", /cut short/],
  ["404", () => new Response("", { status: 404 }), "invalid_options", /HTTP 404/],
  ["503", () => new Response("", { status: 503 }), "refresh_unavailable", /HTTP 503/],
  ["no server", () => "http://127.0.0.1:1/", "refresh_unavailable", /could not be fetched/],
];

for (const [name, source, code, message] of FAILURES) {
  test(`init with ${name} says so, and can be called again`, async () => {
    const { AuthError, AuthSession, init } = await dist("slim.js");
    await assert.rejects(init(source()), (error) => {
      assert.ok(error instanceof AuthError && error instanceof Error);
      assert.equal(error.code, code);
      assert.equal(error.retryable, code === "refresh_unavailable");
      assert.match(error.message, message);
      return true;
    });
    await init();
    new AuthSession(OPTIONS).dispose();
  });
}

test("where the platform forbids compiling, the error names the policy and a later call tries again", async (t) => {
  const refuse = () => {
    throw new WebAssembly.CompileError(
      "WebAssembly.Module(): … because 'unsafe-eval' is not an allowed source of script",
    );
  };
  const compiled = t.mock.method(WebAssembly, "Module", refuse);
  const { AuthError, AuthSession } = await dist("index.js");
  const told = (error) => AuthError.is(error) && /add 'wasm-unsafe-eval' to script-src/.test(error.message);
  assert.throws(() => new AuthSession(OPTIONS), told);
  await assert.rejects(AuthSession.create(OPTIONS), told);
  compiled.mock.restore();
  new AuthSession(OPTIONS).dispose();
});

test("both entries in one page share the module, the class and the sessions", async (t) => {
  const compiled = t.mock.method(WebAssembly, "Module");
  const [main, slim] = [await dist("index.js"), await dist("slim.js")];
  const session = new main.AuthSession(OPTIONS);
  assert.equal(new slim.AuthSession(OPTIONS), session);
  await slim.init("http://127.0.0.1:1/"); // Nothing to load any more.
  assert.equal(times(compiled), 1);
  assert.equal(slim.AuthError, main.AuthError);
  session.dispose();
});

test("a module of another version is refused by name", async () => {
  const { init } = await dist("slim.js");
  await assert.rejects(init(OTHER), { code: "invalid_options", message: /same version/ });
});
