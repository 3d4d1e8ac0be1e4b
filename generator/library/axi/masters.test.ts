import assert from "node:assert/strict";
import { AxiBytes } from "../../../testbenches/harness/axibytes.js";
import { type AxiBehaviour, AxiSlave, DECERR, SLVERR } from "../../../testbenches/harness/axislave.js";
import { HdlError } from "../../hdl/index.js";
import { Bench, between, type Item, type Random, randomBits, randomFrom } from "../testing.js";
import { type AxiPort, bytesOf } from "./ports.js";
import { readMaster } from "./readmaster.js";
import { writeMaster } from "./writemaster.js";

const SIZE = 16 * 1024;
const BASE = 0xffff_ffff_0000_0000n + 0x2000n;
/** Of every width and burst limit one: AXI3, AXI4, single words, 4 KB at once. */
const PORTS: readonly AxiPort[] = [
  { dataBits: 32, burst: 16, outstanding: 4 },
  { dataBits: 64, burst: 256, outstanding: 2 },
  { dataBits: 128, burst: 1, outstanding: 8 },
  { dataBits: 256, burst: 64, outstanding: 4 },
  { dataBits: 512, burst: 64, outstanding: 16 },
];
const title = (p: AxiPort): string =>
  `${p.dataBits} bits, bursts of ${p.burst}, ${p.outstanding} outstanding`;
const calm: AxiBehaviour = { rate: 1, latency: 0 };
const rough: AxiBehaviour = { rate: 0.6, latency: 60 };

const memory = (random: Random): AxiBytes => {
  const m = new AxiBytes(BASE, new Uint8Array(SIZE));
  for (let i = 0; i < SIZE; i++) m.bytes[i] = Math.floor(random() * 256);
  return m;
};
interface Transfer extends Item {
  readonly addr: bigint;
  readonly words: number;
}
/** Of any length, near pages and within bursts. */
const transfers = (random: Random, port: AxiPort, n: number): Transfer[] => {
  const bytes = bytesOf(port.dataBits);
  return Array.from({ length: n }, () => {
    const words =
      random() < 0.1 ? 0 : between(random, 1, Math.floor(random() < 0.8 ? 2048 / bytes : 6144 / bytes));
    const at = between(random, 0, SIZE / bytes - words);
    return { addr: BASE + BigInt(at * bytes), words };
  });
};

interface Reading {
  readonly bench: Bench;
  readonly slave: AxiSlave;
  readonly memory: AxiBytes;
  readonly faults: { slverr: number; decerr: number; timeout: number };
}
const reading = (port: AxiPort, behaviour: AxiBehaviour, seed: number): Reading => {
  const random = randomFrom(seed);
  const bytes = memory(random);
  const faults = { slverr: 0, decerr: 0, timeout: 0 };
  const bench = new Bench(readMaster(port), seed, ({ sim }) => {
    slave.drive();
    slave.sample();
    for (const f of Object.keys(faults) as (keyof typeof faults)[])
      faults[f] += Number(sim.peek(`fault_${f}`));
  });
  const slave: AxiSlave = new AxiSlave(bench.sim, "axi", bytes, random, behaviour, port, { writes: false });
  return { bench, slave, memory: bytes, faults };
};
const expectedWords = ({ memory: m }: Reading, port: AxiPort, list: readonly Transfer[]): bigint[][] =>
  list.flatMap(({ addr, words }) =>
    Array.from({ length: words }, (_, i) => {
      const bytes = bytesOf(port.dataBits);
      return [m.word(m.offset(addr, bytes)! + i * bytes, bytes), i === words - 1 ? 1n : 0n];
    }),
  );

