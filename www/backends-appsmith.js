// Appsmith, imitated: this page is the app's main thread, with an evaluation worker in which the library is installed
// and the JS Object of docs/presets/appsmith.md lies pasted. What the buttons do, an app's widgets would.

const LOOK_MS = 1000;
const $ = (id) => document.getElementById(id);

/** As the guide has it: first the token, then the query whose header is bound to it. */
const ON_PAGE_LOAD = "Auth.getAccessToken().then(() => getusers_API.run())";
const SNAPSHOT = `(({ status, reason, user, expiresAt, claims }) => ({ status, reason, user, expiresAt, claims }))
  (Auth.session().snapshot)`;

export async function openAppsmith({ at, backend }) {
  const { createApp } = await import(`${at}/main-thread.js`);
  const app = createApp({
    worker: `${at}/worker.js`,
    async runQuery(name, _store, bound = null) {
      const body = JSON.stringify({ bound });
      const response = await fetch(`${at}/queries/${name}`, { method: "POST", body });
      const answer = await response.json();
      if (!response.ok) throw new Error(answer.error_description);
      return answer;
    },
  });
  const objects = () => ({ objects: { Auth: $("object").value } });

  $("object").value = backend.tree.objects.Auth;
  $("expression").value = ON_PAGE_LOAD;
  $("appsmith").hidden = false;
  app.load(backend.tree);
  await app.inWorker("installLibrary", new URL("/pkg/dist/tokenwell.global.js", location.href).href);

  let busy = 0;
  async function evaluate(method, script) {
    busy += 1;
    try {
      app.edit(objects());
      const { result } = await app.inWorker(method, script);
      return result;
    } finally {
      busy -= 1;
      showStore();
    }
  }
  const trigger = (expression) => evaluate("evaluateAsync", `return ${expression}`);
  const told = (value) => withoutTokens(JSON.stringify(value) ?? "nothing");

  function showStore() {
    const lines = Object.entries(app.store()).map(([key, value]) => {
      const line = document.createElement("li");
      const own = key.startsWith("tokenwell:");
      line.textContent = `${key}: ${own ? "what tokenwell keeps, for this page's life" : withoutTokens(JSON.stringify(value))}`;
      return line;
    });
    $("store").replaceChildren(...lines);
  }

  return {
    actions: {
      async signIn() {
        await trigger("Auth.generateAccessToken()");
        return "Signed in.";
      },
      async callApi() {
        return `getusers_API gave ${told(await trigger(ON_PAGE_LOAD))}`;
      },
      async refresh() {
        await trigger("Auth.refreshAccessToken()");
        return "The session is refreshed.";
      },
      async signOut() {
        await trigger("Auth.signOut()");
        return "Signed out.";
      },
      asTrigger: async () => told(await trigger($("expression").value)),
      asField: async () => told(await evaluate("evaluateSync", $("expression").value)),
    },
    // Whoever edits the JS Object may leave it without a session.
    look: () => evaluate("evaluateSync", SNAPSHOT).catch(() => ({ status: "–", reason: "–" })),
    onChange(show) {
      // A widget is evaluated when something happens; so is what this page shows, and its clock too.
      setInterval(() => busy === 0 && show(), LOOK_MS);
    },
  };
}

/** Tokens are for machines: what is shown says how long they are. */
const withoutTokens = (text) =>
  text.replace(/ey[\w-]+\.[\w-]+\.[\w-]+/g, (token) => `(a token of ${token.length} characters)`);
