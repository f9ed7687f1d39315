// Servers that send too much, too deep, twice, or what is no text: a clear error or a session that goes on, and in good time.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { install } from "./installed.mjs";

let lib;
let server;
let answer;
let url;
before(async () => {
  lib = await import(pathToFileURL(join(install().home, "dist/index.js")));
  server = createServer((request, response) => {
    request.resume();
    const { status = 200, body, headers = {} } = answer;
    response.writeHead(status, { "content-type": "application/json", ...headers }).end(body);
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  url = `http://127.0.0.1:${server.address().port}`;
});
after(() => server.close());

const BIG = 10_000_000;
const many = (part, count) => part.repeat(count);
const SECRET = "refresh-token-that-nobody-may-see";

/** What a server may send, and what comes of the refresh: a code, or the access token. */
const ANSWERS = {
  "10 MB of nothing": [{ body: many("x", BIG) }, "invalid_response"],
  "10 MB that are one description, with the token in it": [
    { status: 400, body: JSON.stringify({ error: "odd", error_description: many(`${SECRET} `, BIG / SECRET.length) }) },
    "invalid_response",
  ],
  "10 MB that are one code": [{ status: 400, body: JSON.stringify({ error: many("e", BIG) }) }, "invalid_response"],
  "10 MB of user data": [{ body: JSON.stringify({ access_token: "good", user: many("u", BIG) }) }, "good"],
  "10 MB of members": [{ body: `{${many('"a":1,', BIG / 6)}"access_token":"good"}` }, "good"],
  "100,000 levels": [{ body: `${many("[", 100_000)}${many("]", 100_000)}` }, "invalid_response"],
  "levels under a user": [
    { body: `{"access_token":"good","user":${many('{"a":', 1_000)}1${many("}", 1_000)}}` },
    "good",
  ],
  "levels that are never closed": [{ body: many('{"a":', 1_000_000) }, "invalid_response"],
  "a token twice: the last counts, as everywhere in JSON": [
    { body: '{"access_token":"first","access_token":"good"}' },
    "good",
  ],
  "a lone surrogate in the token": [{ body: '{"access_token":"\\ud800"}' }, "invalid_response"],
  "a lone surrogate in the scope": [{ body: '{"access_token":"good","scope":"\\udfff"}' }, "good"],
  "bytes that are no UTF-8": [{ body: Buffer.from([0x7b, 0xff, 0xfe, 0x7d]) }, "invalid_response"],
  "a prototype": [
    { body: '{"__proto__":{"access_token":"bad"},"constructor":{"access_token":"bad"}}' },
    "invalid_response",
  ],
  "a lifetime past all numbers": [{ body: '{"access_token":"good","expires_in":1e999}' }, "good"],
  "a lifetime of 10,000 digits": [{ body: `{"access_token":"good","expires_in":"${many("9", 10_000)}"}` }, "good"],
  "a Retry-After of 8,000 digits": [
    { status: 503, body: "", headers: { "retry-after": many("9", 8_000) } },
    "refresh_unavailable",
  ],
  "a token that is a JWT of 1 MB": [
    {
      body: JSON.stringify({
        access_token: `e30.${Buffer.from(`{"a":"${many("x", 1_000_000)}"}`).toString("base64url")}.s`,
      }),
    },
    /^e30\./,
  ],
};

let serial = 0;
for (const [what, [sent, expected]] of Object.entries(ANSWERS)) {
  test(what, async () => {
    answer = sent;
    serial += 1;
    const options = { name: `h${serial}`, refresh: `${url}/token`, storage: "memory", autoRefresh: false };
    const session = new lib.AuthSession(options);
    await session.setTokens({ access_token: "old", refresh_token: SECRET, expires_in: 3600 });
    const begin = performance.now();
    const outcome = await session.refresh().then(
      ({ accessToken }) => accessToken,
      (error) => {
        assert.ok(lib.AuthError.is(error), String(error));
        const said = JSON.stringify(error);
        assert.ok(said.length < 2_000, "bounded");
        assert.ok(!said.includes(SECRET));
        return error.code;
      },
    );
    assert.ok(performance.now() - begin < 10_000, "in good time");
    if (expected instanceof RegExp) assert.match(outcome, expected);
    else assert.equal(outcome, expected);
    assert.notEqual(session.snapshot.status, "signed-out");
    session.explain();
    session.dispose();
  });
}

test("10 MB that are nearly the token, at every place, are answered for in good time", async () => {
  answer = { status: 400, body: JSON.stringify({ error: "odd", error_description: many("a", BIG) }) };
  const options = { name: "nearly", refresh: `${url}/token`, storage: "memory", autoRefresh: false };
  const session = new lib.AuthSession(options);
  await session.setTokens({ access_token: "old", refresh_token: `${many("a", 100_000)}b`, expires_in: 3600 });
  const begin = performance.now();
  await assert.rejects(session.refresh(), { code: "invalid_response" });
  assert.ok(performance.now() - begin < 10_000);
  session.dispose();
});

test("challenges that are long, many or odd leave the 401 to the caller", async () => {
  for (const challenge of [
    many("Bearer ", 1_000),
    `Bearer ${many("a=b,", 1_800)}`,
    `Bearer error="${many("\\", 4_001)}`,
    many(",", 7_000),
  ]) {
    answer = { status: 401, body: "{}", headers: { "www-authenticate": challenge } };
    serial += 1;
    const options = {
      name: `h${serial}`,
      refresh: `${url}/token`,
      allow: [url],
      storage: "memory",
      autoRefresh: false,
      retryOn: "invalid_token",
    };
    const session = new lib.AuthSession(options);
    await session.setTokens({ access_token: "old", refresh_token: SECRET, expires_in: 3600 });
    assert.equal((await session.fetch(url)).status, 401);
    session.dispose();
  }
});
