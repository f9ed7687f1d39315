import { run } from "../../shared/run.js";
import { session } from "../session.ts";
import { api } from "./api.ts";

run(session, {
  async load() {
    const { data, response } = await api.GET("/api/time");
    return { status: response.status, sub: String(data?.sub) };
  },
});
