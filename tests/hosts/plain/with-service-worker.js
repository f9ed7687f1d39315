import { drive } from "./drive.js";

await navigator.serviceWorker.register("./service-worker.js", { type: "module" });
const { active } = await navigator.serviceWorker.ready;
drive(active, navigator.serviceWorker);
