/** What the gate goes through, SiLU or squared ReLU, times up: contract section 7. */
import { SIGMOID } from "../contract/tables.js";
import { rshr, type Sticky, sat } from "./scale.js";

/** 2^16·sigmoid(gate) of a gate with 12 fraction bits (int24). 0..65536. */
export function sigmoid(gate: number): number {
  const a = Math.abs(gate);
  let s = 65536;
  if (a < 65536) {
    const i = a >> 8;
    s = SIGMOID[i]! + (((SIGMOID[i + 1]! - SIGMOID[i]!) * (a & 255) + 128) >> 8);
  }
  return gate < 0 ? 65536 - s : s;
}

/** h = silu(gate)·up >> 8 (int32 [hidden]); gate and up int24. */
export function siluGate(gate: Int32Array, up: Int32Array, h: Int32Array, sticky: Sticky): void {
  for (let i = 0; i < h.length; i++) {
    const s = rshr(gate[i]! * sigmoid(gate[i]!), 16);
    h[i] = sat(rshr(s * up[i]!, 8), 32, sticky, "h");
  }
}

const MOST_SQUARE = 2 ** 30 - 1;

/** h = max(gate, 0)²·up >> 34 in two steps (int32 [hidden]); gate and up int24. */
export function relu2Gate(gate: Int32Array, up: Int32Array, h: Int32Array, sticky: Sticky): void {
  for (let i = 0; i < h.length; i++) {
    const g = Math.max(gate[i]!, 0);
    const s = Math.min(rshr(g * g, 16), MOST_SQUARE);
    h[i] = sat(rshr(s * up[i]!, 18), 32, sticky, "h"); // below 2^53 with the rounding
  }
}
