/** Exported projects: same bytes wherever they are made, the designs of cards, and what scripts say when something is missing. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { execa } from "execa";
import { figure } from "../../generator/estimate/device.js";
import { defaultConfig } from "../../generator/isa/config.js";
import { CACHE_PORT } from "../../generator/isa/registers.js";
import { requireTools } from "../../generator/tools/tool.js";
import { type Board, boardOf } from "../boards/index.js";
import { place } from "../fit.js";
import { GOOD, play } from "../lint/play.js";
import { changed, model, POSITIONS, projectOf, vendorBoards, withProject } from "../lint/projects.testing.js";
import { hbmPorts } from "./card.js";
import { exportProject } from "./export.js";
import type { ExportInput, ProjectFiles } from "./input.js";
import { floorplanOf } from "./kernel.js";
import { masterPorts } from "./masters.js";

const inputFor = (board: Board): ExportInput => {
  const clockMHz = board.clockMHz.value!;
  const { config, compiled, fit } = place(
    board,
    model,
    { ...defaultConfig, context: POSITIONS },
    POSITIONS,
    clockMHz,
  );
  const told = { board, name: "mini", model: "random", clockMHz, positions: POSITIONS, forced: false };
  return { ...told, config, compiled, fit, tokenizer: new Map() };
};

describe("exported projects", () => {
  let folder = "";
  before(() => {
    folder = mkdtempSync(path.join(realpathSync(tmpdir()), "gateloom ü-"));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  for (const board of vendorBoards)
    it(`${board.name}: the same bytes in another folder, the manifest has the sha256 of each file`, () => {
      const home = process.cwd();
      process.chdir(folder);
      try {
        const there = exportProject(inputFor(board));
        const here = projectOf(board.name);
        assert.deepEqual([...there.keys()], [...here.keys()]);
        for (const [file, content] of there)
          assert.ok(Buffer.from(content).equals(Buffer.from(here.get(file)!)), file);
        const { files } = JSON.parse(there.get("manifest.json")!.toString());
        const others = [...there].filter(([file]) => file !== "manifest.json");
        assert.deepEqual(
          files,
          Object.fromEntries(
            others.map(([file, content]) => [file, createHash("sha256").update(content).digest("hex")]),
          ),
        );
      } finally {
        process.chdir(home);
      }
    });

  for (const board of vendorBoards)
    it(`${board.name}: README names the commands, figures and files that are there`, () => {
      const files = projectOf(board.name);
      const readme = files.get("README.md")!.toString();
      for (const [, script] of readme.matchAll(/(?:bash |-source )(\S+)/g))
        assert.ok(files.has(script!), `${script} is not there`);
      for (const [, name] of readme.matchAll(/^\| `([^`]+)` \|/gm))
        for (const one of name!.split(", "))
          assert.ok(
            [...files.keys()].some((f) => f === one || f.startsWith(one)),
            `${one} is not there`,
          );
      for (const word of ["tokens/s", "LUT", `${board.clockMHz.value} MHz`, "## Run", "never in Vivado"])
        assert.ok(readme.includes(word), word);
    });

  it("masters over HBM ports: each once, the two ports that clock their stacks among them", () => {
    for (const masters of [1, 2, 4, 8, 16, 32]) {
      const ports = hbmPorts(masterPorts({ masters, dataBits: 512 }));
      const pins = ports.flatMap((p) => p.masters.map(({ pin }) => pin)).sort();
      const names = [...masterPorts({ masters, dataBits: 512 }).map((n) => `core/${n}`), "pcie/M_AXI"];
      assert.deepEqual(pins, names.sort());
      assert.equal(new Set(ports.map(({ index }) => index)).size, ports.length);
      for (const clocking of ["00", "16"]) assert.ok(ports.some(({ index }) => index === clocking));
      for (const port of ports) {
        assert.ok(Number(port.index) < 32 && port.count === port.masters.length);
        assert.equal(
          port.host,
          port.masters.some(({ pin }) => pin === "pcie/M_AXI"),
        );
      }
      assert.ok(ports.some((p) => p.host && p.masters.some(({ pin }) => pin === `core/${CACHE_PORT}`)));
    }
  });

  it("floorplan: the core where one region holds it, else what talks to memory", () => {
    const input = inputFor(boardOf("u55c")!);
    assert.match(floorplanOf(input, "a"), /: the core stays[\s\S]*=~ \*u_gateloom\/\*/);
    const small = { ...input.board, device: { ...input.board.device, lut: figure(9000, "test") } };
    assert.match(floorplanOf({ ...input, board: small }, "a"), /=~ \*u_gateloom\/u_memory\/\*/);
  });
});

