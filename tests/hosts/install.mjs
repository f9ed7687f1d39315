// Lays the tarball of `npm pack`, unpacked, where the apps here find it: `npm install` does no more for a package
// without dependencies, and its lock file would change with every build. Run once, before the tests.

import { cpSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { install } from "../npm/installed.mjs";

const place = fileURLToPath(new URL("node_modules/tokenwell", import.meta.url));
rmSync(place, { recursive: true, force: true });
cpSync(install().home, place, { recursive: true });
