/**
 * exp of whole vectors: bit for bit that of golden/model/elementary.ts, two doubles at a time. In evaluation the
 * exponentials of all logits cost more than a fast model's own arithmetic.
 */
import { LN2_HIGH, LN2_LOW } from "../model/elementary.js";
import {
  add,
  addF64,
  addV64,
  addVF64,
  andNotV,
  andV,
  divVF64,
  type Expr,
  f64,
  floorVF64,
  geVF64,
  i64,
  laneF64,
  loadV,
  lt,
  ltVF64,
  minVF64,
  mulVF64,
  shl,
  shlV64,
  splat64,
  splatF64,
  storeV,
  subVF64,
} from "./assembler/expression.js";
import { Module } from "./assembler/module.js";

const PAGE = 65536;
/** Of a memory of 32-bit addresses. */
const MOST_PAGES = 65536;
/** 1.5·2^52: added to an integer of up to 51 bits, it leaves it in the lowest bits. */
const INTEGER_BITS = 6755399441055744;
const constant = (value: number): Expr<"v128"> => splatF64(f64(value));

/** a / i: the same as a·(1/i) where 1/i is exact, and divisions are what takes the time. */
function divided(a: Expr<"v128">, i: number): Expr<"v128"> {
  const isPower = (i & (i - 1)) === 0;
  return isPower ? mulVF64(a, constant(1 / i)) : divVF64(a, constant(i));
}

/** The steps of elementary.ts's exp in their order; only 2^n, which is exact, is made from its bits. */
function exponentialModule(): Uint8Array<ArrayBuffer> {
  const module = new Module();
  module.func("exponentials", ["i32", "i32", "f64"], "f64", (f, from, length, shift) => {
    const end = f.let(add(from, shl(length, 3)));
    const sum = f.local("f64");
    const shifts = f.let(splatF64(shift));
    f.while(lt(from, end), () => {
      const x = f.let(subVF64(loadV(from), shifts));
      const capped = f.let(minVF64(x, constant(700)));
      const turns = f.let(divVF64(capped, constant(LN2_HIGH + LN2_LOW)));
      // Math.round: up from .5 on
      const n = f.let(floorVF64(turns));
      f.set(n, addVF64(n, andV(geVF64(subVF64(turns, n), constant(0.5)), constant(1))));
      const high = subVF64(capped, mulVF64(n, constant(LN2_HIGH)));
      const r = f.let(subVF64(high, mulVF64(n, constant(LN2_LOW))));
      const series = f.let(constant(1));
      for (let i = 14; i > 0; i--) f.set(series, addVF64(constant(1), divided(mulVF64(r, series), i)));
      const bits = addV64(addVF64(n, constant(INTEGER_BITS)), splat64(i64(1023)));
      const power = shlV64(bits, 52);
      const result = f.let(andNotV(mulVF64(series, power), ltVF64(x, constant(-700))));
      f.do(storeV(from, result));
      f.set(sum, addF64(addF64(sum, laneF64(result, 0)), laneF64(result, 1)));
      f.set(from, add(from, 16));
    });
    return sum;
  });
  return module.encode(MOST_PAGES);
}

interface Exports {
  exponentials(from: number, length: number, shift: number): number;
}

/** Memory grows with the longest vector so far. */
let current: { readonly values: Float64Array; readonly exports: Exports } | undefined;
let compiled: WebAssembly.Module | undefined;

function instanceFor(length: number): NonNullable<typeof current> {
  if (current && current.values.length >= length) return current;
  compiled ??= new WebAssembly.Module(exponentialModule());
  const pages = Math.ceil((8 * length) / PAGE);
  const descriptor = { initial: pages, maximum: pages, shared: true }; // Node's types do not know the last
  const memory = new WebAssembly.Memory(descriptor);
  const { exports } = new WebAssembly.Instance(compiled, { env: { memory } });
  current = { values: new Float64Array(memory.buffer), exports: exports as unknown as Exports };
  return current;
}

/** The sum of exp(x[i] - shift) in the order of i; the terms to `out`, which may be x, where it is given. */
export function exponentials(x: Float64Array, shift: number, out?: Float64Array): number {
  const { values, exports } = instanceFor(x.length + 1);
  values.set(x);
  values[x.length] = -Infinity; // completes a pair; its exponential is 0
  const sum = exports.exponentials(0, x.length, shift);
  out?.set(values.subarray(0, x.length));
  return sum;
}
