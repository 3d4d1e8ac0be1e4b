import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { differences, type Reference } from "./compare.testing.js";
import { DSP48E1 } from "./dsp48.js";
import { DSP48_SETS, dsp48Drive } from "./dsp48.testing.js";
import { dsp48e1Of } from "./dsp48e1.js";

const YOSYS = "/usr/share/yosys";
const yosys = (file: string): Reference => ({ files: [`${YOSYS}/${file}`] });

describe("DSP slices: our model in TypeScript equals other models", function () {
  this.timeout(120_000);
  for (const [i, options] of DSP48_SETS.entries())
    it(`DSP48E1 of set ${i} equals the one of Yosys`, async function () {
      if (!existsSync(YOSYS)) this.skip();
      const drive = dsp48Drive(DSP48E1, options);
      assert.deepEqual(await differences(dsp48e1Of(options), yosys("xilinx/cells_sim.v"), drive, 2000), []);
    });
});
