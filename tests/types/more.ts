// What the package has beyond the contract.

import * as main from "tokenwell";
import { baserow, json, oauth2, type Preset, type presets, simplejwt } from "tokenwell/presets";
import { useAuthSession } from "tokenwell/react";
import * as slim from "tokenwell/slim";
import * as isolated from "tokenwell/worker";
import { serve } from "tokenwell/worker-serve";

// One class, one set of types, whatever the entry.
const session: main.AuthSession = new slim.AuthSession({ refresh: "/oauth/token" });
const { subscribe } = session;
subscribe(() => {});

await slim.init();
await slim.init("/tokenwell.wasm");
await slim.init(new URL("https://cdn.example.com/tokenwell.wasm"));
await slim.init(fetch("/tokenwell.wasm"));
await slim.init(new Uint8Array([0, 97, 115, 109]));
await slim.init(new ArrayBuffer(8));

// The same surface with the session in a worker: one type for whatever takes a session, and options for either.
const shared: main.AuthSessionOptions = { refresh: "/oauth/token", storage: "local" };
const remote: main.AuthSession = new isolated.AuthSession({ ...shared, exposeAccessToken: false });
const made: isolated.AuthSession = await isolated.AuthSession.create({ ...shared, worker: "/worker.js" });
const found: main.AuthSession | undefined = isolated.AuthSession.get() ?? isolated.AuthSession.get("main");
new isolated.AuthSession({ ...shared, worker: new URL("https://app.example.com/worker.js") });
declare const script: { postMessage(message: unknown, transfer: unknown[]): void; terminate(): void };
new isolated.AuthSession({ ...shared, worker: script });
new isolated.AuthSession({ ...shared, worker: () => script });
class Theirs extends isolated.AuthSession {}
console.log(remote, made, found, new Theirs(shared), isolated.presets, isolated.AuthError.is(1));
serve();
serve({ refresh: async ({ refreshToken }) => `${refreshToken}`, fetch: globalThis.fetch });

new main.AuthError("closed", { code: "invalid_grant", error: "account_closed", cause: 1 });
new main.AuthError({ code: "storage", message: "full", status: null, retryAt: 0 });

function read(value: unknown): main.AuthErrorCode | undefined {
  return main.AuthError.is(value) ? value.code : undefined;
}
read(null);

const options: Preset[] = [
  oauth2({ tokenEndpoint: "/token", clientId: "app" }),
  json({ url: "/token" }),
  baserow({ url: "https://b.example.com/api/user/" }),
  simplejwt({ url: "/api/token/refresh/" }),
];
options.map((preset) => new main.AuthSession({ ...preset, name: "x" }));
export const same: typeof presets = main.presets;

// The hook gives the snapshot, or whatever a selector makes of it; it needs no types of React's.
export const Hooks = () => {
  const whole: main.Snapshot = useAuthSession(session);
  const name: string | undefined = useAuthSession(session, ({ claims }) => claims?.name?.toString());
  const pair: readonly [main.Status, boolean] = useAuthSession(session, (s) => [s.status, s.refreshing] as const);
  // @ts-expect-error: no such member
  useAuthSession(session, ({ nothing }) => nothing);
  // @ts-expect-error: no session
  useAuthSession(null);
  return { whole, name, pair };
};
