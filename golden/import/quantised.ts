/**
 * A saved quantised model (format: golden/quantise/README.md): its codes by rows, as a source of the weights that they stand for, and
 * whole, as the integer model. Nothing is calibrated or rounded again.
 */
import { power2 } from "../model/scale.js";
import { GROUP } from "../contract/tables.js";
import type { FloatLayer } from "../model/float.js";
import type { QuantisedMatrix, QuantisedModel, WeightFormat } from "../model/types.js";
import { assemble, type Slots } from "../quantise/assemble.js";
import { dequantise } from "../quantise/matrix.js";
import { type LayerMatrices, MATRICES, type RoundedModel } from "../quantise/round.js";
import { LAYER_ROLES, slotsOf } from "./architecture.js";
import type { Layout } from "./architectureLayout.js";
import { InputError } from "./error.js";
import { bytesPerRow, PACKINGS, unpackRows } from "./quantisedCodes.js";
import { FORMAT, type QuantisedAbout, readAbout } from "./quantisedAbout.js";
import { rowRange } from "./rows.js";
import type { SafetensorsSource } from "./safetensorsSource.js";
import type { StoredCodes, TensorInfo, TensorSource } from "./source.js";

const AGAIN = "Quantise the model again";
const FORMATS = Object.keys(PACKINGS) as WeightFormat[];

/** Tensors have slot names; q and k are interleaved. */
export const QUANTISED: Layout = {
  names: {
    ...{ embedding: "embedding", final_norm: "final_norm", head: "head" },
    ...(Object.fromEntries(LAYER_ROLES.map((role) => [role, `layers.{}.${role}`])) as Record<
      (typeof LAYER_ROLES)[number],
      string
    >),
  },
  rope: "interleaved",
  ignored: [{ name: /^layers\.\d+\.k_mean$/, why: "keys lose it before the cache, scores do not change" }],
};

/** Smallest and largest code. */
const RANGES: Readonly<Record<WeightFormat, readonly [number, number]>> = {
  W2: [-3, 3],
  TERNARY: [-1, 1],
  N24: [-3, 3],
  W4: [-8, 7],
  W8: [-119, 119],
};

export function isQuantised(source: SafetensorsSource): boolean {
  return source.metadata.get("format") === FORMAT;
}

interface StoredMatrix {
  readonly format: WeightFormat;
  readonly rows: number;
  readonly cols: number;
  readonly codes: TensorInfo;
  readonly mantissas: TensorInfo;
  readonly exponents: TensorInfo;
}

export class QuantisedSource implements TensorSource {
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  private readonly matrices = new Map<string, StoredMatrix>();
  /** Sizes of the model's tensors by slot name. */
  private readonly shapes: ReadonlyMap<string, readonly number[]>;
  private readonly metadata: QuantisedAbout | InputError;

  /** Owns the file from then on. */
  constructor(private readonly container: SafetensorsSource) {
    this.metadata = attempt(() => readAbout(container.metadata, container.file));
    const slots = this.metadata instanceof InputError ? [] : slotsOf(this.metadata.description);
    this.shapes = new Map(slots.map(({ name, shape }) => [name, shape]));
    const tensors = new Map<string, TensorInfo>();
    for (const [name, info] of container.tensors) {
      const dot = name.lastIndexOf(".");
      const [base, ending] = [name.slice(0, dot), name.slice(dot + 1)];
      if (ending === "mantissa" || ending === "exponent") continue;
      const format = FORMATS.find((one) => PACKINGS[one].ending === ending);
      if (format === undefined) tensors.set(name, info);
      else tensors.set(base, this.matrixInfo(base, format, info));
    }
    this.tensors = tensors;
  }

  get file(): string {
    return this.container.file;
  }

  /** Throws what is wrong with the metadata. */
  about(): QuantisedAbout {
    if (this.metadata instanceof InputError) throw this.metadata;
    return this.metadata;
  }

