/** The steps of one run through a model: golden/model/integer.ts, op by op, for a block of tokens at once. */
import { CACHE_CODE } from "../contract/tables.js";
import { checkSlots } from "../model/cache.js";
import type { QuantisedModel, Scale } from "../model/types.js";
import { ATTENTION } from "./kernels/attention.js";
import { GATE } from "./kernels/gate.js";
import { HEADS } from "./kernels/heads.js";
import { MATRIX, TILE_BYTES } from "./kernels/matrix.js";
import { BLOCK } from "./kernels/memory.js";
import { NORM } from "./kernels/vector.js";
import type { Layout } from "./layout.js";
import { type PackedMatrix, packMatrix } from "./pack.js";
import { placeSteps, type Step, type Steps, step } from "./steps.js";

/** Addresses that the main thread reads and writes, sizes in elements. */
export interface Plan {
  readonly steps: Steps;
  /** Residual stream: int32 [block][dim]. */
  readonly x: number;
  /** int32 [block][headDim/2][cos, sin]. */
  readonly rotation: number;
  /** int32 [block][vocab]. */
  readonly logits: number;
  /** Each thread's own memory. */
  readonly areas: readonly number[];
}

/** Codes of a vector as the matrix kernel reads them: int16, whole groups. */
interface Codes {
  readonly address: number;
  readonly stride: number;
}

const roundUp = (value: number, unit: number): number => Math.ceil(value / unit) * unit;
const packScale = ({ m, e }: Scale): number => (e << 16) | m;

