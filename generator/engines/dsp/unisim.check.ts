/**
 * Dev-only: our DSP48E2 against the vendor's, which Yosys does not ship. Not part of the tests; nothing of the vendor is kept here.
 *
 *   npx tsx generator/engines/dsp/unisim.check.ts PATH/unisims/DSP48E2.v PATH/glbl.v
 *
 * Run against its commit 1c8e05f (2020.1): all 11 sets of options, 5,000 cycles each, equal, no warning of the model.
 * Both files are Apache-2.0, from github.com/Xilinx/XilinxUnisimLibrary (verilog/src).
 */
import { differences } from "./compare.testing.js";
import { DSP48E2 } from "./dsp48.js";
import { DSP48_SETS, dsp48Drive } from "./dsp48.testing.js";
import { dsp48e2Of } from "./dsp48e2.js";

const [slice, glbl] = process.argv.slice(2);
if (slice === undefined || glbl === undefined) throw new Error("give the paths of DSP48E2.v and of glbl.v");
const CYCLES = 5000;
for (const [i, options] of DSP48_SETS.entries()) {
  const reference = { files: [slice, glbl], args: ["-s", "glbl"] };
  const bad = await differences(dsp48e2Of(options), reference, dsp48Drive(DSP48E2, options), CYCLES);
  console.log(`set ${i}: ${bad.length === 0 ? `${CYCLES} cycles equal` : bad.join("\n")}`);
  if (bad.length > 0) process.exitCode = 1;
}
