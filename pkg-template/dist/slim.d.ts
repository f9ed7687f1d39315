export * from "./errors.js";
export { presets } from "./presets.js";
export * from "./session.js";

/**
 * An address to fetch it from, its bytes, a response with it, or a compiled `WebAssembly.Module` (the `object`: not
 * every library of types has that name, and where it exists it is empty).
 */
export type WasmSource = string | URL | Request | Response | ArrayBuffer | ArrayBufferView | object;

/**
 * Loads the WASM module, once for the whole page however often it is called. Without an argument: the
 * `tokenwell.wasm` beside this file (a `file:` address needs Node 20.16 or later). A failed load can be tried again.
 * `AuthSession.create` does it by itself; `new AuthSession` and `decodeJwt` need it done before.
 *
 * @throws {AuthError} `invalid_options`: blocked by the Content-Security-Policy, not found, no WASM; the message says
 * what to do. `refresh_unavailable`: the network failed, try again.
 *
 * @example
 * ```ts
 * import { AuthSession, init } from "tokenwell/slim";
 *
 * await init("/assets/tokenwell.wasm");
 * const session = new AuthSession({ refresh: "/oauth/token" });
 * ```
 */
export declare function init(source?: WasmSource | Promise<WasmSource>): Promise<void>;
