/** Instruction fields as data: name, position and width. Encoder, disassembler, interpreter and sequencer read this table. */

export const OPS = ["halt", "loop", "end", "base", "next", "load", "emb", "mv", "quant", "softmax"] as const;
export type Op = (typeof OPS)[number];
/** Weight stream formats of MV. */
export const FORMATS = ["w2", "w4", "keys", "values", "ternary", "n24", "w8", "keys8", "values8"] as const;
export type Format = (typeof FORMATS)[number];
/** The cache's formats by the width of its codes; three bits lie in the four-bit ones. */
export const KEY_FORMATS = ["keys", "keys8"] as const satisfies readonly Format[];
export const VALUE_FORMATS = ["values", "values8"] as const satisfies readonly Format[];
/** Formats of weights in memory; the others are the cache's. */
export type MatrixFormat = Exclude<Format, (typeof KEY_FORMATS)[number] | (typeof VALUE_FORMATS)[number]>;
/** Formats of R rows a row block, scales as w2; the others have R/2 rows of four-bit codes. */
export const isWide = (format: Format): boolean =>
  format === "w2" || format === "ternary" || format === "n24";
/** Formats of two beats where the four-bit ones have one: high digits, then low digits. */
export const isEight = (format: Format): boolean =>
  format === "w8" || format === "keys8" || format === "values8";
/** Widths of cache codes, in the order of the field `cacheWidth`. */
export const CACHE_WIDTHS = [4, 8, 3] as const;
/** Where the results of MV and EMB go. */
export const EPILOGUES = [
  "embed",
  "residual",
  "query",
  "key",
  "value",
  "gateup",
  "score",
  "attend",
  "logits",
] as const;
export type Epilogue = (typeof EPILOGUES)[number];
/** How the matrix scale T is formed from K: K alone, S·K, S·rsqrt(SS)·K, recip(SE)·K with Emax. */
export const SCALINGS = ["constant", "activation", "norm", "softmax"] as const;
export type Scaling = (typeof SCALINGS)[number];
export const CONSTANT_RAMS = ["gain", "kmean", "rope", "subgain", "norms", "bias", "headgain"] as const;
export type ConstantRam = (typeof CONSTANT_RAMS)[number];
/** Whose sum of squares and E the scaling `norm` takes: of the residual, or of a norm that only some models have. */
export const NORMS = ["residual", "attention", "ffn", "query"] as const;
export type Norm = (typeof NORMS)[number];
/** 32-bit words of the constant RAM `norms`: E of each norm but the residual's, low half first; K_knorm: m, then e. */
export const NORM_WORDS = { attention: 0, ffn: 2, query: 4, key: 6, keyScale: 8 } as const satisfies Record<
  Exclude<Norm, "residual"> | "key" | "keyScale",
  number
>;
export const NORM_WORD_COUNT = 10;
export const TOKEN_SELECTS = ["loop", "all", "last"] as const;
export type TokenSelect = (typeof TOKEN_SELECTS)[number];
export const LOOP_COUNTS = ["immediate", "toks"] as const;

