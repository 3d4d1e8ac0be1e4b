/**
 * The float forward pass with its matrices in float32 SIMD: blocks of tokens go through golden/model/float.ts side by side
 * and meet at every matrix. Near that float, but not equal: it sums in double. The same bits on every machine, whatever the
 * threads and blocks.
 */
import { type FakeOptions, type FloatModel, FloatState, floatSteps, type Product } from "../model/float.js";
import type { ModelShape } from "../model/types.js";
import { type BlockModel, checkBlock } from "./block.js";
import { FLOAT_MATRIX, FLOAT_TILE_BYTES, FLOAT_TILE_ROWS } from "./kernels/float.js";
import { BLOCK } from "./kernels/memory.js";
import { Layout } from "./layout.js";
import { type FastOptions, resolveOptions } from "./options.js";
import { placeSteps, type Steps, step } from "./steps.js";
import { Threads } from "./threads.js";

/** One matrix in memory, and the step that is its product. */
interface Placed {
  readonly steps: Steps;
  readonly tiles: number;
  readonly quads: number;
}

/** A thread's own memory: its counts, which floats have none of. */
const AREA_BYTES = 128;

export class FastFloatModel implements BlockModel {
  readonly block: number;
  readonly shape: ModelShape;
  private readonly memory: WebAssembly.Memory;
  private readonly threads: Threads;
  private readonly placed = new Map<Float32Array, Placed>();
  private readonly input: number;
  private readonly out: number;
  /** One for each token of a block, with one cache for all. */
  private readonly states: readonly FloatState[];

  constructor(model: FloatModel, fake: FakeOptions = {}, options: FastOptions = {}) {
    const { threads, block } = resolveOptions(model.shape, options);
    this.block = block;
    this.shape = model.shape;
    const { dim, hidden, heads, headDim, vocab } = model.shape;
    const layout = new Layout(model.name);
    const areas = Array.from({ length: threads }, () => layout.place(AREA_BYTES));
    const widestInput = Math.max(dim, hidden, heads * headDim);
    const widestOut = Math.max(vocab, hidden, heads * headDim, dim);
    this.input = layout.place(4 * block * roundUp(widestInput));
    this.out = layout.place(4 * block * roundUp(widestOut));
    for (const layer of model.layers) {
      for (const weights of [layer.q, layer.k, layer.v, layer.gate, layer.up])
        this.place(layout, weights, dim);
      this.place(layout, layer.o, heads * headDim);
      this.place(layout, layer.down, hidden);
    }
    this.place(layout, model.head ?? model.embedding, dim);
    this.memory = layout.allocate();
    this.threads = new Threads(this.memory, areas);
    const first = new FloatState(model, fake);
    this.states = Array.from({ length: block }, (_, t) =>
      t === 0 ? first : new FloatState(model, fake, first),
    );
  }

  run(tokens: ArrayLike<number>, position: number, headFrom = 0): void {
    checkBlock(this, tokens, position);
    const passes = Array.from(tokens, (token, t) =>
      floatSteps(this.states[t]!, token, position + t, t >= headFrom),
    );
    for (;;) {
      const products = passes.flatMap((pass) => {
        const next = pass.next();
        return next.done ? [] : [next.value];
      });
      if (products.length === 0) return;
      this.multiply(products);
    }
  }

  readLogits(t: number, out: Float64Array): void {
    out.set(this.states[t]!.logits);
  }

  close(): void {
    this.threads.close();
  }

  private place(layout: Layout, weights: Float32Array, cols: number): void {
    const rows = weights.length / cols;
    const tiles = Math.ceil(rows / FLOAT_TILE_ROWS);
    const quads = Math.ceil(cols / 4);
    const bytes = tiles * quads * FLOAT_TILE_BYTES;
    const address = layout.place(bytes, (memory, at) => {
      const to = new Float32Array(memory, at, bytes / 4);
      for (let row = 0; row < rows; row++) {
        const start = Math.floor(row / FLOAT_TILE_ROWS) * quads * 16 + (row % FLOAT_TILE_ROWS) * 4;
        for (let col = 0; col < cols; col++)
          to[start + (col >> 2) * 16 + (col & 3)] = weights[row * cols + col]!;
      }
    });
    const product = step("floatMatrix", FLOAT_MATRIX, {
      ...{ weights: address, tiles, quads, input: this.input, out: this.out },
      first: BLOCK.zero,
    });
    this.placed.set(weights, { steps: placeSteps(layout, [product]), tiles, quads });
  }

  /** The same matrix times one vector after another. */
  private multiply(products: readonly Product[]): void {
    const { steps, tiles, quads } = this.placed.get(products[0]!.weights)!;
    const { buffer } = this.memory;
    for (const [t, { input }] of products.entries()) {
      const to = new Float32Array(buffer, this.input + 16 * t * quads, 4 * quads);
      to.set(input);
      to.fill(0, input.length);
    }
    new Int32Array(buffer)[BLOCK.tokens / 4] = products.length;
    this.threads.run(steps);
    for (const [t, { out }] of products.entries())
      out.set(new Float32Array(buffer, this.out + 16 * t * tiles, out.length));
  }
}

/** To whole fours of rows and of columns. */
function roundUp(length: number): number {
  return Math.ceil(length / 4) * 4;
}
