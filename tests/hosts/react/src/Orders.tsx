import { useEffect, useState } from "react";
import { session } from "./session.ts";

export function Orders() {
  const [answer, setAnswer] = useState("");
  const [count, setCount] = useState(0);
  useEffect(() => {
    const leaving = new AbortController();
    setAnswer("");
    session
      .fetch(`/api/time?${count}`, { signal: leaving.signal })
      .then(async (response) => setAnswer(`${response.status} ${(await response.json()).sub}`))
      .catch((error) => {
        if (!leaving.signal.aborted) setAnswer(error.message);
      });
    return () => leaving.abort();
  }, [count]);
  return (
    <>
      <h1>Orders</h1>
      <button type="button" id="call" onClick={() => setCount(count + 1)}>
        Load again
      </button>
      <output id="answer">{answer}</output>
    </>
  );
}
