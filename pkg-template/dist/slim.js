// "tokenwell/slim": the WASM module apart, by default the one beside this file.

import { from, load } from "./load.js";
import * as session from "./session.js";

// A function, so that nothing happens at import; this form, so that bundlers see the file and take it along.
const url = () => new URL("./tokenwell.wasm", import.meta.url);

export { AuthError } from "./errors.js";
export { presets } from "./presets.js";
export const init = (source) => load(source ?? url());
export const AuthSession = /* @__PURE__ */ from({ url }, session.AuthSession);
export const { decodeJwt } = session;
