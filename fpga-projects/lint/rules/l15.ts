/** L15: constraints name ports, pins and cells that are there, clocks of the right period, and are no programs. */
import type { Board } from "../../boards/index.js";
import { checked, type Finding, notRun, type Rule } from "../finding.js";
import { checkPins } from "../pins.js";
import { type Command, goodPlays, NO_TCLSH, type Play } from "../play.js";
import { filesUnder, isOpen, type Project, textOf } from "../project.js";
import { topOf } from "../verilog.js";

type Say = (c: Pick<Command, "file" | "line">, text: string, remedy: string) => void;
const option = ({ words }: Command, name: string): string => words[words.indexOf(name) + 1]!;

const clocks = (project: Project, board: Board, plays: readonly Play[], say: Say): void => {
  const fabric = board.flow.kind === "fabric";
  const MHz = fabric ? board.oscillatorMHz.value! : project.manifest.clockMHz;
  const made = plays.flatMap((p) => p.commands).filter((c) => c.name === "create_clock");
  for (const c of made) {
    const period = Number(option(c, "-period"));
    if (Math.abs(period * MHz - 1000) > 1)
      say(c, `a period of ${period} ns is not ${MHz} MHz`, `use -period ${(1000 / MHz).toFixed(3)}`);
    const wanted = fabric ? "clk" : "ap_clk";
    if (c.words.at(-1) !== wanted) say(c, `the clock is on ${c.words.at(-1)}`, `put it on ${wanted}`);
  }
  if (made.length !== 1)
    say(
      { file: "xdc", line: 0 },
      `${made.length} clocks are created`,
      "create one, on the primary port only",
    );
};

const pins = (board: Board, plays: readonly Play[], ports: readonly string[], say: Say): void => {
  const placed = new Map<string, string>();
  const used = new Set<string>();
  for (const c of plays.flatMap((p) => p.commands)) {
    if (c.name !== "set_property" || c.words[0] !== "-dict") continue;
    const [, dict, port] = c.words;
    const pin = /PACKAGE_PIN (\S+)/.exec(dict!)?.[1];
    const standard = /IOSTANDARD (\S+)/.exec(dict!)?.[1];
    if (pin === undefined) continue;
    if (used.has(pin)) say(c, `pin ${pin} is used twice`, "a pin for each port");
    used.add(pin);
    placed.set(port!, pin);
    const wanted = board.pins.find((p) => p.port === port);
    if (standard === undefined) say(c, `${port} has no IOSTANDARD: the bitstream is refused`, "set it");
    if (wanted !== undefined && (wanted.pin !== pin || (standard ?? wanted.standard) !== wanted.standard))
      say(
        c,
        `${port} is on ${pin}, ${standard}; the board has it on ${wanted.pin}, ${wanted.standard}`,
        "see the board table",
      );
  }
  if (board.flow.kind !== "fabric") return;
  for (const port of ports)
    if (!placed.has(port)) say({ file: "xdc/pins.xdc", line: 0 }, `${port} has no pin`, "set PACKAGE_PIN");
};

export const l15: Rule = {
  number: 15,
  title: "constraints: ports, pins, cells and periods that are there",
  check: async (project) => {
    const { board } = project;
    if (board === undefined) return notRun(`the table has no board ${project.manifest.board}`);
    if (isOpen(project))
      return checked(checkPins(project, board, topOf(project)?.ports.map((p) => p.name) ?? []));
    const all = await goodPlays(project);
    if (all === null) return notRun(NO_TCLSH);
    const plays = all.filter(({ mode }) => mode === "xdc");
    const findings: Finding[] = [];
    const say: Say = ({ file, line }, text, remedy) => {
      findings.push({ rule: 15, file, ...(line > 0 ? { line } : {}), text, remedy });
    };
    for (const problem of plays.flatMap((p) => p.problems).filter(({ rule }) => rule === 15))
      say(problem, problem.text, "write the constraints out");
    // Where the top level is a block design, its ports and cells count too.
    const made = (name: string): string[] =>
      all
        .flatMap((p) => p.commands)
        .filter((c) => c.name === name)
        .map((c) => c.words.at(-1)!);
    const ports = [...(topOf(project)?.ports.map((p) => p.name) ?? []), ...made("create_bd_port")];
    const blocks = new Set(made("create_bd_cell"));
    const sources = filesUnder(project, "rtl/", ".v").map((f) => textOf(project, f)!);
    for (const c of plays.flatMap((p) => p.commands)) {
      const name = c.words.at(-1)!;
      if (c.name === "get_ports" && !ports.includes(name))
        say(c, `${name} is no port of the top level`, "name a port");
      if (c.name === "get_cells" && c.words.includes("-filter")) {
        const cell = /NAME =~ \*?(\w+)/.exec(option(c, "-filter"))?.[1];
        if (
          cell !== undefined &&
          !blocks.has(cell) &&
          !sources.some((s) => new RegExp(`\\b${cell} \\(`).test(s))
        )
          say(c, `nothing is called ${cell}: the filter finds no cell`, "name an instance");
      }
      if (c.name === "resize_pblock") {
        const slr = /SLR(\d+)/.exec(option(c, "-add"))?.[1];
        if (slr !== undefined && Number(slr) >= board.device.slrs)
          say(c, `there is no SLR${slr}`, "see the device");
      }
    }
    clocks(project, board, plays, say);
    pins(board, plays, ports, say);
    return checked(findings);
  },
};
