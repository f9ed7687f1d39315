importScripts("/pkg/dist/tokenwell.global.js");

const session = new tokenwell.AuthSession({ refresh: { url: "/oidc/token", clientId: "tokenwell-demo" } });
const early = [];
self.onmessage = (message) => early.push(message);
import("./serve.js").then(({ serve }) => {
  serve(session, self);
  for (const message of early) self.onmessage(message);
});
