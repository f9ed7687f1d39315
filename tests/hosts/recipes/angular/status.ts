import { signal } from "@angular/core";
import { session } from "../session.ts";

const snapshot = signal(session.snapshot);
session.subscribe(() => snapshot.set(session.snapshot));

/** In a template: `{{ snapshot().status }}`. */
export const state = snapshot.asReadonly();
