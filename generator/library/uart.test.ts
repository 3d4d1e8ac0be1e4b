/** The transmitter's line against the frame of the standard, the receiver against a sender of its own with its clock off. */
import assert from "node:assert/strict";
import { elaborate } from "../hdl/index.js";
import { simulate } from "../simulate/index.js";
import { between, randomFrom } from "./testing.js";
import { uartReceiver, uartTransmitter } from "./uart.js";

const BYTES = [0x00, 0xff, 0x55, 0xaa, 0x01, 0x80, 0x47];
/** Levels of a frame: start, data from the lowest bit, stop. */
const frame = (byte: number): number[] => [0, ...Array.from({ length: 8 }, (_, i) => (byte >> i) & 1), 1];

describe("UART", () => {
  for (const divider of [4, 7, 25])
    it(`sends frames of ${divider} cycles a bit, back to back and after pauses`, () => {
      const sim = simulate(elaborate(uartTransmitter(divider)));
      sim.poke("rst", 1);
      sim.step(2);
      sim.poke("rst", 0);
      assert.equal(sim.peek("line"), 1n);
      for (const [n, byte] of BYTES.entries()) {
        sim.poke("byte_valid", 1);
        sim.poke("byte_data", byte);
        while (sim.peek("byte_ready") === 0n) sim.step();
        sim.step();
        sim.poke("byte_valid", 0);
        for (const [bit, level] of frame(byte).entries())
          for (let i = 0; i < divider; i++) {
            assert.equal(sim.peek("line"), BigInt(level), `byte ${byte}, bit ${bit}, cycle ${i}`);
            if (bit < 9 || i < divider - 1) sim.step();
          }
        if (n % 2 === 0) {
          sim.step(between(randomFrom(n), 2, 40));
          assert.equal(sim.peek("line"), 1n, "idle is high");
        }
      }
    });

  /** Feeds levels that last `bit` cycles each (a fraction is carried on); gives what came out. */
  const receive = (divider: number, levels: readonly number[], bit: number) => {
    const sim = simulate(elaborate(uartReceiver(divider)));
    sim.poke("line", 1);
    sim.poke("rst", 1);
    sim.step(2);
    sim.poke("rst", 0);
    sim.step(5);
    const bytes: number[] = [];
    let framing = 0;
    const cycles = Math.ceil(levels.length * bit);
    for (let cycle = 0; cycle < cycles + 3 * divider; cycle++) {
      sim.poke("line", levels[Math.floor(cycle / bit)] ?? 1);
      if (sim.peek("byte_valid") === 1n) bytes.push(Number(sim.peek("byte_value")));
      if (sim.peek("framing") === 1n) framing++;
      sim.step();
    }
    return { bytes, framing };
  };

  for (const [divider, off] of [
    [25, 1],
    [25, 1.03],
    [25, 0.97],
    [8, 1],
    [4, 1],
  ] as const)
    it(`receives at ${divider} cycles a bit from a sender whose bits last ${off} of that`, () => {
      const { bytes, framing } = receive(divider, [1, ...BYTES.flatMap(frame), 1, 1], divider * off);
      assert.deepEqual(bytes, BYTES);
      assert.equal(framing, 0);
    });

  it("a break is a framing error, once, and what follows is received", () => {
    const { bytes, framing } = receive(10, [...Array(40).fill(0), 1, 1, ...frame(0x42)], 10);
    assert.deepEqual([bytes, framing], [[0x42], 1]);
  });

  it("refuses dividers that cannot be sampled", () => {
    assert.throws(() => elaborate(uartReceiver(3)), /at least 4 clock cycles a bit, not 3/);
  });
});
