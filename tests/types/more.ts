// What the package has beyond the contract.

import * as main from "tokenwell";
import { baserow, json, oauth2, type Preset, type presets, simplejwt } from "tokenwell/presets";
import * as slim from "tokenwell/slim";

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
