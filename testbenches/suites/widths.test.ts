/** 8-bit weights, cache widths, heads of their own, formats that differ from layer to layer: RTL against golden. */
import assert from "node:assert/strict";
import { configFor } from "../../generator/compile/configure.js";
import { emitVerilog } from "../../generator/hdl/index.js";
import type { Node } from "../../generator/hdl/ir.js";
import { defaultConfig } from "../../generator/isa/config.js";
import { lint } from "../../generator/tools/lint.js";
import { randomModel, type RandomOptions } from "../../golden/model/random.js";
import type { ModelShape, QuantisedModel } from "../../golden/model/types.js";
import { runSession } from "../harness/session.js";
import { buildSystem, type System } from "../harness/system.js";
import { quiet } from "./quiet.js";

const SHAPE: ModelShape = {
  dim: 64,
  hidden: 96,
  layers: 2,
  heads: 4,
  kvHeads: 2,
  headDim: 32,
  vocab: 50,
  context: 64,
};
const WIDE_HEADS: ModelShape = { ...SHAPE, heads: 2, kvHeads: 1, headDim: 64 };
const PROMPT = [1, 5, 9, 3, 2, 7, 8];

/** Formats and cache widths that differ from layer to layer. */
const mixed = (shape: ModelShape, seed: number): QuantisedModel => {
  const of = (format: "W2" | "W4" | "W8"): QuantisedModel =>
    randomModel({ ...shape, layers: 4 }, seed, { format });
  const [w2, w4, w8] = [of("W2"), of("W4"), of("W8")];
  const layer = (l: number, from: QuantisedModel) => from.layers[l]!;
  return {
    ...w4,
    shape: { ...shape, layers: 4 },
    layers: [
      layer(0, w8),
      { ...layer(1, w2), down: layer(1, w8).down, cache: { keys: 8, values: 4 } },
      { ...layer(2, w4), q: layer(2, w2).q, cache: { keys: 3, values: 8 } },
      layer(3, w2),
    ],
  };
};

const MODELS: readonly (readonly [string, (shape: ModelShape, seed: number) => QuantisedModel])[] = [
  ...(
    [
      ["8-bit weights", { format: "W8" }],
      ["an 8-bit cache", { cache: { keys: 8, values: 8 } }],
      ["8-bit keys", { cache: { keys: 8, values: 4 } }],
      ["8-bit values", { cache: { keys: 4, values: 8 }, sinks: 2, window: 30 }],
      ["a 3-bit cache", { cache: { keys: 3, values: 3 }, format: "W4" }],
      ["an 8-bit embedding", { embedding: "W8" }],
      ["8 bits everywhere", { format: "W8", embedding: "W8", head: "W8", cache: { keys: 8, values: 8 } }],
      ["a W2 head", { head: "W2" }],
      ["a W4 head", { head: "W4", embedding: "W8" }],
    ] as const satisfies readonly (readonly [string, RandomOptions])[]
  ).map(
    ([name, options]) =>
      [name, (shape: ModelShape, seed: number) => randomModel(shape, seed, options)] as const,
  ),
  ["formats that differ from layer to layer", mixed],
];

describe("widths: every tensor is golden's", () => {
  MODELS.forEach(([name, make], i) => {
    for (const [shape, rows, tokens, stall] of [
      [WIDE_HEADS, 4, 2, 4],
      i % 2 === 0 ? ([SHAPE, 2, 1, undefined] as const) : ([SHAPE, 16, 1, 2] as const),
    ] as const)
      it(`${name}: ${rows * 32} lanes, ${tokens} token(s) a pass, ${stall === undefined ? "no stalls" : `stalls ${stall}/16`}`, async () => {
        const model = make(shape, rows + tokens);
        const config = configFor(model, { ...defaultConfig, rows, tokens });
        const system = buildSystem(model, config, {
          kib: 16,
          bounded: false,
          ...(stall === undefined ? {} : { stall }),
        });
        // A ring of 32 slots comes round at position 32.
        const total = model.window < 32 ? 36 : 11;
        const result = await runSession(
          system,
          { prompt: PROMPT, total, seed: rows * 31 + tokens, maxCycles: 900_000 },
          "embedded",
          100,
          quiet,
        );
        assert.deepEqual(result.mismatches, []);
        assert.equal(result.tokens.length, total - PROMPT.length + 1);
      });
  });

  const everywhere = (shape: ModelShape = { ...SHAPE, layers: 1, heads: 2, kvHeads: 1 }): System => {
    const model = randomModel(shape, 3, {
      format: "W8",
      embedding: "W8",
      head: "W8",
      cache: { keys: 8, values: 8 },
    });
    return buildSystem(model, configFor(model, defaultConfig), { kib: 16, bounded: false });
  };
  const request = { prompt: [1, 5], total: 4, seed: 1, maxCycles: 60_000 };

  it("8 bits everywhere on Icarus, from reset, without an unknown bit", async () => {
    const { mismatches, tokens } = await runSession(
      everywhere({ ...SHAPE, dim: 32, hidden: 32, layers: 1, heads: 1, kvHeads: 1, vocab: 8, context: 32 }),
      { ...request, total: 3 },
      "icarus",
      100,
      quiet,
    );
    assert.deepEqual(mismatches, []);
    assert.equal(tokens.length, 2);
  });

  it("lints clean in Verilator, Icarus and Yosys", async () => {
    const { design } = everywhere();
    for (const { tool, output } of await lint(emitVerilog(design), design.top))
      assert.equal(output, "", tool);
  });

  it("a planted fault is found: high digits count 8 times instead of 16", async () => {
    const system = everywhere();
    const finish = system.design.modules.get("finish");
    assert.ok(finish !== undefined);
    let shifts = 0;
    // The 40 lower bits of {product, 4'b0} become those one further up.
    const nodes = finish.nodes.map((n): Node => {
      if (n.op !== "slice" || n.width !== 40 || n.lo !== 0 || finish.nodes[n.a]?.op !== "cat") return n;
      shifts++;
      return { ...n, lo: 1 };
    });
    assert.equal(shifts, 2, "one shift by a digit a row");
    const design = {
      ...system.design,
      modules: new Map(system.design.modules).set("finish", { ...finish, nodes }),
    };
    const { mismatches } = await runSession({ ...system, design }, request, "embedded", 100, quiet);
    assert.match(mismatches[0]!, /embedding\[\d+\] of the token at position 0/);
  });

  it("one decoder layer of 135M parameters' shape, 512 lanes: every tensor is golden's", async () => {
    const model = randomModel(
      { dim: 576, hidden: 1536, layers: 1, heads: 9, kvHeads: 3, headDim: 64, vocab: 64, context: 2048 },
      1,
      { format: "W4" },
    );
    const system = buildSystem(model, configFor(model, { ...defaultConfig, rows: 16 }), {
      kib: 16,
      bounded: false,
    });
    const { mismatches, tokens, compared } = await runSession(
      system,
      { prompt: [1], total: 2, seed: 1, maxCycles: 100_000 },
      "embedded",
      100,
      quiet,
    );
    assert.deepEqual(mismatches, []);
    assert.equal(tokens.length, 2);
    assert.ok(compared > 39_000);
  });
});
