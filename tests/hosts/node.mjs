// The package in Node: `node node.mjs ENTRY SERVER` signs in, calls, refreshes when it must, and ends by itself.

const [entry, server] = process.argv.slice(2);
const { AuthSession } = await import(entry);

const session = await AuthSession.create({
  refresh: { url: `${server}/oidc/token`, clientId: "tokenwell-demo" },
  allow: [server],
});
let refreshed = 0;
session.on("refreshed", () => {
  refreshed += 1;
});
const login = await fetch(`${server}/demo/sign-in`, { method: "POST" });
await session.setTokens(await login.json());
const answers = [];
for (const faults of [{}, { api: { times: 1 } }]) {
  await fetch(`${server}/demo/faults`, { method: "POST", body: JSON.stringify(faults) });
  answers.push((await session.fetch(`${server}/api/time`)).status);
}
await new Promise((resolve) => setTimeout(resolve));
console.log(JSON.stringify({ answers, refreshed }));
session.dispose();
