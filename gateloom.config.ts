import { defineConfig } from "./generator/index.js";

/** The accelerator of the demo: 64 lanes, everything on chip. Copy, change, and run `gateloom generate --config FILE`. */
export default defineConfig({
  precision: "W2A8KV4",
  lanes: { rows: 2, columns: 32 },
  engine: "tree",
  tokens: 1,
  attention: { sinks: 4, window: 252 },
  memory: { kind: "on-chip", kib: 128 },
  clockMHz: 100,
});
