import { defaultConfig } from "../../isa/config.js";
import { checkKernelInTools } from "../kernel.tools.testing.js";
import { binary } from "./binary.js";
import { bitSerial } from "./bitserial.js";
import { shiftAdd } from "./shiftadd.js";
import { symmetricTable } from "./symmetrictable.js";
import { ternaryTable } from "./ternarytable.js";
import { tree } from "./tree.js";

describe("engines: fabric kernels in Icarus and Verilator", () => {
  for (const kernel of [tree, symmetricTable, ternaryTable, bitSerial, binary, shiftAdd])
    it(`${kernel.name}, 2 rows`, () =>
      checkKernelInTools(kernel, "fabric", { ...defaultConfig, rows: 2, tokens: 2 }));
});
