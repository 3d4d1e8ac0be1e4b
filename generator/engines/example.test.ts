/** The example of README.md is a kernel like any other, and stands there as it is here. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { defaultConfig } from "../isa/config.js";
import { checkKernel, checkRate } from "./kernel.testing.js";
import { checkKernelInTools } from "./kernel.tools.testing.js";
import { indexMux } from "./kernels/example.testing.js";

const here = (file: string): string => readFileSync(new URL(file, import.meta.url), "utf8");

describe("engines: the README's example", () => {
  it("is what is tested here, in under 80 lines", () => {
    const shown = /```ts\n([\s\S]*?)```/.exec(here("README.md"))?.[1];
    assert.equal(shown, here("kernels/example.testing.ts"));
    assert.ok(shown.split("\n").length < 80);
  });
  it("gives exact group sums at its stated rate", () => {
    checkKernel(indexMux, "fabric", { ...defaultConfig, rows: 2, tokens: 1 });
    checkKernel(indexMux, "fabric", { ...defaultConfig, rows: 3, tokens: 2 }, 100);
    checkRate(indexMux, "fabric", defaultConfig, "n24");
  });
  it("gives clean Verilog, and the same sums in Icarus and Verilator", () =>
    checkKernelInTools(indexMux, "fabric", { ...defaultConfig, rows: 2, tokens: 2 }));
});
