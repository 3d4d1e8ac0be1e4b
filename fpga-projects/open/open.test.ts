/** The open flow: what the project says, and how a run ends when tools fail, lie or are missing. */
import assert from "node:assert/strict";
import { execa } from "execa";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { compile } from "../../generator/compile/compile.js";
import { defaultConfig } from "../../generator/isa/config.js";
import { randomModel } from "../../golden/model/random.js";
import { imageWords } from "../../generator/compile/words.js";
import { boardOf } from "../boards/index.js";
import { baudFor } from "../standalone.js";
import { openProject, type OpenProject } from "./project.js";
import { readReport } from "./report.js";
import { buildOpen } from "./run.js";

const SHAPE = { dim: 32, hidden: 32, layers: 1, heads: 1, kvHeads: 1, headDim: 32, vocab: 32, context: 64 };
const REPORT = JSON.stringify({
  fmax: { clk: { achieved: 31.5, constraint: 25 }, slow: { achieved: 12.5, constraint: 10 } },
  utilization: { TRELLIS_COMB: { available: 83640, used: 20617 }, JTAGG: { available: 1, used: 0 } },
  critical_paths: [],
});

const project = (board: string): OpenProject => {
  const compiled = compile(randomModel(SHAPE, 1), defaultConfig);
  return openProject(boardOf(board)!, defaultConfig, compiled, imageWords(compiled));
};

