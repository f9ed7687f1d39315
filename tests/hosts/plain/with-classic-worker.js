import { drive } from "./drive.js";

const worker = new Worker("./classic-worker.js");
drive(worker, worker);
