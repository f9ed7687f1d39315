// The same through the front of tokenwell/worker.

process.env.TOKENWELL_FRONT = "worker";
await import("./presets.test.mjs");
