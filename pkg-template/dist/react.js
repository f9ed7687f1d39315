// "tokenwell/react": the session as a hook. React's own store hook does the work; here a selector's results are kept stable.

import { useDebugValue, useEffect, useMemo, useRef, useSyncExternalStore } from "react";

/** What a server renders, and what the browser takes over from it: whoever asks, no token gets into the HTML. */
const NOBODY = /* @__PURE__ */ Object.freeze({
  status: "signed-out",
  refreshing: false,
  accessToken: null,
  expiresAt: null,
  refreshTokenExpiresAt: null,
  claims: null,
  user: null,
  scope: null,
  reason: "none",
  error: null,
});

const whole = (snapshot) => snapshot;

export const useAuthSession = (session, selector = whole) => {
  const shown = useRef();
  const [read, readOnServer] = useMemo(() => {
    let seen = null;
    let value;
    const select = (snapshot) => {
      if (snapshot === seen) return value;
      const selected = selector(snapshot);
      // The old value, where the new one says the same: a selector may make an object at each call, and be another
      // function at each render.
      const before = seen ? value : shown.current;
      value = same(before, selected) ? before : selected;
      seen = snapshot;
      return value;
    };
    return [() => select(session.snapshot), () => select(NOBODY)];
  }, [session, selector]);
  const value = useSyncExternalStore(session.subscribe, read, readOnServer);
  useEffect(() => {
    shown.current = value;
  }, [value]);
  useDebugValue(value);
  return value;
};

/** The same value, or arrays or plain objects with the same members. */
const same = (a, b) => {
  if (Object.is(a, b)) return true;
  if (!(isPlain(a) && isPlain(b) && Array.isArray(a) === Array.isArray(b))) return false;
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && Object.is(a[key], b[key]))
  );
};

const isPlain = (value) => {
  if (typeof value !== "object" || value === null) return false;
  return Array.isArray(value) || [Object.prototype, null].includes(Object.getPrototypeOf(value));
};
