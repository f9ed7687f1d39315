import { readable } from "svelte/store";
import { session } from "../session.ts";

/** In a component: `$snapshot.status`. */
export const snapshot = readable(session.snapshot, (set) => {
  set(session.snapshot);
  return session.subscribe(() => set(session.snapshot));
});