describe("open flow", () => {
  const folders: string[] = [];
  const folder = (): string => {
    folders.push(mkdtempSync(path.join(tmpdir(), "gateloom-open-")));
    return folders.at(-1)!;
  };
  const path0 = process.env.PATH;
  afterEach(() => {
    process.env.PATH = path0;
    for (const f of folders.splice(0)) rmSync(f, { recursive: true, force: true });
  });

  it("projects list what they read: every .mem file is there, every pin is a port of the top level", () => {
    for (const board of ["ulx3s", "icebreaker"]) {
      const { files, synthesis } = project(board);
      const text = [...files]
        .filter(([f]) => f.endsWith(".v"))
        .map(([, t]) => t)
        .join("\n");
      for (const [, file] of text.matchAll(/\$readmemh\("([^"]+)"/g))
        assert.ok(files.has(`rtl/${file}`), file);
      for (const [file] of files)
        if (file.endsWith(".v")) assert.ok(synthesis.includes(file.slice("rtl/".length)), file);
      const top = files.get("rtl/top.v")!;
      for (const { port } of boardOf(board)!.pins) assert.match(top, new RegExp(`put +wire ${port}\\b`));
    }
    assert.equal(
      project("ulx3s").files.get("pins.lpf")!.split("\n").slice(0, 4).join("\n"),
      [
        "# Radiona ULX3S-85F (Lattice ECP5): pins and clock, for nextpnr-ecp5.",
        'FREQUENCY PORT "clk" 25 MHZ;',
        'LOCATE COMP "clk" SITE "G2";',
        'IOBUF PORT "clk" IO_TYPE=LVCMOS33;',
      ].join("\n"),
    );
  });

  it("bauds divide the clock well", () => {
    assert.deepEqual([25, 12, 50, 7].map(baudFor), [1_000_000, 1_000_000, 1_000_000, 500_000]);
  });

  it("reports: the clock with the least room, cells in use; anything else is refused", () => {
    const { fmaxMHz, wantedMHz, cells } = readReport(REPORT);
    assert.deepEqual([fmaxMHz, wantedMHz], [12.5, 10]);
    assert.deepEqual(cells, [{ kind: "TRELLIS_COMB", used: 20617, available: 83640 }]);
    assert.throws(() => readReport('{"fmax":{}}'));
    assert.throws(() => readReport('{"fmax":{},"utilization":{}}'), /no clock/);
  });

  /** A project of one flip-flop whose later tools are shell scripts. */
  const tiny = (route: string, pack: string): OpenProject => {
    const bin = folder();
    const script = (name: string, body: string): string => {
      writeFileSync(path.join(bin, name), `#!/bin/sh\n[ "$1" = --help ] && exit 0\n${body}\n`, {
        mode: 0o755,
      });
      return name;
    };
    const tool = (name: string) => ({ names: [name], install: `pip install ${name}` });
    process.env.PATH = `${bin}:${path0}`;
    return {
      files: new Map([
        ["rtl/top.v", "module top(input clk, output reg q); always @(posedge clk) q <= ~q; endmodule\n"],
      ]),
      top: "top",
      synthesis: "read_verilog top.v; synth_ice40 -top top -json ../build/netlist.json",
      steps: [
        {
          what: "place and route",
          tool: tool(script("fake-route", route)),
          args: [],
          writes: ["build/report.json"],
        },
        { what: "pack", tool: tool(script("fake-pack", pack)), args: [], writes: ["build/top.bin"] },
      ],
      netlist: "build/netlist.json",
      report: "build/report.json",
      bitstream: "build/top.bin",
      clockMHz: 12,
      baud: 1_000_000,
    };
  };
  const ROUTE = `printf '%s' '${REPORT}' > build/report.json`;
  const silent = { begin: () => {}, end: () => {} };

  it("runs Yosys, then each tool in order, in the folder", async () => {
    const [into, order] = [folder(), [] as string[]];
    const routed = await buildOpen(tiny(ROUTE, "cp build/netlist.json build/top.bin"), into, {
      begin: (what) => order.push(what),
      end: () => {},
    });
    assert.equal(routed.fmaxMHz, 12.5);
    assert.deepEqual(order, ["synthesis", "place and route", "pack"]);
    assert.match(readFileSync(path.join(into, "build/top.bin"), "utf8"), /SB_DFF/);
  });

  it("says what a tool says when it fails, and notices a tool that writes nothing", async () => {
    await assert.rejects(
      buildOpen(
        tiny("echo 'Info: placing'; echo 'ERROR: Unable to place cell' >&2; exit 1", ":"),
        folder(),
        silent,
      ),
      /^ToolError: fake-route failed:\nERROR: Unable to place cell$/,
    );
    await assert.rejects(
      buildOpen(tiny(ROUTE, ":"), folder(), silent),
      /fake-pack ended well but did not write build\/top.bin/,
    );
  });

  it("a missing tool is found before anything runs, and how to install it is said", async () => {
    const before = tiny(ROUTE, ":");
    const steps = [{ ...before.steps[0]!, tool: { names: ["no-such-route"], install: "pip install it" } }];
    const began: string[] = [];
    await assert.rejects(
      buildOpen({ ...before, steps }, folder(), { begin: (w) => began.push(w), end: () => {} }),
      /'no-such-route' not found.\n {2}Install: pip install it/,
    );
    assert.deepEqual(began, []);
  });

  it("build.sh stops at a tool that fails and at one that writes nothing", async () => {
    const into = folder();
    const { files } = project("icebreaker");
    writeFileSync(path.join(into, "build.sh"), files.get("build.sh")!);
    const bin = folder();
    const fake = (name: string, body: string): void =>
      writeFileSync(path.join(bin, name), `#!/bin/sh\n${body}\n`, { mode: 0o755 });
    const run = () =>
      execa("bash", ["build.sh"], { cwd: into, reject: false, env: { PATH: `${bin}:${path0}` } });
    await execa("mkdir", ["-p", path.join(into, "rtl")]);
    fake("yosys", "exit 0");
    fake("nextpnr-ice40", "exit 1");
    fake("icepack", "exit 0");
    assert.equal((await run()).exitCode, 1);
    fake("nextpnr-ice40", "exit 0");
    const silentTools = await run();
    assert.deepEqual([silentTools.exitCode, silentTools.stderr], [1, "build/report.json was not written"]);
    fake("nextpnr-ice40", "echo {} > build/report.json");
    fake("icepack", "echo bits > build/top.bin");
    const good = await run();
    assert.deepEqual(
      [good.exitCode, good.stdout.split("\n").at(-1)],
      [0, "build/top.bin is ready. Load it: iceprog build/top.bin"],
    );
  });
});
