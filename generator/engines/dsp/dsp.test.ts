import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { bool, defineModule, elaborate, sint } from "../../hdl/index.js";
import { randomBits, randomFrom } from "../../library/testing.js";
import { simulate } from "../../simulate/index.js";
import { differences, type Drive, type Reference, WARM_UP } from "./compare.testing.js";
import { DSP48E1 } from "./dsp48.js";
import { DSP48_SETS, dsp48Drive } from "./dsp48.testing.js";
import { dsp48e1Of } from "./dsp48e1.js";
import { dsp48e2Of } from "./dsp48e2.js";
import { mult18x18d } from "./mult18x18d.js";
import { SB_MAC16_TIED, type SbMac16Options, sbMac16Of } from "./sbmac16.js";

const YOSYS = "/usr/share/yosys";
const yosys = (file: string): Reference => ({
  files: [`${YOSYS}/${file}`],
  args: ["-DNO_ICE40_DEFAULT_ASSIGNMENTS"],
});

describe("DSP slices: our model in TypeScript equals other models", function () {
  this.timeout(120_000);
  for (const [i, options] of DSP48_SETS.entries())
    it(`DSP48E1 of set ${i} equals the one of Yosys`, async function () {
      if (!existsSync(YOSYS)) this.skip();
      const drive = dsp48Drive(DSP48E1, options);
      assert.deepEqual(await differences(dsp48e1Of(options), yosys("xilinx/cells_sim.v"), drive, 2000), []);
    });

  const macs: readonly SbMac16Options[] = [
    {},
    { adds: "nothing", product: 0, cd: 0 },
    { adds: "nothing", product: 2, ab: 0 },
    { product: 2, cd: 0 },
    { product: 0, cd: 0, out: 0 },
    { adds: "output" },
  ];
  for (const options of macs)
    it(`SB_MAC16 ${JSON.stringify(options)} equals the one of Yosys`, async function () {
      if (!existsSync(YOSYS)) this.skip();
      const drive: Drive = (random, cycle) => {
        const load = cycle < WARM_UP || (options.adds === "output" && random() < 0.1) ? 1n : 0n;
        return {
          ...Object.fromEntries(Object.keys(SB_MAC16_TIED).map((pin) => [pin, 0n])),
          OLOADTOP: load,
          OLOADBOT: load,
          CE: BigInt(cycle < WARM_UP || random() < 0.7 ? 1 : 0),
        };
      };
      assert.deepEqual(await differences(sbMac16Of(options), yosys("ice40/cells_sim.v"), drive, 2000), []);
    });

  it("MULT18X18D is the product of so many cycles ago; it stands while CE0 is 0", () => {
    const enable = { in: { en: bool, a: sint(18), b: sint(18) }, out: { y: sint(36) } } as const;
    for (const options of [{}, { ab: 0, product: 0 }, { out: 1 }] as const) {
      const def = defineModule("probe", enable, ({ en, a, b }) => ({
        y: mult18x18d("u_mult", options, { enable: en, a, b }),
      }));
      const sim = simulate(elaborate(def));
      const random = randomFrom(5);
      const registers = (options.ab ?? 1) + (options.product ?? 1) + ("out" in options ? 1 : 0);
      const stages: (bigint | null)[] = Array.from({ length: registers }, () => null);
      for (let cycle = 0; cycle < 2000; cycle++) {
        const [a, b] = [randomBits(random, 18), randomBits(random, 18)];
        const en = random() < 0.7;
        for (const [pin, value] of Object.entries({ a, b, en: en ? 1 : 0 })) sim.poke(pin, value);
        const product = BigInt.asIntN(18, a) * BigInt.asIntN(18, b);
        const want = registers === 0 ? product : stages.at(-1)!;
        if (want !== null) assert.equal(sim.peek("y"), want);
        sim.step();
        if (en && registers > 0) {
          stages.unshift(product);
          stages.pop();
        }
      }
    }
  });
});

describe("DSP slices: what they cannot do is refused", () => {
  const refusals: readonly (readonly [string, () => unknown, RegExp])[] = [
    [
      "SIMD with the multiplier",
      () => dsp48e2Of({ simd: "FOUR12" }),
      /SIMD FOUR12 goes with `multiplier: false`/,
    ],
    [
      "a pre-adder without multiplier",
      () => dsp48e2Of({ multiplier: false, preAdder: { d: 1, ad: 1 } }),
      /leads only to the multiplier/,
    ],
    [
      "a cascade past more registers than there are",
      () => dsp48e1Of({ a: 1, aCascade: 2 }),
      /passes 1 of them, not 2/,
    ],
    [
      "an accumulator without register",
      () => sbMac16Of({ adds: "output", out: 0 }),
      /needs its output register/,
    ],
    [
      "an output register without adder",
      () => sbMac16Of({ adds: "nothing", out: 1 }),
      /register the product/,
    ],
  ];
  for (const [what, make, error] of refusals) it(what, () => assert.throws(make, error));
});
