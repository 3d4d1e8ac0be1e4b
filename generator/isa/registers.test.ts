import assert from "node:assert/strict";
import { defaultConfig } from "./config.js";
import { configurationId, constantsOf, type Register, registerMap } from "./registers.js";

const bytesOf = (r: Register): number => r.width / 8;

describe("register map", () => {
  for (const masters of [1, 2, 8, 32])
    it(`has no overlaps, for ${masters} master(s), and Vitis' steps`, () => {
      const { registers, windows, bytes, addressBits } = registerMap(defaultConfig, {
        masters,
        dataBits: 64,
      });
      const ranges = [
        ...registers.map((r) => ({ name: r.name, from: r.offset, to: r.offset + bytesOf(r) })),
        ...windows.map((w) => ({ name: w.name, from: w.offset, to: w.offset + w.words * w.wordBytes })),
      ].sort((a, b) => a.from - b.from);
      for (const [i, r] of ranges.entries()) {
        assert.equal(r.from % 4, 0, r.name);
        assert.ok(i === 0 || ranges[i - 1]!.to <= r.from, `${r.name} lies over ${ranges[i - 1]?.name}`);
      }
      assert.ok(ranges.at(-1)!.to <= bytes && bytes >= 4096 && bytes === 2 ** addressBits);
      assert.equal(new Set(registers.map((r) => r.name)).size, registers.length);
      const pointers = registers.filter((r) => r.kind === "pointer");
      assert.deepEqual(
        pointers.map((p) => p.offset),
        Array.from({ length: 2 * masters }, (_, i) => 0x10 + 12 * i),
      );
      const after = 0x10 + 24 * masters;
      assert.deepEqual(
        registers.filter((r) => r.kind === "scalar").map((r) => r.offset - after),
        [0, 8, 16, 28, 36, 44],
      );
      assert.equal(registers.find((r) => r.name === "version")?.offset, 0x400);
    });

  it("begins as Vitis has it", () => {
    const { registers } = registerMap(defaultConfig, { masters: 1, dataBits: 64 });
    assert.deepEqual(
      registers.slice(0, 4).map((r) => [r.name, r.offset]),
      [
        ["ap_ctrl", 0],
        ["gie", 4],
        ["ier", 8],
        ["isr", 12],
      ],
    );
  });

  it("gives every configuration an id of its own", () => {
    const ids = [
      configurationId(defaultConfig, { masters: 1, dataBits: 64 }),
      configurationId(defaultConfig, { masters: 2, dataBits: 64 }),
      configurationId(defaultConfig, { masters: 1, dataBits: 128 }),
      configurationId({ ...defaultConfig, rows: 4 }, { masters: 1, dataBits: 64 }),
      configurationId(
        { ...defaultConfig, features: { ...defaultConfig.features, weights8: true } },
        { masters: 1, dataBits: 64 },
      ),
    ];
    assert.equal(new Set(ids).size, ids.length);
    const { rows, ...others } = defaultConfig;
    assert.equal(configurationId({ ...others, rows }, { dataBits: 64, masters: 1 }), ids[0]);
    assert.equal(constantsOf(defaultConfig, { masters: 4, dataBits: 64 }).beatBytes, 16);
  });
});
