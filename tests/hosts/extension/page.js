import { AuthSession } from "./tokenwell/index.js";
import { run } from "./run.js";

const server = decodeURIComponent(location.hash.slice(1));
const options = { refresh: { url: `${server}/oidc/token`, clientId: "tokenwell-demo" }, allow: [server] };
run(new AuthSession(options), { server });
