/** Exported projects pass every rule; and every rule finds what it is there for. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { generate, IntegerState } from "../../golden/model/integer.js";
import { requireTools } from "../../generator/tools/tool.js";
import type { ProjectFiles } from "../export/input.js";
import { execute, PROMPT, TOTAL } from "./execution.js";
import { lintProject, RULES } from "./lint.js";
import { packageOf } from "./packaged.js";
import { readProject } from "./project.js";
import {
  changed,
  model,
  openBoards,
  projectOf,
  saidBy,
  vendorBoards,
  withProject,
  without,
} from "./projects.testing.js";
import { topOf } from "./verilog.js";

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

/** With its new checksum in the manifest: a fault that is in the exporter, not a change behind its back. */
const listed = (files: ProjectFiles, file: string): ProjectFiles =>
  changed(
    files,
    "manifest.json",
    new RegExp(`("${file}": )"\\w+"`),
    `$1"${createHash("sha256").update(files.get(file)!).digest("hex")}"`,
  );

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
    ...{ rule: 4, board: "arty-a7-100", change: "a word of the model is another" },
    of: (files) => {
      const words = files.get("rtl/memory_ram_0.mem")!.toString();
      return new Map([
        ...files,
        ["rtl/memory_ram_0.mem", words.replace(/^./, (d) => (d === "0" ? "1" : "0"))],
      ]);
    },
    says: /rtl\/memory_ram_0\.mem: is not what was exported/,
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
    of: swap("rtl/mini.v", "// Outermost", "// 2026-01-02 10:20 Outermost"),
    says: /rtl\/mini\.v:1: names a time/,
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
  {
    ...{ rule: 8, board: "kv260", change: "the block design takes a core of another name" },
    of: swap("scripts/zynq.tcl", "gateloom:user:mini:1.0", "gateloom:user:large:1.0"),
    says: /gateloom:user:large:1\.0 is not what is packaged, which is gateloom:user:mini:1\.0/,
  },
  {
    ...{ rule: 8, board: "u280", change: "no kernel for v++" },
    of: swap("scripts/package.tcl", "set_property sdx_kernel true $core\n", ""),
    says: /sdx_kernel is not true/,
  },
  {
    ...{ rule: 8, board: "u55c", change: "a pointer without its master" },
    of: swap("scripts/package.tcl", "set_property value m_axi_cache $p", "set_property value m_axi_cashe $p"),
    says: /register cache_0: points to m_axi_cashe, which is no master/,
  },
  {
    ...{ rule: 8, board: "v80", change: "no memory map behind the slave" },
    of: swap("scripts/package.tcl", /set_property slave_memory_map_ref.*\n/, ""),
    says: /s_axi_control has no memory map/,
  },
  {
    ...{ rule: 9, board: "v80", change: "a logical name is misspelt" },
    of: swap("rtl/mini.v", "m_axi_gmem0 RDATA", "m_axi_gmem0 RDATTA"),
    says: /rtl\/mini\.v:\d+: m_axi_gmem0: RDATTA is no signal of AXI/,
  },
  {
    ...{ rule: 9, board: "kv260", change: "a port goes the wrong way" },
    of: swap("rtl/mini.v", "output wire [7:0] m_axi_gmem0_arlen", "input  wire [7:0] m_axi_gmem0_arlen"),
    says: /m_axi_gmem0_arlen is no output/,
  },
  {
    ...{ rule: 9, board: "kv260", change: "strobes of another width" },
    of: swap("rtl/mini.v", /\[15:0\] m_axi_cache_wstrb/, "[7:0] m_axi_cache_wstrb"),
    says: /m_axi_cache_wstrb has 8 bits, not 16/,
  },
  {
    ...{ rule: 9, board: "u280", change: "a signal of the group is missing" },
    of: swap("rtl/mini.v", /.*m_axi_gmem0 AWBURST.*\n.*awburst,\n/, ""),
    says: /m_axi_gmem0: AWBURST is missing/,
  },
  {
    ...{ rule: 9, board: "kv260", change: "a port that is declared otherwise than the rest" },
    of: swap("rtl/mini.v", "  input  wire ap_clk,", "  input  wire ap_clk, input wire extra,"),
    says: /port extra is declared where nobody finds it/,
  },
  {
    ...{ rule: 10, board: "u55c", change: "the header has another offset" },
    of: swap("host/gateloom_registers.h", /(#define GATELOOM_TOTAL) 0x\w+u/, "$1 0x020u"),
    says: /gateloom_registers\.h: register total: 0x20, 32 bits; scripts\/package\.tcl has/,
  },
  {
    ...{ rule: 10, board: "kv260", change: "Python has another constant" },
    of: swap("host/gateloom_registers.py", /"lanes": 0x\w+/, '"lanes": 0x00000041'),
    says: /gateloom_registers\.py: constant LANES is 0x41/,
  },
  {
    ...{ rule: 10, board: "kv260", change: "the document has a field in another place" },
    of: swap("docs/registers.md", "`status.fault` | bit 3", "`status.fault` | bit 5"),
    says: /registers\.md: field STATUS_FAULT is 0x20; host\/gateloom_registers\.h has 0x8/,
  },
  {
    ...{ rule: 10, board: "v80", change: "the document leaves out a register" },
    of: swap("docs/registers.md", /.*`epsilonSum`.*\n/, ""),
    says: /registers\.md: register epsilonSum is missing/,
  },
  {
    ...{ rule: 10, board: "zcu102", change: "the Verilog decodes another offset, all texts agree" },
    of: swap("rtl/axi_control.v", /12'd21(: \w+ = timeout;)/, "12'd22$1"),
    says: /mini\.v: timeout after it was written \(0x54\) reads as 0x0/,
  },
  {
    ...{ rule: 10, board: "pynq-z2", change: "two registers in one place of the Verilog" },
    of: swap("rtl/axi_control.v", /= sinks_2;/, "= window_2;"),
    says: /mini\.v: sinks after it was written/,
  },
  {
    ...{ rule: 11, board: "u280", change: "two registers overlap" },
    of: swap("scripts/package.tcl", /(add_register \$block total) 0x\w+/, "$1 0x028"),
    says: /total at 0x28 overlaps/,
  },
  {
    ...{ rule: 11, board: "v80", change: "the range is too small" },
    of: swap("scripts/package.tcl", /set_property range \d+/, "set_property range 2048"),
    says: /s_axi_control_awaddr has 14 bits, the range of 2048 bytes needs 11/,
  },
  {
    ...{ rule: 11, board: "zcu104", change: "the block design maps less than there is" },
    of: swap("scripts/zynq.tcl", "-range 16K", "-range 4K"),
    says: /zynq\.tcl:\d+: the block design gives it 4096 bytes, not 16384/,
  },
  {
    ...{ rule: 12, board: "u55c", change: "a port without an interface" },
    of: swap("rtl/mini.v", /.*interrupt INTERRUPT.*\n/, ""),
    says: /port interrupt belongs to no interface/,
  },
  {
    ...{ rule: 12, board: "u55c", change: "a port without a clock" },
    of: swap("rtl/mini.v", "ASSOCIATED_BUSIF s_axi_control:m_axi_cache:", "ASSOCIATED_BUSIF s_axi_control:"),
    says: /no clock is associated with m_axi_cache/,
  },
  {
    ...{ rule: 12, board: "kv260", change: "a reset of the wrong polarity" },
    of: swap("rtl/mini.v", "POLARITY ACTIVE_LOW", "POLARITY ACTIVE_HIGH"),
    says: /ap_rst_n: polarity missing or against its name/,
  },
  {
    ...{ rule: 12, board: "zcu102", change: "a memory port without a clock" },
    of: swap("scripts/zynq.tcl", " [get_bd_pins ps/saxihp1_fpd_aclk]", ""),
    says: /ps\/S_AXI_HP1_FPD has no clock/,
  },
  {
    ...{ rule: 12, board: "pynq-z2", change: "a slot too few" },
    of: swap("scripts/zynq.tcl", "CONFIG.NUM_SI { 1 }", "CONFIG.NUM_SI { 2 }"),
    says: /memory0 has NUM_SI 2, but 1 are connected/,
  },
  {
    ...{ rule: 12, board: "kv260", change: "an open interrupt" },
    of: swap("scripts/zynq.tcl", /connect_bd_net \[get_bd_pins core\/interrupt\].*\n/, ""),
    says: /core\/interrupt is left open/,
  },
  {
    ...{ rule: 13, board: "kv260", change: "bursts that wrap" },
    of: swap("rtl/axi_read_128b16x8.v", "axi_arburst = 2'd1", "axi_arburst = 2'd2"),
    says: /m_axi_gmem0: read of \d+ words at 0x\w+: not INCR/,
  },
  {
    ...{ rule: 13, board: "u280", change: "the high half of the address is lost" },
    of: swap(
      "rtl/axi_read_128b16x8.v",
      /assign axi_araddr = (\w+);/,
      "assign axi_araddr = {32'd0, $1[31:0]};",
    ),
    says: /the high half of the pointer is lost/,
  },
  {
    ...{ rule: 13, board: "v80", change: "an address of 40 bits" },
    of: swap("rtl/mini.v", "wire [63:0] m_axi_gmem0_araddr", "wire [39:0] m_axi_gmem0_araddr"),
    says: /m_axi_gmem0_araddr has 40 bits/,
  },
  {
    ...{ rule: 14, board: "u280", change: "a bank that the card has not" },
    of: swap("link.cfg", "m_axi_cache:HBM[0:31]", "m_axi_cache:HBM[0:32]"),
    says: /link\.cfg:\d+: .*banks are 0 to 31/,
  },
  {
    ...{ rule: 14, board: "u55c", change: "a port without memory" },
    of: swap("link.cfg", /sp=.*m_axi_cache.*\n/, ""),
    says: /0 sp= lines for m_axi_cache/,
  },
  {
    ...{ rule: 14, board: "u55c", change: "an image larger than its banks" },
    of: swap("host/model.json", /"channelBytes": \d+/, '"channelBytes": 99999999999'),
    says: /a channel has 99999999999 bytes/,
  },
  {
    ...{ rule: 14, board: "u280", change: "a region that the device has not" },
    of: swap("link.cfg", "mini_1:SLR0", "mini_1:SLR3"),
    says: /slr=mini_1:SLR3: no such unit or region/,
  },
  {
    ...{ rule: 15, board: "arty-a7-100", change: "a port that is not there" },
    of: swap("xdc/pins.xdc", "get_ports led", "get_ports lamp"),
    says: /pins\.xdc:\d+: lamp is no port/,
  },
  {
    ...{ rule: 15, board: "arty-a7-100", change: "a pin twice" },
    of: swap("xdc/pins.xdc", "PACKAGE_PIN H5", "PACKAGE_PIN E3"),
    says: /pin E3 is used twice/,
  },
  {
    ...{ rule: 15, board: "arty-a7-100", change: "no standard" },
    of: swap("xdc/pins.xdc", "PACKAGE_PIN H5 IOSTANDARD LVCMOS33", "PACKAGE_PIN H5"),
    says: /led has no IOSTANDARD/,
  },
  {
    ...{ rule: 15, board: "kv260", change: "a clock of another period" },
    of: swap("xdc/ooc.xdc", "-period 5.000", "-period 10.000"),
    says: /a period of 10 ns is not 200 MHz/,
  },
  {
    ...{ rule: 15, board: "u280", change: "a program" },
    of: swap("xdc/ooc.xdc", "create_clock", "foreach p {ap_clk} {}\ncreate_clock"),
    says: /ooc\.xdc:\d+: foreach: an \.xdc file is no Tcl script/,
  },
  {
    ...{ rule: 15, board: "u280", change: "cells that nothing is called" },
    of: swap("xdc/floorplan.xdc", "*u_gateloom/*", "*u_gatelom/*"),
    says: /nothing is called u_gatelom/,
  },
  {
    ...{ rule: 16, board: "v80", change: "a latch" },
    of: swap("rtl/status.v", "endmodule", "  reg latch;\n  always @* if (clk) latch = rst;\nendmodule"),
    says: /verilator: .*latch/i,
  },
  {
    ...{ rule: 16, board: "v80", change: "a constant output driven twice" },
    of: swap("rtl/mini.v", "endmodule", "  assign m_axi_gmem0_awvalid = 1'b1;\nendmodule"),
    says: /rtl\/mini\.v:\d+: m_axi_gmem0_awvalid is assigned twice/,
  },
  {
    ...{ rule: 18, board: "arty-a7-100", change: "a word too wide" },
    of: swap("rtl/memory_ram_3.mem", /^\w\n/, "1f\n"),
    says: /memory_ram_3\.mem:1: 1f has more than 4 bits/,
  },
  {
    ...{ rule: 18, board: "arty-a7-100", change: "no contents" },
    of: drop("rtl/memory_ram_5.mem"),
    says: /loads memory_ram_5\.mem, which is not there/,
  },
  {
    ...{ rule: 18, board: "arty-a7-100", change: "an unknown word" },
    of: swap("rtl/memory_ram_0.mem", /^\w\n/, "x\n"),
    says: /memory_ram_0\.mem:1: 'x' is no hexadecimal word/,
  },
  {
    ...{ rule: 18, board: "arty-a7-100", change: "more words than the memory has" },
    of: (files) => changed(files, "rtl/memory_ram_1.mem", /^/, "0\n".repeat(70000)),
    says: /memory_ram_1\.mem:\d+: \d+ words for a memory of \d+/,
  },
  {
    ...{ rule: 19, board: "u280", change: "the shell goes on behind a failure" },
    of: swap("build.sh", "set -euo pipefail\n", ""),
    says: /build\.sh: ends well though vivado fails/,
  },
  {
    ...{ rule: 19, board: "u55c", change: "nobody looks for the product, an older one would do" },
    of: swap("build.sh", /rm -f .*\n/, ""),
    says: /build\.sh: ends well though v\+\+ writes nothing and an older product lies there/,
  },
  {
    ...{ rule: 19, board: "arty-a7-100", change: "make forgives" },
    of: (files) =>
      changed(changed(files, "Makefile", "\tvivado", "\t-vivado"), "Makefile", "\ttest -s $@\n", ""),
    says: /Makefile: ends well though vivado fails/,
  },
  {
    ...{ rule: 19, board: "arty-a7-100", change: "build.bat does not look at an exit code" },
    of: swap("build.bat", "if errorlevel 1 exit /b 1\r\n", ""),
    says: /build\.bat:\d+: nobody looks at its exit code/,
  },
  {
    ...{ rule: 4, board: "ulx3s", change: "build.sh does not read a source" },
    of: swap("build.sh", " softmax.v", ""),
    says: /rtl\/softmax\.v: no script uses it/,
  },
  {
    ...{ rule: 15, board: "ulx3s", change: "a pin twice" },
    of: swap("pins.lpf", 'SITE "L4"', 'SITE "M1"'),
    says: /pins\.lpf:\d+: pin M1 is used twice/,
  },
  {
    ...{ rule: 15, board: "icebreaker", change: "a port that is not there" },
    of: swap("pins.pcf", "set_io led", "set_io lamp"),
    says: /pins\.pcf:\d+: lamp is no port/,
  },
  {
    ...{ rule: 15, board: "icebreaker", change: "a clock that the oscillator has not" },
    of: swap("pins.pcf", "set_frequency clk 12", "set_frequency clk 48"),
    says: /pins\.pcf:\d+: the clock at the pin is 48 MHz on clk, the oscillator has 12 MHz/,
  },
  {
    ...{ rule: 19, board: "ulx3s", change: "the shell goes on behind a failure" },
    of: swap("build.sh", "set -euo pipefail\n", ""),
    says: /build\.sh: ends well though yosys fails/,
  },
  {
    ...{ rule: 20, board: "kv260", change: "a file that no list has" },
    of: swap("manifest.json", /\n *"host\/image\.bin": "\w+",/, ""),
    says: /host\/image\.bin: one bit of it can change unnoticed/,
  },
  {
    ...{ rule: 20, board: "u280", change: "an image that the host's description does not fit" },
    of: (files) => {
      const image = Buffer.from(files.get("host/image.bin")!);
      image[100]! ^= 1;
      return new Map([...files, ["host/image.bin", image]]);
    },
    says: /host\/image\.bin: is not the file that host\/model\.json describes/,
  },
  {
    ...{ rule: 20, board: "kv260", change: "what is read is not used" },
    of: (files) =>
      listed(
        changed(files, "rtl/mini.v", ".m_axi_gmem0_rdata(m_axi_gmem0_rdata)", ".m_axi_gmem0_rdata(128'd0)"),
        "rtl/mini.v",
      ),
    says: /host\/image\.bin: weights that are read may be inverted/,
  },
];

describe("project lint", () => {
  before(() =>
    requireTools(["tclsh", "iverilog", "vvp", "verilator", "yosys", "make"], "the suite runs every rule"),
  );

  for (const { name } of [...vendorBoards, ...openBoards])
    it(`${name}: no findings, nothing left out`, () =>
      withProject(projectOf(name), async (project) => {
        for (const { rule, outcome } of await lintProject(project, false)) {
          const what = `L${rule.number} ${JSON.stringify(outcome)}`;
          if (outcome.kind === "checked") assert.deepEqual(outcome.findings, [], what);
          else assert.notEqual(outcome.kind, "notRun", what);
        }
      }));

  /** Those that compile, simulate or synthesise take their time: not every board here. */
  const DEEP: readonly (readonly [rule: number, boards: readonly string[]])[] = [
    [13, ["pynq-z2"]],
    [16, ["v80", "arty-a7-100"]],
    [20, ["pynq-z2"]],
  ];
  for (const [number, boards] of DEEP)
    for (const board of boards)
      it(`L${number}, deep: ${board}: no findings`, async () =>
        assert.deepEqual(await saidBy(RULES[number - 1]!, projectOf(board)), []));

  for (const { rule, board, change, of, says } of MUTANTS)
    it(`L${rule} finds: ${board}, ${change}`, async () => {
      const found = await saidBy(RULES[rule - 1]!, of(projectOf(board)));
      assert.ok(
        found.some((line) => says.test(line)),
        `${says} in:\n${found.join("\n")}`,
      );
    });

  it("L17 finds: an engine that is not all there", async () => {
    // The board's own core takes Yosys a minute or two (gateloom lint --deep); here twelve multipliers stand for it.
    const core = [
      "module accelerator (input wire clk, input wire [15:0] a, input wire [191:0] b, output reg [383:0] p);",
      "  integer i; always @(posedge clk) for (i = 0; i < 12; i = i + 1) p[32*i +: 32] <= a * b[16*i +: 16];",
      "endmodule\n",
    ].join("\n");
    const manifest = JSON.parse(projectOf("kv260").get("manifest.json")!.toString()) as object;
    const said = (needs: number): Promise<string[]> =>
      saidBy(
        RULES[16]!,
        new Map([
          ["manifest.json", JSON.stringify({ ...manifest, fit: { lines: [{ what: "DSP", needs }] } })],
          ["rtl/accelerator.v", core],
        ]),
      );
    assert.deepEqual(await said(12), []);
    assert.match((await said(40)).join(), /DSP: Yosys counts 12, the estimate is 40/);
  });

  it("the exported folder by itself runs to golden's tokens: its Verilog, its image, its program", () =>
    withProject(projectOf("pynq-z2"), async (project) => {
      const run = await execute(project, topOf(project)!, (await packageOf(project))!);
      assert.ok(run.kind === "ran" && run.seen.ended && run.seen.faults.length === 0);
      const wanted = generate(new IntegerState(model), PROMPT, TOTAL);
      const [, ...window] = run.seen.reads.map(({ value }) => value);
      assert.deepEqual(window, wanted);
    }));

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
