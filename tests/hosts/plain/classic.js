// No modules: one global, and an app as it was written before them.

import("./run.js").then(({ run }) => {
  run(new tokenwell.AuthSession({ refresh: { url: "/oidc/token", clientId: "tokenwell-demo" } }));
});
