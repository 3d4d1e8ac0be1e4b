/** The pipeline in memory: a small model quantised on the fly, through the same bytes that a saved model has. */
import { accessBytes } from "../../import/access.js";
import { QuantisedSource } from "../../import/quantised.js";
import { SafetensorsSource } from "../../import/safetensorsSource.js";
import { joined, type Keeper } from "./parts.js";
import { type PipelineOptions, quantiseInParts } from "./pipeline.js";

export class MemoryKeeper implements Keeper {
  private readonly parts = new Map<string, Uint8Array>();

  async get(name: string) {
    const bytes = this.parts.get(name);
    return bytes === undefined ? null : accessBytes(bytes, name);
  }

  async put(name: string, bytes: Uint8Array): Promise<void> {
    this.parts.set(name, bytes.slice());
  }

  async remove(name: string): Promise<void> {
    this.parts.delete(name);
  }
}

/** `kind` is the container the model came in. */
export async function quantiseInMemory(
  options: Omit<PipelineOptions, "keeper"> & { readonly kind: string },
): Promise<QuantisedSource> {
  const keeper = new MemoryKeeper();
  await quantiseInParts({ ...options, keeper });
  const { description, recipe, kind: source } = options;
  const pieces: Uint8Array[] = [];
  for await (const piece of joined(keeper, { description, recipe, source })) pieces.push(piece);
  const bytes = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  const access = accessBytes(bytes, options.source.file);
  return new QuantisedSource(await SafetensorsSource.from(access));
}
