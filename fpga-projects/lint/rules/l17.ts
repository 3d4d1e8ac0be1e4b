/**
 * L17: the structure is what the estimate promised: Yosys maps the exported core and counts. Guards against an array that is not
 * there, or is optimised away. Takes minutes.
 */
import { z } from "zod";
import type { Target } from "../../../generator/estimate/cells.js";
import { type Kind, tolerance } from "../../../generator/estimate/error.js";
import { Synthesis } from "../../../generator/estimate/synthesis.js";
import type { Board } from "../../boards/index.js";
import { checked, type Finding, NOT_ASKED, notRun, type Rule } from "../finding.js";
import { isChip, type Project, textOf } from "../project.js";

/** What the estimate counts is the accelerator, with its memory where that lies on the chip; or the micro machine. */
const topFor = (project: Project): string => {
  if (project.manifest.configuration.machine === "micro") return "micro_chip";
  return isChip(project) ? "standalone" : "accelerator";
};
const targetFor = ({ device }: Board): Target => (device.fabric === "versal" ? "xcup" : device.fabric);

/** Fewer than this say nothing, whatever share of the count they are. */
const FEW: Readonly<Record<Kind, number>> = { lut: 500, ff: 250, dsp: 8, bram: 20 };
/** Lines of the fit check that Yosys counts. */
const kindOf = (what: string, { device }: Board): Kind | undefined =>
  new Map<string, Kind>([
    ["LUT", "lut"],
    ["FF", "ff"],
    ["DSP", "dsp"],
    [device.bram.name, "bram"],
  ]).get(what);

const fitSchema = z.object({
  fit: z.object({ lines: z.array(z.object({ what: z.string(), needs: z.number() })) }),
});

/** What the top is made of, by the names in its text: boards share their cores, so one synthesis does for several. */
const filesBelow = (project: Project, top: string): Map<string, string> => {
  const files = new Map<string, string>();
  const waiting = [`${top}.v`];
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    const text = textOf(project, `rtl/${name}`);
    if (text === undefined || files.has(name)) continue;
    files.set(name, text);
    if (!name.endsWith(".v")) continue;
    for (const [word] of text.replace(/\/\/.*/g, "").matchAll(/\b\w+(\.mem)?\b/g))
      waiting.push(word.endsWith(".mem") ? word : `${word}.v`);
  }
  return new Map([...files].sort(([a], [b]) => (a < b ? -1 : 1)));
};

const synthesise = async (project: Project, board: Board) => {
  const synthesis = new Synthesis(targetFor(board));
  const top = topFor(project);
  try {
    return await synthesis.count({ top, files: filesBelow(project, top) });
  } finally {
    synthesis.close();
  }
};

export const l17: Rule = {
  number: 17,
  title: "Yosys counts what the estimate promised",
  check: async (project, deep) => {
    const { board } = project;
    if (board === undefined) return notRun(`the table has no board ${project.manifest.board}`);
    const parsed = fitSchema.safeParse(JSON.parse(textOf(project, "manifest.json")!));
    if (!parsed.success) return notRun("manifest.json has no fit check");
    if (!deep) return NOT_ASKED;
    const cells = await synthesise(project, board);
    const target = targetFor(board);
    return checked(
      parsed.data.fit.lines.flatMap(({ what, needs }): Finding[] => {
        const kind = kindOf(what, board);
        if (kind === undefined) return [];
        const share = tolerance(target, kind);
        const off = Math.abs(cells[kind] - needs);
        if (off <= FEW[kind] || off <= share * cells[kind]) return [];
        return [
          {
            rule: 17,
            file: "manifest.json",
            text: `${what}: Yosys counts ${Math.round(cells[kind])}, the estimate is ${Math.round(needs)} (more than ${Math.round(100 * share)} % apart)`,
            remedy: "look whether the engine is there as a whole; report it with the configuration",
          },
        ];
      }),
    );
  },
};
