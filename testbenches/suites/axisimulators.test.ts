/**
 * The exported kernel, AXI memories, a host and the rules of AXI in all simulators: the same tokens as golden's, behind a run that
 * met an error. Icarus also judges that nothing unknown comes out.
 */
import assert from "node:assert/strict";
import { defaultConfig } from "../../generator/isa/config.js";
import { generate, IntegerState } from "../../golden/model/integer.js";
import { randomModel } from "../../golden/model/random.js";
import {
  type AxiBench,
  type AxiScenario,
  buildAxiBench,
  describeAxiRun,
  judgeAxiRun,
  type PlantedFault,
} from "../harness/axibench.js";
import { runEmbedded } from "../harness/embedded.js";
import { runIcarus } from "../harness/icarus.js";
import type { RunDescription, RunEnd, RunEngine } from "../harness/run.js";
import { runVerilator } from "../harness/verilator.js";

const SHAPE = {
  ...{ dim: 32, hidden: 32, layers: 1, heads: 1, kvHeads: 1, headDim: 32 },
  ...{ vocab: 32, context: 64 },
};
const model = randomModel(SHAPE, 4);
const prompt = [3, 5];
const total = 3;
const CACHE_WRITES = 2;
const scenario: AxiScenario = {
  config: { ...defaultConfig, context: 64 },
  axi: { masters: 2, dataBits: 32, addressBits: 64, outstanding: 4, burst: 16, clocks: 1 },
  ...{ model, prompt, total },
  ...{ seed: 7, mood: { shut: 5, pause: 31 }, coreHalfPeriod: 3.7 },
  maxCycles: 60_000,
};

const withClocks = (clocks: 1 | 2, fault: PlantedFault): AxiScenario => ({
  ...scenario,
  axi: { ...scenario.axi, clocks },
  fault,
});

const benches = new Map<1 | 2, AxiBench>();
const described = (s: AxiScenario): RunDescription => {
  const built = benches.get(s.axi.clocks) ?? buildAxiBench(s);
  benches.set(s.axi.clocks, built);
  return describeAxiRun(s, built);
};

const played = async (
  engine: RunEngine,
  s: AxiScenario,
): Promise<{ readonly end: RunEnd; readonly tokens: number[] }> => {
  const tokens: number[] = [];
  const end = await engine(described(s), {
    record: ({ fields }) => tokens.push(fields[0]!),
    progress: () => {},
    stopped: () => false,
  });
  return { end, tokens };
};

describe("the kernel behind AXI in every simulator", () => {
  const wanted = generate(new IntegerState(model), prompt, total).slice(prompt.length);
  for (const [name, engine, kind, port, clocks] of [
    ["the embedded engine", runEmbedded, "slverr", 0, 1],
    ["Icarus", runIcarus, "decerr", CACHE_WRITES, 2],
    ["Verilator", runVerilator, "timeout", 1, 2],
  ] as const)
    it(`writes golden's tokens on ${name} with ${clocks} clock(s), behind a run that ends with ${kind}`, async function () {
      this.timeout(300_000); // Verilator's C++ is compiled once
      const s: AxiScenario = withClocks(clocks, { kind, port, burst: 30 });
      const { end, tokens } = await played(engine, s);
      const { problems, counts } = judgeAxiRun(s, end.finals);
      assert.deepEqual(problems, []);
      assert.equal(end.outcome, "done");
      assert.deepEqual(tokens, wanted);
      for (const { bursts, stalls } of counts) assert.ok(bursts > 30 && stalls > 10, `${bursts} ${stalls}`);
    });

  it("is watched: a kernel whose bursts are not INCR and whose offers are withdrawn is found out in Icarus", async () => {
    const s: AxiScenario = { ...scenario, maxCycles: 1500 };
    const run = described(s);
    const name = "axi_read_32b16x4.v";
    const good = run.verilog!.get(name)!;
    const bad = good
      .replace("assign axi_arburst = 2'd1;", "assign axi_arburst = 2'd2;")
      .replace(/wire ar_valid_enable = .*;/, "wire ar_valid_enable = 1'b1;");
    assert.notEqual(bad, good);
    const verilog = new Map([...run.verilog!, [name, bad]]);
    const end = await runIcarus(
      { ...run, verilog },
      { record: () => undefined, progress: () => undefined, stopped: () => false },
    );
    const { problems } = judgeAxiRun(s, end.finals);
    for (const rule of ["not INCR of whole aligned words", "an offer is withdrawn or changes"])
      assert.ok(problems.includes(`gmem0: ${rule}`), problems.join("; "));
  });

  it("is judged: an error that is not planted is not met, and the host says so", async () => {
    const s = withClocks(1, { kind: "slverr", port: 0, burst: 60_000 });
    const { end } = await played(runEmbedded, { ...s, maxCycles: 20_000 });
    assert.match(judgeAxiRun(s, end.finals).problems.join("\n"), /reads of the host expected something else/);
  });
});