describe("exported scripts", () => {
  before(() => requireTools(["tclsh"], "the suite plays Tcl"));

  /** How a script ends in a scenario, and what it prints. */
  const plays = (files: ProjectFiles, script: string, change: Partial<typeof GOOD>) =>
    withProject(files, async (project) => {
      const [only] = await play(project, [{ ...GOOD, only: script, ...change }]);
      return only!;
    });

  it("another Vivado: a warning that names both versions, and the script goes on", async () => {
    const { failed, printed } = await plays(projectOf("kv260"), "scripts/zynq.tcl", { version: "2023.1" });
    assert.equal(failed, false);
    assert.deepEqual(
      printed.filter((line) => line.startsWith("WARNING")),
      ["WARNING: this project was written for Vivado 2024.2 and is now run with 2023.1"],
    );
  });

  it("missing board files: where they are; a warning where the part will do", async () => {
    const without = { boardFiles: 0 } as const;
    const zynq = await plays(projectOf("pynq-z2"), "scripts/zynq.tcl", without);
    assert.match(zynq.text, /tul\.com\.tw:pynq-z2:part0:1\.0 are missing .*xhub::install \[xhub::get_xitems/);
    for (const script of ["project", "nonproject"]) {
      const card = await plays(projectOf("u280"), `scripts/${script}.tcl`, without);
      assert.ok(card.failed);
      assert.match(card.text, /Put them into the folder board_files; .*open-nic-shell/);
    }
    const arty = await plays(projectOf("arty-a7-100"), "scripts/project.tcl", without);
    assert.equal(arty.failed, false);
    assert.match(arty.printed.join("\n"), /WARNING: board files of .* going on with the part alone/);
  });

  it("V80: without AVED, how to get it; an AVED of other cells is refused", async () => {
    const script = "scripts/project.tcl";
    const missing = await plays(projectOf("v80"), script, { present: "build/ip/component.xml" });
    assert.match(missing.text, /git clone --depth 1 https:\/\/github\.com\/Xilinx\/AVED board_files\/AVED/);
    const other = changed(projectOf("v80"), script, "axi_noc_cips clock_reset", "axi_noc_cips clock_tree");
    assert.match((await plays(other, script, {})).text, /this AVED has no cell clock_tree/);
  });

  it("a setting that the IP has not stops the design; one that it changes is said", async () => {
    const gone = await plays(projectOf("u280"), "scripts/project.tcl", { absent: "list_property" });
    assert.match(gone.text, /pcie has no setting PCIE_BOARD_INTERFACE/);
    const files = changed(
      projectOf("u280"),
      "scripts/blocks.tcl",
      "set got [get_property $name $cell]",
      "set got 7",
    );
    const changedBy = await plays(files, "scripts/project.tcl", {});
    assert.equal(changedBy.failed, false);
    assert.match(changedBy.printed.join("\n"), /WARNING: hbm: CONFIG\.USER_HBM_DENSITY is 7, not 8GB/);
  });

  for (const name of ["u280", "v80"])
    it(`${name}: build-vivado.sh and make vivado stop without tools, at failures, at what is not written`, () =>
      withProject(projectOf(name), async ({ folder }) => {
        const tools = path.join(folder, "tools");
        mkdirSync(tools);
        const run = (file: string, ...args: readonly string[]) =>
          execa(file, args, {
            ...{ cwd: folder, all: true, reject: false, extendEnv: false },
            env: { PATH: `${tools}:/usr/bin:/bin` },
          });
        const nothing = await run("bash", "build-vivado.sh");
        assert.match(nothing.all!, /vivado is not on PATH: source settings64\.sh/);
        assert.equal(nothing.exitCode, 1);
        const product = name === "u280" ? "mini.bit" : "mini.pdi";
        const fake = (body: string): void => {
          writeFileSync(path.join(tools, "vivado"), `#!/bin/sh\n${body}\n`);
          chmodSync(path.join(tools, "vivado"), 0o755);
        };
        fake("exit 1");
        assert.notEqual((await run("bash", "build-vivado.sh")).exitCode, 0);
        assert.notEqual((await run("make", "vivado")).exitCode, 0);
        fake("exit 0");
        assert.match((await run("bash", "build-vivado.sh")).all!, /build\/\S+ was not written/);
        assert.notEqual((await run("make", "vivado")).exitCode, 0);
        fake(
          `mkdir -p build/ip; for f in ip/component.xml mini.xo ${product}; do echo made > build/$f; done`,
        );
        const good = await run("bash", "build-vivado.sh");
        assert.equal(good.exitCode, 0, good.all);
        assert.match(good.all!, new RegExp(`done: build/${product}`));
        assert.equal((await run("make", "vivado")).exitCode, 0);
      }));
});
