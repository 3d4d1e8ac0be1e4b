/** Exported projects pass every rule; and every rule finds what it is there for. */
import assert from "node:assert/strict";
import { requireTools } from "../../generator/tools/tool.js";
import type { ProjectFiles } from "../export/input.js";
import { lintProject, RULES } from "./lint.js";
import { readProject } from "./project.js";
import { changed, projectOf, saidBy, vendorBoards, withProject, without } from "./projects.testing.js";

/** A change of a board's project, and what the rule must say of it. */
interface Mutant {
  readonly rule: number;
  readonly board: string;
  readonly change: string;
  readonly of: (files: ProjectFiles) => ProjectFiles;
  readonly says: RegExp;
}
const swap =
  (file: string, from: string | RegExp, to: string) =>
  (files: ProjectFiles): ProjectFiles =>
    changed(files, file, from, to);
const add =
  (file: string, text: string) =>
  (files: ProjectFiles): ProjectFiles =>
    new Map([...files, [file, text]]);
const drop =
  (file: string) =>
  (files: ProjectFiles): ProjectFiles =>
    without(files, file);

const MUTANTS: readonly Mutant[] = [
  {
    ...{ rule: 1, board: "kv260", change: "a brace is missing" },
    of: swap(
      "scripts/zynq.tcl",
      'error "this Vivado has no IP $vlnv"}',
      'error "this Vivado has no IP $vlnv"',
    ),
    says: /scripts\/zynq\.tcl.*missing close-brace/,
  },
  {
    ...{ rule: 1, board: "u55c", change: "a variable has another name" },
    of: swap("scripts/package.tcl", "$ip component.xml", "$ipp component.xml"),
    says: /package\.tcl.*no such variable/,
  },
  {
    ...{ rule: 2, board: "arty-a7-100", change: "a command is misspelt" },
    of: swap("scripts/project.tcl", "update_compile_order", "update_compile_ordre"),
    says: /project\.tcl:\d+: invalid command name "update_compile_ordre"/,
  },
  {
    ...{ rule: 2, board: "arty-a7-100", change: "an option does not exist" },
    of: swap("scripts/batch.tcl", "-flatten_hierarchy", "-flatten"),
    says: /batch\.tcl:\d+: synth_design has no option -flatten/,
  },
  {
    ...{ rule: 2, board: "zcu104", change: "a property does not exist" },
    of: swap("scripts/zynq.tcl", "PSU__USE__IRQ0", "PSU_USE_IRQ0"),
    says: /zynq\.tcl:\d+: property CONFIG\.PSU_USE_IRQ0/,
  },
  {
    ...{ rule: 2, board: "zcu102", change: "a cell is used that nobody made" },
    of: swap("scripts/zynq.tcl", "get_bd_pins reset/ext_reset_in", "get_bd_pins rst/ext_reset_in"),
    says: /there is no cell rst/,
  },
  {
    ...{ rule: 2, board: "kv260", change: "a command of a failing branch only is misspelt" },
    of: swap("scripts/common.tcl", "STATUS [get_runs $run]", "STATUS [get_run $run]"),
    says: /common\.tcl:\d+: invalid command name "get_run"/,
  },
  {
    ...{ rule: 3, board: "kv260", change: "a failed run goes unnoticed" },
    of: swap("scripts/common.tcl", 'if {$progress ne "100%"}', "if {0}"),
    says: /zynq\.tcl: synthesis stops at 42 %: the script ends as if all were well/,
  },
  {
    ...{ rule: 3, board: "arty-a7-100", change: "negative slack goes unnoticed" },
    of: swap("scripts/common.tcl", "foreach kind {setup hold}", "foreach kind {setup}"),
    says: /project\.tcl: hold slack is negative/,
  },
  {
    ...{ rule: 3, board: "v80", change: "a report is not looked for" },
    of: swap(
      "scripts/common.tcl",
      "methodology.rpt drc.rpt} {check_report",
      "methodology.rpt} {check_report",
    ),
    says: /batch\.tcl: build\/drc\.rpt is not written/,
  },
  {
    ...{ rule: 3, board: "pynq-z2", change: "missing board files are only a warning" },
    of: swap("scripts/board.tcl", /error "board files/, 'puts "WARNING: board files'),
    says: /zynq\.tcl: the board files are missing: the script ends as if/,
  },
  {
    ...{ rule: 3, board: "u280", change: "another version stops the script" },
    of: swap("scripts/common.tcl", 'puts "WARNING: this project', 'error "this project'),
    says: /package\.tcl: another version of Vivado: the script stops/,
  },
  {
    ...{ rule: 3, board: "u280", change: "an error is caught and forgotten" },
    of: swap("scripts/batch.tcl", "\nroute_design\n", "\ncatch {route_design}\n"),
    says: /batch\.tcl: route_design fails/,
  },
  {
    ...{ rule: 4, board: "kv260", change: "a source is missing" },
    of: drop("rtl/epilogue.v"),
    says: /in the manifest and not in the folder/,
  },
  {
    ...{ rule: 4, board: "kv260", change: "a source is edited" },
    of: swap("rtl/epilogue.v", "module epilogue", "module  epilogue"),
    says: /rtl\/epilogue\.v: is not what was exported/,
  },
  {
    ...{ rule: 4, board: "kv260", change: "a source is left over" },
    of: add("rtl/old.v", "module old; endmodule\n"),
    says: /rtl\/old\.v: no script uses it/,
  },
  {
    ...{ rule: 4, board: "arty-a7-100", change: "a script takes a file from elsewhere" },
    of: swap("scripts/batch.tcl", /read_xdc .*/, "read_xdc /etc/hostname"),
    says: /takes \/etc\/hostname, which is not in the project/,
  },
  {
    ...{ rule: 5, board: "u55c", change: "a home folder" },
    of: swap("build.sh", "set -euo pipefail", "set -euo pipefail\nsource /home/somebody/settings64.sh"),
    says: /build\.sh:4: names a path of one machine: \/home\/somebody/,
  },
  {
    ...{ rule: 5, board: "u55c", change: "a date" },
    of: swap("rtl/small.v", "// Outermost", "// 2026-01-02 10:20 Outermost"),
    says: /rtl\/small\.v:1: names a time/,
  },
  {
    ...{ rule: 6, board: "kv260", change: "repositories behind create_project" },
    of: swap("scripts/zynq.tcl", /(source \[at scripts\/board\.tcl\]\n)([\s\S]*?)(set_board\n)/, "$2$1$3"),
    says: /set_param board\.repoPaths comes behind create_project/,
  },
  {
    ...{ rule: 6, board: "zcu104", change: "the design is wrapped before it is validated" },
    of: swap("scripts/zynq.tcl", /(validate_bd_design\nsave_bd_design\n)(.*\n)/, "$2$1"),
    says: /make_wrapper before validate_bd_design/,
  },
  {
    ...{ rule: 6, board: "arty-a7-100", change: "nobody waits for a run" },
    of: swap("scripts/project.tcl", "wait_on_run synth_1\n", ""),
    says: /launch_runs synth_1 without wait_on_run/,
  },
  {
    ...{ rule: 6, board: "arty-a7-100", change: "the bitstream is written before timing is looked at" },
    of: swap("scripts/batch.tcl", /check_timing\n(write_bitstream.*\n)/, "$1check_timing\n"),
    says: /write_bitstream before get_property SLACK/,
  },
  {
    ...{ rule: 7, board: "zcu104", change: "the part of another grade" },
    of: swap("scripts/common.tcl", "xczu7ev-ffvc1156-2-e", "xczu7ev-ffvc1156-2-i"),
    says: /part xczu7ev-ffvc1156-2-i is not AMD ZCU104's/,
  },
  {
    ...{ rule: 7, board: "pynq-z2", change: "the board part of another board" },
    of: swap("scripts/board.tcl", "tul.com.tw:pynq-z2", "www.digilentinc.com:pynq-z1"),
    says: /board part www\.digilentinc\.com:pynq-z1/,
  },
];

describe("project lint", () => {
  before(() => requireTools(["tclsh"], "the suite plays Tcl"));

  for (const { name } of vendorBoards)
    it(`${name}: no findings, nothing left out`, () =>
      withProject(projectOf(name), async (project) => {
        for (const { rule, outcome } of await lintProject(project, false)) {
          const what = `L${rule.number} ${JSON.stringify(outcome)}`;
          if (rule.deep) assert.equal(outcome.kind, "notRun", what);
          else if (outcome.kind === "checked") assert.deepEqual(outcome.findings, [], what);
          else assert.equal(outcome.kind, "notApplicable", what);
        }
      }));

  for (const { rule, board, change, of, says } of MUTANTS)
    it(`L${rule} finds: ${board}, ${change}`, async () => {
      const found = await saidBy(RULES.find((r) => r.number === rule)!, of(projectOf(board)));
      assert.ok(
        found.some((line) => says.test(line)),
        `${says} in:\n${found.join("\n")}`,
      );
    });

  it("a folder that is no project is refused with the reason", async () => {
    await assert.rejects(
      withProject(new Map([["a.txt", ""]]), async () => {}),
      /no manifest\.json, so this is no project of gateloom export/,
    );
    await assert.rejects(
      withProject(new Map([["manifest.json", '{"generator":"gateloom","kind":"report"}']]), async () => {}),
      /manifest\.json: kind: .*this is no project/,
    );
    await assert.rejects(readProject("/nowhere/at/all"), /ENOENT/);
  });
});
