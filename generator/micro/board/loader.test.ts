/** The loader against a model of the flash: what it writes, when it refuses, and that it wakes the flash first. */
import assert from "node:assert/strict";
import { bool, defineModule, elaborate, uint, wireOf } from "../../hdl/index.js";
import { randomFrom } from "../../library/testing.js";
import { simulate, type Simulation } from "../../simulate/index.js";
import { spiFlash } from "../../../testbenches/harness/microflash.js";
import { crc32 } from "./crc.js";
import { flashLoader, flashPins, nibbleWrite } from "./loader.js";

const WORDS = 16;
const OFFSET = 0x100000;
const PROGRAM = 0x89abcdef;
const SIZE = 256;

const bench = defineModule(
  "bench",
  {
    in: { load: { enable: bool, addr: uint(8), data: uint(8) }, turn: bool },
    out: { write: nibbleWrite, loaded: bool, failed: bool, identity: uint(8), wrong: bool },
  },
  ({ load, turn }) => {
    const pins = wireOf("pins", flashPins);
    const flash = spiFlash({ offset: OFFSET, bytes: SIZE }).inst("u_flash", { ...pins, load });
    const { flash: out, ...rest } = flashLoader({ words: WORDS, offset: OFFSET, program: PROGRAM }).inst(
      "u_loader",
      {
        miso: flash.miso,
        turn,
      },
    );
    pins.select_n.drive(out.select_n);
    pins.sck.drive(out.sck);
    pins.mosi.drive(out.mosi);
    return { ...rest, wrong: flash.wrong };
  },
);

const random = randomFrom(1);
const model = Uint8Array.from({ length: 8 * WORDS }, () => Math.floor(random() * 256));
const withCrc = (bytes: Uint8Array, program = PROGRAM): Uint8Array => {
  const crc = crc32(bytes, program);
  return Uint8Array.from([...bytes, crc >>> 24, (crc >> 16) & 255, (crc >> 8) & 255, crc & 255]);
};

/** Loads; gives the bytes written by their place. */
const run = (contents: Uint8Array): { sim: Simulation; written: number[] } => {
  const sim = simulate(elaborate(bench));
  sim.poke("turn", 0);
  sim.poke("load_enable", 1);
  for (let i = 0; i < SIZE; i++) {
    sim.poke("load_addr", i);
    sim.poke("load_data", contents[i] ?? 0xff);
    sim.step();
  }
  sim.poke("load_enable", 0);
  sim.poke("rst", 1);
  sim.step(2);
  sim.poke("rst", 0);
  const written: number[] = [];
  for (let cycle = 0; sim.peek("loaded") === 0n && sim.peek("failed") === 0n; cycle++) {
    assert.ok(cycle < 20_000, "it never ends");
    if (sim.peek("write_enable") === 1n) {
      const nibble = Number(sim.peek("write_nibble"));
      written[nibble >> 1] =
        (written[nibble >> 1] ?? 0) | (Number(sim.peek("write_data")) << (4 * (nibble & 1)));
    }
    sim.step();
  }
  return { sim, written };
};
const loaded = (contents: Uint8Array): boolean => run(contents).sim.peek("loaded") === 1n;

describe("flash loader", () => {
  it("writes every nibble to its place, in order of the flash, and says so", () => {
    const { sim, written } = run(withCrc(model));
    assert.deepEqual(written, [...model]);
    assert.deepEqual([sim.peek("loaded"), sim.peek("failed"), sim.peek("wrong")], [1n, 0n, 0n]);
  });

  it("its identity is the CRC, the highest byte first, and returns after 32 turns", () => {
    const { sim } = run(withCrc(model));
    const crc = crc32(model, PROGRAM);
    sim.poke("turn", 1);
    for (const shift of [24, 16, 8, 0, 24]) {
      assert.equal(sim.peek("identity"), BigInt((crc >>> shift) & 255));
      sim.step(8);
    }
  });

  it("refuses an empty flash, a flipped bit, and a model for another program", () => {
    assert.equal(loaded(new Uint8Array(0)), false);
    assert.equal(loaded(new Uint8Array(SIZE)), false);
    assert.equal(loaded(withCrc(model, PROGRAM + 1)), false);
    for (const at of [0, 8 * WORDS - 1, 8 * WORDS, 8 * WORDS + 3]) {
      const bytes = withCrc(model);
      bytes[at]! ^= 1;
      assert.equal(loaded(bytes), false, `byte ${at}`);
    }
  });

  it("the CRC is that of CRC-32/BZIP2 without its inversion", () => {
    // The catalogue of CRCs (reveng): check value of "123456789" is 0xfc891918.
    assert.equal(~crc32(new TextEncoder().encode("123456789"), 0xffffffff) >>> 0, 0xfc891918);
  });
});
