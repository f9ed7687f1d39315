import { AuthSession } from "tokenwell";
import { options } from "../shared/options.js";
import { run } from "../shared/run.js";

run(new AuthSession(options));
