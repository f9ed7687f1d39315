// What tokenwell/worker adds: the refresh token is nowhere in the page, and what is at rest is ciphertext. That it is
// the same session otherwise, the other suites show, which run through both entries.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { openBare, openBrowser, ready, until } from "./browser.mjs";
import { outsideSessionStorage } from "./tabs/apart.mjs";

describe("worker", { concurrency: 4 }, () => {
  let browser;
  before(async () => {
    browser = await openBrowser({ args: ["--js-flags=--expose-gc"] });
  });
  after(() => browser.close());

  const open = (t, options) => openBare(t, browser, { entry: "worker", accessTtl: 60, ...options });

  // -------------------------------------------------------------- isolation

  for (const exposeAccessToken of [true, false]) {
    const seen = exposeAccessToken ? "the refresh token is" : "neither token is";
    test(`after a sign-in and a rotation ${seen} anywhere in the page`, { timeout: 120_000 }, async (t) => {
      const { server, context, page } = await open(t, { session: null });
      const issued = noteTokens(server);
      await signIn(page, { exposeAccessToken });
      await page.evaluate(() => window.session.refresh());
      assert.equal(await page.evaluate(async () => (await window.session.fetch("/api/time")).status), 200);
      const { refresh_token: refresh, access_token: access } = grouped(issued);
      assert.deepEqual([refresh.length, access.length], [2, 2]);

      const heap = await heapOf(context, page);
      const readable = JSON.stringify([
        await page.evaluate(outsideSessionStorage),
        await page.evaluate(() => ({ ...sessionStorage })),
        await page.evaluate(() => [window.session.snapshot, window.session.explain()]),
      ]);
      for (const token of refresh) assert.ok(!heap.includes(token) && !readable.includes(token), "a refresh token");
      // The newest access token shows that what is in the page would be found.
      assert.equal(heap.includes(access[1].slice(-40)), exposeAccessToken);
      assert.equal(readable.includes(access[1]), exposeAccessToken);

      if (exposeAccessToken) return;
      const asked = await page.evaluate(async () => {
        const { session } = window;
        const failed = await session.getAccessToken().catch(({ code }) => code);
        let thrown;
        try {
          thrown = session.accessToken;
        } catch ({ code }) {
          thrown = code;
        }
        return [failed, thrown, session.snapshot.accessToken, session.snapshot.status];
      });
      assert.deepEqual(asked, ["invalid_options", "invalid_options", null, "signed-in"]);
    });
  }

  test("what is at rest is ciphertext under a key that cannot be taken out", async (t) => {
    const { page } = await open(t, { session: null });
    await page.evaluate(() => window.openSession({ storage: "local" }));
    await page.evaluate(() => window.signIn());
    const found = await page.evaluate(async () => {
      const result = (request) =>
        new Promise((resolve, reject) => {
          request.onsuccess = () => resolve(request.result);
          request.onerror = () => reject(request.error);
        });
      const database = await result(indexedDB.open("tokenwell-worker"));
      const keys = await result(database.transaction("keys").objectStore("keys").getAll());
      const exported = await crypto.subtle.exportKey("raw", keys[0]).catch((error) => error.name);
      const kept = localStorage.getItem("tokenwell:default");
      const bytes = atob(kept);
      return {
        keys: keys.map(({ extractable, algorithm, usages }) => ({ extractable, ...algorithm, usages })),
        exported,
        stored: [Object.keys(localStorage), Object.keys(sessionStorage)],
        // Long enough to be no accident in what is random.
        readable: [bytes, kept].some((text) => /access|refresh|generation|eyJhbGci/.test(text)),
        long: bytes.length > 300,
      };
    });
    assert.deepEqual(found, {
      keys: [{ extractable: false, name: "AES-GCM", length: 256, usages: ["encrypt", "decrypt"] }],
      exported: "InvalidAccessError",
      stored: [["tokenwell:default"], []],
      readable: false,
      long: true,
    });
  });

  test("a storage of the app's gets ciphertext, and gives it back after a reload", async (t) => {
    const { page } = await open(t, { session: null });
    const openKept = () =>
      page.evaluate(async () => {
        const slowly = (value) => new Promise((resolve) => setTimeout(resolve, 20, value));
        const storage = {
          getItem: (key) => slowly(localStorage.getItem(`own:${key}`)),
          setItem: (key, text) => slowly(localStorage.setItem(`own:${key}`, text)),
          removeItem: (key) => slowly(localStorage.removeItem(`own:${key}`)),
        };
        await window.openSession({ storage });
        return window.session.snapshot.status;
      });
    assert.equal(await openKept(), "signed-out");
    await page.evaluate(() => window.signIn());
    const kept = await until(() => page.evaluate(() => localStorage.getItem("own:tokenwell:default")), "it to be kept");
    assert.match(kept, /^[\w+/=]{300,}$/);
    await page.reload();
    await ready(page);
    assert.equal(await openKept(), "signed-in");
    await page.evaluate(() => window.session.signOut());
    await until(() => page.evaluate(() => localStorage.length === 0), "it to be removed");
  });

  test("a request that the session leaves alone goes out from the page, the others from the worker", async (t) => {
    const { page } = await open(t);
    const asked = await page.evaluate(async () => {
      const asked = [];
      const { fetch } = window;
      window.fetch = (...args) => {
        asked.push(new URL(args[0], location.href).href.replace(location.origin, ""));
        return fetch(...args);
      };
      await window.session.fetch("/api/time");
      await window.session.fetch("/api/echo?own", { headers: { authorization: "Basic eDp5" } });
      const elsewhere = location.origin.replace("localhost", "127.0.0.1");
      const posted = { method: "POST", body: "hello" };
      await window.session.fetch(`${elsewhere}/api/echo`, posted).catch(() => {});
      return asked.map((url) => url.replace(/:\d+/, ""));
    });
    assert.deepEqual(asked, ["/api/echo?own", "http://127.0.0.1/api/echo"]);
  });

  // -------------------------------------------------------------- a response is a response

  test("a response has all that fetch would have given", async (t) => {
    const { page } = await open(t, {
      routes: {
        "GET /demo/moved": (_request, response) => response.writeHead(302, { location: "/api/time?moved" }).end(),
        "GET /demo/empty": (_request, response) => response.writeHead(204).end(),
        "GET /demo/teapot": (_request, response) => response.writeHead(418, "Short", { "x-own": "1" }).end("stout"),
        ...entry(),
      },
    });
    const [ours, theirs] = await page.evaluate(async () => {
      const look = async (fetch) => {
        const looks = [];
        for (const [url, init] of [
          ["/api/time?a"],
          ["/demo/moved"],
          ["/demo/moved", { redirect: "manual" }],
          ["/demo/empty"],
          ["/demo/teapot"],
          ["/demo/teapot", { method: "HEAD" }],
          ["/demo/teapot", { mode: "no-cors" }],
        ]) {
          const response = await fetch(url, init);
          const { status, statusText, ok, url: at, redirected, type, bodyUsed } = response;
          const copy = response.clone();
          const read = [await response.text(), await copy.text()].map((text) => text.replace(/\{.*/, "{}"));
          const names = ["x-own", "content-type", "content-length"].map((name) => response.headers.get(name));
          const same = copy instanceof Response && copy.url === at && copy.status === status;
          looks.push([
            status,
            statusText,
            ok,
            at,
            redirected,
            type,
            bodyUsed,
            ...read,
            url.includes("api") || names,
            same,
          ]);
        }
        return looks;
      };
      const { accessToken } = window.session;
      const headers = { authorization: `Bearer ${accessToken}` };
      return [await look(window.session.fetch), await look((url, init) => fetch(url, { headers, ...init }))];
    });
    assert.deepEqual(ours, theirs);
  });

  test("a body comes as it is sent, can be stopped, and is let go of when nobody reads it", async (t) => {
    const open_ = [];
    const { page } = await open(t, {
      routes: {
        ...entry(),
        "GET /demo/stream": (_request, response) => {
          response.writeHead(200, { "content-type": "text/plain" });
          response.write("first");
          open_.push(response);
        },
      },
    });
    const closed = (response) => new Promise((resolve) => response.once("close", resolve));
    const first = await page.evaluate(async () => {
      window.abort = new AbortController();
      const response = await window.session.fetch("/demo/stream", { signal: window.abort.signal });
      window.reader = response.body.getReader();
      return new TextDecoder().decode((await window.reader.read()).value);
    });
    assert.equal(first, "first");
    const stopped = closed(open_[0]);
    const error = await page.evaluate(() => {
      window.abort.abort();
      return window.reader.read().then(
        () => "read on",
        ({ name }) => name,
      );
    });
    assert.equal(error, "AbortError");
    await stopped;

    await page.evaluate(async () => (await window.session.fetch("/demo/stream")).status);
    const dropped = closed(open_[1]);
    const collecting = setInterval(() => page.evaluate(() => gc()).catch(() => {}), 200);
    await dropped.finally(() => clearInterval(collecting));

    // Whoever reads without holding on to the response gets it all.
    const whole = page.evaluate(async () => {
      const text = window.session.fetch("/demo/stream").then((response) => response.text());
      for (let i = 0; i < 10; i += 1) {
        await new Promise((resolve) => setTimeout(resolve, 50));
        gc();
      }
      return text;
    });
    await until(() => open_.length === 3, "the third request");
    setTimeout(() => open_[2].end(", last"), 700);
    assert.equal(await whole, "first, last");
  });

  test("errors and reasons are those of fetch", async (t) => {
    const { page } = await open(t);
    const found = await page.evaluate(async () => {
      const name = (promise) =>
        promise.then(
          () => "none",
          (error) => [error.constructor.name, error.name],
        );
      const { fetch } = window.session;
      const reason = new Error("mine");
      const abort = new AbortController();
      const aborted = fetch("/api/time", { signal: abort.signal }).catch((error) => error === reason);
      abort.abort(reason);
      return [
        await name(fetch("http://[")),
        await name(fetch("/api/time", { method: "GET", body: "no" })),
        await name(fetch("/nowhere", { redirect: "error", mode: "nonsense" })),
        await name(window.session.getAccessToken({ signal: AbortSignal.abort() })),
        await aborted,
      ];
    });
    const wrong = ["TypeError", "TypeError"];
    assert.deepEqual(found, [wrong, wrong, wrong, ["DOMException", "AbortError"], true]);
  });

  // -------------------------------------------------------------- what can be wrong with it

  test("what cannot go to a worker is named, and wrong options are what they are elsewhere", async (t) => {
    const { page, seen } = await open(t, { session: null });
    const said = await page.evaluate(async () => {
      const { AuthError, AuthSession } = window.tokenwell;
      const wrong = [
        { refresh: async () => "token" },
        { refresh: "/t", fetch: () => {} },
        { refresh: { url: "/t", params: { a: () => {} } } },
        { refresh: "/t", exposeAccessToken: 1 },
        null,
        { refresh: "/t", params: 1n },
        // What only the worker knows.
        { refresh: "/t", storage: "cookies" },
        { refresh: "/t", leeway: Number.NaN },
        { refresh: "/t", allow: ["ftp://nonsense"] },
        {},
      ];
      const said = [];
      for (const options of wrong) {
        const error = await AuthSession.create(options).catch((error) => error);
        said.push(
          AuthError.is(error) && error instanceof AuthError && error.code === "invalid_options" && error.message,
        );
      }
      const late = new AuthSession({ refresh: "/t", retryOn: "x" });
      const calls = await Promise.allSettled([late.fetch("/api/time"), late.refresh()]);
      said.push(...calls.map(({ reason }) => reason.code), late.snapshot.error?.code, late.snapshot.status);
      return said;
    });
    const expected = [
      /refresh.*serve\(\)/,
      /fetch.*serve\(\)/,
      /\ba\b.*function/,
      /exposeAccessToken/,
      /options object/,
    ];
    expected.push(/plain data/, /storage/, /leeway/, /allow/, /refresh/, /^invalid_options$/, /^invalid_options$/);
    expected.push(/^invalid_options$/, /^signed-out$/);
    for (const [i, pattern] of expected.entries()) assert.match(String(said[i]), pattern);
    assert.deepEqual(seen.errors, []);
  });

  test("a worker that cannot be started is an error that says why, and a later call tries again", async (t) => {
    const { page, seen } = await open(t, { session: null });
    const found = await page.evaluate(async () => {
      const refresh = { url: "/oidc/token", clientId: "tokenwell-demo" };
      const { AuthSession } = window.tokenwell;
      const tried = async (worker) => {
        const error = await AuthSession.create({ refresh, worker }).catch((error) => error);
        return [error.code, /worker-src/.test(error.message)];
      };
      const blob = URL.createObjectURL(new Blob(["1"], { type: "text/javascript" }));
      const found = [await tried("/not-there.js"), await tried(blob), await tried("https://elsewhere.test/x.js")];
      let script = "/not-there.js";
      const session = new AuthSession({ refresh, worker: () => new Worker(script, { type: "module" }) });
      found.push(await session.refresh().catch(({ code, retryable }) => [code, retryable]));
      script = "/pkg/dist/worker-thread.js";
      found.push(await session.refresh().catch(({ code }) => code));
      return found;
    });
    assert.deepEqual(found, [
      ["refresh_unavailable", false],
      ["invalid_options", true],
      ["invalid_options", true],
      ["refresh_unavailable", true],
      "signed_out",
    ]);
    assert.deepEqual(seen.errors, []);
  });

  test("a worker that dies costs the calls under way, and the next ones find the session again", async (t) => {
    const { server, page } = await open(t, { session: null });
    server.faults.set({ token: { kind: "delay", ms: 3000, times: 1 } });
    const found = await page.evaluate(async () => {
      const workers = [];
      const worker = () => {
        workers.push(new Worker("/pkg/dist/worker-thread.js", { type: "module" }));
        return workers.at(-1);
      };
      await window.openSession({ worker });
      await window.signIn();
      const pending = window.session.refresh().catch(({ code, retryable }) => [code, retryable]);
      await window.session.fetch("/api/time");
      workers[0].terminate();
      const told = await pending;
      const { status } = await window.session.fetch("/api/time");
      return [told, status, window.session.snapshot.status, workers.length];
    });
    assert.deepEqual(found, [["refresh_unavailable", true], 200, "signed-in", 2]);
  });

  test("a trap in the worker costs the calls under way; the same worker starts again from what is stored", async (t) => {
    const { server, page } = await open(t, { session: null });
    const found = await page.evaluate(async () => {
      const workers = [];
      const worker = () => {
        workers.push(new Worker("/own-worker.js", { type: "module" }));
        return workers.at(-1);
      };
      await window.openSession({ worker });
      await window.signIn();
      workers[0].addEventListener("error", (event) => event.preventDefault()); // It is reported there.
      const told = ({ code, message }) => [code, /stopped on an error of its own/.test(message)];
      const call = () => window.session.fetch("/api/time").then(({ status }) => status, told);
      window.trapped = async () => {
        const pending = window.session.refresh().catch(told);
        await call(); // The worker has both by then.
        workers[0].postMessage("poison");
        const refused = await window.session.getAccessToken().catch(told);
        return [refused, await pending];
      };
      window.after = async () => [await call(), window.session.snapshot.status, workers.length];
      return call();
    });
    assert.equal(found, 200);
    server.faults.set({ token: { kind: "delay", ms: 3000, times: 1 } });
    const trapped = ["refresh_unavailable", true];
    assert.deepEqual(await page.evaluate(() => window.trapped()), [trapped, trapped]);
    assert.deepEqual(await page.evaluate(() => window.after()), [200, "signed-in", 1]);
    await until(() => page.evaluate(() => window.session.snapshot.reason === "stored"), "what was stored");
  });

  // -------------------------------------------------------------- a worker script of the app's own

  test("functions given to serve() run in the worker: a stream is not replayed, a late 401 is", async (t) => {
    const { server, page } = await open(t, { session: { worker: "/own-worker.js" } });
    const upload = await page.evaluate(async () => {
      const body = new Blob(["streamed"]).stream();
      const response = await window.session.fetch("/api/upload", { method: "POST", body, duplex: "half" });
      return [response.status, await response.text()];
    });
    assert.deepEqual(upload, [401, "no to streamed"]);
    const { total } = server.stats().tokenRequests;
    const late = await page.evaluate(async () => {
      const late = window.session.fetch("/api/time?late");
      await window.session.refresh();
      return (await late).status;
    });
    assert.equal(late, 200);
    assert.ok(server.stats().tokenRequests.total - total <= 1);
  });

  test("dispose ends the worker, and the name is free", async (t) => {
    const { page } = await open(t);
    const workers = () => page.workers().length;
    assert.equal(workers(), 1);
    const found = await page.evaluate(async () => {
      const { AuthSession } = window.tokenwell;
      window.session.dispose();
      const refused = await window.session.fetch("/api/time").catch(({ code }) => code);
      const gone = AuthSession.get() === undefined;
      await window.openSession();
      return [refused, gone, window.session.snapshot.status];
    });
    assert.deepEqual(found, ["invalid_options", true, "signed-in"]);
    await until(() => workers() === 1, "the first worker to end");
  });
});

const entry = () => ({
  "GET /demo/entry.js": (_request, response) => {
    response.writeHead(200, { "content-type": "text/javascript" }).end('export * from "/pkg/dist/worker.js";');
  },
});

/** Through the provider's own pages: the code goes to the worker. */
async function signIn(page, options) {
  const configure = () =>
    page.evaluate(
      (options) =>
        window.openSession({
          ...options,
          signIn: { issuer: `${location.origin}/oidc`, clientId: "tokenwell-demo", redirectUri: `${location.origin}/` },
        }),
      options,
    );
  await configure();
  await page.goto(await page.evaluate(() => window.session.startSignIn({ params: { prompt: "consent" } })));
  await page.fill("[name=login]", "ada-lovelace-1815");
  await page.fill("[name=password]", "any");
  await page.click("button[type=submit]");
  await page.waitForSelector("button[type=submit][autofocus]");
  await page.click("button[type=submit]");
  await page.waitForURL((url) => url.pathname === "/");
  await ready(page);
  await configure();
  await page.evaluate(async () => {
    await window.session.finishSignIn();
  });
}

/** What the token endpoint answers, as the server says it. */
function noteTokens(server) {
  const issued = [];
  const play = (_request, response, proceed) => {
    const end = response.end.bind(response);
    response.end = (body, ...rest) => {
      issued.push(JSON.parse(String(body)));
      return end(body, ...rest);
    };
    return proceed();
  };
  server.faults.set({ token: { kind: "play", times: "always", play } });
  return issued;
}

const grouped = (issued) => ({
  refresh_token: issued.map((answer) => answer.refresh_token),
  access_token: issued.map((answer) => answer.access_token),
});

/** All strings of the page's own isolate, as DevTools would show them. */
async function heapOf(context, page) {
  const devtools = await context.newCDPSession(page);
  const chunks = [];
  devtools.on("HeapProfiler.addHeapSnapshotChunk", ({ chunk }) => chunks.push(chunk));
  await devtools.send("HeapProfiler.enable");
  await devtools.send("HeapProfiler.takeHeapSnapshot", { captureNumericValue: false });
  await devtools.detach();
  return JSON.parse(chunks.join("")).strings.join("\n");
}
