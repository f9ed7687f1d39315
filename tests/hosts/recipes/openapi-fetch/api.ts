import createClient from "openapi-fetch";
import { session } from "../session.ts";
import type { paths } from "./schema.ts";

export const api = createClient<paths>({ baseUrl: location.origin, fetch: session.fetch });
