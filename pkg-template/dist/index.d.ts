export * from "./errors.js";
export { presets } from "./presets.js";
export * from "./session.js";
