/**
 * Writes a tiny random model of every architecture as a Hugging Face folder, with our logits beside it, for logits.py to compare with
 * Python's transformers. Development only: `npx tsx golden/import/check/logits.ts FOLDER`.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type FloatModel, FloatState, forwardFloat } from "../../model/float.js";
import { openModel } from "../model.js";
import { loadFloatModel } from "../modelFloat.js";
import { type FolderOptions, writeHuggingFace } from "../write/huggingface.js";
import { bitnet } from "../write/packed.js";
import { randomFloatModel } from "../write/random.js";
import { VARIANTS } from "../write/variants.js";

const TOKENS = [1, 7, 30, 2, 2, 19, 33, 11, 4, 39, 0, 5];

function logits(model: FloatModel): number[][] {
  const state = new FloatState(model);
  return TOKENS.map((token, position) => {
    forwardFloat(state, token, position);
    return [...state.logits];
  });
}

const [, , out] = process.argv;
if (out === undefined) throw new RangeError("usage: logits.ts FOLDER");

async function write(name: string, model: FloatModel, options: FolderOptions): Promise<void> {
  const folder = join(out!, name);
  mkdirSync(folder, { recursive: true });
  for (const [file, bytes] of writeHuggingFace(model, options)) writeFileSync(join(folder, file), bytes);
  const opened = await openModel(folder);
  const read = await loadFloatModel(opened);
  await opened.source.close();
  writeFileSync(join(folder, "logits.json"), JSON.stringify({ tokens: TOKENS, logits: logits(read) }));
}

for (const [name, architecture] of VARIANTS) await write(name, randomFloatModel(architecture, 11), {});
for (const kind of ["autobitlinear", "bitlinear"] as const) {
  const settings = { quant_method: "bitnet", linear_class: kind, quantization_mode: "offline" };
  const options = { pack: bitnet(kind), config: { quantization_config: settings } };
  await write(`bitnet-${kind}`, randomFloatModel(VARIANTS.get("bitnet")!, 12), options);
}
