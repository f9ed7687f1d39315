import axios from "axios";
import { session } from "../session.ts";

/** All that axios does, with the session's `fetch` under it. */
export const api = axios.create({ adapter: "fetch", env: { fetch: session.fetch } });
