import { execa } from "execa";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { emitVerilog } from "../../generator/hdl/index.js";
import { runTool, ToolFailure } from "../../generator/tools/process.js";
import { requireTools } from "../../generator/tools/tool.js";
import { icarusBench } from "../../rtl-templates/testbench/testbench.js";
import { benchOf } from "./vectors.js";
import { type RunEngine, signedField } from "./run.js";

/** Runs on Icarus Verilog: four-state, so a value that was never initialised shows as x and fails the run. */
export const runIcarus: RunEngine = async (run, sink) => {
  await requireTools(["iverilog", "vvp"], "the Icarus engine needs them");
  const began = performance.now();
  const { context, files } = benchOf(run);
  const work = await mkdtemp(path.join(tmpdir(), "gateloom-icarus-"));
  try {
    const sources = new Map([
      ...(run.verilog ?? emitVerilog(run.design, { models: true })),
      ...files,
      ["bench.v", icarusBench(context)] as const,
    ]);
    for (const [name, text] of sources) await writeFile(path.join(work, name), text);
    const verilog = [...sources.keys()].filter((f) => f.endsWith(".v"));
    await runTool("iverilog", ["-g2005", "-s", "bench", "-o", "bench.vvp", ...verilog], { cwd: work });
    const built = performance.now();
    const child = execa("vvp", ["-n", "bench.vvp"], {
      cwd: work,
      buffer: false,
      reject: false,
      stdin: "ignore",
    });
    const finals = new Map<string, bigint>();
    let end: { done: boolean; cycle: number } | null = null;
    let stopped = false;
    for await (const line of child.iterable()) {
      const words = (line as string).split(" ");
      switch (words[0]) {
        case "T": {
          const point = run.points[Number(words[1])]!;
          if (/x/i.test(words.slice(3).join(" ")))
            throw new ToolFailure(
              "Icarus",
              `trace point '${point}' has unknown bits (x) at cycle ${words[2]}: ${line}`,
            );
          const fields = words.slice(3).map((hex, i) => signedField(point, i, Number.parseInt(hex, 16)));
          sink.record({ point, cycle: Number(words[2]), fields });
          break;
        }
        case "X":
          throw new ToolFailure(
            "Icarus",
            `${words[1]} is unknown (x) at cycle ${words[2]}: a register or memory was read before it was written`,
          );
        case "F":
          finals.set(run.finals[finals.size]!, /x/i.test(words[1]!) ? -1n : BigInt(`0x${words[1]}`));
          break;
        case "E":
          end = { done: words[1] === "done", cycle: Number(words[2]) };
          break;
        default: // $readmemh notes and the like
      }
      if (sink.stopped()) {
        stopped = true;
        child.kill();
        break;
      }
      sink.progress(0);
    }
    await child;
    const times = { buildSeconds: (built - began) / 1000, runSeconds: (performance.now() - built) / 1000 };
    if (stopped) return { outcome: "stopped", cycles: 0, finals, ...times };
    if (end === null) throw new ToolFailure("vvp", "the simulation ended without its end record");
    return { outcome: end.done ? "done" : "limit", cycles: end.cycle, finals, ...times };
  } finally {
    await rm(work, { recursive: true, force: true });
  }
};
