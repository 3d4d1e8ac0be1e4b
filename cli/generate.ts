import { Command, Option } from "commander";
import pc from "picocolors";
import { outputFiles } from "./files.js";
import { encodePrompt } from "./model.js";
import { writeFolder } from "./output.js";
import { prepare, type SystemOptions, systemOptions } from "./system.js";

interface GenerateOptions extends SystemOptions {
  readonly out: string;
  readonly json?: boolean;
}

export const generateCommand = (): Command => {
  const command = new Command("generate")
    .description(
      "Writes the accelerator for a model: Verilog, program, memory image, testbench, and a manifest with the sha256 of each file.",
    )
    .addOption(
      new Option("--out <folder>", "output folder; written whole or not at all").default("build/gateloom"),
    )
    .option("--json", "print the manifest's summary as JSON");
  for (const option of systemOptions()) command.addOption(option);
  return command
    .addHelpText(
      "after",
      `
What is in the folder:
  rtl/*.v            one module per file, Verilog-2005; top: see manifest.json
  program.txt        the program, disassembled
  image.bin          memory image: weights, scales, gains, embedding
  testbench/         bench.v for Icarus and the tables it loads:
                     cd testbench && iverilog -g2005 -o bench.vvp bench.v ../rtl/*.v && vvp -n bench.vvp
  manifest.json      configuration, register values, memory regions, sha256 of every file`,
    )
    .action(async (options: GenerateOptions) => {
      const prepared = await prepare(options);
      const files = outputFiles(prepared, encodePrompt(prepared.tokenizer, "Once upon a time"), 8);
      await writeFolder(options.out, files);
      const verilog = [...files.keys()].filter((f) => f.endsWith(".v") && f.startsWith("rtl/"));
      const lines = verilog.reduce((n, f) => n + String(files.get(f)).split("\n").length, 0);
      const { compiled } = prepared.system;
      const summary = {
        out: options.out,
        model: prepared.name,
        top: prepared.system.design.top,
        lanes: prepared.config.lanes,
        modules: verilog.length,
        lines,
        programBytes: compiled.program.byteLength,
        imageBytes: compiled.image.length,
        memoryBytes: compiled.memoryBeats * compiled.beatBytes,
      };
      if (options.json) return console.log(JSON.stringify(summary, null, 2));
      console.log(
        `${pc.bold(summary.model)}: ${summary.modules} modules, ${summary.lines} lines of Verilog, top ${summary.top} (${summary.lanes.rows} x ${summary.lanes.columns} lanes)`,
      );
      console.log(
        `program ${summary.programBytes} bytes, image ${summary.imageBytes} bytes, with cache ${summary.memoryBytes} bytes`,
      );
      console.log(`written to ${options.out}`);
    });
};
