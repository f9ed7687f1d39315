// Tokens go only where they are allowed, by what the browsers themselves make of thousands of URLs, and at real servers where
// redirects lead out of the list.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, describe, test } from "node:test";
import { startServer } from "../../www/server/main.mjs";
import { BARE, openBrowser, PKG } from "./browser.mjs";
import { firefox } from "./tabs/firefox.mjs";

const chromium = () => {
  let browser;
  return {
    name: "Chromium",
    start: async () => {
      browser = await openBrowser();
    },
    stop: () => browser.close(),
    visitor: () => browser.newContext(),
  };
};

/** In the page: one of the functions of fixtures/destinations.js. */
async function ask(name) {
  const { AuthSession } = await import("/pkg/dist/index.js");
  const destinations = await import("/destinations.js");
  return destinations[name](AuthSession);
}

/** The same of the whole way alone, without the class in front. */
async function askWhole(name) {
  await import("/pkg/dist/index.js").then(({ decodeJwt }) => decodeJwt("")); // Loads the module.
  const { AuthSession } = await import("/pkg/dist/glue.js");
  const destinations = await import("/destinations.js");
  return destinations[name](AuthSession);
}

/** A server that answers any origin, notes what it is sent, and redirects to where `to` says. */
async function listening(t) {
  const seen = [];
  const server = createServer(async (request, response) => {
    const { origin = "*" } = request.headers;
    response.setHeader("access-control-allow-origin", origin);
    response.setHeader("access-control-allow-headers", "authorization, content-type, x-odd");
    response.setHeader("access-control-allow-methods", "*");
    if (request.method === "OPTIONS") return response.writeHead(204).end();
    let body = "";
    for await (const part of request) body += part;
    const { pathname, searchParams } = new URL(request.url, "http://x");
    seen.push({ path: pathname, authorization: request.headers.authorization ?? null, body });
    const to = searchParams.get("to");
    if (to) return response.writeHead(Number(searchParams.get("status") ?? 302), { location: to }).end();
    response.writeHead(200, { "content-type": "application/json" }).end("{}");
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  t.after(() => server.close());
  return { seen, url: `http://localhost:${server.address().port}` };
}

for (const host of [chromium(), firefox()]) {
  describe(`where tokens go in ${host.name}`, () => {
    before(() => host.start());
    after(() => host.stop());

    const open = async (t) => {
      const server = await startServer({ pkg: PKG, page: BARE, connect: "'self' http://localhost:*", base: "*" });
      t.after(() => server.close());
      const visitor = await host.visitor();
      t.after(() => visitor.close());
      const page = await visitor.newPage();
      await page.goto(server.url);
      return page;
    };

    test("thousands of URLs are judged as an independent oracle judges them", async (t) => {
      const { wrong, ...count } = await (await open(t)).evaluate(ask, "compare");
      t.diagnostic(JSON.stringify(count));
      assert.deepEqual(wrong, []);
      assert.ok(count.compared > 20_000 && count.allowed > 1_000, JSON.stringify(count));
    });

    test("what looks like a Request, or lies about its URL, takes no token elsewhere", async (t) => {
      assert.deepEqual(await (await open(t)).evaluate(ask, "lookalikes"), []);
    });

    test("a base that changes while a call waits, or is made, takes no token elsewhere", async (t) => {
      const page = await open(t);
      const called = [
        ["https://api.test/v1/replayed", "Bearer first"],
        ["https://api.test/v1/replayed", "Bearer fresh-1"],
        ["https://api.test/v1/waited", "Bearer fresh-2"],
      ];
      // An init's getter moves it: `fetch` goes by the new one. The whole way has judged the old one, and goes there.
      const elsewhere = ["https://evil.test/moving", null];
      assert.deepEqual(await page.evaluate(ask, "movedBase"), [...called, elsewhere]);
      const there = ["https://api.test/v1/moving", "Bearer fresh-2"];
      assert.deepEqual(await page.evaluate(askWhole, "movedBase"), [...called, there]);
    });

    test("a base on another origin moves neither the routes nor the allow-list, one on the page's does", async (t) => {
      const asked = await (await open(t)).evaluate(async () => {
        const { AuthSession } = await import("/pkg/dist/index.js");
        const asked = [];
        const fetch = async (input, init) => {
          const { authorization } = Object.fromEntries(new Headers(init?.headers));
          const { href } = new URL(input, document.baseURI);
          asked.push([href.replace(location.origin, "page"), authorization ?? null]);
          return Response.json({ access_token: "next", expires_in: 3600 });
        };
        const base = document.head.appendChild(document.createElement("base"));
        for (const href of ["https://evil.test/x/", "/app/"]) {
          base.href = href;
          const options = { refresh: "/token", allow: ["/api"], revoke: "revoke", storage: "memory", fetch };
          const session = new AuthSession({ ...options, autoRefresh: false, name: href });
          await session.setTokens({ access_token: "first", refresh_token: "kept" });
          await session.refresh();
          for (const url of [`${location.origin}/api/a`, "https://evil.test/api/b", "/api/c"]) await session.fetch(url);
          await session.signOut();
          session.dispose();
        }
        return asked;
      });
      assert.deepEqual(asked, [
        ["page/token", null],
        ["page/api/a", "Bearer next"],
        ["https://evil.test/api/b", null],
        ["https://evil.test/api/c", null],
        ["page/revoke", null],
        ["page/token", null],
        ["page/api/a", "Bearer next"],
        ["https://evil.test/api/b", null],
        ["page/api/c", "Bearer next"],
        ["page/app/revoke", null],
      ]);
    });

    test("the short way of a call shows the same as the whole one, whatever the URL, the init, the session and the fetch", async (t) => {
      const { wrong, ...count } = await (await open(t)).evaluate(async () => {
        const { AuthSession, decodeJwt } = await import("/pkg/dist/index.js");
        const glue = await import("/pkg/dist/glue.js");
        const { compareWays } = await import("/ways.js");
        decodeJwt(""); // Loads the module for both.
        return compareWays(AuthSession, glue.AuthSession);
      });
      t.diagnostic(JSON.stringify(count));
      assert.deepEqual(wrong, []);
      assert.ok(count.compared > 1_900 && count.withToken > 900, JSON.stringify(count));
    });

    test("nothing leaves with the token after a sign-out in the midst of a call", async (t) => {
      const { calls, late } = await (await open(t)).evaluate(async () => {
        const { AuthSession } = await import("/pkg/dist/index.js");
        return (await import("/ways.js")).afterSignOut(AuthSession);
      });
      assert.deepEqual(late, []);
      assert.ok(calls > 50, String(calls));
    });

    test("a redirect of the API to another origin arrives there without the token", async (t) => {
      const [api, other] = [await listening(t), await listening(t)];
      const page = await open(t);
      await page.evaluate(
        async ({ api, other }) => {
          const { AuthSession } = await import("/pkg/dist/index.js");
          const session = new AuthSession({
            refresh: `${api}/token`,
            allow: [api],
            storage: "memory",
            autoRefresh: false,
          });
          await session.setTokens({ access_token: "the-token" });
          for (const status of [301, 302, 303, 307, 308]) {
            await session.fetch(`${api}/hop?status=${status}&to=${encodeURIComponent(`${other}/caught`)}`);
          }
          await session.fetch(`${api}/hop?to=/inside`);
        },
        { api: api.url, other: other.url },
      );
      assert.equal(api.seen.filter(({ authorization }) => authorization === "Bearer the-token").length, 7);
      assert.ok(
        api.seen.some(({ path }) => path === "/inside"),
        "within the origin the browser keeps it",
      );
      assert.equal(other.seen.length, 5);
      assert.deepEqual([...new Set(other.seen.map(({ authorization }) => authorization))], [null]);
    });

    test("no redirect takes the refresh token, a revocation, a code or a discovery elsewhere", async (t) => {
      const [id, other] = [await listening(t), await listening(t)];
      const page = await open(t);
      const codes = await page.evaluate(
        async ({ id, other }) => {
          const { AuthSession } = await import("/pkg/dist/index.js");
          const codes = [];
          for (const status of [302, 307, 308]) {
            const hop = (path) => `${id}${path}?status=${status}&to=${encodeURIComponent(`${other}/caught`)}`;
            const session = new AuthSession({
              name: `redirected-${status}`,
              refresh: { url: hop("/token"), clientId: "c", clientSecret: "the-secret", clientAuth: "basic" },
              revoke: hop("/revoke"),
              storage: "memory",
              autoRefresh: false,
              signIn: {
                authorizationEndpoint: `${id}/authorize`,
                tokenEndpoint: hop("/token"),
                clientId: "c",
                redirectUri: location.href,
              },
            });
            await session.setTokens({ access_token: "the-token", refresh_token: "the-refresh-token" });
            codes.push(await session.refresh().catch((error) => error.code));
            const state = new URL(await session.startSignIn()).searchParams.get("state");
            codes.push(
              await session.finishSignIn(`${location.href}?code=the-code&state=${state}`).catch((error) => error.code),
            );
            codes.push(await session.signOut({ force: false }).catch((error) => error.code));
            session.dispose();
          }
          return codes;
        },
        { id: id.url, other: other.url },
      );
      assert.deepEqual([...new Set(codes)], ["refresh_unavailable"]);
      assert.equal(id.seen.length, 9);
      assert.deepEqual(other.seen, []);
    });

    test("an issuer whose metadata is a redirect is not believed", async (t) => {
      const other = await listening(t);
      const issuer = createServer((_, response) =>
        response
          .writeHead(302, {
            "access-control-allow-origin": "*",
            location: `${other.url}/caught`,
          })
          .end(),
      );
      await new Promise((done) => issuer.listen(0, "127.0.0.1", done));
      t.after(() => issuer.close());
      const page = await open(t);
      const code = await page.evaluate(async (url) => {
        const { AuthSession } = await import("/pkg/dist/index.js");
        const session = new AuthSession({
          refresh: `${url}/token`,
          storage: "memory",
          signIn: { issuer: url, clientId: "c", redirectUri: location.href },
        });
        const code = await session.startSignIn().catch((error) => error.code);
        session.dispose();
        return code;
      }, `http://localhost:${issuer.address().port}`);
      assert.equal(code, "invalid_response");
      assert.deepEqual(other.seen, []);
    });
  });
}
