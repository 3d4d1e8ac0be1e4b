/** Matrices of both formats and all numbers of groups against golden; rows that saturate, negative and huge shifts. */
import assert from "node:assert/strict";
import { matvec } from "../../../golden/model/matrix.js";
import { Random } from "../../../golden/model/prng.js";
import { randomModel } from "../../../golden/model/random.js";
import { mul, Sticky } from "../../../golden/model/scale.js";
import type { QuantisedMatrix, Scale } from "../../../golden/model/types.js";
import type { MatrixName } from "../image.js";
import { kindOf, matrices, matrixLabel } from "./matrix.js";
import { Bench, equal, SHAPE, saturated } from "./parts.testing.js";
import { setScale } from "./scale.js";

const random = new Random(8);

function benchFor(hidden: number, format: "W2" | "W4", name: MatrixName): Bench {
  const shape = { ...SHAPE, dim: name === "down" ? 32 : hidden, hidden, context: 8 };
  const model = randomModel(shape, hidden, { format });
  return new Bench((context) => {
    matrices(context);
    setScale(context);
  }, model);
}

function check(bench: Bench, name: MatrixName, k: Scale): boolean {
  const { machine, context, model } = bench;
  const { state } = machine;
  const kind = kindOf(context, name);
  const from: QuantisedMatrix = model.layers[0]![name];
  const matrix = { ...from, exponents: from.exponents.map(() => random.integer(0, 31)) };
  const input = Int8Array.from({ length: matrix.cols }, () => random.integer(-127, 127));
  const s = { m: random.integer(32768, 65535), e: 3 };
  const wanted = new Int32Array(matrix.rows);
  const sticky = new Sticky();
  matvec(matrix, input, mul(s, k), kind.width, wanted, sticky);
  state.act.set(input);
  state.vmem[context.layout.sM] = s.m;
  state.vmem[context.layout.sE] = s.e;
  bench.stream((stream) => {
    stream.scale(k);
    stream.matrix(matrix, context.image.formats[name]);
  });
  state.p[1] = 99;
  state.c[2] = matrix.rows / 8;
  machine.call(matrixLabel(kind));
  equal(bench.vmem(100, matrix.rows), wanted, `${name} ${matrix.format} ${matrix.cols}`);
  assert.equal(state.vmem[99], 0);
  assert.equal(saturated(bench), sticky.total() > 0);
  return sticky.total() > 0;
}

describe("micro matrices", () => {
  for (const format of ["W2", "W4"] as const)
    it(`${format}: 1 to 13 groups`, () => {
      const flags = new Set<boolean>();
      for (let groups = 1; groups <= 13; groups++) {
        const bench = benchFor(32 * groups, format, "down");
        for (const e of [-60, -45, -38, -31, -20])
          flags.add(check(bench, "down", { m: random.integer(32768, 65535), e }));
      }
      assert.deepEqual([...flags].sort(), [false, true]);
    });

  it("24 bits", () => {
    const [w2, w4] = [benchFor(64, "W2", "gate"), benchFor(32, "W4", "gate")];
    for (const e of [-100, -50, -42, -36, -25]) {
      check(w2, "gate", { m: 40000, e });
      check(w4, "gate", { m: 50000, e });
    }
    check(w2, "gate", { m: 0, e: 0 });
  });
});
