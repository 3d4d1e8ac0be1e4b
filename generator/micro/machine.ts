/**
 * The micro machine as data: the fields of its microinstruction, its registers' widths and its capacities. What every field does,
 * cycle by cycle, stands in README.md; interpreter, assembler and RTL are written from there, each on its own.
 */

/** Values of the coded fields, in the order of their codes (0 first: nothing happens). */
export const FIELDS = {
  /** VMEM read: VD <- VMEM[...]; `p0` reads at pointer 0, `p0+` steps it behind the read. */
  vr: ["none", "imm", "p0", "p1", "p2", "p3", "p0+", "p1+", "p2+", "p3+"],
  /** VMEM write: VMEM[...] <- R. */
  vw: ["none", "imm", "p0", "p1", "p2", "p3", "p0+", "p1+", "p2+", "p3+"],
  /** MX <- 32 bits, signed. */
  mx: ["none", "vd", "r", "acc", "acch", "accl", "gs", "one"],
  /** MY <- 16 bits, unsigned. */
  my: [
    "none",
    "byte",
    "factor",
    "half",
    "td",
    "yr",
    "rlo",
    "rhi",
    "alo",
    "ahi",
    "r15",
    "r255",
    "vdlo",
    "imm",
    "mlo",
    "mhi",
  ],
  /** ACC <- from PROD = MX * MY (`+hi`: PROD << 16; `abs`: |PROD|). */
  ac: ["none", "=", "+", "-", "=hi", "+hi", "-hi", "+abs", "+abshi"],
  /** Q <- ACC >> amount, and the last bit shifted out (0 for `floor`). */
  q: ["none", "floorSh", "roundSh", "floorImm", "roundImm"],
  /** R <- from Q (rounded, then cut to the width) or elsewhere (`vd`: a word of VMEM past ACC, which may hold a sum; `acc`: ACC as it is). */
  r: [
    "none",
    "sat32",
    "sat24",
    "sat18",
    "clamp127",
    "clamp7",
    "wrap32",
    "bitlen",
    "token",
    "position",
    "best",
    "vd",
    "acc",
  ],
  /** M and its flag. */
  max: ["none", "clear", "abs", "signed", "argmax"],
  /** SH and TE. */
  sh: ["none", "r", "byte", "scale", "te"],
  /** MAC lanes. */
  lane: ["none", "w2", "w4", "clear"],
  /** The stream moves on by so many bytes. */
  tk: ["none", "1", "2", "4"],
  /** Table read: TD <- TABLE[imm + index]. */
  tb: ["none", "plain", "exp", "byte8", "factor"],
  /** GS[GW] <- the lane GW mod 8, GW + 1. */
  gw: ["none", "dump"],
  /** GD <- GS[group, lane]; then the next group, or group 0 of the next lane. */
  gr: ["none", "group", "row"],
  /** ACT[AW] <- R, AW + 1. */
  aw: ["none", "write"],
  /** SPRAM at WP <- R: a nibble (WP + 1 or + 8 behind it) or 16 bits (WP + 4). */
  sw: ["none", "nibble1", "nibble8", "half"],
  misc: [
    "none",
    "p0=imm",
    "p1=imm",
    "p2=imm",
    "p3=imm",
    "p0=r",
    "p1=r",
    "p2=r",
    "p3=r",
    "c0=imm",
    "c1=imm",
    "c2=imm",
    "c3=imm",
    "c0=r",
    "c1=r",
    "c2=r",
    "c3=r",
    "seek=imm",
    "seek=r",
    "wp=r",
    "yr=r",
    "ar=imm",
    "aw=imm",
    "gs=0",
    "ack",
    "flag",
  ],
  seq: [
    "next",
    "jump",
    "call",
    "ret",
    "loop0",
    "loop1",
    "loop2",
    "loop3",
    "overflow",
    "negative",
    "zero",
    "wait",
    "unwanted",
  ],
} as const;

export type Field = keyof typeof FIELDS;
export type Code<F extends Field> = (typeof FIELDS)[F][number];

/** One microinstruction; a field that is absent does nothing. `target` of `seq` is an address. */
export type Micro = { readonly [F in Field]?: Code<F> } & {
  /** 16 bits: VMEM address, constant of `my`, shift amount (6 bits), table base (10 bits, modulo), pointer, counter, seek address. */
  readonly imm?: number;
  readonly target?: number;
};

export const IMM_BITS = 16;
/** Microinstructions in ROM: three times 256, five block RAMs each (a word has 80 bits). */
export const PROGRAM = 768;
export const TARGET_BITS = 10;
export const CALL_DEPTH = 4;

/** Bits of each coded field, lowest first in the word, in the order of FIELDS; then `imm`, then `target`. */
export const bitsOf = (field: Field): number => Math.max(1, Math.ceil(Math.log2(FIELDS[field].length)));
export const WORD_BITS =
  (Object.keys(FIELDS) as Field[]).reduce((sum, field) => sum + bitsOf(field), 0) + IMM_BITS + TARGET_BITS;

export const LANES = 8;
/** 64-bit words of the stream memory: four SPRAMs of 16K x 16. */
export const SPRAM_WORDS = 16_384;
/** 32-bit words. */
export const VMEM_WORDS = 1024;
/** Signed bytes: activations, probabilities. */
export const ACT_BYTES = 512;
/** 16-bit sums of a row block: eight lanes of up to 16 groups. */
export const GS_WORDS = 128;
export const TABLE_WORDS = 1024;
export const ACC_BITS = 52;
export const TE_BITS = 10;
