/** The worst error of every approximation, found exhaustively, and the table of them in the contract. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { INV16 } from "../contract/tables.js";
import { exp, sinCos } from "./elementary.js";
import { exp2, quantise, recip, rsqrt, sigmoid, siluGate, sine, Sticky } from "./ops.js";

/** One line of the table; errors as a number with three digits and as a power of two. */
function line(what: string, searched: string, kind: string, worst: number): string {
  return `| ${what} | ${searched} | ${kind} | ${worst.toExponential(2)} = 2^${Math.log2(worst).toFixed(1)} |`;
}

function worstOf(from: number, to: number, error: (i: number) => number): number {
  let worst = 0;
  for (let i = from; i < to; i++) worst = Math.max(worst, Math.abs(error(i)));
  return worst;
}

function measureReciprocal(): string {
  const worst = worstOf(32768, 65536, (m) => (recip(m) * m) / 2147483648 - 1);
  return line("recip(m)", "all m", "relative", worst);
}

function measureRsqrt(): string {
  const of = (m: number, e: number): number => {
    const r = rsqrt({ m, e });
    return r.m * 2 ** r.e * Math.sqrt(m * 2 ** e) - 1;
  };
  const worst = worstOf(32768, 65536, (m) => Math.max(Math.abs(of(m, 0)), Math.abs(of(m, 1))));
  return line("rsqrt(m, e)", "all m, both parities", "relative", worst);
}

function measureSine(): string {
  const turn = 2 * Math.PI;
  // within a bin of 2^14 phases the result is constant and the sine monotonic: its ends decide
  const worst = worstOf(0, 4 * 65536, (bin) => {
    const first = bin * 16384;
    const result = sine(first) / 16384;
    const ends = [first, first + 16383].map((phase) => result - sinCos((phase / 4294967296) * turn)[0]);
    return Math.max(...ends.map(Math.abs));
  });
  return line("sin(φ), cos(φ)", "all 2^32 phases", "absolute", worst);
}

function measureExp2(): string[] {
  const value = (d: number): number => exp((-d / 1024) * Math.LN2);
  const first = worstOf(0, 1024, (d) => exp2(d) / 65536 / value(d) - 1);
  const rest = worstOf(0, 24 * 1024, (d) => exp2(d) / 65536 - value(d));
  return [
    line("exp2(d), n = 0", "all 1024 fractions", "relative", first),
    line("exp2(d)", "all d below 24·1024", "absolute", rest),
  ];
}

function measureSigmoid(): string[] {
  const truth = (gate: number): number => 1 / (1 + exp(-gate / 4096));
  const limit = 2 ** 17; // beyond, both sides are constant
  const worst = worstOf(-limit, limit, (gate) => sigmoid(gate) / 65536 - truth(gate));
  // through the product with up = 1 (16 fraction bits): h has 20
  const gate = Int32Array.from({ length: 2 * limit }, (_, i) => i - limit);
  const h = new Int32Array(gate.length);
  siluGate(gate, new Int32Array(gate.length).fill(65536), h, new Sticky());
  const silu = worstOf(0, gate.length, (i) => h[i]! / 1048576 - (gate[i]! / 4096) * truth(gate[i]!));
  return [
    line("sigmoid(gate)", "all gates within ±32.0", "absolute", worst),
    line("silu(gate)", "all gates within ±32.0", "absolute", silu),
  ];
}

function measureQuantise(): string[] {
  const codes = new Int8Array(1);
  const v = new Int32Array(1);
  let lowest = 127;
  const worst = worstOf(32768, 65536, (m) => {
    v[0] = m;
    quantise(v, m, codes);
    lowest = Math.min(lowest, codes[0]!);
    // values around the code boundaries, where rounding is worst
    let most = 0;
    for (let code = 2; code < 127; code += 31) {
      const boundary = Math.floor(((code + 0.5) * m) / 127);
      for (let n = boundary - 4; n <= boundary + 4; n++) {
        v[0] = n;
        quantise(v, m, codes);
        most = Math.max(most, Math.abs(codes[0]! - (127 * n) / m));
      }
    }
    return most;
  });
  assert.equal(lowest, 127, "the largest element always gets code 127");
  return [line("A8 code", "all m, around 5 boundaries each", "absolute, in codes (0.5 is ideal)", worst)];
}

function measureInverse(): string {
  const worst = worstOf(0, 16, (f) => (INV16[f]! * (16 + f)) / 65536 - 1);
  return line("INV16[f]", "all f", "relative", worst);
}

describe("errors of the approximations", () => {
  it("are those that the contract states", () => {
    const lines = [
      measureReciprocal(),
      measureRsqrt(),
      ...measureQuantise(),
      measureSine(),
      measureInverse(),
      ...measureExp2(),
      ...measureSigmoid(),
    ];
    const contract = readFileSync(new URL("../contract/README.md", import.meta.url), "utf8");
    const stated = contract.split("\n").filter((text) => /= 2\^-?[0-9.]+ \|$/.test(text));
    assert.deepEqual(lines, stated);
  });
});
