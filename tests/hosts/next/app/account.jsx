"use client";

import { useEffect, useState } from "react";
import { useAuthSession } from "tokenwell/react";
import { session } from "./session.js";

export function Account() {
  const status = useAuthSession(session, (snapshot) => snapshot.status);
  const [answer, setAnswer] = useState("");
  const [refreshed, setRefreshed] = useState(0);
  useEffect(() => session.on("refreshed", () => setRefreshed((count) => count + 1)), []);

  async function signIn() {
    const login = await fetch("/demo/sign-in", { method: "POST" });
    await session.setTokens(await login.json());
    setAnswer("signed in");
  }
  async function call() {
    setAnswer("");
    const response = await session.fetch("/api/time");
    setAnswer(`${response.status} ${(await response.json()).sub}`);
  }
  return (
    <>
      <button type="button" id="sign-in" onClick={signIn}>
        Sign in
      </button>
      <button type="button" id="call" onClick={call}>
        Call
      </button>
      <output id="status">{status}</output>
      <output id="answer">{answer}</output>
      <output id="refreshed">{refreshed}</output>
    </>
  );
}
