/** Whole tokens in the interpreter against golden: every tensor that the microprogram holds in one place, logits, choices, the sticky flag. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { readDemo } from "../../../golden/import/demo.js";
import { forward, IntegerState } from "../../../golden/model/integer.js";
import { type RandomOptions, randomModel } from "../../../golden/model/random.js";
import type { ModelShape, QuantisedModel } from "../../../golden/model/types.js";
import type { Program } from "../assemble.js";
import { Interpreter } from "../interpret.js";
import { TABLE_ROM } from "../tables.js";
import { microProgram } from "./main.js";
import { SHAPE } from "./parts.testing.js";
import { type TracePoint, tracePoints } from "./trace.js";

/** What a test may spoil. */
interface Parts {
  program: Program;
  table: readonly number[];
  words: readonly bigint[];
}

const TENSORS_OF_A_LAYER = 11;

/** Runs tokens from position 0 on and compares; the first positions are a prompt whose choices nobody wants. */
function compare(model: QuantisedModel, positions: number, spoil: (parts: Parts) => void = () => {}): void {
  const made = microProgram(model);
  const parts: Parts = { program: made.program, table: TABLE_ROM, words: made.image.words };
  spoil(parts);
  const machine = new Interpreter(parts.program, parts.table, 9);
  machine.load(parts.words);
  const { state } = machine;
  const points = new Map<number, TracePoint[]>();
  for (const point of tracePoints(model.shape, made.layout)) {
    const address = at(parts.program, point.label);
    points.set(address, [...(points.get(address) ?? []), point]);
  }
  const logitsAt = ["head.logit", "head.last"].map((label) => at(parts.program, label));
  const golden = new IntegerState(model);
  let token = 1;
  for (let position = 0; position < positions; position++) {
    const wanted = position !== 1;
    const expected = new Map<string, readonly number[]>();
    const next = forward(golden, token, position, wanted, ({ tensor, values }) => {
      const key = `${tensor} ${[...expected.keys()].filter((name) => name.startsWith(`${tensor} `)).length}`;
      expected.set(key, Array.from(values));
    });
    const seen = new Map<string, number>();
    const logits: number[] = [];
    let compared = 0;
    const limit = state.cycle + 400_000;
    state.offer = { token, position, wanted };
    do {
      for (const { tensor, at, count } of points.get(state.pc) ?? []) {
        const nth = seen.get(tensor) ?? 0;
        seen.set(tensor, nth + 1);
        const values = at === "act" ? state.act.subarray(0, count) : state.vmem.subarray(at, at + count);
        assert.deepEqual(
          Array.from(values),
          expected.get(`${tensor} ${nth}`),
          `${tensor} ${nth} at ${position}`,
        );
        compared++;
      }
      if (logitsAt.includes(state.pc)) logits.push(state.r);
      machine.step();
      assert.ok(state.cycle < limit, `no ack at position ${position}`);
    } while (!state.acked);
    state.offer = undefined;
    assert.equal(compared, 1 + TENSORS_OF_A_LAYER * model.shape.layers + (wanted ? 1 : 0));
    assert.equal(state.saturated, golden.sticky.total() > 0, `sticky flag at ${position}`);
    if (!wanted) continue;
    assert.deepEqual(logits, expected.get("logits 0"), `logits at ${position}`);
    assert.equal(state.r, next, `token at ${position}`);
    token = next;
  }
}

function at(program: Program, label: string): number {
  const address = program.labels.get(label);
  assert.ok(address !== undefined, label);
  return address;
}

const demo = (): QuantisedModel =>
  readDemo(readFileSync(new URL("../../../golden/demo/stories.safetensors", import.meta.url)), "stories")
    .model;

describe("microprogram", () => {
  const shapes: readonly (readonly [string, Partial<ModelShape>, RandomOptions])[] = [
    ["one layer of 32", {}, {}],
    [
      "W4, three layers, two heads on one",
      { dim: 64, hidden: 96, layers: 3, heads: 2, vocab: 40 },
      { format: "W4" },
    ],
    ["heads of 64, hidden of 192", { dim: 64, hidden: 192, layers: 2, headDim: 64, vocab: 24 }, {}],
    ["ternary, heads narrower than the residual", { dim: 96, layers: 2, vocab: 32 }, { format: "TERNARY" }],
    ["2:4, heads wider than the residual", { heads: 2, layers: 2 }, { format: "N24" }],
  ];
  for (const [index, [name, shape, options]] of shapes.entries())
    it(`${name}: 20 positions as golden`, () => {
      compare(randomModel({ ...SHAPE, context: 20, ...shape }, 20 + index, options), 20);
    });

  it("the demo model: 4 positions, every tensor", () => compare(demo(), 4));

  it("the demo model's tokens", () => {
    const model = demo();
    const { program, image } = microProgram(model);
    const machine = new Interpreter(program, TABLE_ROM, 3);
    machine.load(image.words);
    const golden = new IntegerState(model);
    let token = 0;
    for (let position = 0; position < 20; position++) {
      const next = forward(golden, token, position);
      assert.equal(machine.token({ token, position, wanted: true }).token, next);
      token = next;
    }
  });

  it("large activations saturate as golden's, and the flag says so", () => {
    const model = randomModel({ ...SHAPE, layers: 2 }, 31);
    const loud = (l: number): (typeof model.layers)[0] => {
      const layer = model.layers[l]!;
      const up = { ...layer.scale.up, e: layer.scale.up.e + 14 };
      return { ...layer, scale: { ...layer.scale, up, v: { ...layer.scale.v, e: layer.scale.v.e + 9 } } };
    };
    compare({ ...model, layers: [loud(0), loud(1)] }, 6);
  });

  describe("sees a planted fault", () => {
    const model = randomModel({ ...SHAPE, layers: 2 }, 5);
    const fails = (what: string, spoil: (parts: Parts) => void): void => {
      assert.throws(() => compare(model, 4, spoil), { name: /AssertionError|ProgramError/ }, what);
    };

    it("in a weight", () =>
      fails("q", (parts) => {
        const { firstLayer } = microProgram(model).image;
        const at = firstLayer + 12; // codes of q of layer 0
        parts.words = parts.words.map((word, i) => (i === at ? word ^ 2n : word));
      }));

    it("in a table", () => {
      for (const name of ["recip", "sigmoid"])
        fails(name, (parts) => {
          const [from, to] = name === "recip" ? [0, 128] : [513, 770];
          parts.table = parts.table.map((v, i) => (i >= from && i < to ? v ^ 64 : v));
        });
    });

    it("in a microinstruction", () => {
      for (const label of [
        "norm.square",
        "gain.loop",
        "quantise.loop",
        "silu.element",
        "powers",
        "addition.loop",
      ])
        fails(label, (parts) => {
          const at = parts.program.labels.get(label)!;
          const micros = parts.program.micros.map((micro, i) =>
            i === at ? { ...micro, vr: "none" as const } : micro,
          );
          parts.program = { ...parts.program, micros };
        });
    });
  });

  it("refuses a model whose program is too long", () => {
    const model = randomModel({ ...SHAPE, heads: 4, kvHeads: 4 }, 1);
    assert.throws(() => microProgram(model), {
      name: "MicroError",
      message: /the microprogram has \d+ instructions, but the store 768/,
    });
  });
});