describe("AXI read master", () => {
  for (const [i, port] of PORTS.entries())
    for (const [behaviour, rate] of [
      [calm, 1],
      [rough, 1],
      [rough, 0.5],
      [{ rate: 1, latency: 200 }, 0.8],
    ] as const)
      it(`reads what is there, in order: ${title(port)}; slave ${behaviour.rate}/${behaviour.latency}, taken at ${rate}`, () => {
        const r = reading(port, behaviour, 10 * i + rate);
        const list = transfers(r.bench.random, port, 24);
        r.bench.send("transfer", list, 0.7);
        const out = r.bench.collect("data", ["data", "last"], rate);
        const expected = expectedWords(r, port, list);
        r.bench.run(() => out.items.length === expected.length && r.bench.sim.peek("idle") === 1n);
        assert.deepEqual(out.items, expected);
        assert.deepEqual(r.faults, { slverr: 0, decerr: 0, timeout: 0 });
        r.slave.monitor.finish();
        const longest = Math.min(port.burst, Math.max(...list.map((t) => t.words)));
        assert.ok(r.slave.monitor.counts.longest > longest / 2, "bursts are as long as they may be");
      });

  it("reads a word a cycle from a slave that does, across burst and page boundaries", () => {
    const port: AxiPort = { dataBits: 64, burst: 16, outstanding: 8 };
    const r = reading(port, { rate: 1, latency: 40 }, 3);
    r.bench.send("transfer", [{ addr: BASE + 8n, words: 1500 }]);
    const out = r.bench.collect("data", ["data", "last"]);
    r.bench.run(() => out.items.length === 1500);
    // The first words wait for the latency, the pauses of the slave between bursts are its own: 41 cycles for 8 bursts.
    assert.ok(r.bench.cycles < 1500 + 600, `${r.bench.cycles} cycles`);
  });

  it("counts every burst that is answered with an error, and goes on", () => {
    const port: AxiPort = { dataBits: 32, burst: 16, outstanding: 4 };
    const responses = [0, SLVERR, DECERR];
    let n = 0;
    const r = reading(port, { ...rough, response: () => responses[n++ % 3]! }, 4);
    const list = transfers(r.bench.random, port, 30);
    list.push({ addr: BASE + BigInt(SIZE), words: 3 }, { addr: 0n, words: 1 });
    r.bench.send("transfer", list);
    const out = r.bench.collect("data", ["data", "last"]);
    const total = list.reduce((sum, t) => sum + t.words, 0);
    r.bench.run(() => out.items.length === total && r.bench.sim.peek("idle") === 1n);
    assert.ok(r.slave.injected.slverr > 5 && r.slave.injected.decerr > 5);
    assert.ok(r.faults.slverr >= r.slave.injected.slverr, "at least one faulty word a burst");
    assert.ok(r.faults.decerr >= r.slave.injected.decerr);
  });

  it("reports a slave that does not answer, once; after a stop nothing more is asked for", () => {
    const port: AxiPort = { dataBits: 32, burst: 16, outstanding: 4 };
    const r = reading(port, { ...calm, silent: () => true }, 5);
    r.bench.sim.poke("timeout", 100);
    r.bench.send("transfer", [{ addr: BASE, words: 1000 }]);
    r.bench.collect("data", ["data", "last"]);
    for (let i = 0; i < 90; i++) r.bench.cycle();
    assert.equal(r.faults.timeout, 0);
    for (let i = 0; i < 300; i++) r.bench.cycle();
    assert.deepEqual(r.faults, { slverr: 0, decerr: 0, timeout: 1 });
    assert.equal(r.slave.monitor.counts.readBursts, 4);
  });

  it("stops cleanly at any moment and starts again", () => {
    const port: AxiPort = { dataBits: 64, burst: 16, outstanding: 4 };
    for (let seed = 0; seed < 20; seed++) {
      const r = reading(port, rough, 100 + seed);
      const { sim } = r.bench;
      const out = r.bench.collect("data", ["data", "last"], 0.7);
      r.bench.send("transfer", transfers(r.bench.random, port, 5));
      for (let i = between(r.bench.random, 5, 400); i > 0; i--) r.bench.cycle();
      sim.poke("stop", 1);
      const bursts = r.slave.monitor.counts.readBursts;
      r.bench.run(() => sim.peek("idle") === 1n);
      assert.ok(r.slave.monitor.counts.readBursts <= bursts + 2, "at most what was on offer already");
      r.slave.monitor.finish();
      sim.poke("stop", 0);
      const from = out.items.length;
      const again = transfers(r.bench.random, port, 5);
      r.bench.send("transfer", again);
      const expected = expectedWords(r, port, again);
      r.bench.run(() => out.items.length === from + expected.length && sim.peek("idle") === 1n);
      assert.deepEqual(out.items.slice(from), expected);
    }
  });

  it("refuses ports that AXI does not have", () => {
    const port: AxiPort = { dataBits: 64, burst: 16, outstanding: 4 };
    const refuses = (p: Partial<AxiPort>, message: RegExp): void =>
      assert.throws(
        () => readMaster({ ...port, ...p }),
        (e) => e instanceof HdlError && message.test(e.message),
      );
    refuses({ dataBits: 48 }, /32, 64, 128, 256 or 512/);
    refuses({ dataBits: 1024 }, /32, 64, 128, 256 or 512/);
    refuses({ burst: 512 }, /up to 256/);
    refuses({ burst: 12 }, /power of two/);
    refuses({ dataBits: 512, burst: 128 }, /4 KB; 64 fit/);
    refuses({ outstanding: 1 }, /from 2 to 64/);
  });
});

