// One page for every other backend: each is a preset and a sign-in of its own, and all else is the same.

import { AuthSession, presets } from "/pkg/dist/index.js";
import { clock } from "./format.js";

const $ = (id) => document.getElementById(id);
const name = new URLSearchParams(location.search).get("of") ?? "";

if (!name) {
  location.replace("/backends.html?of=sapphire");
  await new Promise(() => {}); // Nothing to do on the way.
}
$("backend").value = name;
$("backend").addEventListener("change", ({ target }) => {
  location.href = target.value ? `/backends.html?of=${target.value}` : "/";
});

const answer = await fetch(`/demo/backends/${encodeURIComponent(name)}`);
const backend = await answer.json();
if (!answer.ok) {
  $("result").value = backend.error_description;
  throw new Error(backend.error_description);
}

const session = await AuthSession.create({
  ...(await presets[backend.preset](backend.of)),
  name: `${name} ${backend.origin}`,
  allow: [backend.origin],
});

const asJson = (body) => ({
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify(body),
});

/** How each backend signs a user in; what comes back is all that tokenwell needs. */
const signIns = {
  async sapphire() {
    // Discord would have sent its visitor back with this code.
    const response = await fetch(backend.login, { ...asJson({ code: "good" }), credentials: "include" });
    return session.setUser(await response.json());
  },
  async authgear() {
    location.href = await session.startSignIn({ params: { prompt: "consent" } });
  },
  async django() {
    const response = await fetch(backend.login, asJson(backend.credentials));
    return session.setTokens(await response.json());
  },
};

const actions = {
  async signIn() {
    await (signIns[name] ?? signIns.django)();
    return "Signed in.";
  },
  async callApi() {
    const response = await session.fetch(backend.call);
    return `The API answered ${response.status}: ${await response.text()}`;
  },
  async refresh() {
    const { reason } = await session.refresh();
    return `The session is ${reason}.`;
  },
  async signOut() {
    await session.signOut();
    return "Signed out.";
  },
};

async function act(action) {
  try {
    $("result").value = await action();
  } catch (error) {
    $("result").value = error.message;
  }
  await showRequests();
}

$("buttons").addEventListener("click", ({ target }) => {
  const action = actions[target.dataset?.action];
  if (action) act(action);
});

function show() {
  const { status, reason, user, expiresAt, claims } = session.snapshot;
  const who = user?.user ?? user ?? claims;
  $("status").textContent = status;
  $("reason").textContent = reason;
  $("user").textContent = who?.username ?? who?.sub ?? who?.user_id ?? "–";
  $("expires").textContent = expiresAt ? clock(expiresAt) : "–";
  for (const button of $("buttons").children) {
    const { action } = button.dataset;
    button.disabled = action === "callApi" ? !backend.call : action !== "signIn" && status === "signed-out";
  }
}

async function showRequests() {
  const requests = await (await fetch(`/demo/backends/${name}/requests`)).json();
  const lines = requests.map(({ method, path, bytes }) => {
    const line = document.createElement("li");
    line.textContent = `${method} ${path}${bytes ? `, ${bytes} bytes` : ""}`;
    return line;
  });
  $("requests").replaceChildren(...lines);
}

session.subscribe(show);
session.on("refreshed", showRequests);
show();
$("result").value = "The server is running.";
if (/[?&]state=/.test(location.search)) {
  await act(async () => {
    await session.finishSignIn();
    return "Signed in.";
  });
}
await showRequests();
