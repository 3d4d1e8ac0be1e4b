/** A checkpoint turned by Hadamard rotations (methods/rotate.ts), tensor by tensor: what enters the pipeline in place of the checkpoint itself. */
import type { ModelDescription, Role } from "../../import/architecture.js";
import { slotsOf } from "../../import/architecture.js";
import { InputError } from "../../import/error.js";
import { type Rotations, rotateInputs, rotateOutputs, rotationsOf } from "../methods/rotate.js";
import type { WeightSource } from "./tensor.js";

export interface Rotated {
  readonly source: WeightSource;
  /** A head of its own appears where the final gain stands between embedding and head. */
  readonly description: ModelDescription;
}

export async function rotated(source: WeightSource, description: ModelDescription): Promise<Rotated> {
  const rotations = rotationsFor(source, description);
  const finalGain = await source.read("final_norm");
  const even = finalGain.every((gain) => gain === finalGain[0]);
  const architecture = { ...description.architecture, tied: description.architecture.tied && even };
  const turned = { ...description, architecture };
  return {
    source: new RotatedSource(source, description, turned, rotations, finalGain),
    description: turned,
  };
}

function rotationsFor({ file }: WeightSource, { shape }: ModelDescription): Rotations {
  try {
    return rotationsOf(shape);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new InputError(error.message, { file }, "Leave --rotate away");
  }
}

class RotatedSource implements WeightSource {
  private readonly slots: ReadonlyMap<string, { readonly role: Role; readonly shape: readonly number[] }>;
  /** The last tensor that had to be turned as a whole: rows are asked for block after block. */
  private kept: { readonly name: string; readonly values: Float32Array } | null = null;

  constructor(
    private readonly source: WeightSource,
    private readonly before: ModelDescription,
    private readonly after: ModelDescription,
    private readonly rotations: Rotations,
    private readonly finalGain: Float32Array,
  ) {
    this.slots = new Map(slotsOf(after).map((slot) => [slot.name, slot]));
  }

  get file(): string {
    return this.source.file;
  }

  /** Turned weights have no codes of the checkpoint. */
  async codes(): Promise<null> {
    return null;
  }

  async read(name: string, from = 0, count?: number): Promise<Float32Array> {
    const slot = this.slots.get(name);
    if (slot === undefined) throw new RangeError(`the model has no tensor "${name}"`);
    const { residual, value } = this.rotations;
    const beside = (role: Role): string => name.replace(/[^.]+$/, role);
    const gain = (role: Role): Promise<Float32Array> => this.source.read(beside(role));
    const inputs = async (by: Float32Array | null): Promise<Float32Array> =>
      rotateInputs(await this.source.read(name, from, count), by, residual);
    const rows = async (turn: () => Promise<Float32Array>): Promise<Float32Array> => {
      if (this.kept?.name !== name) this.kept = { name, values: await turn() };
      const cols = slot.shape[1] ?? 1;
      const to = count === undefined ? undefined : (from + count) * cols;
      return this.kept.values.slice(from * cols, to);
    };
    switch (slot.role) {
      case "embedding":
        return inputs(null);
      case "head": {
        const table = this.before.architecture.tied ? "embedding" : "head";
        return rotateInputs(await this.source.read(table, from, count), this.finalGain, residual);
      }
      case "final_norm":
        return this.after.architecture.tied ? this.finalGain : ones(this.finalGain);
      case "attention_norm":
      case "ffn_norm":
      case "attention_sub_norm":
        return ones(await this.source.read(name));
      case "q":
      case "k":
        return inputs(await gain("attention_norm"));
      case "gate":
      case "up":
        return inputs(await gain("ffn_norm"));
      case "v":
        return rows(async () => {
          const turned = rotateInputs(await this.source.read(name), await gain("attention_norm"), residual);
          return rotateOutputs(turned, slot.shape[1]!, value);
        });
      case "o":
        return rows(async () => {
          const { subNorms } = this.before.architecture;
          const by = subNorms ? await gain("attention_sub_norm") : null;
          return rotateOutputs(
            rotateInputs(await this.source.read(name), by, value),
            slot.shape[1]!,
            residual,
          );
        });
      case "down":
        return rows(async () => rotateOutputs(await this.source.read(name), slot.shape[1]!, residual));
      case "v_bias":
        return rotateOutputs(await this.source.read(name), 1, value);
      case "q_bias":
      case "k_bias":
      case "q_norm":
      case "k_norm":
      case "ffn_sub_norm":
        return this.source.read(name, from, count);
    }
  }
}

function ones(gain: Float32Array): Float32Array {
  return new Float32Array(gain.length).fill(1);
}
