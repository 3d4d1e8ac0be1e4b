/** Fit checks: what fits, what does not and why, what nobody knows, and the nearest that fits. */
import assert from "node:assert/strict";
import { SUSTAINED } from "../generator/estimate/fit.js";
import { defaultConfig } from "../generator/isa/config.js";
import { randomModel } from "../golden/model/random.js";
import { type Board, boardOf } from "./boards/index.js";
import { nearestFit, place } from "./fit.js";

const SHAPE = { dim: 64, hidden: 96, layers: 1, heads: 2, kvHeads: 1, headDim: 32, vocab: 128, context: 64 };
const model = randomModel(SHAPE, 1);
const board = (name: string): Board => boardOf(name)!;
const line = (placed: ReturnType<typeof place>, what: RegExp) =>
  placed.fit.lines.find((l) => what.test(l.what))!;

describe("fit check", () => {
  it("small in a KV260: every line fits, the lanes are the bound", () => {
    const placed = place(board("kv260"), model, defaultConfig, 64, 200);
    assert.ok(placed.fit.fits);
    assert.deepEqual(
      placed.fit.lines.map(({ what }) => what),
      ["LUT", "FF", "DSP", "RAMB36", "bytes of PS DDR4-2400 x64"],
    );
    const [speed] = placed.fit.speeds;
    assert.equal(speed!.bound, "lanes");
    assert.equal(speed!.tokensPerSecond, 200e6 / speed!.cycles);
    assert.equal(speed!.memory, (19.2e9 * SUSTAINED) / speed!.bytes);
  });

  it("a slow memory is the bound", () => {
    const slow = {
      ...board("kv260"),
      memory: { ...board("kv260").memory!, bytesPerSecond: { value: 1e8, source: "test" } },
    };
    const [speed] = place(slow, model, defaultConfig, 64, 200).fit.speeds;
    assert.equal(speed!.bound, "memory");
    assert.equal(speed!.tokensPerSecond, speed!.memory);
  });

  it("too many lanes: the LUT line says so, the nearest has fewer", () => {
    const base = { ...defaultConfig, rows: 32 };
    const placed = place(board("pynq-z2"), model, base, 64, 100);
    assert.equal(line(placed, /LUT/).fits, false);
    assert.equal(placed.fit.fits, false);
    const nearest = nearestFit(board("pynq-z2"), model, base, 64, 100)!;
    assert.ok(nearest.fit.fits && nearest.config.rows < 32, `${nearest.config.rows} rows`);
  });

  it("block RAM that is too small for all positions: the nearest has fewer; for any: there is none", () => {
    const heads = { heads: 8, kvHeads: 4, headDim: 8 };
    const stories260K = { dim: 64, hidden: 172, layers: 5, ...heads, vocab: 512, context: 512 };
    const small = randomModel(stories260K, 1);
    const placed = place(board("ulx3s"), small, defaultConfig, 512, 40);
    assert.equal(line(placed, /DP16KD/).fits, false);
    const nearest = nearestFit(board("ulx3s"), small, defaultConfig, 512, 40)!;
    assert.ok(nearest.fit.fits && nearest.positions < 512, `${nearest.positions} positions`);
    const large = randomModel({ ...stories260K, hidden: 1024, layers: 6 }, 1);
    assert.equal(nearestFit(board("ulx3s"), large, defaultConfig, 512, 40), null);
  });

  it("says how good its counts of cells are", () => {
    const { error } = place(board("kv260"), model, defaultConfig, 64, 200);
    assert.equal(error!.family, "xcup");
    assert.ok(error!.configurations >= 5 && error!.of.lut.worst < 0.2);
  });

  it("too small a memory: the line of bytes says so", () => {
    const small = {
      ...board("kv260"),
      memory: { ...board("kv260").memory!, bytes: { value: 4096, source: "test" } },
    };
    const placed = place(small, model, defaultConfig, 64, 200);
    assert.equal(line(placed, /bytes/).fits, false);
    assert.equal(line(placed, /bytes/).needs, placed.compiled.memoryBeats * placed.compiled.beatBytes);
  });

  it("an UP5K holds not even the smallest", () => {
    assert.equal(place(board("icebreaker"), model, defaultConfig, 64, 12).fit.fits, false);
    assert.equal(nearestFit(board("icebreaker"), model, defaultConfig, 64, 12), null);
  });

  it("what nobody knows is neither yes nor no", () => {
    const placed = place(board("v80"), model, defaultConfig, 64, 300);
    assert.equal(line(placed, /FF/).fits, null);
    assert.match(line(placed, /FF/).note, /^unknown: /);
    assert.equal(placed.fit.speeds[0]!.memory, null);
  });
});
