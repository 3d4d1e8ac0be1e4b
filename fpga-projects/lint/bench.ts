/** The exported Verilog itself in Icarus: a host on its control port, memories behind its masters, and what was seen. */
import { createHash } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { runTool, ToolFailure } from "../../generator/tools/process.js";
import { find } from "../../generator/tools/tool.js";
import { type BenchMemory, type KernelBench, kernelBench } from "../../rtl-templates/lint/lint.js";
import { filesUnder, type Project } from "./project.js";
import { busesOf, isMaster, isSlave, type Top } from "./verilog.js";

export type Operation = KernelBench["operations"][number];
export interface Burst {
  readonly port: string;
  readonly kind: "read" | "write";
  readonly address: bigint;
  readonly words: number;
  readonly size: number;
  readonly type: number;
}
export interface Seen {
  /** In order. A value that is not known is null. */
  readonly reads: readonly { readonly offset: number; readonly value: number | null }[];
  readonly bursts: readonly Burst[];
  /** Words that were written, in order: port, place, data and strobes as the bench prints them. */
  readonly written: readonly string[];
  /** Whether a watched run came to its end. */
  readonly ended: boolean;
  /** Words up to each WLAST, by port. */
  readonly lasts: readonly { readonly port: string; readonly words: number }[];
  /** Offers that were withdrawn or changed, unknown handshakes, error responses, no answer at all. */
  readonly faults: readonly string[];
}

/** With its contents, a word a line. */
export interface Memory extends BenchMemory {
  readonly text: string;
}

const widthOf = (
  ports: readonly { readonly logical: string; readonly width: number }[],
  logical: string,
): number => ports.find((p) => p.logical === logical)?.width ?? 1;

const seenIn = (output: string): Seen => {
  const reads: { offset: number; value: number | null }[] = [];
  const bursts: Burst[] = [];
  const lasts: { port: string; words: number }[] = [];
  const faults: string[] = [];
  const written: string[] = [];
  let ended = false;
  for (const line of output.split("\n")) {
    const [kind, ...w] = line.split(" ");
    switch (kind) {
      case "R":
        reads.push({
          offset: Number.parseInt(w[0]!, 16),
          value: /[xz]/i.test(w[1]!) ? null : Number.parseInt(w[1]!, 16),
        });
        break;
      case "A":
        bursts.push({
          port: w[0]!,
          kind: w[1] as Burst["kind"],
          address: /[xz]/i.test(w[2]!) ? -1n : BigInt(`0x${w[2]}`),
          words: Number(w[3]) + 1,
          size: Number(w[4]),
          type: Number(w[5]),
        });
        break;
      case "W":
        lasts.push({ port: w[0]!, words: Number(w[1]) });
        break;
      case "D":
        written.push(w.join(" "));
        break;
      case "F":
        ended = w[0] === "1";
        break;
      case "V":
        faults.push(`${w[0]}: an offer on ${w[1]} is withdrawn or changes in cycle ${w[2]}`);
        break;
      case "X":
        faults.push(`${w[0]}: a handshake is unknown in cycle ${w[1]}`);
        break;
      case "E":
        faults.push(`the control port answers 0x${w[0]} with response ${w[1]}`);
        break;
      case "T":
        faults.push(`the control port does not answer (cycle ${w[0]})`);
        break;
    }
  }
  return { reads, bursts, written, ended, lasts, faults };
};

/** Lines of a compiler that a person needs to see. */
const SHOWN = 4;

/** What equal sources said to equal questions: boards share most of theirs. */
const known = new Map<string, Promise<Seen>>();

/** Null without Icarus. Verilog that does not compile is a fault, the only one. */
export const drive = async (
  project: Project,
  top: Top,
  operations: readonly Operation[],
  memory: Memory | null,
): Promise<Seen | null> => {
  const missing = (await Promise.all([find("iverilog"), find("vvp")])).some((f) => f.version === null);
  if (missing) return null;
  const buses = busesOf(top);
  const control = buses.find(isSlave);
  if (control === undefined) throw new RangeError("no AXI4-Lite port");
  const bench = kernelBench({
    top: top.name,
    control: control.name,
    addressBits: widthOf(control.ports, "AWADDR"),
    masters: buses.filter(isMaster).map(({ name, ports }) => ({
      name,
      addressBits: widthOf(ports, "ARADDR"),
      dataBits: widthOf(ports, "RDATA"),
    })),
    operations,
    memory,
  });
  const sources = filesUnder(project, "rtl/", ".v");
  const hash = createHash("sha256")
    .update(bench)
    .update(memory?.text ?? "");
  for (const file of sources) hash.update(file).update(project.files.get(file)!);
  const key = hash.digest("hex");
  let seen = known.get(key);
  if (seen === undefined) {
    seen = (async () => {
      const work = await mkdtemp(path.join(tmpdir(), "gateloom-lint-"));
      try {
        await writeFile(path.join(work, "bench.v"), bench);
        if (memory !== null) await writeFile(path.join(work, "memory.hex"), memory.text);
        for (const file of sources)
          await writeFile(path.join(work, path.basename(file)), project.files.get(file)!);
        const verilog = ["bench.v", ...sources.map((f) => path.basename(f))];
        await runTool("iverilog", ["-g2005", "-s", "bench", "-o", "bench.vvp", ...verilog], { cwd: work });
        return seenIn(await runTool("vvp", ["-n", "bench.vvp"], { cwd: work }));
      } catch (error) {
        if (!(error instanceof ToolFailure)) throw error;
        return {
          reads: [],
          bursts: [],
          written: [],
          ended: false,
          lasts: [],
          faults: [error.output.trim().split("\n").slice(0, SHOWN).join(" | ")],
        };
      } finally {
        await rm(work, { recursive: true });
      }
    })();
    known.set(key, seen);
  }
  return seen;
};
export const NO_ICARUS = "Icarus Verilog is missing: sudo apt-get install iverilog";
