import { execa } from "execa";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { emitVerilog } from "../../generator/hdl/index.js";
import { cachedFolder, hashFiles } from "../../generator/tools/cache.js";
import { runTool, ToolFailure } from "../../generator/tools/process.js";
import { find, requireTools } from "../../generator/tools/tool.js";
import { verilatorMain } from "../../rtl-templates/testbench/testbench.js";
import { benchOf } from "./vectors.js";
import { type RunDescription, type RunEngine, signedField, type Sink } from "./run.js";

// -O3 --x-assign fast and g++ -O1 measured best for build plus run (reference notes on the toolchain).
const FLAGS = ["-O3", "--x-assign", "fast", "--x-initial", "fast", "--noassert"];

/** Path of the compiled model, built once per content. */
const build = async (
  run: RunDescription,
  verilog: ReadonlyMap<string, string>,
  main: string,
): Promise<string> => {
  const files = new Map(verilog);
  files.set("main.cpp", main);
  const version = (await find("verilator")).version ?? "";
  const key = hashFiles(files, [version, ...FLAGS]);
  const folder = await cachedFolder("verilator", key, files, async (dir) => {
    const sources = [...files.keys()].filter((f) => f.endsWith(".v"));
    await runTool(
      "verilator",
      [
        "--cc",
        "--exe",
        ...FLAGS,
        "-Wno-fatal",
        "--top-module",
        run.design.top,
        "--Mdir",
        "obj",
        "-o",
        "model",
        "main.cpp",
        ...sources,
      ],
      { cwd: dir },
    );
    await runTool(
      "make",
      ["-s", "-C", "obj", "-f", `V${run.design.top}.mk`, "-j2", "OPT_FAST=-O1", "OPT_SLOW=-O0", "model"],
      { cwd: dir },
    );
  });
  return path.join(folder, "obj", "model");
};

/** Cuts stdout of the model into records; the last, incomplete part of a chunk waits for the next one. */
class Reader {
  private rest: Buffer = Buffer.alloc(0);
  readonly finals = new Map<string, bigint>();
  end: { done: boolean; cycle: number } | null = null;
  constructor(
    private readonly run: RunDescription,
    private readonly sink: Sink,
  ) {}

  push(chunk: Buffer): void {
    const data = this.rest.length === 0 ? chunk : Buffer.concat([this.rest, chunk]);
    let at = 0;
    for (;;) {
      const used = this.one(data, at);
      if (used === 0) break;
      at += used;
    }
    this.rest = data.subarray(at);
  }

  /** Bytes of the record at `at`, 0 when it is not complete. */
  private one(data: Buffer, at: number): number {
    const left = data.length - at;
    if (left < 1) return 0;
    switch (data[at]) {
      case 0x54: {
        // T: point, cycle, 64-bit fields
        if (left < 6) return 0;
        const point = this.run.points[data[at + 1]!]!;
        const count = this.fieldCount(point);
        if (left < 6 + 8 * count) return 0;
        const fields = Array.from({ length: count }, (_, i) =>
          signedField(
            point,
            i,
            data.readUInt32LE(at + 6 + 8 * i) + data.readUInt32LE(at + 10 + 8 * i) * 2 ** 32,
          ),
        );
        const cycle = data.readUInt32LE(at + 2);
        this.sink.record({ point, cycle, fields });
        return 6 + 8 * count;
      }
      case 0x46: // F: one final
        if (left < 9) return 0;
        this.finals.set(this.run.finals[this.finals.size]!, data.readBigUInt64LE(at + 1));
        return 9;
      case 0x45: // E: end
        if (left < 6) return 0;
        this.end = { done: data[at + 1] === 1, cycle: data.readUInt32LE(at + 2) };
        return 6;
      default:
        throw new Error(`unexpected byte ${data[at]} from the Verilator model`);
    }
  }

  private readonly counts = new Map<string, number>();
  private fieldCount(point: RunDescription["points"][number]): number {
    let count = this.counts.get(point);
    if (count === undefined) {
      count = benchOf({ ...this.run, loads: [] }).context.traces[this.run.points.indexOf(point)]!.fields
        .length;
      this.counts.set(point, count);
    }
    return count;
  }
}

/** Runs on Verilator: a child process, records through its stdout. */
export const runVerilator: RunEngine = async (run, sink) => {
  await requireTools(["verilator", "gxx", "make"], "the Verilator engine needs them");
  const began = performance.now();
  const { context, files } = benchOf(run);
  const verilog = run.verilog ?? emitVerilog(run.design, { models: true });
  const model = await build(run, verilog, verilatorMain(context));
  const built = performance.now();
  const work = await mkdtemp(path.join(tmpdir(), "gateloom-verilator-"));
  try {
    // Contents of memories are read when the model starts, from where it starts.
    const contents = [...verilog].filter(([name]) => !name.endsWith(".v"));
    for (const [name, text] of [...files, ...contents]) await writeFile(path.join(work, name), text);
    const reader = new Reader(run, sink);
    const child = execa(model, [], {
      cwd: work,
      buffer: false,
      encoding: "buffer",
      reject: false,
      stdin: "ignore",
    });
    let stopped = false;
    for await (const chunk of child.iterable({ binary: true, preserveNewlines: true })) {
      reader.push(Buffer.from(chunk as Uint8Array));
      sink.progress(0);
      if (sink.stopped()) {
        stopped = true;
        child.kill();
        break;
      }
    }
    const result = await child;
    const times = { buildSeconds: (built - began) / 1000, runSeconds: (performance.now() - built) / 1000 };
    if (stopped) return { outcome: "stopped", cycles: 0, finals: reader.finals, ...times };
    if (reader.end === null)
      throw new ToolFailure(
        "the Verilator model",
        `exit ${result.exitCode} ${result.signal ?? ""} before its end record`,
      );
    return {
      outcome: reader.end.done ? "done" : "limit",
      cycles: reader.end.cycle,
      finals: reader.finals,
      ...times,
    };
  } finally {
    await rm(work, { recursive: true, force: true });
  }
};
