/**
 * A checkpoint of Llama-2-7B's shape (F16, random weights) written piecewise as a Hugging Face folder, then quantised by `gateloom quantise`
 * in a process of its own: time and peak memory, and the same once more through a kill -9. Linux (VmHWM of /proc).
 *
 *   npx tsx golden/quantise/pipeline/large.bench.ts FOLDER [--layers 32] [--weights w2] [--kill]
 *
 * FOLDER takes 13.5 GB for 32 layers, and twice the quantised size; the checkpoint is written once and kept.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { slotsOf } from "../../import/architecture.js";
import { HUGGING_FACE, nameIn } from "../../import/architectureLayout.js";
import { byteLevelTokenizer } from "../../import/write/tokenizerJson.js";
import { llama } from "../../model/architecture.js";

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { layers: { type: "string" }, weights: { type: "string" }, kill: { type: "boolean" } },
});
const folder = positionals[0];
if (folder === undefined) throw new Error("give a folder");
const layers = Number(values.layers ?? 32);
const shape = {
  ...{ dim: 4096, hidden: 11008, layers, heads: 32, kvHeads: 32, headDim: 128, vocab: 32000, context: 4096 },
};
const architecture = { ...llama(1e-5, 10000), tied: false };
const slots = slotsOf({ name: "7B", family: "Llama", shape, architecture });
const weights = slots.reduce((sum, slot) => sum + slot.shape.reduce((product, n) => product * n, 1), 0);

/** Random halves of magnitudes 2^-9 to 2^-5, as weights of such matrices are; gains are 1. */
function halves(count: number, norm: boolean, state: Uint32Array): Uint16Array {
  const out = new Uint16Array(count);
  if (norm) return out.fill(0x3c00);
  let s = state[0]!;
  for (let i = 0; i < count; i++) {
    s ^= s << 13;
    s ^= s >>> 17;
    s ^= s << 5;
    out[i] = (s & 0x83ff) | ((6 + ((s >>> 16) & 3)) << 10);
  }
  state[0] = s;
  return out;
}

async function writeCheckpoint(path: string): Promise<void> {
  mkdirSync(path, { recursive: true });
  const header: Record<string, unknown> = {};
  let at = 0;
  for (const slot of slots) {
    const bytes = 2 * slot.shape.reduce((product, n) => product * n, 1);
    header[nameIn(HUGGING_FACE, slot)] = { dtype: "F16", shape: slot.shape, data_offsets: [at, at + bytes] };
    at += bytes;
  }
  const text = Buffer.from(JSON.stringify(header));
  const file = await open(join(path, "model.safetensors.new"), "w");
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  await file.writeFile(length);
  await file.writeFile(text);
  const state = Uint32Array.of(1);
  for (const slot of slots) {
    let left = slot.shape.reduce((product, n) => product * n, 1);
    for (; left > 0; left -= Math.min(left, 1 << 24))
      await file.writeFile(
        new Uint8Array(halves(Math.min(left, 1 << 24), slot.role.endsWith("norm"), state).buffer),
      );
  }
  await file.close();
  const config = {
    ...{ architectures: ["LlamaForCausalLM"], model_type: "llama", hidden_act: "silu" },
    ...{ vocab_size: shape.vocab, hidden_size: shape.dim, intermediate_size: shape.hidden },
    ...{ num_hidden_layers: layers, num_attention_heads: shape.heads, num_key_value_heads: shape.kvHeads },
    ...{ max_position_embeddings: shape.context, rms_norm_eps: 1e-5, rope_theta: 10000 },
    tie_word_embeddings: false,
  };
  writeFileSync(join(path, "config.json"), JSON.stringify(config));
  writeFileSync(join(path, "tokenizer.json"), JSON.stringify(byteLevelTokenizer([], [], false)));
  renameSync(join(path, "model.safetensors.new"), join(path, "model.safetensors"));
}

interface Run {
  readonly seconds: number;
  readonly peakBytes: number;
}

/** Runs the command until it ends, or until `stop` says so. */
function run(args: readonly string[], stop: () => boolean = () => false): Promise<Run> {
  const main = fileURLToPath(new URL("../../../cli/main.ts", import.meta.url));
  const start = performance.now();
  const child = spawn(process.execPath, ["--import", "tsx", main, ...args], {
    stdio: ["ignore", "inherit", "inherit"],
  });
  let peakBytes = 0;
  const watch = setInterval(() => {
    try {
      const status = readFileSync(`/proc/${child.pid}/status`, "utf8");
      peakBytes = Math.max(peakBytes, 1024 * Number(/VmHWM:\s*(\d+)/.exec(status)?.[1] ?? 0));
    } catch {
      // it has ended
    }
    if (stop()) child.kill("SIGKILL");
  }, 250);
  return new Promise((resolve, reject) => {
    child.on("exit", (code, signal) => {
      clearInterval(watch);
      if (code !== 0 && signal !== "SIGKILL") reject(new Error(`exit code ${code}, signal ${signal}`));
      else resolve({ seconds: (performance.now() - start) / 1000, peakBytes });
    });
  });
}

const told = ({ seconds, peakBytes }: Run): string =>
  `${seconds.toFixed(0)} s, peak ${(peakBytes / 1e9).toFixed(2)} GB`;

const model = join(folder, `checkpoint-${layers}`);
if (!existsSync(join(model, "model.safetensors"))) await writeCheckpoint(model);
const bytes = statSync(join(model, "model.safetensors")).size;
console.log(`checkpoint: ${(weights / 1e9).toFixed(2)}e9 weights, ${(bytes / 1e9).toFixed(2)} GB`);
const text = join(folder, "text.txt");
writeFileSync(text, "Sixteen tokens are enough to see how memory and time behave.");
const out = join(folder, "out");
for (const old of [out, `${out}.partial`]) rmSync(old, { recursive: true, force: true });
const args = [
  ...["quantise", model, "--out", out, "--weights", values.weights ?? "w2"],
  ...["--calibration", text, "--calibration-tokens", "16"],
];
if (values.kill) {
  const half = join(`${out}.partial`, `layer.${Math.floor(layers / 2)}`);
  console.log(`until kill -9: ${told(await run(args, () => existsSync(half)))}`);
  console.log(`the rest:      ${told(await run(args))}`);
} else console.log(`whole run: ${told(await run(args))}`);
