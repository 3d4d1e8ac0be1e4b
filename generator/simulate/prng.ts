/** Seeded random numbers: initial values and random netlists must come out equal on every machine. */
export interface Prng {
  /** 32 random bits. */
  next(): number;
  /** An integer in [0, n). */
  below(n: number): number;
  bool(): boolean;
  /** True in one of `n` draws. */
  oneIn(n: number): boolean;
  pick<T>(items: readonly T[]): T;
  /** A uniform value of so many bits. */
  bits(width: number): bigint;
}

/** The output function of mulberry32. */
export function scramble(state: number): number {
  let t = state;
  t = Math.imul(t ^ (t >>> 15), t | 1);
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
  return (t ^ (t >>> 14)) >>> 0;
}

/** Tommy Ettinger's mulberry32: 32 bits of state, which is enough for test stimulus. */
export function mulberry32(seed: number): Prng {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    return scramble(state);
  };
  const below = (n: number): number => Math.floor((next() / 0x100000000) * n);
  return {
    next,
    below,
    bool: () => (next() & 1) === 1,
    oneIn: (n) => below(n) === 0,
    pick: (items) => items[below(items.length)]!,
    bits: (width) => {
      let value = 0n;
      for (let got = 0; got < width; got += 32) value = (value << 32n) | BigInt(next());
      return BigInt.asUintN(width, value);
    },
  };
}
