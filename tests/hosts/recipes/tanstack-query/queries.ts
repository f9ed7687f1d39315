import { QueryClient, queryOptions } from "@tanstack/react-query";
import { AuthError } from "tokenwell";
import { session } from "../session.ts";

export const queries = new QueryClient({
  // The session has tried again already, and knows when that is of use.
  defaultOptions: { queries: { retry: (failures, error) => failures < 3 && !AuthError.is(error) } },
});

// The next user must not see the last one's data.
session.on("signed-out", () => queries.clear());

export const time = queryOptions({
  queryKey: ["time"],
  async queryFn({ signal }): Promise<{ sub: string }> {
    const response = await session.fetch("/api/time", { signal });
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    return response.json();
  },
});
