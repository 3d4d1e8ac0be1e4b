/** The open flow: what the project says, and how a run ends when tools fail, lie or are missing. */
import assert from "node:assert/strict";
import { execa } from "execa";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { compile } from "../../generator/compile/compile.js";
import { defaultConfig } from "../../generator/isa/config.js";
import { randomModel } from "../../golden/model/random.js";
import { imageWords } from "../../generator/compile/words.js";
import { boardOf } from "../boards/index.js";
import { placeMicro } from "../micro/fit.js";
import { microProject } from "../micro/project.js";
import { baudFor } from "../standalone.js";
import { openProject, type OpenProject } from "./project.js";
import { pllDividers } from "./pll.js";
import { readReport } from "./report.js";
import { buildOpen, commandsOf, routeAndPack } from "./run.js";

const SHAPE = { dim: 32, hidden: 32, layers: 1, heads: 1, kvHeads: 1, headDim: 32, vocab: 32, context: 64 };
const REPORT = JSON.stringify({
  fmax: { clk: { achieved: 31.5, constraint: 25 }, slow: { achieved: 12.5, constraint: 10 } },
  utilization: { TRELLIS_COMB: { available: 83640, used: 20617 }, JTAGG: { available: 1, used: 0 } },
  critical_paths: [],
});

/** The micro machine of the iCEBreaker. */
const micro = (clockMHz: number): OpenProject => {
  const board = boardOf("icebreaker")!;
  const { contents, program, positions } = placeMicro(board, randomModel(SHAPE, 1), SHAPE.context);
  return microProject({
    ...{ board, name: "mini", model: "random", contents, words: program.image.words, positions, clockMHz },
    ...{ vocab: SHAPE.vocab, tokenizer: new Map() },
  }).flow;
};

const project = (board: string): OpenProject => {
  if (board === "icebreaker") return micro(boardOf(board)!.clockMHz.value!);
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

  it("a PLL makes another clock than the oscillator's; what it cannot make is refused", () => {
    const compiled = compile(randomModel(SHAPE, 1), defaultConfig);
    const at = (board: string, clockMHz: number) =>
      openProject(boardOf(board)!, defaultConfig, compiled, imageWords(compiled), clockMHz);
    const top = at("ulx3s", 37.5).files.get("rtl/top.v")!;
    for (const divider of ["CLKI_DIV(2)", "CLKFB_DIV(3)", "CLKOP_DIV(16)"])
      assert.ok(top.includes(divider), divider);
    assert.doesNotMatch(at("ulx3s", 25).files.get("rtl/top.v")!, /EHXPLLL/);
    assert.match(at("ulx3s", 37.5).files.get("pins.lpf")!, /"clk" 25 MHZ/);
    assert.throws(() => at("ulx3s", 33.3), /33.3 MHz cannot be made of the oscillator's 25 MHz/);
    assert.throws(
      () => micro(20),
      /cannot make 20 MHz of 12 MHz; it can make, for example, 19.5, 19.875, 20.25, 20.625 MHz/,
    );
  });

  it("dividers: the output is what is asked, everything within the PLL's limits", () => {
    for (const [input, output] of [
      [25, 40],
      [25, 37.5],
      [25, 31.25],
      [25, 200],
      [12, 36],
    ] as const) {
      const d = pllDividers(input, output)!;
      assert.equal((input / d.reference) * d.feedback, output);
      assert.ok(input / d.reference >= 3.125 && d.vcoMHz >= 400 && d.vcoMHz <= 800);
    }
    assert.equal(pllDividers(25, 2), null);
    assert.equal(pllDividers(25, 500), null);
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
          seeds: [],
        },
        {
          what: "pack",
          tool: tool(script("fake-pack", pack)),
          args: [],
          writes: ["build/top.bin"],
          seeds: [],
        },
      ],
      netlist: "build/netlist.json",
      report: "build/report.json",
      bitstream: "build/top.bin",
      clockMHz: 12,
      baud: 1_000_000,
    };
  };
  const ROUTE = `printf '%s' '${REPORT}' > build/report.json`;
  const silent = { begin: () => {}, say: () => {}, end: () => {} };

  it("runs Yosys, then each tool in order, in the folder", async () => {
    const [into, order, said] = [folder(), [] as string[], [] as string[]];
    const routed = await buildOpen(
      tiny(`echo 'Info: placing'; ${ROUTE}`, "cp build/netlist.json build/top.bin"),
      into,
      {
        begin: (what) => order.push(what),
        say: (line) => said.push(line),
        end: () => {},
      },
    );
    assert.equal(routed.fmaxMHz, 12.5);
    assert.deepEqual(order, ["synthesis", "place and route", "pack"]);
    assert.deepEqual(said, ["Info: placing"]);
    assert.match(readFileSync(path.join(into, "build/top.bin"), "utf8"), /SB_DFF/);
  });

  /** Without synthesis, whose start takes seconds. */
  const route = async (project: OpenProject) => {
    const into = folder();
    mkdirSync(path.join(into, "build"));
    return routeAndPack(project, await commandsOf(project), into, silent);
  };

  it("says what a tool says when it fails, and notices a tool that writes nothing", async () => {
    await assert.rejects(
      route(tiny("echo 'Info: placing'; echo 'ERROR: Unable to place cell' >&2; exit 1", ":")),
      /^ToolError: fake-route failed:\nERROR: Unable to place cell$/,
    );
    await assert.rejects(route(tiny(ROUTE, ":")), /fake-pack ended well but did not write build\/top.bin/);
  });

  it("a missed clock is a failure, whatever the tool's exit code", async () => {
    const slow = REPORT.replace('"achieved":12.5', '"achieved":9.5');
    for (const code of [0, 1])
      await assert.rejects(
        route(tiny(`printf '%s' '${slow}' > build/report.json; exit ${code}`, ":")),
        /^ToolError: timing is missed: the routed design reaches 9.5 MHz, 10.0 MHz are asked/,
      );
  });

  it("where timing is missed, the next seed is tried; the script keeps the one that met it", async () => {
    const slow = REPORT.replace('"achieved":12.5', '"achieved":9.5');
    const before = tiny(
      `if [ "$2" = 7 ]; then printf '%s' '${REPORT}'; else printf '%s' '${slow}'; fi > build/report.json`,
      "echo bits > build/top.bin",
    );
    const [first, ...others] = before.steps;
    const args = ["--seed", "5", "--else", "5"];
    const routed = { ...first!, args, seeds: [5, 6, 7, 8] };
    const began: string[] = [];
    const into = folder();
    mkdirSync(path.join(into, "build"));
    writeFileSync(path.join(into, "build.sh"), `fake-route ${args.join(" ")}\n`);
    const project = { ...before, steps: [routed, ...others] };
    await routeAndPack(project, await commandsOf(project), into, {
      ...silent,
      begin: (what) => began.push(what),
    });
    assert.deepEqual(began, [
      "place and route",
      "place and route, seed 6",
      "place and route, seed 7",
      "pack",
    ]);
    assert.equal(readFileSync(path.join(into, "build.sh"), "utf8"), "fake-route --seed 7 --else 5\n");
  });

  it("a missing tool is found before anything runs, and how to install it is said", async () => {
    const before = tiny(ROUTE, ":");
    const steps = [{ ...before.steps[0]!, tool: { names: ["no-such-route"], install: "pip install it" } }];
    const began: string[] = [];
    await assert.rejects(
      buildOpen({ ...before, steps }, folder(), { ...silent, begin: (w) => began.push(w) }),
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
