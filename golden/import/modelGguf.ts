/** From a GGUF file's metadata to what the model is. Families whose tensors and arithmetic are Llama's with our switches. */
import { type Architecture, llama, type RopeScaling } from "../model/architecture.js";
import type { ModelDescription } from "./architecture.js";
import { InputError } from "./error.js";
import type { GgufSource } from "./gguf.js";
import { GgufMetadata, type GgufModelInfo, ggufModelInfo } from "./ggufMetadata.js";

/** general.architecture (ggml-org/llama.cpp, src/llama-arch.cpp). Mistral, SmolLM and TinyLlama are converted to llama. */
const FAMILIES: ReadonlyMap<string, { name: string; traits: Partial<Architecture> }> = new Map([
  ["llama", { name: "Llama", traits: {} }],
  ["mistral", { name: "Mistral", traits: {} }],
  ["qwen2", { name: "Qwen2", traits: { qkvBias: true } }],
  ["qwen3", { name: "Qwen3", traits: { qkNorm: true } }],
]);

const FACTORS = "rope_freqs.weight";

export async function describeGguf(
  source: GgufSource,
): Promise<{ readonly description: ModelDescription; readonly info: GgufModelInfo }> {
  const info = ggufModelInfo(source);
  const family = FAMILIES.get(info.architecture);
  if (family === undefined)
    throw new InputError(
      `general.architecture "${info.architecture}" is not supported`,
      { file: source.file },
      `Take a model of ${[...FAMILIES.keys()].join(", ")}`,
    );
  const experts = new GgufMetadata(source.metadata, source.file).number(`${info.architecture}.expert_count`);
  if ((experts ?? 0) > 0)
    throw new InputError(
      "models with experts are not supported",
      { file: source.file },
      "Take a dense model",
    );
  const { context, dim, hidden, layers, heads, kvHeads, headDim, vocab } = info;
  const description: ModelDescription = {
    name: info.name === "" ? source.file.replace(/^.*[/\\]/, "").replace(/\.gguf$/, "") : info.name,
    family: family.name,
    shape: { dim, hidden, layers, heads, kvHeads, headDim, vocab, context },
    architecture: {
      ...llama(info.eps, info.theta),
      ...family.traits,
      tied: !source.tensors.has("output.weight"),
      rope: { theta: info.theta, scaling: await scalingOf(source, info) },
      slidingWindow: info.window === 0 ? null : info.window,
    },
  };
  return { description, info };
}

async function scalingOf(source: GgufSource, { ropeScaling, headDim }: GgufModelInfo): Promise<RopeScaling> {
  const info = source.tensors.get(FACTORS);
  if (info !== undefined) {
    if (info.shape.join() !== String(headDim / 2))
      throw new InputError(
        `its shape is [${info.shape.join(", ")}], the model needs [${headDim / 2}]`,
        { file: info.file, tensor: FACTORS, offset: info.offset },
        "Convert the model again",
      );
    const factors = await source.read(FACTORS);
    const bad = factors.findIndex((factor) => factor <= 0);
    if (bad >= 0)
      throw new InputError(
        `factor ${bad} is ${factors[bad]}`,
        { file: info.file, tensor: FACTORS, offset: info.offset },
        "Convert the model again",
      );
    return { type: "factors", factors: [...factors] };
  }
  if (ropeScaling === null) return { type: "none" };
  if (ropeScaling.type === "linear") return { type: "linear", factor: ropeScaling.factor };
  throw new InputError(
    `RoPE scaling "${ropeScaling.type}" is not supported`,
    { file: source.file },
    "Take a model without RoPE scaling",
  );
}
