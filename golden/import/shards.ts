/**
 * Several safetensors files that are one model: model.safetensors.index.json says which tensor lies in which
 * (huggingface/transformers, modeling_utils.py). Only files beside the index are opened.
 */
import { z } from "zod";
import { checked, parseJson } from "./config.js";
import { InputError } from "./error.js";
import type { SafetensorsSource } from "./safetensorsSource.js";
import type { StoredCodes, TensorInfo, TensorSource } from "./source.js";

const MOST_SHARDS = 10_000;

const schema = z.looseObject({ weight_map: z.record(z.string(), z.string()) });

/** File of each tensor. Names with folders, and names that are no safetensors (the index itself, say), are refused. */
export function readShardIndex(text: string, file: string): Map<string, string> {
  const { weight_map: map } = checked(schema, parseJson(text, file), file);
  for (const [tensor, shard] of Object.entries(map)) {
    if (!/^[^/\\:\0]+\.safetensors$/.test(shard))
      throw new InputError(
        `its shard ${JSON.stringify(shard)} is not the name of a safetensors file in the same folder`,
        { file, tensor },
        "Download the model again; an index never points elsewhere",
      );
  }
  if (new Set(Object.values(map)).size > MOST_SHARDS)
    throw new InputError(
      `more than ${MOST_SHARDS} shards make no sense`,
      { file },
      "Download the model again",
    );
  return new Map(Object.entries(map));
}

/** Files with their tensors; raw bytes too, for those who unpack. */
export class ShardedSource implements TensorSource {
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  private readonly homes = new Map<string, SafetensorsSource>();

  /** Without an index every tensor of the one file counts. */
  constructor(
    readonly file: string,
    private readonly shards: ReadonlyMap<string, SafetensorsSource>,
    index: ReadonlyMap<string, string> | null,
  ) {
    const tensors = new Map<string, TensorInfo>();
    for (const [shard, source] of shards)
      for (const [name, info] of source.tensors) {
        if (index !== null && index.get(name) !== shard) continue;
        tensors.set(name, info);
        this.homes.set(name, source);
      }
    for (const [name, shard] of index ?? [])
      if (!tensors.has(name))
        throw new InputError(
          "the index places the tensor in this file, which does not have it",
          { file: shards.get(shard)?.file ?? shard, tensor: name },
          "Download the file again; index and shards must be of one version",
        );
    this.tensors = tensors;
  }

  async bytes(name: string, from?: number, count?: number): Promise<Uint8Array> {
    return this.home(name).bytes(name, from, count);
  }

  async read(name: string, from?: number, count?: number): Promise<Float32Array> {
    return this.home(name).read(name, from, count);
  }

  async codes(name: string): Promise<StoredCodes | null> {
    this.home(name);
    return null;
  }

  async close(): Promise<void> {
    for (const shard of this.shards.values()) await shard.close();
  }

  private home(name: string): SafetensorsSource {
    const home = this.homes.get(name);
    if (home === undefined)
      throw new InputError(
        "the tensor is missing",
        { file: this.file, tensor: name },
        "Check that the folder is a model of the expected kind",
      );
    return home;
  }
}