  async read(name: string, from = 0, count?: number): Promise<Float32Array> {
    if (!this.matrices.has(name)) return this.container.read(name, from, count);
    return dequantise(await this.rows(name, from, count));
  }

  async codes(name: string): Promise<StoredCodes | null> {
    if (!this.matrices.has(name)) return this.container.codes(name);
    const { format, cols, codes, mantissas, exponents } = await this.rows(name, 0);
    if (cols % GROUP !== 0) return null;
    const scales = Float32Array.from(
      mantissas,
      (m, g) => m * power2(-exponents[Math.floor((g * GROUP) / cols)]!),
    );
    const [low, high] = RANGES[format];
    return { low, high, codes, group: GROUP, scales, zeros: null };
  }

  /** A matrix as it is stored; of some rows. */
  async rows(name: string, from: number, count?: number): Promise<QuantisedMatrix> {
    const { format, rows, cols, ...parts } = this.matrixOf(name);
    const many = rowRange(rows, from, count, name);
    const per = bytesPerRow(format, cols);
    const words = await this.container.bytes(parts.codes.name, from, many);
    const codes = unpackRows(format, words, many, cols, (at, why) => {
      const offset = parts.codes.offset + from * per + at;
      throw new InputError(why, { file: this.file, tensor: parts.codes.name, offset }, AGAIN);
    });
    const mantissas = await this.container.bytes(parts.mantissas.name, from, many);
    const exponents = (await this.container.bytes(parts.exponents.name)).slice(from, from + many);
    const bad = exponents.findIndex((exponent) => exponent > 31);
    if (bad >= 0)
      throw new InputError(
        `exponent ${exponents[bad]} is not in 0..31`,
        {
          file: this.file,
          tensor: parts.exponents.name,
          offset: parts.exponents.offset + from + bad,
        },
        AGAIN,
      );
    return { rows: many, cols, format, codes, mantissas, exponents };
  }

  close(): Promise<void> {
    return this.container.close();
  }

  private matrixOf(name: string): StoredMatrix {
    const matrix = this.matrices.get(name);
    if (matrix !== undefined) return matrix;
    const info = this.tensors.get(name);
    throw new InputError(
      info?.unsupported ?? "the matrix is missing",
      { file: this.file, tensor: name, ...(info === undefined ? {} : { offset: info.offset }) },
      AGAIN,
    );
  }

  /** Its codes, with mantissas and exponents beside them; what does not fit together is said in `unsupported`. */
  private matrixInfo(name: string, format: WeightFormat, codes: TensorInfo): TensorInfo {
    const mantissas = this.container.tensors.get(`${name}.mantissa`);
    const exponents = this.container.tensors.get(`${name}.exponent`);
    const { unsupported: _, ...plain } = codes;
    const cols = this.shapes.get(name)?.[1];
    const rows = codes.shape[0] ?? 0;
    const info = { ...plain, name, type: format, shape: [rows, cols ?? 0] };
    const needs = (tensor: TensorInfo | undefined, type: string, ...shape: number[]): string[] =>
      tensor?.type === type && tensor.shape.join() === shape.join()
        ? []
        : [
            tensor === undefined
              ? "mantissas or exponents are missing"
              : `${tensor.name} is ${tensor.type} [${tensor.shape.join(", ")}], ${type} [${shape.join(", ")}] is needed`,
          ];
    if (cols === undefined) return { ...info, unsupported: "the model has no such matrix" };
    if (this.matrices.has(name)) return { ...info, unsupported: "its codes are there in two formats" };
    const wrong = [
      ...needs(codes, "U8", rows, bytesPerRow(format, cols)),
      ...needs(mantissas, "U8", rows, Math.ceil(cols / GROUP)),
      ...needs(exponents, "U8", rows),
    ];
    if (wrong.length > 0 || mantissas === undefined || exponents === undefined)
      return { ...info, unsupported: wrong[0]! };
    this.matrices.set(name, { format, rows, cols, codes, mantissas, exponents });
    return { ...info, bytes: codes.bytes + mantissas.bytes + exponents.bytes };
  }
}

