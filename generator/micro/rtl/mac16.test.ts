import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { differences, type Drive, WARM_UP } from "../../engines/dsp/compare.testing.js";
import { MAC16_TIED, macLower, macPair, macUpper } from "./mac16.js";

const CELLS = "/usr/share/yosys/ice40/cells_sim.v";

describe("SB_MAC16 of the micro machine: our model equals the one of Yosys", function () {
  this.timeout(60_000);
  const tied = Object.fromEntries(Object.entries(MAC16_TIED).map(([pin, value]) => [pin, BigInt(value)]));
  for (const [name, def] of Object.entries({ macPair, macLower, macUpper }))
    it(name, async function () {
      if (!existsSync(CELLS)) this.skip();
      const drive: Drive = (random, cycle) => {
        if (cycle < WARM_UP)
          return { ...tied, OLOADTOP: 1n, OLOADBOT: 1n, OHOLDTOP: 0n, OHOLDBOT: 0n, AHOLD: 0n, BHOLD: 0n };
        const rarely = (): bigint => (random() < 0.15 ? 1n : 0n);
        // Only the lanes load: the multipliers have no register to load.
        const loads = name === "macPair";
        return {
          ...tied,
          OLOADTOP: loads ? rarely() : 0n,
          OLOADBOT: loads ? rarely() : 0n,
        };
      };
      assert.deepEqual(
        await differences(def, { files: [CELLS], args: ["-DNO_ICE40_DEFAULT_ASSIGNMENTS"] }, drive, 2000),
        [],
      );
    });
});
