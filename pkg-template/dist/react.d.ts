import type { AuthSession, Snapshot } from "./session.js";

/** What the hook needs of a session: all of them have it, whatever the entry. */
export type Observed = Pick<AuthSession, "snapshot" | "subscribe">;

/**
 * The session's state in a component, which renders again when it changes. On a server, and in the first render of a
 * page that a server has rendered, nobody is signed in: so both agree, and no token gets into the HTML.
 *
 * @example
 * ```tsx
 * import { AuthSession } from "tokenwell";
 * import { useAuthSession } from "tokenwell/react";
 *
 * const session = new AuthSession({ refresh: "/oauth/token" });
 *
 * export function Account() {
 *   const { status, claims } = useAuthSession(session);
 *   return status === "signed-in" ? <p>Hello {String(claims?.name)}</p> : <a href="/login">Sign in</a>;
 * }
 * ```
 */
export declare function useAuthSession(session: Observed): Snapshot;

/**
 * What `selector` picks from the state; the component renders again only when that changes. Arrays and plain objects
 * are compared by their members, so a selector may make a new one at each call. It needs no `useCallback`.
 *
 * @example
 * ```tsx
 * import { AuthSession } from "tokenwell";
 * import { useAuthSession } from "tokenwell/react";
 *
 * const session = new AuthSession({ refresh: "/oauth/token" });
 *
 * export function Busy() {
 *   return useAuthSession(session, ({ refreshing }) => refreshing) ? <progress /> : null;
 * }
 * ```
 */
export declare function useAuthSession<T>(session: Observed, selector: (snapshot: Snapshot) => T): T;
