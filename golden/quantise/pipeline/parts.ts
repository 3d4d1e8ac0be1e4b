/**
 * What a run leaves behind as it goes: `embedding`, `layer.0` ..., `final`, each a safetensors with its own share of the metadata, and
 * the hidden states that enter the next layer. From them an interrupted run goes on, and the saved model is made.
 */
import { z } from "zod";
import { InputError } from "../../import/error.js";
import {
  layerRangesSchema,
  lossesSchema,
  type MatrixLoss,
  parseAbout,
  type QuantisedAbout,
  writeAbout,
} from "../../import/quantisedAbout.js";
import { writeSafetensors } from "../../import/safetensors.js";
import { headerLength, type Header, parseHeader } from "../../import/safetensorsHeader.js";
import type { RandomAccess } from "../../import/source.js";
import { joinParts, type Tensors } from "../../import/write/quantised.js";
import type { LayerRanges } from "../calibrate.js";

/** Keeps what is put: a file each, or memory. */
export interface Keeper {
  /** What an earlier run put there whole; null where there is nothing. */
  get(name: string): Promise<RandomAccess | null>;
  /** All of it or nothing, whatever happens meanwhile. */
  put(name: string, bytes: Uint8Array): Promise<void>;
  remove(name: string): Promise<void>;
}

/** Metadata of a part. */
export interface PartAbout {
  readonly losses: ReadonlyMap<string, MatrixLoss>;
  /** Of a layer. */
  readonly ranges: LayerRanges | null;
  /** Largest magnitude of the residual stream in this part. */
  readonly residual: number;
}

export function partNames(layers: number): string[] {
  return ["embedding", ...Array.from({ length: layers }, (_, l) => `layer.${l}`), "final"];
}

export function writePart(tensors: Tensors, { losses, ranges, residual }: PartAbout): Uint8Array {
  return writeSafetensors(
    tensors,
    new Map([
      ["losses", JSON.stringify(Object.fromEntries(losses))],
      ["ranges", JSON.stringify(ranges)],
      ["residual", String(residual)],
    ]),
  );
}

async function headerOf(access: RandomAccess): Promise<Header> {
  const length = headerLength(await access.read(0, Math.min(8, access.size)), access.size, access.file);
  return parseHeader(await access.read(8, length), access.size, access.file);
}

function aboutOf({ metadata }: Header, file: string): PartAbout {
  const part = <T>(key: string, schema: z.ZodType<T>): T =>
    parseAbout(key, metadata.get(key) ?? "", schema, file);
  return {
    losses: part("losses", lossesSchema),
    ranges: part("ranges", layerRangesSchema.nullable()),
    residual: part("residual", z.number().min(0)),
  };
}

/** The saved model as bytes that follow each other; `about` without what the parts know. */
export async function* joined(
  keeper: Keeper,
  about: Omit<QuantisedAbout, "ranges" | "losses">,
): AsyncGenerator<Uint8Array> {
  const { layers } = about.description.shape;
  const parts: RandomAccess[] = [];
  try {
    const headers: Header[] = [];
    for (const name of partNames(layers)) {
      const part = await keeper.get(name);
      if (part === null) throw new RangeError(`part ${name} is not done yet`);
      parts.push(part);
      headers.push(await headerOf(part));
    }
    const abouts = headers.map((header, n) => aboutOf(header, parts[n]!.file));
    const ranges = abouts.flatMap((part) => part.ranges ?? []);
    if (ranges.length !== layers)
      throw new InputError(
        `ranges of ${ranges.length} layers, but there are ${layers}`,
        { file: parts[0]!.file },
        "Remove the unfinished folder and quantise again",
      );
    const { header, pieces } = joinParts(
      headers.map(({ entries }) => entries),
      writeAbout({
        ...about,
        ranges: { residual: Math.max(...abouts.map(({ residual }) => residual)), layers: ranges },
        losses: new Map(abouts.flatMap(({ losses }) => [...losses])),
      }),
    );
    yield header;
    for (const { part, offset, length } of pieces)
      for (let at = 0; at < length; at += PIECE)
        yield await parts[part]!.read(offset + at, Math.min(PIECE, length - at));
  } finally {
    for (const part of parts) await part.close();
  }
}

/** Bytes that are copied at once. */
const PIECE = 1 << 24;
