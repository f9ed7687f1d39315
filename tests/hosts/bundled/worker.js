import { AuthSession } from "tokenwell/worker";
import { options } from "../shared/options.js";
import { run } from "../shared/run.js";

AuthSession.create(options).then(run);
