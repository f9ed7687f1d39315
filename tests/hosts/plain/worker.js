import { AuthSession } from "/pkg/dist/slim.js";
import { options } from "./options.js";
import { serve } from "./serve.js";

// Messages that come before the session is there would be lost: they are kept until then.
const early = [];
self.onmessage = (message) => early.push(message);
const session = await AuthSession.create(options);
serve(session, self);
for (const message of early) self.onmessage(message);
