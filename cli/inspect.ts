import { Command } from "commander";
import { inspectModel } from "../golden/import/modelInspect.js";
import { inspectText } from "./inspectText.js";

export const inspectCommand = (): Command =>
  new Command("inspect")
    .description("Shows what a model file or folder holds, and what of it Gateloom reads, tensor by tensor.")
    .argument("<model>", "file or folder: see below")
    .option("--json", "print everything as JSON: every tensor with file, offset and role, every problem")
    .addHelpText(
      "after",
      `
What can be given:
  a folder        Hugging Face: config.json, *.safetensors (sharded or not), tokenizer.json.
                  Llama, Mistral, Qwen2, Qwen3, SmolLM, TinyLlama, BitNet b1.58;
                  F32, F16, BF16, GPTQ of 2, 3, 4 and 8 bits, AWQ of 4, packed ternary
  *.gguf          Llama, Mistral, Qwen2, Qwen3 with their tokenizer; F32, F16, BF16, Q8_0, Q4_0 to Q5_1,
                  Q2_K to Q6_K, TQ1_0, TQ2_0
  *.bin           llama2.c checkpoints, versions 0, 1 and 2 (int8)
  *.safetensors   with config.json beside it, the folder; alone, its tensors are listed

Only headers and tokenizers are read, so it takes no longer for 70B than for 15M weights.

How to read the table:
  {0-29}          the same tensor in layers 0 to 29; sizes are of all of them together
  read: yes       it has a place in the model and its type is read
  not needed      the model works without it; the line says why
  NO              the line says why; the model cannot be taken as it is
  ?               the architecture is not supported, so nobody knows what the tensor is for

Examples:
  gateloom inspect SmolLM2-135M-Instruct/
  gateloom inspect model.gguf --json | jq '.tensors[] | select(.status == "problem")'

Exit code 0: the container could be read, whether the model is supported or not (--json: "supported").
Exit code 2: it could not; one message says what the file looks like, where it is damaged, and what to do.`,
    )
    .action(async (model: string, { json }: { readonly json?: boolean }) => {
      const inspection = await inspectModel(model);
      console.log(json ? JSON.stringify(inspection, null, 2) : inspectText(inspection));
    });
