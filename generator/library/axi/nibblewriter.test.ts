import assert from "node:assert/strict";
import { AxiBytes } from "../../../testbenches/harness/axibytes.js";
import { AxiSlave, SLVERR } from "../../../testbenches/harness/axislave.js";
import { Bench, between, type Random, randomBits, randomFrom } from "../testing.js";
import { nibbleWriter } from "./nibblewriter.js";
import { bytesOf } from "./ports.js";

const BASE = 0x1_2345_0000n;
const SIZE = 16 * 1024;

/** Single nibbles, whole groups, bytes, and anything. */
const randomMask = (random: Random, nibbles: number): bigint => {
  const at = between(random, 0, nibbles - 1);
  switch (between(random, 0, 3)) {
    case 0:
      return 1n << BigInt(at);
    case 1:
      return 3n << BigInt(at & ~1);
    case 2:
      return (1n << BigInt(nibbles)) - 1n;
    default:
      return randomBits(random, nibbles);
  }
};
const spread = (mask: bigint, nibbles: number): bigint => {
  let bits = 0n;
  for (let i = 0; i < nibbles; i++) if ((mask >> BigInt(i)) & 1n) bits |= 15n << BigInt(4 * i);
  return bits;
};

describe("nibble writes behind AXI", () => {
  for (const [dataBits, outstanding] of [
    [32, 8],
    [128, 16],
    [512, 4],
  ] as const)
    for (const [rate, latency, words] of [
      [1, 0, 4],
      [0.6, 50, 4],
      [0.6, 50, 200],
      [1, 80, SIZE / (dataBits / 8)],
    ] as const)
      it(`arrive in order and nothing else changes: ${dataBits} bits, ${outstanding} at a time, ${words} words, slave ${rate}/${latency}`, () => {
        const random = randomFrom(dataBits + words + latency);
        const bytes = bytesOf(dataBits);
        const real = new AxiBytes(BASE, new Uint8Array(SIZE));
        for (let i = 0; i < SIZE; i++) real.bytes[i] = Math.floor(random() * 256);
        const wanted = Uint8Array.from(real.bytes);
        const model = new AxiBytes(BASE, new Uint8Array(SIZE));
        model.bytes.set(wanted);
        const list = Array.from({ length: 400 }, () => {
          const addr = BASE + BigInt(between(random, 0, words - 1) * bytes);
          const mask = randomMask(random, dataBits / 4);
          const data = randomBits(random, dataBits);
          const at = model.offset(addr, bytes)!;
          const keep = spread(mask, dataBits / 4);
          const after = (model.word(at, bytes) & ~keep) | (data & keep);
          model.write(at, after, (1n << BigInt(bytes)) - 1n, bytes);
          return { addr, data, mask, after };
        });
        let done = 0;
        const bench = new Bench(nibbleWriter(dataBits, outstanding), latency, ({ sim }) => {
          slave.drive();
          slave.sample();
          if (sim.peek("done") === 0n) return;
          const { addr, after } = list[done++]!;
          assert.equal(real.word(real.offset(addr, bytes)!, bytes), after, `write ${done - 1} is in memory`);
        });
        const port = { dataBits, burst: 1, outstanding };
        const slave: AxiSlave = new AxiSlave(bench.sim, "axi", real, random, { rate, latency }, port);
        bench.send(
          "write",
          list.map(({ addr, data, mask }) => ({ addr, data, mask })),
          rate,
        );
        bench.run(() => done === list.length);
        bench.run(() => bench.sim.peek("idle") === 1n, 10);
        slave.monitor.finish();
        assert.deepEqual(real.bytes, model.bytes);
        // Different words overlap: far less than a latency of a read and one of a write for each.
        if (latency === 80 && words > 100) assert.ok(bench.cycles < (400 * 2 * 80) / (outstanding / 2));
      });

  it("tell of errors of the read and of the write", () => {
    for (const failing of [false, true]) {
      const random = randomFrom(1);
      let slverr = 0;
      const bench = new Bench(nibbleWriter(32, 4), 1, ({ sim }) => {
        slave.drive();
        slave.sample();
        slverr += Number(sim.peek("fault_slverr"));
      });
      const behaviour = {
        rate: 1,
        latency: 5,
        response: (_: bigint, write: boolean) => (write === failing ? SLVERR : 0),
      };
      const port = { dataBits: 32, burst: 1, outstanding: 4 };
      const slave: AxiSlave = new AxiSlave(
        bench.sim,
        "axi",
        new AxiBytes(BASE, new Uint8Array(64)),
        random,
        behaviour,
        port,
      );
      const sent = bench.send("write", [{ addr: BASE, data: 5, mask: 1 }]);
      bench.run(() => sent.sent === 1);
      bench.run(() => bench.sim.peek("idle") === 1n);
      assert.equal(slverr, 1);
    }
  });
});
