// Firefox as it is shipped, through geckodriver and WebDriver BiDi (https://w3c.github.io/webdriver-bidi/): a page
// here has the few methods of Playwright's that the stories use.

import { spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import WebSocket from "ws";
import { until } from "../browser.mjs";

const PREFS = {
  // An origin that is not secure.
  "network.dns.localDomains": "insecure.test",
};

export function firefox() {
  let driver;
  let webdriver;
  let bidi;

  return {
    name: "Firefox",
    async start() {
      try {
        driver = await startGeckodriver();
        webdriver = await newSession(driver.url);
        bidi = await connect(webdriver.webSocketUrl);
        await bidi.send("session.subscribe", { events: ["browsingContext.contextCreated"] });
      } catch (error) {
        await this.stop().catch(() => {}); // The runner calls no `after` when `before` has failed.
        throw error;
      }
    },
    async stop() {
      try {
        if (webdriver) await fetch(`${driver.url}/session/${webdriver.id}`, { method: "DELETE" });
      } finally {
        bidi?.close();
        driver?.stop();
      }
    },
    async visitor() {
      const { userContext } = await bidi.send("browser.createUserContext");
      return {
        async newPage() {
          // Firefox loses the tab that it opens now and then, while others are closed.
          for (let tries = 1; ; tries++) {
            try {
              const { context } = await bidi.send("browsingContext.create", { type: "tab", userContext });
              return new Page(bidi, context);
            } catch (error) {
              if (tries === 3 || !/DiscardedBrowsingContext/.test(error.message)) throw error;
            }
          }
        },
        async popup(page, url) {
          await page.evaluate((to) => {
            window.open(to);
          }, url);
          const child = await until(() => bidi.takePopup(page.context), "a new window");
          return new Page(bidi, child);
        },
        setOffline: (offline) =>
          bidi.send("emulation.setNetworkConditions", {
            networkConditions: offline ? { type: "offline" } : null,
            userContexts: [userContext],
          }),
        close: () => bidi.send("browser.removeUserContext", { userContext }),
      };
    },
  };
}

class Page {
  #bidi;

  constructor(bidi, context) {
    this.#bidi = bidi;
    this.context = context;
  }

  async evaluate(wanted, given) {
    const source = `async (given) => {
      const result = await (${wanted})(given === undefined ? undefined : JSON.parse(given));
      return JSON.stringify(result);
    }`;
    const { type, result, exceptionDetails } = await this.#bidi.send("script.callFunction", {
      functionDeclaration: source,
      arguments: given === undefined ? [] : [{ type: "string", value: JSON.stringify(given) }],
      target: { context: this.context },
      awaitPromise: true,
      userActivation: true, // Else a window that is opened counts as an annoyance.
    });
    if (type === "exception") throw new Error(exceptionDetails.text);
    return result.value === undefined ? undefined : JSON.parse(result.value);
  }

  waitForFunction(condition, given) {
    return until(() => this.evaluate(condition, given).catch(() => false), String(condition));
  }

  goto(url) {
    return this.#bidi.send("browsingContext.navigate", { context: this.context, url, wait: "complete" });
  }

  reload() {
    return this.#bidi.send("browsingContext.reload", { context: this.context, wait: "complete" });
  }

  goBack() {
    return this.#bidi.send("browsingContext.traverseHistory", { context: this.context, delta: -1 });
  }

  close() {
    return this.#bidi.send("browsingContext.close", { context: this.context });
  }
}

/** geckodriver is on the PATH in `cargo xtask test`, which keeps its own outside the checkout. */
function geckodriver() {
  const tools = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "tokenwell/tools");
  const kept = existsSync(tools) ? readdirSync(tools).filter((name) => name.startsWith("geckodriver-")) : [];
  const found = kept.map((name) => join(tools, name, "bin/geckodriver")).find(existsSync);
  return process.env.GECKODRIVER ?? found ?? "geckodriver";
}

function startGeckodriver() {
  const args = ["--port", "0", "--websocket-port", "0", "--log", "info"];
  const child = spawn(geckodriver(), args, { stdio: ["ignore", "pipe", "ignore"] });
  return new Promise((resolve, reject) => {
    let said = "";
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`geckodriver ended with ${code}: ${said}`)));
    child.stdout.on("data", (part) => {
      said += part;
      const port = /Listening on [\d.]+:(\d+)/.exec(said)?.[1];
      if (port) resolve({ url: `http://127.0.0.1:${port}`, stop: () => child.kill() });
    });
  });
}

async function newSession(url) {
  const capabilities = {
    alwaysMatch: {
      webSocketUrl: true,
      "moz:firefoxOptions": {
        binary: process.env.FIREFOX ?? "/usr/bin/firefox-esr",
        args: ["-headless"],
        prefs: PREFS,
      },
    },
  };
  const response = await fetch(`${url}/session`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ capabilities }),
  });
  const { value } = await response.json();
  if (!response.ok) throw new Error(`no session: ${value.error}: ${value.message}`);
  return { id: value.sessionId, webSocketUrl: value.capabilities.webSocketUrl };
}

async function connect(url) {
  const socket = new WebSocket(url);
  const waiting = new Map();
  const popups = [];
  let last = 0;

  socket.on("message", (data) => {
    const { id, type, method, params, result, error, message } = JSON.parse(data);
    if (method === "browsingContext.contextCreated" && params.originalOpener) popups.push(params);
    const asked = waiting.get(id);
    if (!asked) return;
    waiting.delete(id);
    if (type === "error") asked.reject(new Error(`${asked.what}: ${error}: ${message}`));
    else asked.resolve(result);
  });
  socket.on("close", () => {
    for (const { what, reject } of waiting.values()) reject(new Error(`${what}: the browser has gone`));
  });
  await new Promise((resolve, reject) => {
    socket.once("open", resolve);
    socket.once("error", reject);
  });

  return {
    send(what, params = {}) {
      last += 1;
      const id = last;
      return new Promise((resolve, reject) => {
        waiting.set(id, { what, resolve, reject });
        socket.send(JSON.stringify({ id, method: what, params }));
      });
    },
    /** The window that a page has opened, once. */
    takePopup(opener) {
      const at = popups.findIndex((popup) => popup.originalOpener === opener);
      return at < 0 ? null : popups.splice(at, 1)[0].context;
    },
    close: () => socket.close(),
  };
}
