// The script that "tokenwell/worker" starts.

import { serve } from "./worker-serve.js";

serve();
