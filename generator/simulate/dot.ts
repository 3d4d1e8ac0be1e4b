/** A dot-product engine to measure with: `lanes` products of int8 and 2-bit codes a cycle, a tree of adders, a row sum. */
import type { Design, NodeId } from "../hdl/ir.js";
import { mulberry32 } from "./prng.js";
import { Sketch } from "./sketch.js";

/** Weights and activations come from memories with random contents, so nothing has to be poked. */
export function dotEngine(lanes: number): Design {
  const s = new Sketch(`dot_${lanes}`);
  const random = mulberry32(lanes);
  const contents = (width: number, depth: number): bigint[] =>
    Array.from({ length: depth }, () => random.bits(width));
  const row = s.reg("row", 8, { reset: 0 });
  s.set(row, s.binary("add", row, s.constant(8, 1)));
  const weights = s.memory("weights", 2 * lanes, 256, { contents: contents(2 * lanes, 256) });
  const activations = s.memory("activations", 8 * lanes, 16, { contents: contents(8 * lanes, 16) });
  const w = s.read(weights, row, { name: "w" });
  const a = s.read(activations, s.slice(row, 0, 4), { name: "a" });

  // code u in {-2..1}: u0 * a - 2 * u1 * a
  let level: NodeId[] = Array.from({ length: lanes }, (_, i) => {
    const x = s.extend(s.slice(a, 8 * i, 8), 10, "s");
    const zero = s.constant(10, 0);
    const twice = s.cat(s.slice(x, 0, 9), s.constant(1, 0));
    const product = s.binary(
      "sub",
      s.mux(s.slice(w, 2 * i, 1), x, zero),
      s.mux(s.slice(w, 2 * i + 1, 1), twice, zero),
    );
    return s.delayed(`product_${i}`, product);
  });
  for (let depth = 1; level.length > 1; depth++) {
    level = Array.from({ length: level.length / 2 }, (_, i) => {
      const [x, y] = [level[2 * i]!, level[2 * i + 1]!];
      const width = s.width(x) + 1;
      const sum = s.binary("add", s.extend(x, width, "s"), s.extend(y, width, "s"));
      return depth % 2 === 0 ? s.delayed(`sum_${depth}_${i}`, sum) : sum;
    });
  }
  const sum = s.extend(level[0]!, 32, "s");
  const last = s.binary("eq", s.slice(row, 0, 4), s.constant(4, 15));
  const acc = s.reg("acc", 32, { reset: 0, signed: true });
  s.set(acc, s.mux(last, sum, s.binary("add", acc, sum)));
  const result = s.reg("result", 32, { reset: 0, signed: true });
  s.set(result, acc, last);
  s.output("y", result, true);
  return s.design();
}
