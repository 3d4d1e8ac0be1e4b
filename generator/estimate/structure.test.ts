/** The cell estimate: rules on small modules, the recorded error against Yosys, and one module counted by Yosys here and now. */
import assert from "node:assert/strict";
import { accelerator } from "../accelerator/accelerator.js";
import {
  bool,
  defineModule,
  delay,
  elaborate,
  emitVerilog,
  Mem,
  mux,
  reg,
  sint,
  uint,
  when,
} from "../hdl/index.js";
import { finish } from "../engines/finish.js";
import { defaultConfig } from "../isa/config.js";
import { NO_CELLS, TARGETS } from "./cells.js";
import { CONFIGURATIONS } from "./configurations.js";
import { COUNTS } from "./counts.js";
import { countsOf, errorsOf, errorTable, KINDS, tolerance } from "./error.js";
import { structureCells } from "./structure.js";
import { Synthesis } from "./synthesis.js";

/** Today's RTL may differ from what was counted by so much before the counts must be made anew. */
const DRIFT = 0.1;

const memory = (width: number, depth: number, rom: boolean) =>
  elaborate(
    defineModule(
      "memory",
      { in: { addr: uint(Math.log2(depth)), data: uint(width), write: bool }, out: { q: uint(width) } },
      ({ addr, data, write }) => {
        const ram = new Mem("ram", uint(width), depth, rom ? { contents: [1, 2, 3], zero: true } : {});
        if (!rom) ram.write(write, addr, data);
        return { q: ram.read(addr) };
      },
    ),
  );

describe("cells by counting", () => {
  it("memories go where Yosys puts them: LUT RAM when small, block RAM when that is cheaper, tables in logic", () => {
    const bram = (width: number, depth: number, rom: boolean, target: (typeof TARGETS)[number]): number =>
      structureCells(memory(width, depth, rom), target).bram;
    assert.equal(bram(16, 16, false, "ecp5"), 0);
    assert.equal(bram(36, 512, false, "ecp5"), 1);
    assert.equal(bram(36, 513 + 511, false, "ecp5"), 2);
    assert.equal(bram(36, 512, false, "xcup"), 0.5);
    assert.equal(bram(16, 256, false, "ice40"), 1);
    assert.equal(bram(15, 256, true, "ecp5"), 1);
    assert.equal(bram(15, 256, true, "xcup"), 0); // a table of six inputs is cheaper
  });

  it("equal registers count once; rows of three become shift registers on Xilinx", () => {
    const twins = elaborate(
      defineModule("twins", { in: { d: uint(8) }, out: { a: uint(8), b: uint(8) } }, ({ d }) => ({
        a: delay(d, 1, "first"),
        b: delay(d, 1, "second"),
      })),
    );
    const row = elaborate(
      defineModule("row", { in: { d: uint(8) }, out: { q: uint(8) } }, ({ d }) => ({ q: delay(d, 4, "d") })),
    );
    assert.equal(structureCells(twins, "ecp5").ff, 8);
    assert.equal(structureCells(row, "xcup").ff, 0);
    assert.equal(structureCells(row, "xcup").lut, 8);
    assert.equal(structureCells(row, "ecp5").ff, 31); // 32 less what optimisation finds in designs at large
  });

  it("products behind one multiplexer share a multiplier on Lattice", () => {
    const either = elaborate(
      defineModule(
        "either",
        { in: { s: bool, a: sint(16), b: sint(16) }, out: { p: sint(32) } },
        ({ s, a, b }) => {
          const p = reg("p", sint(32));
          when(s.or(a.isNeg()), () => p.set(mux(s, a.mul(b), a.mul(a))));
          return { p };
        },
      ),
    );
    assert.equal(structureCells(either, "ecp5").dsp, 1);
    assert.equal(structureCells(either, "xcup").dsp, 2);
  });

  it("the recorded errors are of configurations that exist, and small enough", () => {
    for (const { configuration, target } of COUNTS)
      assert.ok(
        CONFIGURATIONS.some((c) => c.name === configuration && c.targets.includes(target)),
        `${target}: ${configuration}`,
      );
    const counted = TARGETS.filter((target) => countsOf(target).length > 0);
    assert.ok(COUNTS.length >= 5 && counted.length >= 3, `${COUNTS.length} counts`);
    for (const target of counted) {
      for (const kind of KINDS) {
        const { mean, worst } = errorsOf(target)[kind];
        assert.ok(mean <= worst && worst < 0.2, `${target} ${kind}: ${worst}`);
        assert.ok(tolerance(target, kind) >= worst);
      }
    }
    assert.equal(errorTable(COUNTS).split("\n").length, 2 + COUNTS.length + counted.length);
  });

  it("today's demo accelerator is estimated as it was when Yosys counted it", () => {
    const design = elaborate(accelerator(defaultConfig));
    for (const then of COUNTS.filter((c) => c.configuration === CONFIGURATIONS[0]!.name)) {
      const { target } = then;
      const now = structureCells(design, target);
      for (const kind of KINDS) {
        const off = Math.abs(now[kind] - then.estimated[kind]) / Math.max(1, then.estimated[kind]);
        assert.ok(
          off <= DRIFT,
          `${target} ${kind}: ${now[kind]}, recorded ${then.estimated[kind]}; run npm run bench:estimate`,
        );
      }
    }
  });

  it("one unit as Yosys counts it now", async () => {
    const design = elaborate(finish(defaultConfig));
    const synthesis = new Synthesis("ecp5");
    try {
      const counted = await synthesis.count({
        top: design.top,
        files: emitVerilog(design, { sourceComments: false }),
      });
      const estimated = { ...NO_CELLS, ...structureCells(design, "ecp5") };
      assert.equal(estimated.dsp, counted.dsp);
      assert.equal(estimated.bram, counted.bram);
      assert.ok(Math.abs(estimated.ff / counted.ff - 1) < 0.1, `FF ${estimated.ff}, Yosys ${counted.ff}`);
      // A unit of a hundred LUTs is not a design: what is off here evens out there.
      assert.ok(
        Math.abs(estimated.lut / counted.lut - 1) < 0.6,
        `LUT ${estimated.lut}, Yosys ${counted.lut}`,
      );
    } finally {
      synthesis.close();
    }
  });
});
