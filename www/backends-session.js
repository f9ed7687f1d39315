// A session in the page, by one of the presets.

import { AuthSession, presets } from "/pkg/dist/index.js";

export async function openSession({ name, backend }) {
  const session = await AuthSession.create({
    ...(await presets[backend.preset](backend.of)),
    name: `${name} ${backend.origin}`,
    allow: [backend.origin],
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
    async byPassword() {
      const response = await fetch(backend.login, asJson(backend.credentials));
      return session.setTokens(await response.json());
    },
  };

  const actions = {
    async signIn() {
      await (signIns[name] ?? signIns.byPassword)();
      return "Signed in.";
    },
    async callApi() {
      const response = await session.fetch(backend.call, { credentials: backend.callCredentials ?? "same-origin" });
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
  if (name === "authgear") {
    actions.finishSignIn = async () => {
      await session.finishSignIn();
      return "Signed in.";
    };
  }

  return {
    actions,
    look: () => session.snapshot,
    onChange(show, showRequests) {
      session.subscribe(show);
      session.on("refreshed", showRequests);
    },
  };
}

const asJson = (body = {}) => ({
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify(body),
});
