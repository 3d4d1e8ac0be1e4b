/**
 * A model's tensors under one set of names (`embedding`, `layers.3.q`, `final_norm`, `head`: architecture.ts), whatever the
 * container calls them, with RoPE's pairs interleaved in the rows of q and k whatever their order in the file.
 */
import type { ModelDescription, Role } from "./architecture.js";
import type { Layout } from "./architectureLayout.js";
import { type Match, matchTensors, requireMatch } from "./modelMatch.js";
import { rowRange } from "./rows.js";
import type { StoredCodes, TensorInfo, TensorSource } from "./source.js";

const ROTATED: ReadonlySet<Role> = new Set(["q", "k", "q_bias", "k_bias", "q_norm", "k_norm"]);

export class ModelSource implements TensorSource {
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  private readonly match: Match;

  /** Refuses a container whose tensors are not the model's. */
  constructor(
    /** As the container calls them. */
    readonly container: TensorSource,
    private readonly description: ModelDescription,
    private readonly layout: Layout,
  ) {
    this.match = matchTensors(container, description, layout);
    requireMatch(container, this.match);
    this.tensors = new Map(
      [...this.match.found].map(([name, { slot, info }]) => [name, { ...info, name, shape: slot.shape }]),
    );
  }

  get file(): string {
    return this.container.file;
  }

  async read(name: string, from = 0, count?: number): Promise<Float32Array> {
    const { slot, info } = this.found(name);
    if (!this.permuted(slot.role)) return this.container.read(info.name, from, count);
    const { headDim } = this.description.shape;
    if (slot.shape.length === 1) {
      rowRange(1, from, count, name);
      return permuteRows(await this.container.read(info.name), 1, headDim);
    }
    const [rows, cols] = [slot.shape[0]!, slot.shape[1]!];
    const many = rowRange(rows, from, count, name);
    const first = Math.floor(from / headDim) * headDim; // whole heads
    const last = Math.ceil((from + many) / headDim) * headDim;
    const heads = permuteRows(await this.container.read(info.name, first, last - first), cols, headDim);
    return heads.slice((from - first) * cols, (from - first + many) * cols);
  }

  async codes(name: string): Promise<StoredCodes | null> {
    const { slot, info } = this.found(name);
    const stored = await this.container.codes(info.name);
    if (stored === null || !this.permuted(slot.role)) return stored;
    const { headDim } = this.description.shape;
    const groups = stored.scales.length / slot.shape[0]!;
    return {
      ...stored,
      codes: permuteRows(stored.codes, slot.shape.at(-1)!, headDim),
      scales: permuteRows(stored.scales, groups, headDim),
      zeros: stored.zeros && permuteRows(stored.zeros, groups, headDim),
    };
  }

  close(): Promise<void> {
    return this.container.close();
  }

  private found(name: string): {
    readonly slot: { readonly role: Role; readonly shape: readonly number[] };
    readonly info: TensorInfo;
  } {
    const found = this.match.found.get(name);
    if (found === undefined) throw new RangeError(`the model has no tensor "${name}"`);
    return found;
  }

  private permuted(role: Role): boolean {
    return this.layout.rope === "split" && ROTATED.has(role);
  }
}

/** Rows (j, j + headDim/2) of every head to (2j, 2j + 1); whole heads only. */
export function permuteRows<T extends Float32Array | Int8Array>(values: T, cols: number, headDim: number): T;
export function permuteRows(
  values: Float32Array | Int8Array,
  cols: number,
  headDim: number,
): Float32Array | Int8Array {
  const out = values instanceof Int8Array ? new Int8Array(values.length) : new Float32Array(values.length);
  const half = headDim / 2;
  for (let row = 0; row * cols < values.length; row++) {
    const within = row % headDim;
    const source = row - within + (within >> 1) + (within & 1) * half;
    out.set(values.subarray(source * cols, (source + 1) * cols), row * cols);
  }
  return out;
}
