/**
 * llama2.c checkpoints (karpathy/llama2.c, export.py): what the header says and where each tensor lies.
 *
 * Version 0 (legacy_export): seven int32, then float32 tensors, each kind for all layers before the next kind, RoPE tables near the
 * end; a negative vocabulary means a head of its own. Versions 1 and 2: magic "24ka", version, the seven, a byte that says whether
 * the head is the embedding, zeros to byte 256; norms first. In version 2 (int8) matrices are int8 followed by float32 scales, one a
 * group of the flattened tensor; the exporter lets groups straddle rows (runq.c then misreads them; here they are read as written).
 * RMSNorm eps 1e-5 and RoPE base 10000 as in run.c; rows of q and k are interleaved pairs.
 */
import { llama } from "../model/architecture.js";
import type { FloatModel } from "../model/float.js";
import type { ModelShape } from "../model/types.js";
import { type ModelDescription, slotsOf } from "./architecture.js";
import { LLAMA2C, nameIn } from "./architectureLayout.js";
import { InputError } from "./error.js";
import { fromGroups, groupsOf } from "./llama2cGroups.js";
import { floatModel } from "./modelFloat.js";
import { checkFinite, toFloats } from "./numbers.js";

const HEADER = 28;
const LONG_HEADER = 256;
const MAGIC = 0x616b3432; // versions 1 and 2 begin with "24ka"
const CHECK = "Check that this is a llama2.c checkpoint";

/** Bytes that must be at hand to read any header. */
export const LLAMA2C_HEADER = LONG_HEADER;

export interface Place {
  readonly name: string;
  readonly shape: readonly number[];
  readonly offset: number;
  readonly bytes: number;
  /** Weights that share a scale where the tensor is int8; null where it is float32. */
  readonly group: number | null;
}

export interface Llama2c {
  readonly version: 0 | 1 | 2;
  readonly description: ModelDescription;
  /** In the order of the file. */
  readonly places: ReadonlyMap<string, Place>;
}

/** True where the first bytes say version 1 or 2; version 0 has no mark. */
export function hasLlama2cMagic(first: Uint8Array): boolean {
  return first.length >= 4 && new DataView(first.buffer, first.byteOffset, 4).getUint32(0, true) === MAGIC;
}

/** Reads and checks the header of a file of `size` bytes from its first bytes. */
export function parseLlama2c(first: Uint8Array, size: number, file: string): Llama2c {
  const long = hasLlama2cMagic(first);
  const needed = long ? LONG_HEADER : HEADER;
  if (first.length < needed)
    throw new InputError(
      `the file has ${size} bytes, a header takes ${needed}`,
      { file, offset: 0 },
      "Copy it again",
    );
  const view = new DataView(first.buffer, first.byteOffset, first.byteLength);
  const version = long ? view.getInt32(4, true) : 0;
  if (version !== 0 && version !== 1 && version !== 2)
    throw new InputError(
      `version ${version} is not known`,
      { file, offset: 4 },
      "Export it with --version 0, 1 or 2",
    );
  const { shape, tied } = readShape(view, version, file);
  const group = version === 2 ? view.getInt32(37, true) : null;
  if (group !== null && group < 1)
    throw new InputError(`a group of ${group} weights makes no sense`, { file, offset: 37 }, CHECK);
  const description: ModelDescription = {
    name: nameOf(file),
    family: "llama2.c",
    shape,
    architecture: { ...llama(1e-5, 10000), tied },
  };
  const places = version === 0 ? placesOfVersion0(description) : placesOfVersion1(description, group, file);
  const last = [...places.values()].at(-1)!;
  const end = last.offset + last.bytes;
  if (size !== end)
    throw new InputError(
      `these sizes take ${end} bytes but the file has ${size}`,
      { file, offset: Math.min(size, end) },
      "The file is cut off or of another kind; copy or export it again",
    );
  return { version, description, places };
}