describe("AXI write master", () => {
  for (const [i, port] of PORTS.entries())
    for (const [behaviour, rate] of [
      [calm, 1],
      [rough, 1],
      [rough, 0.4],
    ] as const)
      it(`writes what it should, nothing else, and counts transfers: ${title(port)}; slave ${behaviour.rate}, words at ${rate}`, () => {
        const random = randomFrom(20 * i + rate);
        const bytes = bytesOf(port.dataBits);
        const real = memory(random);
        const wanted = new AxiBytes(BASE, new Uint8Array(SIZE));
        wanted.bytes.set(real.bytes);
        let done = 0;
        const bench = new Bench(writeMaster(port), i, ({ sim }) => {
          slave.drive();
          slave.sample();
          done += Number(sim.peek("done"));
        });
        const slave: AxiSlave = new AxiSlave(bench.sim, "axi", real, random, behaviour, port, {
          reads: false,
        });
        const list = transfers(random, port, 24).filter((t) => t.words > 0);
        const words = list.flatMap(({ addr, words: n }) =>
          Array.from({ length: n }, (_, k) => {
            const word = { data: randomBits(random, port.dataBits), strobe: randomBits(random, bytes) };
            wanted.write(wanted.offset(addr, 1)! + k * bytes, word.data, word.strobe, bytes);
            return word;
          }),
        );
        bench.send("transfer", list, 0.5);
        bench.send("data", words, rate);
        bench.run(() => done === list.length && bench.sim.peek("idle") === 1n);
        slave.monitor.finish();
        assert.deepEqual(real.bytes, wanted.bytes);
      });

  it("reports errors and silence", () => {
    const port: AxiPort = { dataBits: 32, burst: 16, outstanding: 4 };
    const random = randomFrom(9);
    const faults = { slverr: 0, decerr: 0, timeout: 0 };
    const bench = new Bench(writeMaster(port), 9, ({ sim }) => {
      slave.drive();
      slave.sample();
      for (const f of Object.keys(faults) as (keyof typeof faults)[])
        faults[f] += Number(sim.peek(`fault_${f}`));
    });
    const behaviour: AxiBehaviour = {
      ...rough,
      response: (addr) => (addr === BASE ? SLVERR : 0),
      silent: (addr) => addr === BASE + 64n,
    };
    const slave: AxiSlave = new AxiSlave(bench.sim, "axi", memory(random), random, behaviour, port, {
      reads: false,
    });
    bench.sim.poke("timeout", 200);
    bench.send(
      "transfer",
      [BASE, BASE + 4n, 0n, BASE + 64n].map((addr) => ({ addr, words: 1 })),
    );
    bench.send(
      "data",
      Array.from({ length: 4 }, () => ({ data: 1, strobe: 15 })),
    );
    for (let i = 0; i < 1000; i++) bench.cycle();
    assert.deepEqual(faults, { slverr: 1, decerr: 1, timeout: 1 });
  });
});
