/** Faults planted one at a time: each must be found, and the report must say where. */
import assert from "node:assert/strict";
import type { Design, Module, Node } from "../../generator/hdl/ir.js";
import { defaultConfig } from "../../generator/isa/config.js";
import { randomModel } from "../../golden/model/random.js";
import { runSession } from "../harness/session.js";
import { wavesAround } from "../harness/drive.js";
import { buildSystem, describeRun, type System } from "../harness/system.js";
import { quiet } from "./quiet.js";

const model = randomModel(
  { dim: 64, hidden: 96, layers: 2, heads: 2, kvHeads: 1, headDim: 32, vocab: 64, context: 64 },
  1,
);
const healthy = (): System => buildSystem(model, defaultConfig, { kib: 64, bounded: false });
const mismatches = async (system: System): Promise<readonly string[]> =>
  (
    await runSession(
      system,
      { prompt: [1, 5, 9], total: 5, seed: 1, maxCycles: 60_000 },
      "embedded",
      100,
      quiet,
    )
  ).mismatches;

/** A system whose memory image has one bit flipped. */
const withImageBit = (region: string, byte: number, bit: number): System => {
  const system = healthy();
  const found = system.compiled.regions.find((r) => r.name === region);
  assert.ok(found, `no region '${region}' in ${system.compiled.regions.map((r) => r.name).join(", ")}`);
  const image = system.compiled.image.slice();
  image[found.beat * system.compiled.beatBytes + byte]! ^= 1 << bit;
  return { ...system, compiled: { ...system.compiled, image } };
};
const withModule = (system: System, name: string, change: (m: Module) => Module): System => {
  const modules = new Map(system.design.modules);
  const module = modules.get(name);
  assert.ok(module, `no module '${name}'`);
  modules.set(name, change(module));
  const design: Design = { ...system.design, modules };
  return { ...system, design };
};
/** Replaces the constant `from` of a module by `to`, wherever it stands. */
const withConstant = (system: System, name: string, from: bigint, to: bigint): System =>
  withModule(system, name, (m) => {
    const planted = (n: Node): boolean => n.op === "const" && n.value === from;
    assert.ok(m.nodes.some(planted), `no constant ${from} in ${name}`);
    return { ...m, nodes: m.nodes.map((n): Node => (planted(n) ? ({ ...n, value: to } as Node) : n)) };
  });

describe("planted faults", () => {
  it("none: nothing is reported", async () => assert.deepEqual(await mismatches(healthy()), []));

  it("leaves waves around a mismatch", async () => {
    const system = withConstant(healthy(), "quantiser", 127n, 126n);
    const request = { prompt: [1, 5, 9], total: 4, seed: 1, maxCycles: 60_000 };
    const { firstMismatch } = await runSession(system, request, "embedded", 100, quiet);
    assert.ok(firstMismatch !== null);
    const vcd = wavesAround(describeRun(system, request), firstMismatch);
    assert.match(vcd, /\$var wire \d+ \S+ write_valid_d3/);
    assert.ok(vcd.split("\n").filter((l) => l.startsWith("#")).length > 50);
  });

  it("a weight bit", async () => {
    // Behind the first scale beat: row block 0, group 0 of the output projection.
    const found = await mismatches(withImageBit("layer 1 o", 16, 1));
    assert.match(
      found[0]!,
      /^cycle \d+: layer 1 x_attn\[\d+\] of the token at position 0: expected .* got .*/,
    );
  });

  it("a group scale", async () => {
    // Step 1 of the scale beat: mantissas of group 0.
    const found = await mismatches(withImageBit("layer 0 down", 2, 6));
    assert.match(found[0]!, /layer 0 x_ffn\[0\] of the token at position 0/);
  });

  it("an RTL constant: the A8 limit of the quantiser", async () => {
    const found = await mismatches(withConstant(healthy(), "quantiser", 127n, 126n));
    assert.match(found[0]!, /attn_in\[\d+\] of the token at position 0/);
  });

  it("an entry of a ROM: the last of the cosine table, which position 0 reads", async () => {
    const broken = withModule(healthy(), "rope", (m) => ({
      ...m,
      memories: m.memories.map((rom) =>
        rom.name === "cosine_table"
          ? { ...rom, contents: rom.contents!.map((v, i) => (i === 255 ? v ^ 4096n : v)) }
          : rom,
      ),
    }));
    const found = await mismatches(broken);
    assert.match(found[0]!, /layer 0 k\[\d+\] of the token at position 0/);
  });
});
