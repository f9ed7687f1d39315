// Beside Authgear's own SDK, on the same OpenID provider: what reaches the server, and what the names mean. Then the
// whole sign-in, clicked through.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { bundleRivals } from "./rivals.mjs";
import { running } from "./running.mjs";
import { METADATA, PUBLIC, startOidc } from "./servers/oidc.mjs";
import { on, openBrowser, startApp, telling, until, visit } from "./setup.mjs";

/** Longer than any access token here lives: the page believes that so much time has passed. */
const LATER_MS = 310_000;

describe("Authgear", { concurrency: 4, timeout: 120_000 }, () => {
  const cast = running();
  let browser, oidc, files;
  before(async () => {
    files = { "/rivals.js": await bundleRivals() };
    [browser, oidc] = await cast.start(openBrowser(), startOidc({ files }));
  });
  after(() => cast.stop());

  const preset = (at = oidc) => ({
    preset: "authgear",
    of: { endpoint: at.issuer, clientId: PUBLIC, redirectUri: `${at.url}/` },
  });

  async function open(t, { at = oidc, ...more } = {}) {
    const visitor = await visit(t, browser, at.url);
    await visitor.page.clock.install();
    await on(visitor.page, "openSession", { ...preset(at), ...more });
    const refreshes = () =>
      visitor.mine(at.requests).filter(({ path, method }) => path === "/oidc/token" && method === "POST");
    return { ...visitor, refreshes };
  }

  async function ours(t, { at = oidc, ...more } = {}) {
    const opened = await open(t, { at, ...more });
    const tokens = await at.signIn();
    await on(opened.page, "ask", "setTokens", tokens);
    return { ...opened, tokens };
  }

  /** Authgear's SDK with a refresh token, as it finds itself after a reload. */
  async function theirs(t, { at = oidc } = {}) {
    const visitor = await visit(t, browser, at.url);
    await visitor.page.clock.install();
    const tokens = await at.signIn();
    await visitor.page.evaluate(
      async ([endpoint, clientID, token]) => {
        await import("/rivals.js");
        localStorage.setItem("authgear_default_refreshToken", token);
        await window.authgear.configure({ endpoint, clientID, sessionType: "refresh_token" });
        window.refresh = async () => {
          try {
            await window.authgear.refreshAccessTokenIfNeeded();
            return null;
          } catch (error) {
            return error.name;
          }
        };
      },
      [at.issuer, PUBLIC, tokens.refresh_token],
    );
    const refreshes = () =>
      visitor.mine(at.requests).filter(({ path, method }) => path === "/oidc/token" && method === "POST");
    const look = () =>
      visitor.page.evaluate(() => ({
        state: window.authgear.sessionState,
        token: window.authgear.accessToken ?? null,
      }));
    return { ...visitor, tokens, refreshes, look };
  }

  test("both ask the discovered endpoint for the same, in the same words", async (t) => {
    const [mine, other] = await Promise.all([ours(t), theirs(t)]);
    await on(mine.page, "ask", "refresh");
    assert.equal(await other.page.evaluate(() => window.refresh()), null);
    const said = ({ refreshes, tokens }) => {
      assert.equal(refreshes().length, 1);
      const [{ method, path, headers, body, status }] = refreshes();
      const form = Object.fromEntries([...new URLSearchParams(body)].sort());
      assert.equal(form.refresh_token, tokens.refresh_token);
      const { accept: _, cookie: __, ...sent } = telling(headers);
      sent["content-type"] = sent["content-type"].split(";")[0];
      return { method, path, status, form: { ...form, refresh_token: "…" }, sent };
    };
    assert.deepEqual(said(mine), said(other));
  });

  test("a rotated refresh token is what both present next", async (t) => {
    const [mine, other] = await Promise.all([ours(t), theirs(t)]);
    await other.page.evaluate(() => window.refresh());
    for (const { page } of [mine, other]) await page.clock.fastForward(LATER_MS);
    await on(mine.page, "ask", "refreshAccessTokenIfNeeded");
    await other.page.evaluate(() => window.refresh());
    for (const { refreshes } of [mine, other]) {
      assert.ok(refreshes().length >= 1);
      assert.deepEqual([...new Set(refreshes().map(({ status }) => status))], [200]);
    }
  });

  test("refreshAccessTokenIfNeeded asks when the token has expired and not before, once for all callers", async (t) => {
    const mine = await ours(t, { autoRefresh: false, leeway: 0 });
    const other = await theirs(t);
    await other.page.evaluate(() => window.refresh());
    const first = { mine: (await on(mine.page, "look")).accessToken, other: (await other.look()).token };
    const [mineBefore, otherBefore] = [mine.refreshes().length, other.refreshes().length];
    assert.deepEqual(await on(mine.page, "ask", "refreshAccessTokenIfNeeded"), { value: false });
    assert.equal(mine.refreshes().length, mineBefore);
    for (const { page } of [mine, other]) await page.clock.fastForward(LATER_MS);
    const five = "Promise.all(Array.from({ length: 5 }, () => window.session.refreshAccessTokenIfNeeded()))";
    assert.deepEqual(await mine.page.evaluate(five), [true, true, true, true, true]);
    await other.page.evaluate(five.replace("window.session", "window.authgear"));
    assert.deepEqual([mine.refreshes().length - mineBefore, other.refreshes().length - otherBefore], [1, 1]);
    assert.notEqual((await on(mine.page, "look")).accessToken, first.mine);
    assert.notEqual((await other.look()).token, first.other);
  });

  test("invalid_grant ends the session, and neither throws at who asked if needed", async (t) => {
    const mine = await ours(t, { autoRefresh: false });
    const other = await theirs(t);
    await other.page.evaluate(() => window.refresh());
    for (const { page } of [mine, other]) await page.clock.fastForward(LATER_MS);
    // Presented a second time, a rotated token ends the whole grant.
    for (const { tokens } of [mine, other]) {
      const body = new URLSearchParams({
        grant_type: "refresh_token",
        client_id: PUBLIC,
        refresh_token: tokens.refresh_token,
      });
      for (let round = 0; round < 2; round += 1) await fetch(`${oidc.issuer}/token`, { method: "POST", body });
    }
    assert.equal(await other.page.evaluate(() => window.refresh()), null);
    assert.deepEqual(await other.look(), { state: "NO_SESSION", token: null });
    assert.deepEqual(await on(mine.page, "ask", "refreshAccessTokenIfNeeded"), { value: false });
    const look = await on(mine.page, "look");
    assert.deepEqual([look.status, look.accessToken, look.reason], ["signed-out", null, "rejected"]);
  });

  test("trouble of the server keeps the session, and both say so", async (t) => {
    // A server of its own, whose next answers are all for one of the two.
    const at = await startOidc({ files });
    t.after(at.close);
    const mine = await ours(t, { at, autoRefresh: false });
    await mine.page.clock.fastForward(LATER_MS);
    at.faults.push(503);
    const refused = await on(mine.page, "ask", "refreshAccessTokenIfNeeded");
    assert.deepEqual([refused.code, refused.status], ["refresh_unavailable", 503]);
    assert.notEqual((await on(mine.page, "look")).status, "signed-out");
    const other = await theirs(t, { at });
    at.faults.push(503);
    assert.notEqual(await other.page.evaluate(() => window.refresh()), null);
    assert.equal((await other.look()).state, "AUTHENTICATED");
    await until(async () => (await on(mine.page, "ask", "refreshAccessTokenIfNeeded")).value, "a later attempt");
    assert.equal(await other.page.evaluate(() => window.refresh()), null);
  });

  test("where there is no session, neither asks nor throws", async (t) => {
    const { page, refreshes } = await open(t);
    assert.deepEqual(await on(page, "ask", "refreshAccessTokenIfNeeded"), { value: false });
    const look = await on(page, "look");
    assert.deepEqual([look.status, look.accessToken], ["signed-out", null]);
    assert.equal(refreshes().length, 0);
  });

  test("from another origin too: no cookies are sent, which the provider would not allow", async (t) => {
    const app = await startApp();
    t.after(app.close);
    const { page, mine } = await visit(t, browser, app.url);
    await on(page, "openSession", { preset: "authgear", of: { ...preset().of, redirectUri: `${app.url}/` } });
    await on(page, "ask", "setTokens", await oidc.signIn());
    for (let round = 0; round < 2; round += 1) {
      assert.equal((await on(page, "ask", "refresh")).value?.status, "signed-in");
    }
    const asked = mine(oidc.requests).filter(({ path }) => path === "/oidc/token");
    assert.deepEqual(
      asked.map(({ method }) => method),
      ["POST", "POST"],
      "no preflight",
    );
  });

  test("a sign-out revokes the refresh token", async (t) => {
    const { page, tokens } = await ours(t);
    await on(page, "ask", "signOut");
    assert.equal(await oidc.revoked(tokens.refresh_token), true);
  });

  // -------------------------------------------------------------- the sign-in, clicked through

  /** To the provider's own pages and back. */
  async function clickThrough(page, { login = "ada" } = {}) {
    const { value: url } = await on(page, "ask", "startSignIn", {
      state: { from: "/settings" },
      params: { prompt: "consent" },
    });
    await page.goto(url);
    await page.fill("input[name=login]", login);
    await page.fill("input[name=password]", "any");
    await page.click("button[type=submit]");
    await page.waitForSelector("text=Authorize");
    await page.click("button[type=submit]");
    await page.waitForFunction(() => window.ready);
  }

  test("a sign-in by the provider's own pages: PKCE, state, tokens, a clean address bar", async (t) => {
    const { page, mine } = await open(t);
    await clickThrough(page);
    const landed = new URL(page.url());
    assert.ok(landed.searchParams.get("code") && landed.searchParams.get("state"));
    await on(page, "openSession", preset());
    const { value } = await on(page, "ask", "finishSignIn");
    assert.deepEqual(value.state, { from: "/settings" });
    assert.equal(value.snapshot.status, "signed-in");
    assert.equal(page.url(), `${oidc.url}/`);
    const asked = new URL(mine(oidc.requests).find(({ path }) => path.startsWith("/oidc/auth?")).path, oidc.url)
      .searchParams;
    assert.equal(asked.get("code_challenge_method"), "S256");
    assert.equal(asked.get("scope"), "openid offline_access");
    assert.equal((await on(page, "ask", "refresh")).value?.status, "signed-in");
    // The same answer a second time is nobody's.
    assert.equal((await on(page, "ask", "finishSignIn", landed.href)).code, "invalid_state");
  });

  for (const [at, metadataAt] of Object.entries(METADATA)) {
    test(`an issuer with a path is discovered where it has its metadata: ${at}`, async (t) => {
      const provider = await startOidc({ files, metadataAt });
      t.after(() => provider.close());
      const { page, mine } = await open(t, { at: provider });
      const asked = () =>
        mine(provider.requests)
          .map(({ path }) => path)
          .filter((path) => path.includes("/.well-known/"));
      const order = Object.values(METADATA);
      const tried = order.slice(0, order.indexOf(metadataAt) + 1);
      assert.deepEqual(asked(), tried, "by the preset");

      const signIn = { issuer: provider.issuer, clientId: PUBLIC, redirectUri: `${provider.url}/` };
      await on(page, "openSession", { name: "plain", refresh: `${provider.issuer}/token`, signIn });
      const { value: url } = await on(page, "ask", "startSignIn");
      assert.deepEqual(asked(), [...tried, ...tried], "by the issuer alone");
      assert.equal(new URL(url).pathname, "/oidc/auth");
      await page.goto(url);
      await page.waitForSelector("input[name=login]");
    });
  }

  test("an answer with another's state is refused", async (t) => {
    const { page } = await open(t);
    await clickThrough(page);
    const landed = new URL(page.url());
    landed.searchParams.set("state", "another");
    await on(page, "openSession", preset());
    assert.equal((await on(page, "ask", "finishSignIn", landed.href)).code, "invalid_state");
    assert.equal((await on(page, "look")).status, "signed-out");
  });

  test("who cancels at the provider comes back as access_denied", async (t) => {
    const { page } = await open(t);
    const { value: url } = await on(page, "ask", "startSignIn", { params: { prompt: "consent" } });
    await page.goto(url);
    await page.click("a:has-text('Cancel')");
    await page.waitForFunction(() => window.ready);
    await on(page, "openSession", preset());
    const refused = await on(page, "ask", "finishSignIn");
    assert.deepEqual([refused.code, refused.error], ["access_denied", "access_denied"]);
    assert.equal(page.url(), `${oidc.url}/`);
  });
});
