/** What architectures beyond Llama's have: each on its own and all together, RTL against golden in every tensor. */
import assert from "node:assert/strict";
import { configFor } from "../../generator/compile/configure.js";
import { emitVerilog } from "../../generator/hdl/index.js";
import type { Module, Node } from "../../generator/hdl/ir.js";
import { defaultConfig } from "../../generator/isa/config.js";
import { lint } from "../../generator/tools/lint.js";
import { randomModel, type RandomOptions } from "../../golden/model/random.js";
import type { ModelShape } from "../../golden/model/types.js";
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
const SMALL: ModelShape = {
  ...SHAPE,
  dim: 32,
  hidden: 32,
  layers: 1,
  heads: 2,
  kvHeads: 1,
  vocab: 8,
  context: 32,
};
const PROMPT = [1, 5, 9, 3, 2, 7, 8];

const ARCHITECTURES = {
  "biases (Qwen2)": { bias: true },
  "norms of q and k, a head of its own (Qwen3)": { qkNorm: true, head: "W4" },
  "ternary weights, squared ReLU, sub-norms (BitNet)": { format: "TERNARY", gate: "relu2", subNorm: true },
  "everything at once": {
    ...{ bias: true, qkNorm: true, subNorm: true, gate: "relu2" },
    ...{ format: "W8", embedding: "W8", head: "W8", cache: { keys: 8, values: 3 } },
  },
} as const satisfies Record<string, RandomOptions>;

const build = (
  shape: ModelShape,
  options: RandomOptions,
  rows: number,
  tokens: number,
  stall?: number,
): System => {
  const model = randomModel(shape, rows + tokens, options);
  return buildSystem(model, configFor(model, { ...defaultConfig, rows, tokens }), {
    kib: 16,
    bounded: false,
    ...(stall === undefined ? {} : { stall }),
  });
};

describe("architectures: every tensor is golden's", () => {
  for (const [name, options] of Object.entries(ARCHITECTURES)) {
    for (const [shape, rows, tokens, stall] of [
      [SHAPE, 2, 1, undefined],
      [WIDE_HEADS, 4, 2, 4],
    ] as const)
      it(`${name}: ${rows * 32} lanes, ${tokens} token(s) a pass, ${stall === undefined ? "no stalls" : `stalls ${stall}/16`}`, async () => {
        const result = await runSession(
          build(shape, options, rows, tokens, stall),
          { prompt: PROMPT, total: 11, seed: rows * 31 + tokens, maxCycles: 900_000 },
          "embedded",
          100,
          quiet,
        );
        assert.deepEqual(result.mismatches, []);
        assert.equal(result.tokens.length, 5);
      });
  }

  for (const [name, options] of [
    ["squared ReLU", { gate: "relu2" }],
    ["sub-norms", { subNorm: true }],
  ] as const)
    it(`${name} alone`, async () => {
      const request = { prompt: [1, 5, 3], total: 6, seed: 1, maxCycles: 60_000 };
      const { mismatches } = await runSession(
        build(SMALL, options, 2, 1, 3),
        request,
        "embedded",
        100,
        quiet,
      );
      assert.deepEqual(mismatches, []);
    });

  for (const name of ["biases (Qwen2)", "everything at once"] as const)
    it(`${name}: lints clean in Verilator, Icarus and Yosys`, async () => {
      const { design } = build(SMALL, ARCHITECTURES[name], 2, 1);
      for (const { tool, output } of await lint(emitVerilog(design), design.top))
        assert.equal(output, "", tool);
    });
});

describe("architectures: everything at once on other simulators", () => {
  for (const [engine, total, stall] of [
    ["icarus", 3, undefined],
    ["verilator", 8, 3],
  ] as const)
    it(`${engine}${stall === undefined ? ", from reset, without an unknown bit" : " with random stalls"}`, async () => {
      const { mismatches, tokens } = await runSession(
        build(SMALL, ARCHITECTURES["everything at once"], 2, 1, stall),
        { prompt: [1, 5], total, seed: 1, maxCycles: 60_000 },
        engine,
        100,
        quiet,
      );
      assert.deepEqual(mismatches, []);
      assert.equal(tokens.length, total - 1);
    });
});

describe("architectures: a planted fault is found", () => {
  const inModule = (system: System, module: string, change: (m: Module) => Module): System => {
    const found = system.design.modules.get(module);
    assert.ok(found !== undefined, `no module '${module}'`);
    const modules = new Map(system.design.modules).set(module, change(found));
    return { ...system, design: { ...system.design, modules } };
  };
  const planted = (system: System, module: string, change: (node: Node) => Node | undefined): System =>
    inModule(system, module, (m) => {
      const nodes = m.nodes.map((n) => change(n) ?? n);
      assert.ok(
        nodes.some((n, i) => n !== m.nodes[i]),
        `nothing to change in ${module}`,
      );
      return { ...m, nodes };
    });
  const report = async (system: System): Promise<string> => {
    const request = { prompt: [1, 5, 3], total: 4, seed: 1, maxCycles: 60_000 };
    const { mismatches } = await runSession(system, request, "embedded", 100, quiet);
    return mismatches[0] ?? "nothing";
  };

  it("biases: values take those of keys", async () => {
    const fault = planted(build(SMALL, { bias: true }, 2, 1), "projection", (n) =>
      n.op === "mux" && n.name === "first_bias" ? { ...n, t: n.f } : undefined,
    );
    assert.match(await report(fault), /layer 0 v\[\d+\] of the token at position 0/);
  });

  it("norms of keys: a bit of the table of roots", async () => {
    const fault = inModule(build(SMALL, { qkNorm: true }, 2, 1), "cache_writer", (m) => ({
      ...m,
      memories: m.memories.map((rom) =>
        rom.name === "tables" ? { ...rom, contents: rom.contents!.map((r) => r ^ 4096n) } : rom,
      ),
    }));
    assert.match(await report(fault), /layer 0 k\[\d+\] of the token at position 0/);
  });

  it("norms of q and k: gains round by less", async () => {
    const fault = planted(build(SMALL, { qkNorm: true }, 2, 1), "projection", (n) =>
      n.op === "const" && n.value === 2n ** 14n ? { ...n, value: 2n ** 10n } : undefined,
    );
    assert.match(await report(fault), /layer 0 (q|k)\[\d+\] of the token at position 0/);
  });

  it("sub-norms: an E is read from its other half", async () => {
    const fault = planted(build(SMALL, { subNorm: true }, 2, 1), "norm_constants", (n) =>
      n.op === "slice" && n.lo === 64 ? { ...n, lo: 0 } : undefined,
    );
    assert.match(await report(fault), /layer 0 x_ffn\[\d+\] of the token at position \d/);
  });

  it("squared ReLU: gates lose a bit less", async () => {
    const fault = planted(build(SMALL, { gate: "relu2" }, 2, 1), "gateup", (n) =>
      n.op === "const" && n.value === 2n ** 17n ? { ...n, value: 2n ** 16n } : undefined,
    );
    assert.match(await report(fault), /layer 0 h\[\d+\] of the token at position 0/);
  });
});
