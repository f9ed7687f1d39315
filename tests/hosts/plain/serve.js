// In a worker of any kind: a session, and what a page asks of it.

export function serve(session, scope) {
  let refreshed = 0;
  session.on("refreshed", () => {
    refreshed += 1;
  });
  const acts = {
    async "sign-in"() {
      const login = await fetch("/demo/sign-in", { method: "POST" });
      await session.setTokens(await login.json());
      return "signed in";
    },
    async call() {
      const response = await session.fetch("/api/time");
      return `${response.status} ${(await response.json()).sub}`;
    },
  };
  scope.onmessage = async ({ data, source }) => {
    const answer = await acts[data]().catch(String);
    // The count is told a turn after the answer.
    await new Promise((resolve) => setTimeout(resolve));
    (source ?? scope).postMessage({ answer, refreshed: String(refreshed), status: session.snapshot.status });
  };
}
