// One page for every other backend: each is a preset and a sign-in of its own, and all else is the same. Appsmith is
// the exception: there the session lives in the app builder's worker.

import { openAppsmith } from "./backends-appsmith.js";
import { openSession } from "./backends-session.js";
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

const at = `/demo/backends/${encodeURIComponent(name)}`;
const answer = await fetch(at);
const backend = await answer.json();
if (!answer.ok) {
  $("result").value = backend.error_description;
  throw new Error(backend.error_description);
}

const open = backend.tree ? openAppsmith : openSession;
const { actions, look, onChange } = await open({ name, at, backend }).catch((error) => {
  $("result").value = error.message;
  throw error;
});
if (backend.expires) {
  actions.expire = async () => {
    await fetch(`${at}/expire`, { method: "POST" });
    return "The API takes none of its tokens any more.";
  };
}

async function act(action) {
  try {
    $("result").value = await action();
  } catch (error) {
    $("result").value = error.message;
  }
  await show();
  await showRequests();
}

document.addEventListener("click", ({ target }) => {
  const action = actions[target.dataset?.action];
  if (action) act(action);
});

async function show() {
  const { status, reason, user, expiresAt, claims } = await look();
  const who = user?.user ?? user ?? claims;
  $("status").textContent = status;
  $("reason").textContent = reason;
  $("user").textContent = who?.username ?? who?.sub ?? who?.user_id ?? "–";
  $("expires").textContent = expiresAt ? clock(expiresAt) : "–";
  for (const button of $("buttons").children) {
    const { action } = button.dataset;
    button.hidden = !actions[action];
    button.disabled = !["signIn", "callApi"].includes(action) && status === "signed-out";
  }
}

async function showRequests() {
  const requests = await (await fetch(`${at}/requests`)).json();
  const lines = requests.map(({ method, path, bytes }) => {
    const line = document.createElement("li");
    line.textContent = `${method} ${path}${bytes ? `, ${bytes} bytes` : ""}`;
    return line;
  });
  $("requests").replaceChildren(...lines);
}

onChange(show, showRequests);
await show();
$("result").value = "The server is running.";
if (actions.finishSignIn && /[?&]state=/.test(location.search)) await act(actions.finishSignIn);
await showRequests();
