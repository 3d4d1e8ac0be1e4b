/** RoPE's frequencies against Math.pow, and the words for what differs from Llama. */
import assert from "node:assert/strict";
import { features, llama, ropeFrequencies } from "./architecture.js";

describe("architecture", () => {
  const near = (
    values: Float64Array,
    expected: (plain: number, j: number) => number,
    theta: number,
  ): void => {
    for (const [j, value] of values.entries()) {
      const plain = theta ** ((-2 * j) / 64);
      assert.ok(Math.abs(value / expected(plain, j) - 1) < 1e-12, `pair ${j}: ${value}`);
    }
  };

  it("frequencies: plain, linear, by factors", () => {
    near(ropeFrequencies({ theta: 1e6, scaling: { type: "none" } }, 64), (plain) => plain, 1e6);
    near(
      ropeFrequencies({ theta: 1e4, scaling: { type: "linear", factor: 4 } }, 64),
      (plain) => plain / 4,
      1e4,
    );
    const factors = Array.from({ length: 32 }, (_, j) => 1 + j);
    near(
      ropeFrequencies({ theta: 1e4, scaling: { type: "factors", factors } }, 64),
      (plain, j) => plain / (1 + j),
      1e4,
    );
  });

  it("llama3: short waves kept, long ones divided, those between blended without a jump", () => {
    const scaling = {
      type: "llama3",
      factor: 8,
      lowFactor: 1,
      highFactor: 4,
      originalContext: 8192,
    } as const;
    const values = ropeFrequencies({ theta: 5e5, scaling }, 64);
    const waves = (plain: number): number => (8192 * plain) / (2 * Math.PI);
    let between = 0;
    near(
      values,
      (plain) => {
        if (waves(plain) > 4) return plain;
        if (waves(plain) < 1) return plain / 8;
        between++;
        const smooth = (waves(plain) - 1) / 3;
        return (smooth + (1 - smooth) / 8) * plain;
      },
      5e5,
    );
    assert.ok(between > 0);
    assert.ok(values.every((value, j) => j === 0 || value < values[j - 1]!));
  });

  it("features name every switch", () => {
    assert.deepEqual(features(llama(1e-5, 500000)), []);
    const all = features({
      ...llama(1e-5, 10000),
      ...{ gate: "relu2", qkvBias: true, qkNorm: true, subNorms: true, tied: false, slidingWindow: 9 },
      rope: { theta: 1e4, scaling: { type: "linear", factor: 2 } },
    });
    assert.equal(all.length, 7);
    assert.match(
      all.join(", "),
      /^squared ReLU, biases .*, norms .*, sub-norms .*, a head of its own, linear RoPE scaling, a sliding window of 9$/,
    );
  });
});
