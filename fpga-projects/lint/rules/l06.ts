/** L6: commands come in the order that Vivado needs. Some wrong orders raise no error there and are simply ignored. */
import { checked, type Finding, notApplicable, notRun, type Rule } from "../finding.js";
import { type Command, goodPlays, NO_TCLSH, type Play } from "../play.js";
import { isOpen, NO_TCL } from "../project.js";

type Match = (command: Command) => boolean;
const called =
  (name: string, ...words: readonly string[]): Match =>
  (c) =>
    c.name === name && words.every((w) => c.words.includes(w));
const any =
  (...matches: readonly Match[]): Match =>
  (c) =>
    matches.some((m) => m(c));

/** A vendor's base design, which makes its own project. */
const baseDesign: Match = (c) => c.name === "source" && c.words.some((w) => w.startsWith("board_files/"));

/** Wherever `later` comes, `earlier` has come. */
interface Order {
  readonly earlier: readonly [string, Match];
  readonly later: readonly [string, Match];
  readonly why: string;
}
const order = (earlier: Order["earlier"], later: Order["later"], why: string): Order => ({
  earlier,
  later,
  why,
});
const command = (name: string, ...words: readonly string[]): readonly [string, Match] => [
  [name, ...words].join(" "),
  called(name, ...words),
];

const ORDERS: readonly Order[] = [
  order(command("create_project"), command("add_files"), "files are added to a project"),
  order(
    [
      "add_files or make_wrapper -import",
      any(called("add_files"), called("make_wrapper", "-import"), baseDesign),
    ],
    command("update_compile_order"),
    "the order is that of the files",
  ),
  order(
    ["update_compile_order", called("update_compile_order")],
    ["launch_runs or ipx::package_project", any(called("launch_runs"), called("ipx::package_project"))],
    "otherwise an old order is used",
  ),
  order(
    ["set_part or create_project", any(called("set_part"), called("create_project"))],
    command("read_verilog"),
    "files are read for a part",
  ),
  order(command("read_verilog"), command("synth_design"), "there is nothing to synthesise"),
  order(command("read_xdc"), command("synth_design"), "synthesis would run without a clock"),
  order(command("synth_design"), command("opt_design"), "one step follows the other"),
  order(command("opt_design"), command("place_design"), "one step follows the other"),
  order(command("place_design"), command("route_design"), "one step follows the other"),
  order(
    command("update_ip_catalog"),
    [
      "create_bd_cell of the core",
      (c) => c.name === "create_bd_cell" && c.words.some((w) => w.startsWith("gateloom:")),
    ],
    "the catalogue would not have the core",
  ),
  order(command("assign_bd_address"), command("validate_bd_design"), "unassigned addresses are not checked"),
  order(command("validate_bd_design"), command("make_wrapper"), "a broken design would be wrapped"),
  order(command("save_bd_design"), command("make_wrapper"), "the wrapper is made from the file"),
  order(
    command("wait_on_run", "synth_1"),
    command("launch_runs", "impl_1"),
    "the run starts on unfinished results",
  ),
  order(
    command("get_property", "PROGRESS", "synth_1"),
    command("launch_runs", "impl_1"),
    "a failed synthesis goes unnoticed",
  ),
  order(
    command("wait_on_run", "impl_1"),
    command("open_run", "impl_1"),
    "results are read before they are there",
  ),
  order(
    command("get_property", "PROGRESS", "impl_1"),
    command("open_run", "impl_1"),
    "a failed implementation goes unnoticed",
  ),
  order(
    ["get_property SLACK", called("get_property", "SLACK")],
    command("write_bitstream"),
    "a bitstream that misses its timing would be there to be used",
  ),
  order(
    command("ipx::update_checksums"),
    command("ipx::save_core"),
    "the package would be saved with checksums of something else",
  ),
  order(command("ipx::check_integrity"), command("ipx::save_core"), "a broken package would be saved"),
  order(command("ipx::save_core"), command("package_xo"), "the kernel is made from the saved package"),
];
/** Ignored without a word when a project is there already. */
const REPOSITORIES = command("set_param", "board.repoPaths");

const orders = ({ script, commands }: Play): Finding[] => {
  const findings: Finding[] = [];
  for (const { earlier, later, why } of ORDERS) {
    const [at, first] = [commands.findIndex(later[1]), commands.findIndex(earlier[1])];
    if (at < 0 || (first >= 0 && first < at)) continue;
    const { file, line } = commands[at]!;
    findings.push({
      rule: 6,
      file,
      line,
      text: `${later[0]} ${first < 0 ? "without" : "before"} ${earlier[0]}: ${why}`,
      remedy: `call ${earlier[0]} first`,
    });
  }
  const board = commands.findIndex((c) => c.name === "set_property" && c.words[0] === "board_part");
  const [param, project] = [
    commands.findIndex(REPOSITORIES[1]),
    commands.findIndex(called("create_project")),
  ];
  if (board >= 0 && (param < 0 || param > project))
    findings.push({
      rule: 6,
      file: script,
      text: `${REPOSITORIES[0]} ${param < 0 ? "is not set" : "comes behind create_project"}: board files beside the project are not found`,
      remedy: "set it before create_project",
    });
  const runs = (name: string): string[] => commands.filter(called(name)).map((c) => c.words[0]!);
  const waited = runs("wait_on_run");
  for (const run of runs("launch_runs"))
    if (!waited.includes(run))
      findings.push({
        rule: 6,
        file: script,
        text: `launch_runs ${run} without wait_on_run: the script ends while the run goes on`,
        remedy: `call wait_on_run ${run}`,
      });
  return findings;
};

export const l06: Rule = {
  number: 6,
  title: "commands in the order that Vivado needs",
  check: async (project) => {
    if (isOpen(project)) return notApplicable(NO_TCL);
    const plays = await goodPlays(project);
    return plays === null
      ? notRun(NO_TCLSH)
      : checked(plays.filter(({ mode }) => mode === "tcl").flatMap(orders));
  },
};
