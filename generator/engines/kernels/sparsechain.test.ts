import { defaultConfig } from "../../isa/config.js";
import { checkKernel, checkRate } from "../kernel.testing.js";
import { checkKernelInTools } from "../kernel.tools.testing.js";
import { sparseChainKernel } from "./sparsechain.js";

const config = (rows: number, tokens: number) => ({ ...defaultConfig, rows, tokens });

describe("sparse DSP chain as a kernel", () => {
  for (const family of sparseChainKernel.families) {
    // odd rows, pairs of tokens with and without a single one at the end
    for (const [rows, tokens] of [
      [1, 2],
      [3, 1],
      [2, 4],
    ] as const)
      it(`${family}: ${rows} row(s), ${tokens} token(s)`, () =>
        checkKernel(sparseChainKernel, family, config(rows, tokens), 80));
    it(`${family}: Verilog is clean and exact in Icarus and Verilator`, () =>
      checkKernelInTools(sparseChainKernel, family, config(2, 1)));
  }
  for (const code of sparseChainKernel.codes)
    it(`${code} at its stated rate`, () => checkRate(sparseChainKernel, "fabric", defaultConfig, code));
});
