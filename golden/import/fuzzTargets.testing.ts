/** Every container of one file, a small one of each kind, and what reading all of it means. Folders: fuzzFolders.testing.ts. */
import { readFileSync } from "node:fs";
import { llama } from "../model/architecture.js";
import { accessBytes } from "./access.js";
import { BLOCKS } from "./blocks/index.js";
import { randomWeights } from "./blocks/sample.js";
import { readDemo } from "./demo.js";
import { GgufSource } from "./gguf.js";
import { ggufModelInfo } from "./ggufMetadata.js";
import { savedTarget } from "./fuzzSaved.testing.js";
import { ggufTokenizer } from "./ggufTokenizer.js";
import { readLlama2c } from "./llama2c.js";
import { Llama2cSource } from "./llama2cSource.js";
import { type Dtype, readSafetensors, writeSafetensors } from "./safetensors.js";
import { SafetensorsSource } from "./safetensorsSource.js";
import type { TensorSource } from "./source.js";
import { readTokenizerBin, readTokenizerJson } from "./tokenizer.js";
import { type GgufEntry, ggufTensor, writeGguf } from "./write/gguf.js";
import { writeGgufModel } from "./write/ggufModel.js";
import { byteLevelTokenizer, sentencePieceTokenizer } from "./write/ggufTokenizer.js";
import { writeLlama2c } from "./write/llama2c.js";
import { randomFloatModel } from "./write/random.js";

export interface FuzzTarget {
  readonly name: string;
  /** A good file. */
  readonly file: Uint8Array;
  /** Where most can be broken: its first bytes. */
  readonly header: number;
  /** Reads all of it; rejects or throws where it is refused. */
  read(bytes: Uint8Array): Promise<unknown> | unknown;
}

/** Every tensor that can be read: by rows, whole, and its codes. A tensor that is refused does not hide the others. */
export async function readAll(source: TensorSource): Promise<void> {
  let refused: unknown;
  for (const [name, { unsupported }] of source.tensors) {
    if (unsupported !== undefined) continue;
    try {
      await source.read(name, 0, 1);
      await source.read(name);
      await source.codes(name);
    } catch (error) {
      refused ??= error;
      if (!(error instanceof Error) || error.name !== "InputError") throw error;
    }
  }
  if (refused !== undefined) throw refused;
}

function pieces(): { pieces: string[]; scores: number[] } {
  const bytes = Array.from({ length: 256 }, (_, i) => `<0x${i.toString(16).toUpperCase().padStart(2, "0")}>`);
  const words = ["<unk>", "<s>", "</s>", ...bytes, " ", "a", "b", "ab", " a", " ab", "é"];
  return { pieces: words, scores: words.map((_, id) => -id) };
}

function tokenizerBin(): Uint8Array {
  const all = pieces();
  const parts = all.pieces.map((piece, id) => {
    const text = new TextEncoder().encode(piece);
    const part = new Uint8Array(8 + text.length);
    new DataView(part.buffer).setFloat32(0, all.scores[id]!, true);
    new DataView(part.buffer).setUint32(4, text.length, true);
    part.set(text, 8);
    return part;
  });
  return Uint8Array.from([6, 0, 0, 0, ...parts.flatMap((part) => [...part])]);
}

/** `parts`: what is read besides tensors. */
function gguf(
  name: string,
  file: Uint8Array,
  header: number,
  parts: { readonly model?: boolean; readonly tokenizer?: boolean },
): FuzzTarget {
  return {
    name,
    file,
    header,
    read: async (bytes) => {
      const source = await GgufSource.from(accessBytes(bytes, "fuzz"));
      if (parts.model) ggufModelInfo(source);
      if (parts.tokenizer) {
        const tokenizer = ggufTokenizer(source);
        const ids = tokenizer.encode("a ab é <|im_end|> 123");
        tokenizer.decode(ids);
      }
      await readAll(source);
    },
  };
}

function ggufTargets(): FuzzTarget[] {
  const model = randomFloatModel(llama(1e-5, 10000), 1);
  const { pieces: words, scores } = pieces();
  const sentences = sentencePieceTokenizer(words, scores);
  const pairs = byteLevelTokenizer(["a b", "Ġ a", "Ġa b", "1 2"], ["<|im_start|>", "<|im_end|>"]);
  const blocks = new Map(BLOCKS.map(({ type }) => [type, ggufTensor(type, [1, 256], randomWeights(256, 1))]));
  const architecture: GgufEntry = { type: "string", value: "none" };
  return [
    gguf("GGUF blocks", writeGguf(new Map([["general.architecture", architecture]]), blocks), 900, {}),
    gguf("GGUF model", writeGgufModel(model, ["Q8_0", "F16"]), 2000, { model: true }),
    gguf("GGUF llama", writeGguf(sentences, new Map()), 7000, { tokenizer: true }),
    gguf("GGUF gpt2", writeGguf(pairs, new Map()), 5000, { tokenizer: true }),
  ];
}

function safetensors(): FuzzTarget {
  const of = (dtype: Dtype, shape: number[], bytes: Uint8Array) => [dtype, { dtype, shape, bytes }] as const;
  const file = writeSafetensors(
    new Map([
      of("F32", [4, 8], new Uint8Array(Float32Array.from({ length: 32 }, (_, i) => i / 7).buffer)),
      of("U8", [16], new Uint8Array(16).fill(7)),
      of("I32", [2, 3], new Uint8Array(24)),
      of("I8", [5], new Uint8Array(5)),
    ]),
    new Map([["format", "pt"]]),
  );
  return {
    name: "safetensors",
    file,
    header: 340,
    read: async (bytes) => {
      readSafetensors(bytes, "fuzz");
      await readAll(await SafetensorsSource.from(accessBytes(bytes, "fuzz")));
    },
  };
}

function llama2c(version: 0 | 1 | 2): FuzzTarget {
  const model = randomFloatModel(llama(1e-5, 10000), 2, {
    ...{ dim: 16, hidden: 32, layers: 2, heads: 2, kvHeads: 1, headDim: 8, vocab: 20, context: 8 },
  });
  return {
    name: `llama2.c v${version}`,
    file: writeLlama2c(model, version, 16),
    header: version === 0 ? 28 : 48,
    read: async (bytes) => {
      readLlama2c(bytes, "fuzz");
      await readAll(await Llama2cSource.from(accessBytes(bytes, "fuzz")));
    },
  };
}

const demoFile = (name: string): Uint8Array => readFileSync(new URL(`../demo/${name}`, import.meta.url));

export function fuzzTargets(): FuzzTarget[] {
  const tokens = tokenizerBin();
  return [
    ...ggufTargets(),
    safetensors(),
    savedTarget(),
    ...([0, 1, 2] as const).map(llama2c),
    {
      name: "demo",
      file: demoFile("stories.safetensors"),
      header: 8192,
      read: (bytes) => readDemo(bytes, "fuzz"),
    },
    {
      name: "tokenizer.bin",
      file: tokens,
      header: tokens.length,
      read: (bytes) => {
        const tokenizer = readTokenizerBin(bytes, pieces().pieces.length, "fuzz");
        return tokenizer.decode(tokenizer.encode("a ab é"));
      },
    },
    {
      name: "tokenizer.json",
      file: demoFile("tokenizer.json"),
      header: 4096,
      read: (bytes) => readTokenizerJson(new TextDecoder().decode(bytes), "fuzz"),
    },
  ];
}
