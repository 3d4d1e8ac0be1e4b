/** gateloom lint: table, JSON, exit code. What the rules find is tested beside them. */
import assert from "node:assert/strict";
import { stripVTControlCharacters } from "node:util";
import { changed, projectOf, withProject } from "../fpga-projects/lint/projects.testing.js";
import type { ProjectFiles } from "../fpga-projects/export/input.js";
import { requireTools } from "../generator/tools/tool.js";
import { EXIT } from "./failure.js";
import { lintCommand } from "./lint.js";

interface Said {
  readonly code: number | string | undefined;
  readonly text: string;
}
const said = (files: ProjectFiles, ...options: readonly string[]): Promise<Said> =>
  withProject(files, async ({ folder }) => {
    const printed: string[] = [];
    const { log } = console;
    const before = process.exitCode;
    console.log = (line: string) => printed.push(line);
    try {
      process.exitCode = undefined;
      await lintCommand().parseAsync([folder, ...options], { from: "user" });
      return { code: process.exitCode, text: stripVTControlCharacters(printed.join("\n")) };
    } finally {
      console.log = log;
      process.exitCode = before;
    }
  });

describe("gateloom lint", () => {
  before(() => requireTools(["tclsh", "iverilog", "yosys"], "the command plays Tcl and runs Verilog"));

  it("a table: rule, what it checks, seconds, verdict; exit code 0", async () => {
    const { code, text } = await said(projectOf("arty-a7-100"));
    assert.equal(code, undefined);
    assert.match(text, /^mini on Digilent Arty A7-100\nrule {2}what it checks +s {2}verdict\n/);
    assert.match(text, /^L1 +Tcl and XDC parse and run +\d+\.\d {2}passed$/m);
    assert.match(text, /^L14 +link\.cfg: .* {2}not applicable: not linked by v\+\+$/m);
    assert.match(text, /^L17 +.* {2}not asked for: run with --deep$/m);
    assert.match(text, /\nno findings$/);
    assert.equal(text.match(/^L\d+ /gm)?.length, 20);
  });

  it("findings: exit code 1, file with line, what to do; as JSON too", async () => {
    const broken = changed(projectOf("arty-a7-100"), "xdc/pins.xdc", "get_ports led", "get_ports lamp");
    const { code, text } = await said(broken);
    assert.equal(code, EXIT.different);
    assert.match(text, /^L15 +.* {2}\d findings?$/m);
    assert.match(text, /^L15 xdc\/pins\.xdc:\d+: lamp is no port of the top level\n {2}-> name a port$/m);
    const json = await said(broken, "--json");
    assert.equal(json.code, EXIT.different);
    const verdicts = JSON.parse(json.text) as { rule: number; findings?: { file: string; line: number }[] }[];
    assert.deepEqual(
      verdicts.map(({ rule }) => rule),
      Array.from({ length: 20 }, (_, i) => i + 1),
    );
    assert.equal(verdicts[14]!.findings![0]!.file, "xdc/pins.xdc");
  });
});
