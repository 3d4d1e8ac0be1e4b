/** Ports of the outermost module as Yosys reads them: what rules take from the text is held against it. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { z } from "zod";
import { runTool, ToolFailure } from "../../generator/tools/process.js";
import { find } from "../../generator/tools/tool.js";
import { type Project, textOf } from "./project.js";
import type { Port, Top } from "./verilog.js";

export type ElaboratedPort = Pick<Port, "name" | "direction" | "width">;

const schema = z.object({
  modules: z.record(
    z.string(),
    z.object({
      ports: z.record(
        z.string(),
        z.object({ direction: z.enum(["input", "output", "inout"]), bits: z.array(z.unknown()) }),
      ),
    }),
  ),
});

/** Null without Yosys; its words where it cannot read the file. */
export const portsByYosys = async (project: Project, top: Top): Promise<ElaboratedPort[] | string | null> => {
  if ((await find("yosys")).version === null) return null;
  const work = await mkdtemp(path.join(tmpdir(), "gateloom-lint-"));
  try {
    await writeFile(path.join(work, "top.v"), textOf(project, top.file)!);
    await runTool("yosys", ["-q", "-p", "read_verilog top.v; proc; write_json top.json"], { cwd: work });
    const { modules } = schema.parse(JSON.parse(await readFile(path.join(work, "top.json"), "utf8")));
    return Object.entries(modules[top.name]?.ports ?? {}).map(([name, { direction, bits }]) => ({
      ...{ name, direction, width: bits.length },
    }));
  } catch (error) {
    if (!(error instanceof ToolFailure)) throw error;
    return error.output.trim().split("\n").at(-1) ?? "";
  } finally {
    await rm(work, { recursive: true });
  }
};
