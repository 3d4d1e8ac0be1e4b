/** Any model that is read: which container a path is, and from there one description, one set of tensor names, one tokenizer. */
import { stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { openFile } from "./access.js";
import type { ModelDescription } from "./architecture.js";
import { ggufLayout, type Layout, LLAMA2C } from "./architectureLayout.js";
import { InputError } from "./error.js";
import { GgufSource } from "./gguf.js";
import { ggufTokenizer } from "./ggufTokenizer.js";
import { openHuggingFace } from "./huggingface.js";
import { openHuggingFaceTokenizer } from "./huggingfaceTokenizer.js";
import { Llama2cSource } from "./llama2cSource.js";
import { describeGguf } from "./modelGguf.js";
import { recognise } from "./modelKind.js";
import { ModelSource } from "./modelSource.js";
import { isQuantised, QUANTISED, QuantisedSource } from "./quantised.js";
import { SafetensorsSource } from "./safetensorsSource.js";
import type { TensorSource } from "./source.js";
import { openTokenizer } from "./tokenizerFile.js";
import type { TextTokenizer } from "./tokenizer.js";

/** A container that could be opened. What it holds may still be unsupported: then `describe` says why. */
export interface Container {
  /** In words: "Hugging Face folder". */
  readonly kind: string;
  /** Tensors as the container calls them. */
  readonly source: TensorSource;
  describe(): Promise<{ readonly description: ModelDescription; readonly layout: Layout }>;
  /** The tokenizer that comes with the model, or null. */
  tokenizer(vocab: number): Promise<TextTokenizer | null>;
}

export interface OpenedModel {
  readonly kind: string;
  /** Tensors under slot names (architecture.ts), rows of q and k in interleaved pairs. Close it when done. */
  readonly source: ModelSource;
  readonly description: ModelDescription;
  readonly tokenizer: TextTokenizer | null;
}

/** Opens the container; rejects with an InputError that says what the file looks like. */
export async function openContainer(path: string): Promise<Container> {
  const kind = await recognise(path);
  switch (kind) {
    case "folder":
      return (await savedIn(path)) ?? folderOf(path);
    case "gguf":
      return ggufFile(path);
    case "llama2c":
      return llama2cFile(path);
    case "safetensors":
      return safetensorsFile(path);
  }
}

/** Opens a model: everything but the weights is read and checked. */
export async function openModel(path: string): Promise<OpenedModel> {
  const container = await openContainer(path);
  try {
    const { description, layout } = await container.describe();
    const source = new ModelSource(container.source, description, layout);
    const tokenizer = await container.tokenizer(description.shape.vocab);
    if (tokenizer !== null && tokenizer.size > description.shape.vocab)
      throw new InputError(
        `the tokenizer has ${tokenizer.size} tokens, the model only ${description.shape.vocab}`,
        { file: path },
        "Use the tokenizer that belongs to the model",
      );
    return { kind: container.kind, source, description, tokenizer };
  } catch (error) {
    await container.source.close();
    throw error;
  }
}

async function folderOf(path: string): Promise<Container> {
  const { eos, source, description, layout } = await openHuggingFace(path);
  return {
    kind: "Hugging Face folder",
    source,
    describe: async () => ({ description: description(), layout: await layout() }),
    tokenizer: () => openHuggingFaceTokenizer(path, eos),
  };
}

/** A folder that `gateloom quantise` wrote; null where it is another's. */
async function savedIn(folder: string): Promise<Container | null> {
  const there = async (name: string): Promise<boolean> =>
    (await stat(join(folder, name)).catch(() => null)) !== null;
  const file = join(folder, "model.safetensors");
  if ((await there("config.json")) || !(await there("model.safetensors"))) return null;
  const source = await SafetensorsSource.from(await openFile(file));
  if (isQuantised(source)) return saved(source, folder);
  await source.close();
  return null;
}

function saved(container: SafetensorsSource, folder: string): Container {
  const source = new QuantisedSource(container);
  return {
    kind: "model quantised by Gateloom",
    source,
    describe: async () => ({ description: source.about().description, layout: QUANTISED }),
    tokenizer: (vocab) => openTokenizer(folder, vocab),
  };
}

async function ggufFile(path: string): Promise<Container> {
  const source = await GgufSource.from(await openFile(path));
  return {
    kind: "GGUF file",
    source,
    describe: async () => {
      const { description, info } = await describeGguf(source);
      return { description, layout: ggufLayout(info.rope === "split" ? "split" : "interleaved") };
    },
    tokenizer: async () => (source.metadata.has("tokenizer.ggml.model") ? ggufTokenizer(source) : null),
  };
}

async function llama2cFile(path: string): Promise<Container> {
  const source = await Llama2cSource.from(await openFile(path));
  const { version, description } = source.checkpoint;
  return {
    kind: `llama2.c checkpoint, version ${version}`,
    source,
    describe: async () => ({ description, layout: LLAMA2C }),
    tokenizer: (vocab) => openTokenizer(dirname(path), vocab),
  };
}

/** With config.json beside it the folder is the model. */
async function safetensorsFile(path: string): Promise<Container> {
  const folder = dirname(path);
  const about = await stat(join(folder, "config.json")).catch(() => null);
  if (about !== null) return folderOf(folder);
  const source = await SafetensorsSource.from(await openFile(path));
  if (isQuantised(source)) return saved(source, folder);
  const gateloom = source.metadata.has("residual_max");
  return {
    kind: gateloom ? "safetensors file of the demo's kind, quantised already" : "safetensors file",
    source,
    describe: async () => {
      throw gateloom
        ? new InputError(
            "this is an already quantised model of Gateloom, not a checkpoint of floats",
            { file: path },
            "Give it to the commands that run models: eval, chat, generate, simulate",
          )
        : new InputError(
            "safetensors alone do not say what model they are",
            { file: path },
            "Put config.json (and tokenizer.json) beside the file and give the folder",
          );
    },
    tokenizer: async () => null,
  };
}
