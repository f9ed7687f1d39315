import type { AuthSession } from "tokenwell";
import { onScopeDispose, readonly, shallowRef } from "vue";

export function useAuthSession(session: AuthSession) {
  const snapshot = shallowRef(session.snapshot);
  onScopeDispose(
    session.subscribe(() => {
      snapshot.value = session.snapshot;
    }),
  );
  return readonly(snapshot);
}
