import { defaultConfig } from "../../isa/config.js";
import { checkKernelInTools } from "../kernel.tools.testing.js";
import { tree } from "./tree.js";

describe("engines: fabric kernels in Icarus and Verilator", () => {
  for (const kernel of [tree])
    it(`${kernel.name}, 2 rows`, () =>
      checkKernelInTools(kernel, "fabric", { ...defaultConfig, rows: 2, tokens: 2 }));
});
