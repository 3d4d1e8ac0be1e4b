import { defaultConfig } from "../isa/config.js";
import { checkKernel, checkRate } from "./kernel.testing.js";
import { KERNELS } from "./kernels.js";

describe("engines: every kernel gives exact group sums", () => {
  for (const kernel of KERNELS) {
    for (const family of kernel.families) {
      it(`${kernel.name} for ${family}`, () => {
        checkKernel(kernel, family, { ...defaultConfig, rows: 2, tokens: 1 });
        checkKernel(kernel, family, { ...defaultConfig, rows: 3, tokens: 1 }, 100);
        checkKernel(kernel, family, { ...defaultConfig, rows: 4, tokens: 2 }, 100);
      });
    }
    for (const code of kernel.codes)
      it(`${kernel.name} takes ${code} beats at its stated rate`, () =>
        checkRate(kernel, kernel.families[0]!, defaultConfig, code));
  }
});
