/** One architecture of every family, for tests and for the comparison with transformers (check/logits.py). */
import { type Architecture, llama } from "../../model/architecture.js";

const base = llama(1e-5, 10000);

export const VARIANTS: ReadonlyMap<string, Architecture> = new Map([
  ["llama", base],
  ["llama-untied", { ...base, tied: false }],
  ["llama-linear", { ...base, rope: { theta: 10000, scaling: { type: "linear", factor: 2.5 } } }],
  [
    "llama-3.1",
    {
      ...base,
      rope: {
        theta: 500000,
        scaling: { type: "llama3", factor: 8, lowFactor: 1, highFactor: 4, originalContext: 16 },
      },
    },
  ],
  ["mistral", { ...base, tied: false, slidingWindow: 5 }],
  ["qwen2", { ...base, eps: 1e-6, qkvBias: true, rope: { theta: 1e6, scaling: { type: "none" } } }],
  ["qwen3", { ...base, eps: 1e-6, qkNorm: true, rope: { theta: 1e6, scaling: { type: "none" } } }],
  ["bitnet", { ...base, gate: "relu2", subNorms: true, rope: { theta: 500000, scaling: { type: "none" } } }],
]);
