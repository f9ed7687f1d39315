"use client";

import { useEffect, useState } from "react";
import { AuthSession } from "tokenwell/slim";

/** The .wasm file apart: the session is there when that has arrived. */
export default function Page() {
  const [status, setStatus] = useState("loading");
  useEffect(() => {
    AuthSession.create({ refresh: { url: "/oidc/token", clientId: "tokenwell-demo" } })
      .then(({ snapshot }) => setStatus(snapshot.status))
      .catch((error) => setStatus(error.message));
  }, []);
  return <output id="status">{status}</output>;
}
