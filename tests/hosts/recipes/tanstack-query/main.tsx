import { QueryClientProvider, useQuery } from "@tanstack/react-query";
import { StrictMode, useEffect, useState } from "react";
import { createRoot } from "react-dom/client";
import { useAuthSession } from "tokenwell/react";
import { session } from "../session.ts";
import { queries, time } from "./queries.ts";

function App() {
  const status = useAuthSession(session, (snapshot) => snapshot.status);
  const query = useQuery({ ...time, enabled: false });
  const [signedIn, setSignedIn] = useState("");
  const [refreshed, setRefreshed] = useState(0);
  useEffect(() => session.on("refreshed", () => setRefreshed((count) => count + 1)), []);

  async function signIn() {
    const login = await fetch("/demo/sign-in", { method: "POST" });
    await session.setTokens(await login.json());
    setSignedIn("signed in");
  }
  return (
    <>
      <button type="button" id="sign-in" onClick={signIn}>
        Sign in
      </button>
      <button type="button" id="call" onClick={() => query.refetch()}>
        Call
      </button>
      <output id="status">{status}</output>
      <output id="answer">{query.isFetching ? "" : query.isSuccess ? `200 ${query.data.sub}` : signedIn}</output>
      <output id="refreshed">{refreshed}</output>
    </>
  );
}

createRoot(document.querySelector("#root") as Element).render(
  <StrictMode>
    <QueryClientProvider client={queries}>
      <App />
    </QueryClientProvider>
  </StrictMode>,
);
