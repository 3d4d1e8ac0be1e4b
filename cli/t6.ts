import { randomModel } from "../golden/model/random.js";
import { defaultConfig } from "../generator/units/config.js";
import { buildSystem, describeRun } from "../testbenches/harness/system.js";
import { simulate } from "../generator/simulate/index.js";
const model = randomModel({ dim: 64, hidden: 96, layers: 2, heads: 2, kvHeads: 1, headDim: 32, vocab: 64, context: 64 }, 1);
const system = buildSystem(model, defaultConfig, { kib: 64, bounded: false });
const run = describeRun(system, { prompt: [1, 5, 9], total: 6, seed: 1, maxCycles: 30000 });
const sim = simulate(run.design, { engine: "wasm", seed: 1, checks: false });
for (const [p, v] of Object.entries(run.held)) sim.poke(p, v);
sim.poke("rst", 1); sim.step(4); sim.poke("rst", 0);
for (const l of run.loads) { sim.poke(l.enable, 1); l.words.forEach((w, i) => { sim.poke(l.address, i); sim.poke(l.data, w); sim.step(); }); sim.poke(l.enable, 0); }
sim.poke("start", 1); sim.step(); sim.poke("start", 0);
const names = process.argv.slice(4).map((n) => n);
for (let i = 0; i < Number(process.argv[3]); i++) {
  if (i >= Number(process.argv[2])) console.log(i, names.map((n) => `${n.split(".").pop()}=${sim.peek("u_accelerator." + n)}`).join(" "));
  sim.step();
}