export function planModel(layout: Layout, model: QuantisedModel, block: number, threads: number): Plan {
  const { dim, hidden, heads, kvHeads, headDim, vocab } = model.shape;
  const slots = model.sinks + model.window;
  checkSlots(
    slots,
    model.layers.map((layer) => layer.cache),
  );
  const vectorBytes = roundUp(headDim, 8);
  const qWidth = heads * headDim;
  const kvWidth = kvHeads * headDim;

  const area = areaOf(model, block);
  const areas = Array.from({ length: threads }, () => layout.place(area.bytes));
  const int32 = (perToken: number): number => layout.place(4 * block * perToken);
  const codes = (length: number): Codes => {
    const stride = 2 * roundUp(length, 32);
    return { address: layout.place(block * stride), stride };
  };

  const x = int32(dim);
  const rotation = int32(headDim);
  const logits = int32(vocab);
  const delta = int32(dim);
  const xCodes = codes(dim);
  const scales = int32(1);
  const q = int32(qWidth);
  const k = int32(kvWidth);
  const v = int32(kvWidth);
  const qCodes = { address: layout.place(2 * block * heads * vectorBytes), stride: 2 * vectorBytes };
  const qScales = int32(heads);
  const o = int32(qWidth);
  const oCodes = codes(qWidth);
  const gate = int32(hidden);
  const up = int32(hidden);
  const h = int32(hidden);
  const hCodes = codes(hidden);

  const epsilon = {
    residual: layout.placeInt64(model.epsilonSum),
    q: layout.placeInt64(model.epsilon.q),
    k: layout.placeInt64(model.epsilon.k),
    attention: layout.placeInt64(model.epsilon.attention),
    ffn: layout.placeInt64(model.epsilon.ffn),
  };
  const gain = (values: Int16Array | undefined): number => (values ? layout.placeInt16(values) : 0);

  const matrixStep = (
    matrix: PackedMatrix,
    from: Codes,
    constant: Scale,
    out: number,
    options: {
      readonly bits: 24 | 32;
      readonly bias?: Int32Array | undefined;
      readonly first?: number;
      readonly barrier: boolean;
    },
  ): Step =>
    step(
      "matrix",
      MATRIX,
      {
        ...matrix,
        wide: matrix.wide ? 1 : 0,
        bias: options.bias ? layout.placeInt32(options.bias) : 0,
        input: from.address,
        inputStride: from.stride,
        scales,
        k: packScale(constant),
        out,
        outStride: 4 * matrix.rows,
        bits: options.bits,
        first: options.first ?? BLOCK.zero,
        tile: area.tile,
        tokenScales: area.tokenScales,
      },
      options.barrier,
    );
  const normStep = (
    source: number,
    length: number,
    to: Codes,
    norm: {
      readonly gain: number;
      readonly gainShift: number;
      readonly epsilon: number;
    },
    options: { readonly delta?: number; readonly first?: number } = {},
  ): Step =>
    step("norm", NORM, {
      source,
      delta: options.delta ?? 0,
      length,
      ...norm,
      codes: to.address,
      codesStride: to.stride,
      scales,
      y: area.y,
      first: options.first ?? BLOCK.zero,
    });
  const residualNorm = (values: Int16Array) => ({
    gain: layout.placeInt16(values),
    gainShift: 15,
    epsilon: epsilon.residual,
  });

  const steps: Step[] = [];
  for (const [l, layer] of model.layers.entries()) {
    const { scale, bias, qkNorm, subNorm, cache } = layer;
    const keys = CACHE_CODE[cache.keys];
    const values = CACHE_CODE[cache.values];
    const pack = (matrix: typeof layer.q): PackedMatrix => packMatrix(layout, matrix);
    steps.push(
      normStep(x, dim, xCodes, residualNorm(layer.attentionGain), l > 0 ? { delta } : {}),
      matrixStep(pack(layer.q), xCodes, scale.q, q, { bits: 24, bias: bias?.q, barrier: false }),
      matrixStep(pack(layer.k), xCodes, scale.k, k, { bits: 24, bias: bias?.k, barrier: false }),
      matrixStep(pack(layer.v), xCodes, scale.v, v, { bits: 24, bias: bias?.v, barrier: true }),
      step("heads", HEADS, {
        q,
        k,
        heads,
        kvHeads,
        headDim,
        rotation,
        qGain: gain(qkNorm?.q),
        kGain: gain(qkNorm?.k),
        qEpsilon: epsilon.q,
        kEpsilon: epsilon.k,
        kNorm: packScale(scale.knorm),
        mean: layout.placeInt32(layer.kMean),
        scoreK: packScale(scale.score),
        codes: qCodes.address,
        codesStride: qCodes.stride,
        scales: qScales,
      }),
    );
    const attention = {
      qCodes: qCodes.address,
      qStride: qCodes.stride,
      qScales,
      k,
      v,
      // slots are read two by two: one more lies behind the last
      keys: layout.place((kvHeads * slots + 1) * vectorBytes),
      values: layout.place((kvHeads * slots + 1) * vectorBytes),
      keyScales: layout.place(kvHeads * slots),
      valueScales: layout.place(kvHeads * slots),
      heads,
      kvHeads,
      headDim,
      vectorBytes,
      sinks: model.sinks,
      window: model.window,
      keyLargest: keys.largest,
      keyDivisor: keys.scale,
      valueLargest: values.largest,
      valueDivisor: values.scale,
      attendK: packScale(scale.attend),
      out: o,
      scores: area.scores,
      p: area.p,
      exponents: area.exponents,
      totals: area.totals,
    };
    steps.push(
      step("cacheWrite", ATTENTION, attention),
      step("attention", ATTENTION, attention),
      normStep(o, qWidth, oCodes, {
        gain: gain(subNorm?.attention),
        gainShift: 7,
        epsilon: epsilon.attention,
      }),
      matrixStep(pack(layer.o), oCodes, scale.o, delta, { bits: 32, barrier: true }),
      normStep(x, dim, xCodes, residualNorm(layer.ffnGain), { delta }),
      matrixStep(pack(layer.gate), xCodes, scale.gate, gate, { bits: 24, barrier: false }),
      matrixStep(pack(layer.up), xCodes, scale.up, up, { bits: 24, barrier: true }),
      step("gate", GATE, { gate, up, h, length: hidden, squared: model.gate === "relu2" ? 1 : 0 }),
      normStep(h, hidden, hCodes, {
        gain: gain(subNorm?.ffn),
        gainShift: 15,
        epsilon: epsilon.ffn,
      }),
      matrixStep(pack(layer.down), hCodes, scale.down, delta, { bits: 32, barrier: true }),
    );
  }
  const first = BLOCK.headFrom;
  steps.push(
    normStep(x, dim, xCodes, residualNorm(model.finalGain), { delta, first }),
    matrixStep(packMatrix(layout, model.head ?? model.embedding), xCodes, model.headScale, logits, {
      bits: 32,
      first,
      barrier: true,
    }),
  );
  return {
    steps: placeSteps(layout, steps),
    ...{ x, rotation, logits, areas },
  };
}

/** What lies where in a thread's own memory, behind its counts and sums. */
function areaOf(model: QuantisedModel, block: number) {
  const { dim, hidden, heads, headDim } = model.shape;
  const slots = model.sinks + model.window;
  const widest = Math.max(dim, hidden, heads * headDim);
  let end = 128;
  const place = (bytes: number): number => {
    const offset = roundUp(end, 64);
    end = offset + bytes;
    return offset;
  };
  return {
    tile: place(Math.ceil(widest / 32) * TILE_BYTES.expanded),
    tokenScales: place(4 * block),
    y: place(4 * widest),
    scores: place(4 * slots),
    p: place(2 * roundUp(slots, 32)),
    exponents: place(4 * Math.ceil(slots / 32)),
    totals: place(8 * roundUp(headDim, 8)),
    bytes: roundUp(end, 64),
  };
}
