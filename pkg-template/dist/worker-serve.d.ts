import type { AuthSessionOptions } from "./session.js";

/**
 * Makes a worker of your own serve `tokenwell/worker`. Call it while the script is run for the first time: messages that
 * come before are lost. `given` takes the place of what cannot come from the page: functions, which run in the worker.
 *
 * @example my-worker.js, for `new AuthSession({ …, worker: new URL("./my-worker.js", import.meta.url) })`:
 * ```ts
 * import { serve } from "tokenwell/worker-serve";
 *
 * serve({
 *   refresh: async ({ refreshToken }) => {
 *     const answer = await fetch("/renew", { method: "POST", body: refreshToken });
 *     return answer.json();
 *   },
 * });
 * ```
 */
export declare function serve(given?: Partial<Pick<AuthSessionOptions, "refresh" | "fetch">>): void;