function attempt<T>(what: () => T): T | InputError {
  try {
    return what();
  } catch (error) {
    if (error instanceof InputError) return error;
    throw error;
  }
}

export interface LoadOptions {
  readonly slots?: Slots;
  /** At most so many positions, for work space grows with them. */
  readonly context?: number;
}

/** The whole model. Its float twin has everything but the matrices (`withMatrices` fills them in). */
export async function loadQuantised(
  source: QuantisedSource,
  { slots, context = Infinity }: LoadOptions = {},
): Promise<{ readonly model: QuantisedModel; readonly rounded: RoundedModel }> {
  const { description, ranges, recipe } = source.about();
  const { name, architecture } = description;
  const shape = { ...description.shape, context: Math.min(description.shape.context, context) };
  const vector = async (tensor: string, ...sizes: number[]): Promise<Float32Array> => {
    const found = source.tensors.get(tensor);
    if (found !== undefined && (found.type !== "F32" || found.shape.join() !== sizes.join()))
      throw new InputError(
        `expected F32 [${sizes.join(", ")}], found ${found.type} [${found.shape.join(", ")}]`,
        { file: source.file, tensor, offset: found.offset },
        AGAIN,
      );
    return source.read(tensor);
  };
  const matrix = async (slot: string): Promise<QuantisedMatrix> => {
    const rows = slotShapes.get(slot)![0]!;
    const found = await source.rows(slot, 0);
    if (found.rows === rows) return found;
    const { offset } = source.tensors.get(slot)!;
    throw new InputError(
      `it has ${found.rows} rows, the model needs ${rows}`,
      { file: source.file, tensor: slot, offset },
      AGAIN,
    );
  };
  const slotShapes = new Map(slotsOf(description).map((slot) => [slot.name, slot.shape]));
  const layers: FloatLayer[] = [];
  const matrices: LayerMatrices[] = [];
  const none = new Float32Array(0);
  for (let l = 0; l < shape.layers; l++) {
    const of = (role: string): Promise<Float32Array> => {
      const slot = `layers.${l}.${role}`;
      return vector(slot, ...slotShapes.get(slot)!);
    };
    const found = new Map<string, QuantisedMatrix>();
    for (const one of MATRICES) found.set(one, await matrix(`layers.${l}.${one}`));
    matrices.push(Object.fromEntries(found) as unknown as LayerMatrices);
    layers.push({
      attentionGain: await of("attention_norm"),
      ffnGain: await of("ffn_norm"),
      kMean: await vector(`layers.${l}.k_mean`, shape.kvHeads * shape.headDim),
      ...{ q: none, k: none, v: none, o: none, gate: none, up: none, down: none },
      ...(architecture.qkvBias
        ? { bias: { q: await of("q_bias"), k: await of("k_bias"), v: await of("v_bias") } }
        : {}),
      ...(architecture.qkNorm ? { qkNorm: { q: await of("q_norm"), k: await of("k_norm") } } : {}),
      ...(architecture.subNorms
        ? { subNorm: { attention: await of("attention_sub_norm"), ffn: await of("ffn_sub_norm") } }
        : {}),
    });
  }
  const embedding = await matrix("embedding");
  const head = architecture.tied ? null : await matrix("head");
  const rounded: RoundedModel = {
    float: {
      ...{ name, shape, architecture, layers },
      embedding: none,
      finalGain: await vector("final_norm", shape.dim),
    },
    embedding,
    ...(head === null ? {} : { head }),
    layers: matrices,
  };
  try {
    return {
      model: assemble(rounded, ranges, { cache: recipe.cache, ...(slots ? { slots } : {}) }),
      rounded,
    };
  } catch (error) {
    // numbers of the file that no fixed-point format holds
    if (error instanceof RangeError) throw new InputError(error.message, { file: source.file }, AGAIN);
    throw error;
  }
}
