import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url)); // Where node_modules is; one's own app needs none of this.
export default { turbopack: { root }, outputFileTracingRoot: root };
