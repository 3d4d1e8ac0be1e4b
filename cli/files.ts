/** The files of a generated accelerator: Verilog, program, image, testbench, manifest. Same input, same bytes. */
import { createHash } from "node:crypto";
import { emitChecks, emitVerilog, nameMap } from "../generator/hdl/index.js";
import { icarusBench } from "../rtl-templates/testbench/testbench.js";
import { cycleLimit, describeRun } from "../testbenches/harness/system.js";
import { benchOf } from "../testbenches/harness/vectors.js";
import type { Files } from "./output.js";
import type { Prepared } from "./system.js";

export const sha256 = (content: string | Uint8Array): string =>
  createHash("sha256").update(content).digest("hex");

/** `prompt` and `total` are what the testbench runs. */
export const outputFiles = (prepared: Prepared, prompt: readonly number[], total: number): Files => {
  const { system, config, name } = prepared;
  const { compiled } = system;
  const files = new Map<string, string | Uint8Array>();
  // With external memory the accelerator ends at its port; the memory model and its wrapper belong to the bench.
  const ofBench = (file: string): boolean =>
    system.stall !== undefined && (file === `${system.design.top}.v` || file === "memory.v");
  for (const [file, text] of emitVerilog(system.design))
    files.set(`${ofBench(file) ? "testbench" : "rtl"}/${file}`, text);
  // For simulators without the device's primitives: these files in place of those of the same name in rtl.
  const models =
    system.design.blackboxes.size > 0
      ? emitVerilog(system.design, { models: true })
      : new Map<string, string>();
  for (const [file, text] of models)
    if (files.get(`rtl/${file}`) !== text && files.get(`testbench/${file}`) !== text)
      files.set(`models/${file}`, text);
  for (const [file, text] of emitChecks(system.design)) files.set(`checks/${file}`, text);
  files.set("names.json", nameMap(system.design));
  const { context, files: tables } = benchOf(
    describeRun(system, { prompt, total, seed: 1, maxCycles: cycleLimit(system, total) }),
  );
  files.set("testbench/bench.v", icarusBench(context));
  for (const [file, text] of tables) files.set(`testbench/${file}`, text);
  files.set("program.txt", compiled.listing);
  files.set("image.bin", compiled.image);
  const rtl = [...files].filter(([file]) => file.startsWith("rtl/"));
  const manifest = {
    generator: "gateloom",
    model: name,
    configuration: config,
    top: system.stall === undefined ? system.design.top : "accelerator",
    /** Of the Verilog alone: equal for every model that runs on it. */
    rtlSha256: sha256(
      rtl
        .map(([file, text]) => `${file}\0${text}\0`)
        .sort()
        .join(""),
    ),
    registers: { ...compiled.registers, promptLength: prompt.length, total },
    memory: { beatBytes: compiled.beatBytes, beats: system.memoryBeats, regions: compiled.regions },
    files: Object.fromEntries(
      [...files].sort(([a], [b]) => (a < b ? -1 : 1)).map(([file, content]) => [file, sha256(content)]),
    ),
  };
  files.set("manifest.json", `${JSON.stringify(manifest, null, 2)}\n`);
  return files;
};
