import { run } from "../../shared/run.js";
import { session } from "../session.ts";
import { api } from "./api.ts";

run(session, {
  async load() {
    const { status, data } = await api.get<{ sub: string }>("/api/time");
    return { status, sub: data.sub };
  },
});
