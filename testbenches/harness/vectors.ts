import type { LoadPort, TestbenchContext } from "../../rtl-templates/testbench/testbench.js";
import { fieldPorts, inputWidth, outputWidth, type RunDescription, validPort } from "./run.js";

/** The context of the simulator benches, and the hex files they read. */
export const benchOf = (run: RunDescription): { context: TestbenchContext; files: Map<string, string> } => {
  const files = new Map<string, string>();
  const loads = run.loads
    .filter((l) => l.words.length > 0)
    .map((load): LoadPort => {
      const dataBits = inputWidth(run.design, load.data);
      const digits = Math.ceil(dataBits / 4);
      const file = `${load.data}.hex`;
      files.set(file, `${load.words.map((w) => w.toString(16).padStart(digits, "0")).join("\n")}\n`);
      return {
        enable: load.enable,
        address: load.address,
        addressBits: inputWidth(run.design, load.address),
        data: load.data,
        dataBits,
        count: load.words.length,
        file,
      };
    });
  const context: TestbenchContext = {
    top: run.design.top,
    clocks: run.clocks ?? [],
    loads,
    held: Object.entries(run.held).map(([port, value]) => ({
      port,
      width: inputWidth(run.design, port),
      value: Number(value),
    })),
    start: run.start,
    done: run.done,
    traces: run.points.map((point, index) => ({
      index,
      valid: validPort(point),
      fields: fieldPorts(point).map((port) => ({ port, width: outputWidth(run.design, port) })),
    })),
    finals: run.finals.map((port) => ({ port, width: outputWidth(run.design, port) })),
    maxCycles: run.maxCycles,
  };
  return { context, files };
};
