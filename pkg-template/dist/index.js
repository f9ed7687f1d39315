// "tokenwell": the WASM bytes inside, compiled at the first session.

import { bytes } from "./bytes.js";
import { from } from "./load.js";
import * as session from "./session.js";

export { AuthError } from "./errors.js";
export { presets } from "./presets.js";
export const AuthSession = /* @__PURE__ */ from({ bytes }, session.AuthSession);
export const decodeJwt = /* @__PURE__ */ from({ bytes }, session.decodeJwt);
