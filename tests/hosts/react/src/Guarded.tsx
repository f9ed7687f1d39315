import { Navigate, Outlet, useLocation } from "react-router";
import { useAuthSession } from "tokenwell/react";
import { session } from "./session.ts";

/** Its routes are for those who are signed in; others sign in first and come back. */
export function Guarded() {
  // "expired" is no reason to leave: the session is kept, and the next call may renew it.
  const signedOut = useAuthSession(session, ({ status }) => status === "signed-out");
  const { pathname } = useLocation();
  return signedOut ? <Navigate to="/sign-in" replace state={{ to: pathname }} /> : <Outlet />;
}
