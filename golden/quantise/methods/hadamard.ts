/**
 * Orthogonal rotations by Hadamard matrices of any order that Sylvester's and Paley's constructions reach: 2^a times 1 or a Paley
 * order (q + 1 for a prime q = 3 mod 4, 2·(q + 1) for a prime q = 1 mod 4), so 12, 20, 28, 36, 44 ... and 576 = 16·36. With random
 * signs in front, as QuIP# and QuaRot (arXiv 2404.00456, section 3) have it.
 */
import { Random } from "../../model/prng.js";

/** A Hadamard matrix of +1 and -1, [order·order]. */
interface Base {
  readonly order: number;
  readonly entries: Int8Array;
}

/** x becomes Q·x in place; Q·Qᵀ = 1. */
export interface Rotation {
  readonly size: number;
  apply(x: Float64Array): void;
}

/** A rotation of vectors of `size` elements, always the same for the same seed; undefined where there is no Hadamard matrix known. */
export function hadamardRotation(size: number, seed: number): Rotation | undefined {
  const base = smallestBase(size);
  if (base === undefined) return undefined;
  const random = new Random(seed);
  const norm = 1 / Math.sqrt(size);
  const signs = Float64Array.from({ length: size }, () => (random.next() & 0x10000 ? -norm : norm));
  const scratch = new Float64Array(size);
  return {
    size,
    apply(x) {
      for (let i = 0; i < size; i++) scratch[i] = x[i]! * signs[i]!;
      sylvester(scratch, size / base.order);
      multiply(base, scratch, x);
    },
  };
}

/** The smallest order that times a power of two is the size. */
function smallestBase(size: number): Base | undefined {
  if (!(Number.isInteger(size) && size >= 1)) return undefined;
  let order = size;
  while (order % 2 === 0) order /= 2;
  for (; order <= size; order *= 2) {
    if (order === 1) return { order, entries: Int8Array.of(1) };
    const entries = order % 4 === 0 ? (paleyOne(order) ?? paleyTwo(order)) : undefined;
    if (entries !== undefined) return { order, entries };
  }
  return undefined;
}

/** The fast transform of each run of `width` (a power of two) elements, without any norm. */
function sylvester(x: Float64Array, width: number): void {
  for (let half = 1; half < width; half *= 2) {
    for (let i = 0; i < x.length; i++) {
      if (i & half) continue; // widths are powers of two, so bits of i are bits of the place in the run
      const [a, b] = [x[i]!, x[i + half]!];
      x[i] = a + b;
      x[i + half] = a - b;
    }
  }
}

/** out = (base ⊗ 1)·x: the runs of x are added as a row of the base says. */
function multiply({ order, entries }: Base, x: Float64Array, out: Float64Array): void {
  const width = x.length / order;
  for (let r = 0; r < order; r++) {
    for (let i = 0; i < width; i++) {
      let sum = 0;
      for (let c = 0; c < order; c++) sum += entries[r * order + c]! * x[c * width + i]!;
      out[r * width + i] = sum;
    }
  }
}

function isPrime(n: number): boolean {
  if (n < 2) return false;
  for (let d = 2; d * d <= n; d++) if (n % d === 0) return false;
  return true;
}

/** [q]: 0 for 0, 1 for squares, -1 for the others. */
function quadraticCharacter(q: number): Int8Array {
  const character = new Int8Array(q).fill(-1);
  for (let x = 1; x < q; x++) character[(x * x) % q] = 1;
  character[0] = 0;
  return character;
}

/** The bordered matrix of the character of differences, zero diagonal: symmetric for q = 1 mod 4, skew for 3 mod 4. */
function conference(q: number): (row: number, col: number) => number {
  const character = quadraticCharacter(q);
  const lower = q % 4 === 1 ? 1 : -1;
  return (row, col) => {
    if (row === col) return 0;
    if (row === 0) return 1;
    if (col === 0) return lower;
    return character[(row - col + q) % q]!;
  };
}

/** 1 + C of order q + 1, q = 3 mod 4 a prime. */
function paleyOne(order: number): Int8Array | undefined {
  const q = order - 1;
  if (q % 4 !== 3 || !isPrime(q)) return undefined;
  const c = conference(q);
  return Int8Array.from({ length: order * order }, (_, at) => {
    const [row, col] = [Math.floor(at / order), at % order];
    return row === col ? 1 : c(row, col);
  });
}

/** C in blocks of 2: ±[1 1; 1 -1] for ±1, [1 -1; -1 -1] for the zeros; order 2·(q + 1), q = 1 mod 4 a prime. */
function paleyTwo(order: number): Int8Array | undefined {
  const q = order / 2 - 1;
  if (q % 4 !== 1 || !isPrime(q)) return undefined;
  const c = conference(q);
  return Int8Array.from({ length: order * order }, (_, at) => {
    const [row, col] = [Math.floor(at / order), at % order];
    const entry = c(row >> 1, col >> 1);
    const [lower, right] = [row & 1, col & 1];
    if (entry === 0) return lower === 0 && right === 0 ? 1 : -1;
    return lower === 1 && right === 1 ? -entry : entry;
  });
}
