import { AuthSession } from "/pkg/dist/index.js";
import { options } from "./options.js";
import { serve } from "./serve.js";

serve(new AuthSession(options), self);