/** [low bit, width]. Fields of one op may share bits with fields of another. */
export const FIELDS = {
  // every instruction
  op: [0, 4],
  last: [4, 1], // only when the batch reaches the end of the prompt
  tok: [5, 2], // TOKEN_SELECTS
  wait: [8, 12],
  signal: [20, 12],
  // mv, emb, load
  fetchAfterCache: [7, 1], // fetch waits until every K and V of earlier key/value MVs is written
  format: [32, 4],
  epilogue: [36, 4],
  memBase: [40, 3],
  ram: [43, 3], // load: CONSTANT_RAMS
  scaling: [46, 2],
  memOffset: [48, 24], // beats
  beats: [72, 22], // mv of a matrix, load: beats to fetch; emb: beats of one unit; keys, values: not used (from LEN)
  rowBlocks: [94, 18], // mv of a matrix, values: row blocks. emb: row blocks of one unit (power of two). keys: from LEN
  groups: [112, 10], // mv of a matrix or keys, emb: groups per row. values: from LEN
  rows: [122, 18], // results per token that count (padding rows above are dropped); keys: from LEN
  act: [142, 12], // activation word address of group 0, token 0 (mv; quant: destination)
  actBase: [154, 3],
  actStride: [157, 10], // activation words from token to token (mv, tok "all")
  dst: [167, 14], // mv: first element in the vector memory (query, attend, gateup, residual's y) | quant: first source element
  dstBase: [181, 3],
  dstStride: [184, 14], // elements from token to token
  slot: [198, 6], // statistics slot written by the epilogue | quant: slot read (M) and scale slot written (S)
  slotBase: [204, 3],
  slotInit: [207, 1], // first result of this MV restarts the maximum
  scaleSlot: [208, 6], // S read by scaling; softmax scaling reads the softmax unit
  scaleSlotBase: [214, 3],
  scaleM: [217, 16], // K
  scaleE: [233, 10], // K, signed
  // mv
  norm: [140, 2], // NORMS
  subNorm: [43, 1], // attend, gateup: results take gains of the norm before o or down
  relu2: [44, 1], // gateup: squared ReLU in place of SiLU
  constant: [243, 13], // attend: first entry of its gains, query: of its biases; from register dstBase
  bias: [45, 1], // query, key, value
  headNorm: [44, 1], // query, key: norm of each head
  elements: [243, 13], // quant: vector length, a multiple of 4
  // mv with epilogue key or value: where the cache writer puts them
  cacheOffset: [167, 24], // first beat of head 0's keys or values
  cacheBase: [191, 3],
  cacheWidth: [194, 2], // CACHE_WIDTHS: of the codes to write
  cacheKeys8: [196, 1], // value: the head's keys, whose scale beats hold V's scale bytes too, are keys8
  headGroups: [198, 6], // headDim / 32
  cacheHeadStride: [243, 13], // from head to head, in units of CACHE_STRIDE_BEATS
  // loop, next
  count: [48, 16],
  countFrom: [64, 1], // LOOP_COUNTS
  target: [8, 12], // program address (instructions): loop: behind its END; next: start of the batch; end: first of the loop body
  // end, base: eight signed 24-bit values, register r at 48 + 24 r; register 0 unused
  increments: [48, 192],
  baseMask: [40, 8],
} as const satisfies Record<string, readonly [number, number]>;
export type Field = keyof typeof FIELDS;

export const INSTRUCTION_BITS = 256;
/** Beats in a unit of `cacheHeadStride`. */
export const CACHE_STRIDE_BEATS = 16;
export const PROGRAM_WORD_BITS = 64;
export const BASE_REGISTERS = 8;
export const BASE_BITS = 24;
export const LOOP_DEPTH = 4;

/** Counters by number; contract of each in the name: who signals -> who waits. Initial counts. */
export const SEMAPHORES = {
  normReady: { bit: 0, initial: 0 }, // residual/embed epilogue -> quant y
  actReady: { bit: 1, initial: 0 }, // quant y -> mv k (the first of a run of matrices on the same activations)
  queryReady: { bit: 2, initial: 0 }, // query epilogue -> quant q
  queryAct: { bit: 3, initial: 0 }, // quant q -> mv keys
  scoreReady: { bit: 4, initial: 0 }, // score epilogue -> softmax
  scoreFree: { bit: 5, initial: 2 }, // softmax -> mv keys (two score buffers)
  probReady: { bit: 6, initial: 0 }, // softmax -> mv values
  probFree: { bit: 7, initial: 2 }, // values stream done -> softmax (two probability buffers)
  attendReady: { bit: 8, initial: 0 }, // last attend epilogue of a token -> quant o
  attendAct: { bit: 9, initial: 0 }, // quant o -> mv o
  hiddenReady: { bit: 10, initial: 0 }, // gateup epilogue -> quant h
  hiddenAct: { bit: 11, initial: 0 }, // quant h -> mv down
} as const;
export type Semaphore = keyof typeof SEMAPHORES;
