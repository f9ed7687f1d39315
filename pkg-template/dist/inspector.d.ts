import type { Decision, SessionEvents, Snapshot } from "./session.js";

/** What the inspector reads: an `AuthSession` of any entry. */
export interface Inspected {
  readonly snapshot: Snapshot;
  subscribe(listener: () => void): () => void;
  on<K extends keyof SessionEvents>(type: K, listener: (event: SessionEvents[K]) => void): () => void;
  explain(): readonly Decision[];
  refresh(): Promise<Snapshot>;
}

export interface InspectorOptions {
  /** Where to put it: an element or a document fragment. Default: the body. */
  parent?: object;
  /** Whether it begins unfolded. Default `false`: a small button in the corner. */
  open?: boolean;
  /** Show the access token itself. Default `false`: only what kind it is, and how long. */
  secrets?: boolean;
  /** The session's name, by which the inspectors of several tabs find each other. Default `"default"`. */
  name?: string;
}

/** The element; `remove()` takes it away and lets go of the session. */
export interface Inspector {
  open: boolean;
  remove(): void;
}

/**
 * Puts an element into the page that shows a session at work: status, countdowns, claims, the last errors and decisions
 * and why they were taken. For development: import it behind your bundler's flag, so that no user downloads it.
 *
 * @example
 * ```ts
 * import { AuthSession } from "tokenwell";
 * import { mountInspector } from "tokenwell/inspector";
 *
 * const session = new AuthSession({ refresh: "/oauth/token" });
 * mountInspector(session);
 * ```
 */
export declare function mountInspector(session: Inspected, options?: InspectorOptions): Inspector;

/** What its "Copy report" copies: state and decisions as JSON, without tokens, claims or user data. */
export declare function report(session: Pick<Inspected, "snapshot" | "explain">): string;
