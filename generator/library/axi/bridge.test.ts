import assert from "node:assert/strict";
import { type AxiBehaviour, SLVERR } from "../../../testbenches/harness/axislave.js";
import { HdlError } from "../../hdl/index.js";
import { type BridgeConfig, bridge } from "./bridge.js";
import { BridgeBench } from "./bridge.testing.js";

const base = { addressBits: 16, countBits: 12, burst: 16, outstanding: 8 } as const;
/** Beats of several words, of one, and words of several beats. */
const SPLITS: readonly BridgeConfig[] = [
  { ...base, beatBits: 128, channels: 1, dataBits: 32, clocks: 1 },
  { ...base, beatBits: 128, channels: 1, dataBits: 128, clocks: 2 },
  { ...base, beatBits: 128, channels: 2, dataBits: 32, clocks: 2 },
  { ...base, beatBits: 128, channels: 1, dataBits: 512, burst: 64, clocks: 1 },
  { ...base, beatBits: 128, channels: 4, dataBits: 64, clocks: 2 },
  { ...base, beatBits: 256, channels: 32, dataBits: 32, clocks: 1 },
  { ...base, beatBits: 1024, channels: 32, dataBits: 32, clocks: 2 },
];
const title = (b: BridgeConfig): string =>
  `${b.beatBits} bits over ${b.channels} of ${b.dataBits}, ${b.clocks} clock(s)`;
const ROUGH: AxiBehaviour = { rate: 0.7, latency: 40 };
const PERIODS = [
  { axi: 10, core: 10 },
  { axi: 10, core: 23.7 },
  { axi: 10, core: 4.1 },
];

describe("memory port behind AXI", () => {
  for (const [i, config] of SPLITS.entries())
    for (const [j, periods] of PERIODS.slice(
      0,
      config.clocks === 1 ? 1 : config.channels > 4 ? 2 : 3,
    ).entries())
      it(`reads what was written, in order: ${title(config)}, periods ${periods.axi} and ${periods.core}`, () => {
        const bench = new BridgeBench(config, 300, ROUGH, periods, 10 * i + j);
        const few = config.channels > 4;
        for (const rates of [
          { request: 0.5, write: 0.1, take: 1 },
          { request: 0.3, write: 0.5, take: 0.6 },
          { request: 1, write: 0, take: 1 },
        ]) {
          bench.rates = rates;
          const from = bench.requests;
          bench.run(() => bench.requests > from + (few ? 15 : 40));
        }
        bench.finish();
        assert.ok(bench.written > 2 && bench.beats > 100, `${bench.written} writes, ${bench.beats} beats`);
        assert.deepEqual([...bench.faults], []);
      });

  it("drains after an abort at any moment, and works again", () => {
    for (const config of [SPLITS[0]!, SPLITS[2]!, SPLITS[3]!])
      for (let seed = 0; seed < 4; seed++) {
        const bench = new BridgeBench(config, 100, ROUGH, PERIODS[seed % 3]!, seed);
        for (let i = 200 + 13 * seed; i > 0; i--) bench.edge();
        bench.abort();
        bench.drain();
        for (const s of bench.slaves) s.monitor.finish();
        const from = bench.requests;
        bench.run(() => bench.requests > from + 30);
        bench.finish();
      }
  });

  it("tells which port met an error", () => {
    const config = SPLITS[4]!;
    const bench = new BridgeBench(config, 100, ROUGH, PERIODS[1]!, 7);
    bench.slaves[2]!.behaviour = { ...ROUGH, response: () => SLVERR };
    bench.rates = { request: 0.2, write: 0, take: 1 };
    bench.run(() => bench.requests > 10);
    assert.deepEqual([...bench.faults], ["slverr 2"]);
  });

  it("refuses what cannot be split", () => {
    const refuses = (b: Partial<BridgeConfig>, message: RegExp): void =>
      assert.throws(
        () => bridge({ ...SPLITS[0]!, ...b }).elaborate(),
        (e) => e instanceof HdlError && message.test(e.message),
      );
    refuses({ channels: 3 }, /1, 2, 4, 8, 16 or 32 AXI masters; these are 3/);
    refuses({ channels: 64 }, /these are 64/);
    refuses({ channels: 32 }, /leave 4 bits of a beat of 128 for each; a byte is the least: at most 16/);
    refuses({ beatBits: 192 }, /a power of two wide; this one has 192/);
    refuses({ dataBits: 48 }, /32, 64, 128, 256 or 512/);
  });
});
