// What `fetch` does with one request: what it may be given, what it sends where, and what a 401 leads to.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, describe, test } from "node:test";
import { ENTRIES, openBare, openBrowser, since, until } from "./browser.mjs";

const API_401 = { api: { times: 1 } };
const ALWAYS_401 = { api: { times: "always" } };

/** What a worker's session cannot be given from the page; tests/e2e/worker.test.mjs gives it in the worker. */
const replaces = (entry) => ({ skip: entry === "worker" && "a page cannot replace the worker's fetch" });

const requests = (entry) => () => {
  let browser;
  before(async () => {
    browser = await openBrowser();
  });
  after(() => browser.close());

  const open = (t, options) => openBare(t, browser, { entry, accessTtl: 60, ...options });

  // -------------------------------------------------------------- 401

  test("a 401 leads to one refresh and one replay", async (t) => {
    const { server, page } = await open(t);
    server.faults.set(API_401);
    const start = server.stats();
    assert.equal(await page.evaluate(async () => (await window.session.fetch("/api/time")).status), 200);
    const { tokenRequests, apiCalls, api401 } = since(start, server.stats());
    assert.deepEqual({ tokenRequests, apiCalls, api401 }, { tokenRequests: 1, apiCalls: 2, api401: 1 });
  });

  test("the second 401 goes to the caller whole, without a third attempt", async (t) => {
    const { server, page } = await open(t);
    server.faults.set(ALWAYS_401);
    const start = server.stats();
    const answer = await page.evaluate(async () => {
      const response = await window.session.fetch("/api/time");
      return {
        status: response.status,
        challenge: response.headers.get("www-authenticate"),
        body: await response.json(),
      };
    });
    assert.equal(answer.status, 401);
    assert.match(answer.challenge, /^Bearer realm="demo", error="invalid_token"/);
    assert.equal(answer.body.error, "invalid_token");
    const { tokenRequests, apiCalls } = since(start, server.stats());
    assert.deepEqual({ tokenRequests, apiCalls }, { tokenRequests: 1, apiCalls: 2 });
  });

  test("an API that always says 401 cannot make twenty calls at once refresh more than once", async (t) => {
    const { server, page } = await open(t);
    server.faults.set(ALWAYS_401);
    const start = server.stats();
    const statuses = await page.evaluate(async () => {
      const calls = Array.from({ length: 20 }, () => window.session.fetch("/api/time"));
      return (await Promise.all(calls)).map((response) => response.status);
    });
    assert.deepEqual([...new Set(statuses)], [401]);
    const { tokenRequests, apiCalls } = since(start, server.stats());
    assert.equal(tokenRequests, 1);
    assert.ok(apiCalls <= 40, `${apiCalls} API calls for 20`);
  });

  test("a late 401 for a token that has been replaced is replayed without a refresh", replaces(entry), async (t) => {
    const { server, page } = await open(t, { session: null });
    const statuses = await page.evaluate(async () => {
      let holdBack = true;
      let release;
      const refreshed = new Promise((resolve) => {
        release = resolve;
      });
      await window.openSession({
        async fetch(...args) {
          const url = args[0] instanceof Request ? args[0].url : String(args[0]);
          if (!url.includes("/api/time?late") || !holdBack) return fetch(...args);
          holdBack = false;
          await refreshed;
          return new Response("", { status: 401 });
        },
      });
      await window.signIn();
      const late = window.session.fetch("/api/time?late");
      await window.session.refresh();
      release();
      return [(await late).status];
    });
    assert.deepEqual(statuses, [200]);
    assert.equal(server.stats().tokenRequests.total, 1);
  });

  test('retryOn "never" gives back the first 401', async (t) => {
    const { server, page } = await open(t, { session: { retryOn: "never" } });
    server.faults.set(API_401);
    assert.equal(await page.evaluate(async () => (await window.session.fetch("/api/time")).status), 401);
    assert.equal(server.stats().tokenRequests.total, 0);
  });

  test('retryOn "invalid_token" reads a real challenge with a realm before the error', async (t) => {
    const { server, page } = await open(t, { session: { retryOn: "invalid_token" } });
    server.faults.set(API_401);
    assert.equal(await page.evaluate(async () => (await window.session.fetch("/api/time")).status), 200);
    assert.equal(server.stats().tokenRequests.total, 1);
  });

  // -------------------------------------------------------------- bodies

  const BODIES = ["a string", "an empty string", "URLSearchParams", "FormData", "a Blob", "an ArrayBuffer"];
  for (const name of [...BODIES, "a typed array", "a part of a typed array"]) {
    test(`${name} is sent again whole after a 401`, async (t) => {
      const { server, page } = await open(t);
      const post = () =>
        page.evaluate(async (wanted) => {
          const body = window.bodies[wanted]();
          const response = await window.session.fetch("/api/echo", { method: "POST", body });
          const echo = await response.json();
          const type = echo.headers["content-type"]?.replace(/boundary=.*/, "");
          return { status: response.status, bytes: echo.bytes, type, text: echo.text.replace(/-{4,}\w+/g, "") };
        }, name);
      // What the body looks like when nothing goes wrong is what it must look like when something does.
      const plain = await post();
      server.faults.set(API_401);
      const replayed = await post();
      assert.equal(plain.status, 200);
      assert.deepEqual(replayed, plain);
      assert.equal(server.stats().tokenRequests.total, 1);
    });
  }

  test("a Request with a body is never replayed empty", async (t) => {
    const { server, page } = await open(t);
    const send = () =>
      page.evaluate(async () => {
        const headers = { "x-own": "kept", "content-type": "text/x-note" };
        const request = new Request("/api/echo", { method: "PUT", body: "request body", headers });
        const response = await window.session.fetch(request);
        const { method, text, headers: sent, error } = await response.json();
        return { status: response.status, method, text, own: sent?.["x-own"], type: sent?.["content-type"], error };
      });
    const whole = {
      status: 200,
      method: "PUT",
      text: "request body",
      own: "kept",
      type: "text/x-note",
      error: undefined,
    };
    assert.deepEqual(await send(), whole);
    server.faults.set(API_401);
    const after401 = await send();
    if (after401.status === 401) assert.equal(after401.error, "invalid_token", "the first 401, given back whole");
    else assert.deepEqual(after401, whole);
  });

  test("a Request without a body is replayed", async (t) => {
    const { server, page } = await open(t);
    server.faults.set(API_401);
    const answer = await page.evaluate(async () => {
      const request = new Request("/api/echo", { headers: { "x-own": "kept" } });
      const response = await window.session.fetch(request);
      return { status: response.status, own: (await response.json()).headers["x-own"] };
    });
    assert.deepEqual(answer, { status: 200, own: "kept" });
  });

  test("init overrides a Request as in fetch", async (t) => {
    const { page } = await open(t);
    const answer = await page.evaluate(async () => {
      const request = new Request("/api/echo", { method: "POST", body: "old", headers: { "x-own": "old" } });
      const response = await window.session.fetch(request, { method: "PUT", body: "new", headers: { "x-own": "new" } });
      const { method, text, headers } = await response.json();
      return { status: response.status, method, text, own: headers["x-own"] };
    });
    assert.deepEqual(answer, { status: 200, method: "PUT", text: "new", own: "new" });
  });

  test("a stream is not replayed, and its first 401 is given back whole", replaces(entry), async (t) => {
    // Chromium sends a streamed body over HTTP/2 alone; this stands in for such a server and reads the stream as it would.
    const { server, page } = await open(t, { session: null });
    const answer = await page.evaluate(async () => {
      const received = [];
      await window.openSession({
        async fetch(...args) {
          const url = args[0] instanceof Request ? args[0].url : String(args[0]);
          if (!url.endsWith("/api/upload")) return fetch(...args);
          const body = args[0] instanceof Request ? args[0].body : args[1].body;
          received.push(await new Response(body).text());
          return new Response("no, and here is why", { status: 401, headers: { "x-why": "because" } });
        },
      });
      await window.signIn();
      const body = new Blob(["streamed"]).stream();
      const response = await window.session.fetch("/api/upload", { method: "POST", body, duplex: "half" });
      return { received, status: response.status, why: response.headers.get("x-why"), text: await response.text() };
    });
    assert.deepEqual(answer, { received: ["streamed"], status: 401, why: "because", text: "no, and here is why" });
    assert.ok(server.stats().tokenRequests.total <= 1);
  });

  // -------------------------------------------------------------- what is sent

  test("headers survive in every form, also through a replay", async (t) => {
    const { server, page } = await open(t);
    for (const form of ["object", "list", "Headers"]) {
      server.faults.set(API_401);
      const sent = await page.evaluate(async (wanted) => {
        const pairs = [
          ["X-Own", "1"],
          ["Content-Type", "text/x-note"],
        ];
        const headers = window.headersIn[wanted](pairs);
        const response = await window.session.fetch("/api/echo", { method: "POST", body: "x", headers });
        return (await response.json()).headers;
      }, form);
      assert.equal(sent["x-own"], "1", form);
      assert.equal(sent["content-type"], "text/x-note", form);
    }
  });

  test("the caller's headers object is not changed", async (t) => {
    const { page } = await open(t);
    const left = await page.evaluate(async () => {
      const init = { headers: new Headers({ "x-own": "1" }) };
      await window.session.fetch("/api/time", init);
      return [...init.headers].concat(Object.keys(init));
    });
    assert.deepEqual(left, [["x-own", "1"], "headers"]);
  });

  for (const form of ["string", "relative URL", "URL", "Request"]) {
    test(`a ${form} is taken as fetch takes it, also by a detached fetch`, async (t) => {
      const { page } = await open(t);
      const status = await page.evaluate(async (wanted) => {
        const { fetch: detached } = window.session;
        const url = new URL("/api/time", location.href);
        const input = { string: url.href, "relative URL": "api/time", URL: url, Request: new Request(url) }[wanted];
        return (await detached(input)).status;
      }, form);
      assert.equal(status, 200);
    });
  }

  test("a caller's own Authorization is left alone, and its 401 refreshes nothing", async (t) => {
    const { server, page, seen } = await open(t);
    const sent = [];
    page.on("request", async (request) => {
      if (request.url().endsWith("/api/time")) sent.push((await request.allHeaders()).authorization);
    });
    const statuses = await page.evaluate(async () => {
      const own = { Authorization: "Basic b3duOm93bg==" };
      const calls = [
        window.session.fetch("/api/time", { headers: own }),
        window.session.fetch("/api/time", { headers: new Headers(own) }),
        window.session.fetch("/api/time", { headers: [["authorization", own.Authorization]] }),
        window.session.fetch(new Request("/api/time", { headers: own })),
      ];
      return (await Promise.all(calls)).map((response) => response.status);
    });
    assert.deepEqual(statuses, [401, 401, 401, 401]);
    await until(() => sent.length === 4, "four requests seen");
    assert.deepEqual([...new Set(sent)], ["Basic b3duOm93bg=="]);
    assert.equal(server.stats().tokenRequests.total, 0);
    assert.deepEqual(seen.errors, []);
  });

  test("a caller's abort detaches that caller alone", async (t) => {
    const { server, page } = await open(t);
    await page.evaluate(() => window.session.fetch("/demo/expire", { method: "POST" }));
    server.faults.set({ token: { kind: "delay", ms: 500 } });
    const answers = await page.evaluate(async () => {
      const controller = new AbortController();
      const impatient = window.session.fetch("/api/time", { signal: controller.signal });
      const patient = window.session.fetch("/api/time");
      setTimeout(() => controller.abort(), 150);
      return [await impatient.catch((error) => error.name), (await patient).status];
    });
    assert.deepEqual(answers, ["AbortError", 200]);
    assert.equal(server.stats().tokenRequests.total, 1);
    assert.equal(server.stats().tokenRequests.ok, 1);
  });

  test("an abort before the call, and its reason, are as in fetch", async (t) => {
    const { server, page } = await open(t);
    const start = server.stats();
    const reason = await page.evaluate(() =>
      window.session.fetch("/api/time", { signal: AbortSignal.abort("not now") }).catch((error) => error),
    );
    assert.equal(reason, "not now");
    assert.equal(since(start, server.stats()).apiCalls, 0);
  });

  test("signed out, requests go through without a token", async (t) => {
    const { server, page } = await open(t, { signedIn: false });
    const answer = await page.evaluate(async () => {
      const response = await window.session.fetch("/api/time");
      return { status: response.status, challenge: response.headers.get("www-authenticate") };
    });
    assert.deepEqual(answer, { status: 401, challenge: 'Bearer realm="demo"' });
    assert.equal(server.stats().tokenRequests.total, 0);
  });

  // -------------------------------------------------------------- where a token may go

  test("another origin gets no token, and its 401 refreshes nothing", async (t) => {
    const foreign = await openForeign(t);
    const { server, page } = await open(t);
    const status = await page.evaluate(async (url) => (await window.session.fetch(`${url}/data`)).status, foreign.url);
    assert.equal(status, 401);
    assert.deepEqual(foreign.authorizations, [undefined]);
    assert.equal(server.stats().tokenRequests.total, 0);
  });

  test("an allowed origin gets the token under its path alone, and then the own origin gets none", async (t) => {
    const foreign = await openForeign(t);
    const { page } = await open(t, { session: { allow: [`${foreign.url}/v1`] } });
    const sent = await page.evaluate(async (url) => {
      const paths = ["/v1", "/v1/data", "/v10/data", "/v1/../v2/data", "/v2?x=/v1/"];
      for (const path of paths) await window.session.fetch(url + path).then((response) => response.text());
      return paths;
    }, foreign.url);
    const given = Object.fromEntries(sent.map((path, i) => [path, foreign.authorizations[i]?.split(" ")[0] ?? null]));
    assert.deepEqual(given, {
      "/v1": "Bearer",
      "/v1/data": "Bearer",
      "/v10/data": null,
      "/v1/../v2/data": null,
      "/v2?x=/v1/": null,
    });
    assert.equal(await page.evaluate(async () => (await window.session.fetch("/api/time")).status), 401);
  });

  test("the scheme is the one that was asked for", async (t) => {
    const foreign = await openForeign(t);
    const { page } = await open(t, { session: { allow: [foreign.url], scheme: "JWT" } });
    await page.evaluate(async (url) => (await window.session.fetch(`${url}/data`)).text(), foreign.url);
    assert.match(foreign.authorizations[0], /^JWT \S+$/);
  });
};

for (const entry of ENTRIES) describe(`requests through ${entry}`, { concurrency: 6 }, requests(entry));

/** Another origin with open CORS that notes what it was sent. Says 401, except to a bearer of anything. */
async function openForeign(t) {
  const authorizations = [];
  const server = createServer((request, response) => {
    response.setHeader("access-control-allow-origin", "*");
    response.setHeader("access-control-allow-headers", "authorization");
    if (request.method === "OPTIONS") return response.writeHead(204).end();
    const { authorization } = request.headers;
    authorizations.push(authorization);
    response.writeHead(authorization ? 200 : 401).end("{}");
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return { url: `http://localhost:${server.address().port}`, authorizations };
}
