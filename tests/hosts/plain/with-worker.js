import { drive } from "./drive.js";

const worker = new Worker("./worker.js", { type: "module" });
drive(worker, worker);
