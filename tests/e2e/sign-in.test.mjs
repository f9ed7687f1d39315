// Authorization Code with PKCE against the real oidc-provider, its own login pages clicked through.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { ENTRIES, openBare, openBrowser, ready } from "./browser.mjs";

const signIn = (entry) => () => {
  let browser;
  before(async () => {
    browser = await openBrowser();
  });
  after(() => browser.close());

  /** An empty page with a session that nobody has signed in to. */
  async function open(t, options) {
    const opened = await openBare(t, browser, { entry, accessTtl: 60, session: null, ...options });
    await configure(opened.page);
    return opened;
  }

  const configure = (page) =>
    page.evaluate(() =>
      window.openSession({
        revoke: "/oidc/token/revocation",
        signIn: {
          issuer: `${location.origin}/oidc`,
          clientId: "tokenwell-demo",
          redirectUri: `${location.origin}/`,
        },
      }),
    );

  /** To the login page, whose address the promise gives. */
  async function leave(page, options) {
    const url = await page.evaluate((given) => window.session.startSignIn(given), options);
    await page.goto(url);
    return url;
  }

  async function logIn(page, name) {
    await page.fill("[name=login]", name);
    await page.fill("[name=password]", "any");
    await page.click("button[type=submit]");
    await page.waitForSelector("button[type=submit][autofocus]");
    await page.click("button[type=submit]");
    await comeBack(page);
  }

  async function comeBack(page) {
    await page.waitForURL((url) => url.pathname === "/");
    await ready(page);
    await configure(page);
  }

  const finish = (page, url) =>
    page.evaluate(async (given) => {
      try {
        const { snapshot, state } = await window.session.finishSignIn(given);
        return { status: snapshot.status, sub: snapshot.claims?.sub, state };
      } catch (error) {
        const { name, code, error: theirs, description } = error;
        return { name, code, error: theirs, description };
      }
    }, url);

  const consent = { prompt: "consent" };

  test("discovery, login page, redirect, tokens; the state comes back and the address bar is clean", async (t) => {
    const { server, page, seen } = await open(t);
    const state = { to: "/inbox" };
    await leave(page, { state, params: consent });
    await logIn(page, "ada-lovelace-1815");
    const redirect = page.url();
    assert.match(redirect, /[?&]code=.*&state=.*&iss=/);

    await page.evaluate(() => history.replaceState({ mine: 1 }, "", `${location.href}&keep=this#there`));
    assert.deepEqual(await finish(page), { status: "signed-in", sub: "ada-lovelace-1815", state });
    assert.equal(page.url(), `${server.url}/?keep=this#there`);
    assert.deepEqual(await page.evaluate(() => history.state), { mine: 1 });
    assert.equal(await page.evaluate(async () => (await window.session.fetch("/api/time")).status), 200);

    // offline_access gave a refresh token, and it rotates.
    await page.evaluate(() => window.session.refresh());
    assert.equal(server.stats().rotations, 1);
    assert.equal(await page.evaluate(async () => (await window.session.fetch("/api/time")).status), 200);

    await page.reload();
    await ready(page);
    await configure(page);
    assert.equal(await page.evaluate(() => window.session.snapshot.status), "signed-in");

    // The redirect once more, as "back" would bring it.
    assert.deepEqual((await finish(page, redirect)).code, "invalid_state");
    await page.goto(redirect);
    await ready(page);
    await configure(page);
    assert.deepEqual((await finish(page)).code, "invalid_state");
    assert.equal(page.url(), `${server.url}/`);
    assert.equal(await page.evaluate(() => window.session.snapshot.status), "signed-in");

    await page.evaluate(() => window.session.signOut());
    const kept = await page.evaluate(() => JSON.stringify({ ...sessionStorage, ...localStorage }));
    assert.equal(kept, "{}");
    assert.deepEqual(seen.errors, []);
  });

  test("the provider's refusal comes out as an AuthError, and the address bar is clean", async (t) => {
    const { server, page } = await open(t);
    await leave(page, { params: consent });
    await page.getByText("Cancel").click();
    await comeBack(page);
    assert.match(page.url(), /error=access_denied/);
    const refused = await finish(page);
    assert.deepEqual([refused.name, refused.code, refused.error], ["AuthError", "access_denied", "access_denied"]);
    assert.ok(refused.description);
    assert.equal(page.url(), `${server.url}/`);
    assert.equal(await page.evaluate(() => window.session.snapshot.status), "signed-out");
  });

  test("a redirect with a state that nobody started is refused before anything is sent", async (t) => {
    const { server, page } = await open(t);
    await page.goto(`${server.url}/?code=stolen&state=forged`);
    await ready(page);
    await configure(page);
    assert.equal((await finish(page)).code, "invalid_state");
    assert.equal(server.stats().tokenRequests.total, 0);
    assert.equal(page.url(), `${server.url}/`);
  });

  test("two tabs sign in at the same time, each as its own", async (t) => {
    const { context, page, server } = await open(t);
    const other = await context.newPage();
    await other.goto(server.url);
    await ready(other);
    await configure(other);
    await leave(page, { state: "first", params: consent });
    await leave(other, { state: "second", params: consent });
    await logIn(page, "grace-hopper-1906");
    assert.deepEqual((await finish(page)).state, "first");
    // The provider knows the visitor by now, or asks: both are its business.
    if (await other.isVisible("[name=login]")) await logIn(other, "grace-hopper-1906");
    else {
      await other.click("button[type=submit]");
      await comeBack(other);
    }
    assert.deepEqual((await finish(other)).state, "second");
  });

  test("of two sign-ins started in one tab the last one counts", async (t) => {
    const { page } = await open(t);
    const older = await page.evaluate(() => window.session.startSignIn({ params: { prompt: "consent" } }));
    await leave(page, { state: "newer", params: consent });
    await logIn(page, "alan-turing-1912");
    const state = new URL(older).searchParams.get("state");
    const { origin } = new URL(page.url());
    assert.equal((await finish(page, `${origin}/?code=any&state=${state}`)).code, "invalid_state");
    assert.equal((await finish(page)).state, "newer");
  });

  test("no code, state or verifier is ever on the console or stays in a storage", async (t) => {
    const { page, seen } = await open(t);
    const url = new URL(await leave(page, { params: consent }));
    const challenge = url.searchParams.get("code_challenge");
    await logIn(page, "tony-hoare-1934");
    const code = new URL(page.url()).searchParams.get("code");
    const before = await page.evaluate(() => JSON.stringify(sessionStorage));
    assert.match(before, /tokenwell:default:sign-in/);
    await finish(page);
    const after = await page.evaluate(() => JSON.stringify(sessionStorage) + JSON.stringify(window.session.explain()));
    assert.doesNotMatch(after, /sign-in"/);
    for (const secret of [code, url.searchParams.get("state"), challenge]) {
      assert.ok(!after.includes(secret) && !seen.console.some((line) => line.includes(secret)));
    }
  });
};

for (const entry of ENTRIES) describe(`sign-in through ${entry}`, { concurrency: 4 }, signIn(entry));