function readShape(view: DataView, version: number, file: string): { shape: ModelShape; tied: boolean } {
  const start = version === 0 ? 0 : 8;
  const at = (index: number): number => view.getInt32(start + 4 * index, true);
  const vocabulary = at(5);
  const tied = version === 0 ? vocabulary > 0 : view.getUint8(36) !== 0;
  const vocab = version === 0 ? Math.abs(vocabulary) : vocabulary;
  const sizes = {
    ...{ dim: at(0), hidden: at(1), layers: at(2), heads: at(3), kvHeads: at(4), vocab, context: at(6) },
  };
  for (const [index, [name, size]] of Object.entries(sizes).entries())
    if (size < 1 || size > 1 << 24)
      throw new InputError(`${name} = ${size} makes no sense`, { file, offset: start + 4 * index }, CHECK);
  const { dim, heads, kvHeads, layers } = sizes;
  if (layers > 1 << 12)
    throw new InputError(`${layers} layers make no sense`, { file, offset: start + 8 }, CHECK);
  if (dim % heads !== 0 || heads % kvHeads !== 0 || (dim / heads) % 2 !== 0)
    throw new InputError(
      `dim ${dim}, heads ${heads}, kvHeads ${kvHeads} do not divide into heads of even width`,
      { file, offset: start },
      CHECK,
    );
  return { shape: { ...sizes, headDim: dim / heads }, tied };
}

/** Appends tensors one behind the other. */
class Places {
  readonly all = new Map<string, Place>();
  private readonly byRole = new Map<string, { name: string; shape: readonly number[] }[]>();

  constructor(
    description: ModelDescription,
    private at: number,
    private readonly file: string,
  ) {
    for (const slot of slotsOf(description)) {
      const tensor = { name: nameIn(LLAMA2C, slot), shape: slot.shape };
      this.byRole.set(slot.role, [...(this.byRole.get(slot.role) ?? []), tensor]);
    }
  }

  /** All layers of a role. */
  role(role: string, group: number | null = null): void {
    for (const { name, shape } of this.byRole.get(role) ?? []) this.tensor(name, shape, group);
  }

  tensor(name: string, shape: readonly number[], group: number | null = null): void {
    const count = shape.reduce((product, n) => product * n, 1);
    if (group !== null && count % group !== 0)
      throw new InputError(
        `groups of ${group} do not divide its ${count} weights`,
        { file: this.file, tensor: name, offset: 37 },
        CHECK,
      );
    const bytes = group === null ? 4 * count : count + (4 * count) / group;
    this.all.set(name, { name, shape, offset: this.at, bytes, group });
    this.at += bytes;
  }
}

function placesOfVersion0(description: ModelDescription): Map<string, Place> {
  const places = new Places(description, HEADER, "");
  for (const role of ["embedding", "attention_norm", "q", "k", "v", "o", "ffn_norm", "gate", "down", "up"])
    places.role(role);
  places.role("final_norm");
  const { context, headDim } = description.shape;
  places.tensor("freqs_cos", [context, headDim / 2]);
  places.tensor("freqs_sin", [context, headDim / 2]);
  places.role("head");
  return places.all;
}

function placesOfVersion1(
  description: ModelDescription,
  group: number | null,
  file: string,
): Map<string, Place> {
  const places = new Places(description, LONG_HEADER, file);
  for (const role of ["attention_norm", "ffn_norm", "final_norm"]) places.role(role);
  for (const role of ["embedding", "q", "k", "v", "o", "gate", "down", "up", "head"])
    places.role(role, group);
  return places.all;
}

/** Reads a whole checkpoint; `file` is its name for error messages. */
export function readLlama2c(bytes: Uint8Array, file: string): FloatModel {
  const { description, places } = parseLlama2c(bytes.subarray(0, LONG_HEADER), bytes.length, file);
  const tensors = new Map<string, Float32Array>();
  for (const slot of slotsOf(description)) {
    const { name, shape, offset, bytes: length, group } = places.get(nameIn(LLAMA2C, slot))!;
    const stored = bytes.subarray(offset, offset + length);
    const count = shape.reduce((product, n) => product * n, 1);
    const values =
      group === null
        ? toFloats("F32", stored)
        : fromGroups(stored.subarray(0, count), groupsOf(stored.subarray(count)), 0, group);
    checkFinite(values, "weight", () => ({ file, tensor: name, offset }));
    tensors.set(slot.name, values);
  }
  return floatModel(description, tensors);
}

/** The file's name without folders and ending. */
function nameOf(file: string): string {
  return file.replace(/^.*[/\\]/, "").replace(/\.[^.]*$/, "");
}
