// No modules: one global, `tokenwell`, with all that the module exports.

const session = new tokenwell.AuthSession({ refresh: { url: "/oidc/token", clientId: "tokenwell-demo" } });

function show(name, text) {
  document.getElementById(name).textContent = text;
}

session.subscribe(() => show("status", session.snapshot.status));
session.on("refreshed", () => show("refreshed", Number(document.getElementById("refreshed").textContent) + 1));

document.getElementById("sign-in").onclick = () =>
  fetch("/demo/sign-in", { method: "POST" }) // Your login.
    .then((login) => login.json())
    .then((tokens) => session.setTokens(tokens))
    .then(() => show("answer", "signed in"));

document.getElementById("call").onclick = () => {
  show("answer", "");
  session
    .fetch("/api/time")
    .then((response) => response.json().then((time) => show("answer", `${response.status} ${time.sub}`)))
    .catch((error) => show("answer", error.message));
};

show("status", session.snapshot.status);
for (const button of document.querySelectorAll("button")) button.disabled = false;
