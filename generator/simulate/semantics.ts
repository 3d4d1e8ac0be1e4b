/** What each combinational node means, on bigint. The interpreter and the constant folder are written on it. */
import { type CombNode, type FlatId, unreachable } from "./graph.js";

export const maskOf = (width: number): bigint => (1n << BigInt(width)) - 1n;

/** The bits read as a two's complement number. */
export const signedOf = (value: bigint, width: number): bigint => BigInt.asIntN(width, value);

export interface Operands {
  value(id: FlatId): bigint;
  width(id: FlatId): number;
  /** Word of a memory; 0 at or above the depth. */
  fetch(mem: number, addr: bigint): bigint;
}

export function evaluate(node: CombNode, o: Operands): bigint {
  const { width } = node;
  switch (node.op) {
    case "const":
      return node.value;
    case "unary": {
      const a = o.value(node.a);
      const { fn } = node;
      switch (fn) {
        case "not":
          return BigInt.asUintN(width, ~a);
        case "neg":
          return BigInt.asUintN(width, -a);
        case "andr":
          return a === maskOf(o.width(node.a)) ? 1n : 0n;
        case "orr":
          return a === 0n ? 0n : 1n;
        case "xorr":
          return parity(a);
        default:
          return unreachable(fn);
      }
    }
    case "binary": {
      const wa = o.width(node.a);
      const wb = o.width(node.b);
      const a = o.value(node.a);
      const b = o.value(node.b);
      const signed = node.signedness === "s";
      const read = (v: bigint, w: number): bigint => (signed ? signedOf(v, w) : v);
      const { fn } = node;
      switch (fn) {
        case "add":
          return BigInt.asUintN(width, a + b);
        case "sub":
          return BigInt.asUintN(width, a - b);
        case "and":
          return a & b;
        case "or":
          return a | b;
        case "xor":
          return a ^ b;
        case "mul":
          return BigInt.asUintN(width, read(a, wa) * read(b, wb));
        case "eq":
          return a === b ? 1n : 0n;
        case "ne":
          return a !== b ? 1n : 0n;
        case "lt":
          return read(a, wa) < read(b, wb) ? 1n : 0n;
        case "le":
          return read(a, wa) <= read(b, wb) ? 1n : 0n;
        // A shift by the width or more leaves nothing, or the sign; it also keeps BigInt's shift amount small.
        case "shl":
          return b >= BigInt(width) ? 0n : BigInt.asUintN(width, a << b);
        case "shr":
          return BigInt.asUintN(width, read(a, wa) >> (b >= BigInt(width) ? BigInt(width) : b));
        default:
          return unreachable(fn);
      }
    }
    case "mux":
      return o.value(node.sel) === 1n ? o.value(node.t) : o.value(node.f);
    case "select": {
      const index = o.value(node.index);
      return o.value(node.cases.find((c) => c.match === index)?.value ?? node.other);
    }
    case "slice":
      return BigInt.asUintN(width, o.value(node.a) >> BigInt(node.lo));
    case "cat":
      return node.parts.reduce((sum, part) => (sum << BigInt(o.width(part))) | o.value(part), 0n);
    case "extend": {
      const a = o.value(node.a);
      return node.signedness === "u" ? a : BigInt.asUintN(width, signedOf(a, o.width(node.a)));
    }
    case "fetch":
      return o.fetch(node.mem, o.value(node.addr));
    default:
      return unreachable(node);
  }
}

function parity(value: bigint): bigint {
  let odd = 0n;
  for (let v = value; v > 0n; v >>= 32n) {
    let word = Number(v & 0xffffffffn);
    for (; word !== 0; word &= word - 1) odd ^= 1n; // each round clears the lowest 1
  }
  return odd;
}
