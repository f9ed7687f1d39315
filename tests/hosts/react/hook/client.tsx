import { StrictMode, startTransition, version } from "react";
import { createRoot, hydrateRoot } from "react-dom/client";
import { AuthSession } from "tokenwell";
import { Many, noted, Page, Picked } from "./Page.tsx";

const session = new AuthSession({ refresh: "/oidc/token", autoRefresh: false });
const token = (name: string) => ({ access_token: name, refresh_token: "r", expires_in: 3600, scope: "a" });
const place = document.querySelector("#root") as Element;
const recovered: string[] = [];

Object.assign(window, {
  hook: {
    noted,
    recovered,
    version,
    session,
    /** For what a slow machine may take long to show; the test says what is missing if it never comes. */
    async until(condition: () => boolean) {
      const deadline = performance.now() + 20_000;
      while (!condition() && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve));
    },
    signIn: (name: string) => session.setTokens(token(name)),
    hydrate() {
      hydrateRoot(
        place,
        <StrictMode>
          <Page session={session} />
        </StrictMode>,
        { onRecoverableError: (error) => recovered.push(String(error)) },
      );
    },
    picked() {
      createRoot(place).render(<Picked session={session} />);
    },
    many(count: number) {
      const root = createRoot(place);
      startTransition(() =>
        root.render(
          <StrictMode>
            <Many session={session} count={count} />
          </StrictMode>,
        ),
      );
    },
    whole() {
      const root = createRoot(place);
      root.render(
        <StrictMode>
          <Page session={session} />
        </StrictMode>,
      );
      return () => root.unmount();
    },
  },
});
