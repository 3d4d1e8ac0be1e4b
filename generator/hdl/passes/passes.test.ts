import assert from "node:assert/strict";
import { simulate } from "../../simulate/index.js";
import { mulberry32 } from "../../simulate/prng.js";
import { INIT_CYCLES, randomDesign, randomInputs } from "../../simulate/random.js";
import type { Design, Module } from "../ir.js";
import { adopt } from "./adopt.js";
import { checkDesign } from "./checkIr.js";
import { dce } from "./dce.js";
import { dedup } from "./dedup.js";
import { fold } from "./fold.js";
import { narrow } from "./narrow.js";

type Pass = (module: Module) => Module;
/** The design after a list of passes, whole after each of them. */
const after = (design: Design, passes: readonly Pass[]): Design => {
  let { modules } = design;
  for (const pass of passes) {
    modules = new Map([...modules].map(([name, module]) => [name, pass(module)]));
    checkDesign({ ...design, modules });
  }
  return { ...design, modules };
};

describe("passes", () => {
  it("keep what is seen outside (300 random netlists)", function () {
    this.timeout(120_000);
    for (let seed = 0; seed < 300; seed++) {
      const before = randomDesign(seed, "top", { nodes: 30, maxWidth: 70, defined: true });
      const top = before.modules.get(before.top)!;
      const sims = [before, after(before, [fold, narrow, fold, adopt, dce, dedup])].map((d) =>
        simulate(d, { seed, engine: "interpreter" }),
      );
      const random = mulberry32(seed);
      for (let cycle = 0; cycle < 12; cycle++) {
        for (const [port, value] of randomInputs(random, before, cycle))
          for (const sim of sims) sim.poke(port, value);
        // Before that, first values come from a seed that depends on the place of a register in the list.
        for (const { name } of cycle < INIT_CYCLES ? [] : top.outputs) {
          assert.equal(
            sims[1]!.peekBits(name),
            sims[0]!.peekBits(name),
            `seed ${seed}, cycle ${cycle}, ${name}`,
          );
        }
        for (const sim of sims) sim.edge(["clk"]);
      }
    }
  });
});
