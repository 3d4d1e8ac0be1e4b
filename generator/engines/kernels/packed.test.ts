import assert from "node:assert/strict";
import { type AcceleratorConfig, defaultConfig } from "../../isa/config.js";
import type { Unpack } from "../dsp/dots.js";
import { exactDepth, offset, packed, packing, unpacked } from "../dsp/packing.js";
import { range } from "../digits.js";
import { checkRate, runKernel } from "../kernel.testing.js";
import { checkKernelInTools } from "../kernel.tools.testing.js";
import type { KernelModule } from "../kernel.js";
import { buildKv4, keyPacking, kv4 } from "./kv4.js";
import {
  buildSharedActivation,
  rowGroups,
  rowPacking,
  sharedActivation,
  sharedActivationTernary,
} from "./sharedactivation.js";
import { buildSharedWeight, sharedWeight, tokenPacking } from "./sharedweight.js";

const two: AcceleratorConfig = { ...defaultConfig, rows: 4, tokens: 2 };

/** Corrections that are one off. */
const WRONG: readonly (readonly [string, Unpack])[] = [
  ["adds 1 to the upper lane", (p, s) => unpacked(p, s).map((lane, k) => (k === 1 ? lane.add(1) : lane))],
  [
    "adds a borrow that nobody took",
    (p, s) =>
      unpacked(p, s).map((lane, k) => (k === 0 ? lane : lane.add(s.bit(k * p.spacing - 1).toSigned()))),
  ],
  ["reads the lanes one too low", (p, s) => unpacked(p, s.sub(1).wrap(s.width))],
];
const BUILDS: readonly (readonly [string, (unpack: Unpack) => KernelModule])[] = [
  ["shared-activation", (unpack) => buildSharedActivation(two, "xcup", undefined, unpack)],
  ["shared-weight", (unpack) => buildSharedWeight(two, "xcup", unpack)],
  ["kv4", (unpack) => buildKv4(two, "xcup", unpack)],
];

/** A cascade in plain numbers: lanes read from the sum of so many products of one sign. */
const lanesAfter = (
  p: ReturnType<typeof rowPacking>,
  count: number,
  own: readonly number[],
  shared: number,
) => {
  let sum = offset(p);
  for (let n = 0; n < count; n++) sum += packed(p, own) * BigInt(shared);
  return own.map((_, k) => {
    const rest = sum >> BigInt(k * p.spacing);
    if (k === own.length - 1) return Number(rest);
    return Number(BigInt.asUintN(p.spacing, rest)) - 2 ** (p.spacing - 1);
  });
};

describe("packed kernels", function () {
  this.timeout(120_000);

  for (const [name, build] of BUILDS)
    for (const [what, unpack] of WRONG)
      it(`${name}: the bench finds a correction that ${what}`, () =>
        assert.throws(
          () => runKernel(build(unpack), two, ["w4"], { seed: 1, beats: 20, offer: 1, take: 1 }),
          /group sums of beat/,
        ));

  it("every pair or triple of extreme values is exact at full depth; one product more is not", () => {
    const cases = [
      { p: rowPacking("xcup", { name: "", largest: 2 }, 3), own: [-2, -1, 0, 1], tight: true },
      { p: rowPacking("xcup", { name: "", largest: 1 }, 3), own: [-1, 0, 1], tight: true },
      { p: rowPacking("xc7", { name: "", largest: 2 }, 3), own: [-2, -1, 0, 1], tight: true },
      { p: rowPacking("ice40", { name: "", largest: 2 }, 2), own: [-2, -1, 0, 1], tight: true },
      { p: keyPacking("xcup", 2), own: range(16).map((v) => v - 8), tight: false },
      { p: keyPacking("ecp5", 2), own: range(16).map((v) => v - 8), tight: true },
    ];
    for (const { p, own, tight } of cases) {
      const tuples = range(own.length ** p.lanes).map((t) =>
        range(p.lanes).map((k) => own[Math.floor(t / own.length ** k) % own.length]!),
      );
      const wrong = (depth: number, activation: number) =>
        tuples.filter((values) =>
          lanesAfter(p, depth, values, activation).some(
            (lane, k) => lane !== depth * values[k]! * activation,
          ),
        ).length;
      for (const activation of [-127, -1, 0, 1, 127]) assert.equal(wrong(p.depth, activation), 0);
      if (tight) assert.ok(wrong(p.depth + 1, -127) > 0, `${p.spacing} bits at ${p.depth + 1}`);
      if (tight && p.largest % 127 === 0)
        assert.ok(p.depth !== 8 || wrong(8, -128) > 0, "-128 is refused for a reason");
    }
  });

  it("exact depths: 8 products of W2 or 16 ternary ones in 12 bits, 4 in 11, 32 in 14", () => {
    assert.equal(exactDepth(12, 254), 8);
    assert.equal(exactDepth(12, 127), 16);
    assert.equal(exactDepth(11, 254), 4);
    assert.equal(exactDepth(14, 254), 32);
    assert.equal(tokenPacking("xcup", 2).depth, 32);
    assert.equal(keyPacking("xc7", 2).depth, 32);
  });

  it("rows by multiplier: as few as possible, no row alone beside three", () => {
    assert.deepEqual(rowGroups(3, 3), [[0, 1, 2]]);
    assert.deepEqual(rowGroups(4, 3), [
      [0, 1],
      [2, 3],
    ]);
    assert.deepEqual(
      range(12).map((n) => rowGroups(n + 1, 3).length),
      range(12).map((n) => Math.ceil((n + 1) / 3)),
    );
  });

  it("what does not fit is refused, with what fits", () => {
    assert.throws(
      () => buildSharedWeight(two, "ice40"),
      /lie 8 bits apart in an operand of 16 bits: 0 products/,
    );
    assert.throws(() => buildKv4(two, "ice40"), /choose a family with wider multipliers/);
    assert.throws(() => buildKv4({ ...two, rows: 3 }, "xcup"), /rows is even; this one is 3/);
    assert.throws(
      () => packing({ operand: 27, lanes: 4, value: 3, largest: 254, wanted: 32 }),
      /4 values of 3 bits lie 8 bits apart/,
    );
  });

  it("shared-weight: pairs of tokens take one cycle per beat", () =>
    checkRate(sharedWeight, "xcup", two, "w2"));

  for (const kernel of [sharedActivation, sharedActivationTernary, sharedWeight, kv4])
    it(`${kernel.name} in Icarus and Verilator, with the models of DSP48E2`, () =>
      checkKernelInTools(kernel, "xcup", { ...defaultConfig, rows: 2, tokens: 2 }));
  it("shared-activation with three rows in a multiplier in Icarus, and with the other families' models", async () => {
    for (const family of ["xcup", "xc7", "ice40", "ecp5", "fabric"] as const)
      await checkKernelInTools(
        sharedActivation,
        family,
        { ...defaultConfig, rows: 3 },
        { simulators: ["icarus"] },
      );
  });
});
