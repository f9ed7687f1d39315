import { useLayoutEffect } from "react";
import type { AuthSession } from "tokenwell";
import { useAuthSession } from "tokenwell/react";

/** What the tests read: every committed picture of `Many`, and every value `Picked` was rendered with. */
export const noted = { pictures: [] as string[][], picked: [] as object[] };

/** The page that a server renders and a browser takes over. */
export function Page({ session }: { session: AuthSession }) {
  const { status, accessToken } = useAuthSession(session);
  return (
    <p id="page">
      {status} {accessToken ?? "no token"}
    </p>
  );
}

/** So many components that one render of them takes several slices of time, in which the session can change. */
export function Many({ session, count }: { session: AuthSession; count: number }) {
  useLayoutEffect(() => {
    noted.pictures.push([...document.querySelectorAll(".slow")].map((node) => node.textContent ?? ""));
  });
  return Array.from({ length: count }, (_, i) => <Slow key={String(i)} session={session} />);
}

function Slow({ session }: { session: AuthSession }) {
  const token = useAuthSession(session, ({ accessToken }) => accessToken);
  const until = performance.now() + 10;
  while (performance.now() < until);
  return <i className="slow">{token}</i>;
}

/** A new selector at each render, and a new object from it at each call. */
export function Picked({ session }: { session: AuthSession }) {
  const picked = useAuthSession(session, ({ status, scope }) => ({ status, scope }));
  noted.picked.push(picked);
  return <b id="picked">{picked.status}</b>;
}
