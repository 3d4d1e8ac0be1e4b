/** Every code of every field against what README.md says, by short programs in a machine that keeps its registers between them. */
import assert from "node:assert/strict";
import { between, type Random, randomBits, randomFrom } from "../../library/testing.js";
import { encode } from "../encode.js";
import { ACC_BITS, LANES, type Micro, TABLE_WORDS } from "../machine.js";
import { range } from "./fields.js";
import { MicroBench } from "./system.testing.js";

const TABLES = range(TABLE_WORDS).map((i) => BigInt((i * 40_503 + 17) & 0xffff));
const signed = (width: number, value: bigint): bigint => BigInt.asIntN(width, value);
const unsigned = (width: number, value: bigint): bigint => BigInt.asUintN(width, value);

/** R <- 32 bits; overwrites MX, MY, ACC, Q. */
const setR = (value: bigint): Micro[] => [
  { mx: "one", my: "imm", imm: Number(unsigned(16, value >> 16n)) },
  { ac: "=hi", my: "imm", imm: Number(unsigned(16, value)) },
  { ac: "+", q: "none" },
  { q: "floorImm", imm: 0 },
  { r: "wrap32" },
];
/** ACC <- 52 bits; overwrites MX, MY, Q, R. */
const setAcc = (value: bigint): Micro[] => [
  ...setR(unsigned(32, signed(ACC_BITS, value) >> 32n)),
  { mx: "r", my: "imm", imm: 0x8000 },
  { ac: "=hi" },
  { ac: "+hi", mx: "one", my: "imm", imm: Number(unsigned(16, value >> 16n)) },
  { ac: "+hi", my: "imm", imm: Number(unsigned(16, value)) },
  { ac: "+" },
];

class Machine {
  readonly bench = new MicroBench({ program: [], tables: TABLES });
  /** Runs these behind a reset, which touches no register but PC and the sticky flag; jumps are to addresses from 1 on. */
  run(micros: readonly Micro[], cycles = micros.length): void {
    const { sim } = this.bench;
    const end: Micro = { seq: "jump", target: micros.length + 1 };
    const words = [{}, ...micros, end].map(encode);
    for (const [at, word] of words.entries()) sim.writeMemory("u_micro.u_sequencer.program", at, word);
    sim.poke("rst", 1);
    sim.step(2);
    sim.poke("rst", 0);
    sim.step(2 + cycles);
  }
  get(name: string): bigint {
    return this.bench.register(name);
  }
  vmem(at: number, value: bigint): void {
    this.bench.sim.writeMemory("u_micro.u_vectors.words", at, value);
  }
  stream(at: number, value: bigint): void {
    this.bench.sim.writeMemory("u_memory.words", at, value);
  }
}

const eq = (have: bigint, want: bigint, what: string): void =>
  assert.equal(have, want, `${what}: 0x${have.toString(16)}, not 0x${want.toString(16)}`);
/** Often the ends of the range. */
const cornered = (random: Random, width: number): bigint => {
  const value = randomBits(random, width);
  const kind = between(random, 0, 5);
  if (kind === 0) return (1n << BigInt(width - 1)) - BigInt(between(random, 0, 1));
  if (kind === 1) return unsigned(width, BigInt(between(random, -2, 2)));
  return kind === 2 ? value >> BigInt(between(random, 0, width - 1)) : value;
};

describe("Micro machine, RTL: fields", function () {
  this.timeout(30_000);
  let m: Machine;
  const random = randomFrom(7);
  before(() => {
    m = new Machine();
  });

  it("mx and my load from everywhere", () => {
    const word = 0xfedc_ba98_7654_3210n;
    for (let round = 0; round < 20; round++) {
      const [r, vd, acc, maximum] = [
        cornered(random, 32),
        cornered(random, 32),
        cornered(random, ACC_BITS),
        randomBits(random, 31),
      ];
      const gs = randomBits(random, 16);
      const bi = between(random, 0, 3) * 2;
      m.vmem(5, vd);
      m.stream(9, word);
      m.bench.sim.writeMemory("u_micro.u_group_sums.words", 0, gs);
      const start: Micro[] = [
        ...setR(maximum),
        { max: "clear" },
        { max: "abs" },
        ...setR(0x1234_8765n),
        { misc: "yr=r" },
        { misc: "gs=0", vr: "imm", imm: 5 },
        { misc: "seek=imm", imm: 9, gr: "group" },
        ...range(bi / 2).map((): Micro => ({ tk: "2" })),
        { tb: "plain", imm: 0 },
        ...setAcc(acc),
        { q: "floorImm", imm: 0 },
      ];
      // R last: it is on the way to ACC
      const magnitude = signed(32, r) < 0n ? unsigned(32, -signed(32, r)) : r;
      const td = TABLES[0x365]!;
      const octet = (word >> BigInt(8 * bi)) & 0xffn;
      m.run([...start, { mx: "acc" }]);
      eq(m.get("MX"), unsigned(32, acc), "acc");
      m.run([...start, { mx: "acch" }]);
      eq(m.get("MX"), unsigned(32, acc >> 16n), "acch");
      m.run([...start, { mx: "accl" }]);
      eq(m.get("MX"), unsigned(16, acc), "accl");
      m.run([...start, { mx: "gs" }]);
      eq(m.get("MX"), unsigned(32, signed(16, gs)), "gs");
      m.run([...start, { mx: "vd" }]);
      eq(m.get("MX"), vd, "vd");
      m.run([...start, { mx: "one" }]);
      eq(m.get("MX"), 1n, "one");
      const withR = [...start, ...setR(0x0000_0365n), { tb: "plain" as const, imm: 0 }, ...setR(r)];
      m.run([...withR, { mx: "r" }]);
      eq(m.get("MX"), r, "r");
      const mys: readonly (readonly [NonNullable<Micro["my"]>, bigint])[] = [
        ["byte", octet],
        ["factor", 16n + (octet & 15n)],
        ["half", (word >> BigInt(8 * bi)) & 0xffffn],
        ["td", td],
        ["yr", 0x8765n],
        ["rlo", unsigned(16, r)],
        ["rhi", r >> 16n],
        ["alo", unsigned(16, magnitude)],
        ["ahi", magnitude >> 16n],
        ["r15", r & 15n],
        ["r255", r & 255n],
        ["vdlo", unsigned(16, vd)],
        ["imm", 0xbeefn],
        ["mlo", unsigned(16, maximum)],
        ["mhi", maximum >> 16n],
      ];
      for (const [code, want] of round < 3 ? mys : [mys[between(random, 0, mys.length - 1)]!]) {
        m.run([...withR, { my: code, imm: 0xbeef }, {}]);
        eq(m.get("MY"), want, `my ${code}`);
      }
    }
  });

  it("ac adds, subtracts and loads products", () => {
    for (let round = 0; round < 300; round++) {
      const [x, y, acc] = [cornered(random, 32), cornered(random, 16), cornered(random, ACC_BITS)];
      const product = signed(32, x) * y;
      const magnitude = product < 0n ? -product : product;
      const cases: readonly (readonly [NonNullable<Micro["ac"]>, bigint])[] = [
        ["none", acc],
        ["=", product],
        ["+", acc + product],
        ["-", acc - product],
        ["=hi", product << 16n],
        ["+hi", acc + (product << 16n)],
        ["-hi", acc - (product << 16n)],
        ["+abs", acc + magnitude],
        ["+abshi", acc + (magnitude << 16n)],
      ];
      const [code, want] = cases[round % cases.length]!;
      m.vmem(1, x);
      m.run([
        { vr: "imm", imm: 1 },
        ...setAcc(acc),
        { mx: "vd", my: "imm", imm: Number(y) },
        { ac: code, mx: "one" },
        { my: "imm", imm: 1 },
      ]);
      eq(m.get("ACC"), unsigned(ACC_BITS, want), `${acc} ${code} ${signed(32, x)} * ${y}`);
    }
  });

  it("q shifts by any amount, from SH and imm", () => {
    for (let n = 0; n < 64; n++)
      for (const code of ["floorSh", "roundSh", "floorImm", "roundImm"] as const) {
        const acc = cornered(random, ACC_BITS);
        const rounds = code.startsWith("round") && n > 0;
        m.run([
          ...setR(BigInt(code.endsWith("Sh") ? n : 63 - n)),
          { sh: "r" },
          ...setAcc(acc),
          { q: code, imm: n },
        ]);
        eq(m.get("Q"), unsigned(ACC_BITS, signed(ACC_BITS, acc) >> BigInt(n)), `${acc} ${code} ${n}`);
        const below = signed(ACC_BITS, acc) >> BigInt(Math.max(0, n - 1));
        eq(m.get("rounding"), rounds ? below & 1n : 0n, `rounding of ${acc} ${code} ${n}`);
      }
  });

  it("r cuts to its width, tells overflow, and sat32 and sat24 stick", () => {
    const cuts = { sat32: 32, sat24: 24, sat18: 18, clamp127: 8, clamp7: 4, wrap32: 52 } as const;
    for (const [code, width] of Object.entries(cuts) as [keyof typeof cuts, number][])
      for (let round = 0; round < 60; round++) {
        // Q·2 + rounding: close to an end of the range, or anything
        const end = (1n << BigInt(width - 1)) * (round % 2 === 0 ? 1n : -1n);
        const near = 2n * end + BigInt(between(random, -5, 5));
        const twice = signed(ACC_BITS, round < 40 ? near : cornered(random, ACC_BITS));
        const v = (twice >> 1n) + (twice & 1n);
        const low = code.startsWith("clamp") ? 1n - (1n << BigInt(width - 1)) : -(1n << BigInt(width - 1));
        const high = (1n << BigInt(width - 1)) - 1n;
        const cut = v < low ? low : v > high ? high : v;
        m.run([...setAcc(twice), { q: "roundImm", imm: 1 }, { r: code }]);
        const overflow = code !== "wrap32" && cut !== v;
        eq(m.get("R"), unsigned(32, code === "wrap32" ? v : cut), `${code} of ${v}`);
        eq(m.get("V"), overflow ? 1n : 0n, `V of ${code} of ${v}`);
        eq(m.get("saturated"), overflow && width >= 24 ? 1n : 0n, `sticky of ${code} of ${v}`);
      }
  });

  it("r takes bit lengths, the link's words, BEST, VD and ACC, and V stays", () => {
    m.vmem(3, 0x89ab_cdefn);
    m.bench.offer({ token: 0xa5c3, position: 0x2d5, wanted: true });
    const overflows: Micro[] = [...setAcc(200n), { q: "floorImm", imm: 0 }, { r: "clamp7" }];
    const others: readonly (readonly [NonNullable<Micro["r"]>, bigint])[] = [
      ["token", 0xa5c3n],
      ["position", 0x2d5n],
      ["vd", 0x89ab_cdefn],
      ["best", m.get("BEST")],
      ["acc", 200n],
    ];
    for (const [code, want] of others) {
      m.run([{ vr: "imm", imm: 3 }, ...overflows, { r: code }]);
      eq(m.get("R"), want, code);
      eq(m.get("V"), 1n, `V of ${code}`);
    }
    for (let n = 0; n <= 48; n++) {
      const value =
        n === 0 ? 0n : (1n << BigInt(n - 1)) | (randomBits(random, 48) & ((1n << BigInt(n - 1)) - 1n));
      const above = randomBits(random, 4) << 48n;
      m.run([...setAcc(value | above), { r: "bitlen" }]);
      eq(m.get("R"), BigInt(n), `bitlen of ${value}`);
    }
  });

  it("max keeps magnitudes and values, argmax the first of the largest", () => {
    for (const mode of ["abs", "signed", "argmax"] as const)
      for (let round = 0; round < 10; round++) {
        const values = range(12).map(() => cornered(random, 32));
        values[7] = values[3]!;
        m.run([{ max: "clear" }]);
        let [want, best] = [0n, m.get("BEST")];
        for (const [i, value] of values.entries()) {
          m.run([...setR(value), { max: mode }]);
          const s = signed(32, value);
          const key = mode === "abs" ? (s < 0n ? -s : s) : s + 2n ** 31n;
          if (key > want) {
            want = key;
            if (mode === "argmax") best = BigInt(i);
          }
          eq(m.get("M"), want, `M of ${mode}`);
          eq(m.get("BEST"), best, `BEST of ${mode}`);
          eq(m.get("IDX"), mode === "argmax" ? BigInt(i + 1) : 0n, "IDX");
        }
      }
  });

  it("sh takes R and exponents, clamped and sticky below 0", () => {
    for (let round = 0; round < 200; round++) {
      const te = signed(10, randomBits(random, 10));
      const octet = randomBits(random, 8);
      const r = round % 3 === 0 ? BigInt(between(random, -3, 70)) : signed(32, cornered(random, 32));
      const code = (["r", "byte", "scale"] as const)[round % 3]!;
      m.stream(2, octet);
      m.run([
        ...setR(unsigned(32, te)),
        { sh: "te" },
        { misc: "seek=imm", imm: 2 },
        ...setR(unsigned(32, r)),
        { sh: code },
      ]);
      const value = code === "r" ? r : code === "byte" ? octet - te : 15n - (octet >> 4n) - te;
      eq(m.get("SH"), value < 0n ? 0n : value > 63n ? 63n : value, `sh ${code} of ${value}`);
      eq(m.get("saturated"), value < 0n ? 1n : 0n, `sticky of sh ${code} of ${value}`);
      eq(m.get("TE"), unsigned(10, te), "TE");
    }
  });

  it("lanes accumulate W2 and W4 columns, one a cycle, and GS takes them", () => {
    const words = range(6).map(() => randomBits(random, 64));
    const bytes = range(16).map(() => randomBits(random, 8));
    for (const [at, word] of words.entries()) m.stream(100 + at, word);
    for (const [at, b] of bytes.entries()) m.bench.sim.writeMemory("u_micro.u_activations.bytes", 40 + at, b);
    for (const [code, take, columns] of [
      ["w2", "2", 16],
      ["w4", "4", 12],
    ] as const) {
      const start: Micro[] = [
        { misc: "seek=imm", imm: 100 },
        { misc: "ar=imm", imm: 40 },
        { lane: "clear" },
        { misc: "gs=0" },
      ];
      const sums = range(LANES).map((l) =>
        range(columns).reduce((sum, column) => {
          const bits = take === "2" ? 16 : 32;
          const at = column * bits;
          const block = (words[Math.floor(at / 64)]! >> BigInt(at % 64)) & ((1n << BigInt(bits)) - 1n);
          const weight =
            code === "w2"
              ? 2n * ((block >> BigInt(2 * l)) & 3n) - 3n
              : signed(4, (block >> BigInt(4 * l)) & 15n);
          return sum + weight * signed(8, bytes[column]!);
        }, 0n),
      );
      m.run([
        ...start,
        ...range(columns).map((): Micro => ({ lane: code, tk: take })),
        {},
        ...range(LANES).map((): Micro => ({ gw: "dump" })),
        { gr: "group" },
      ]);
      for (const l of range(LANES)) {
        eq(m.get(`LANE${l}`), unsigned(16, sums[l]!), `${code}, lane ${l}`);
        eq(m.bench.memories().GS[l]!, unsigned(16, sums[l]!), `GS of ${code}, lane ${l}`);
      }
      eq(m.get("GD"), unsigned(16, sums[0]!), "GD");
      eq(m.get("GW"), BigInt(LANES), "GW");
      eq(m.get("AR"), BigInt(40 + columns), "AR");
      m.run([{ lane: "clear" }]);
      eq(m.get("LANE5"), 0n, "cleared");
    }
  });

  it("gr walks groups, then rows", () => {
    for (const at of range(128)) m.bench.sim.writeMemory("u_micro.u_group_sums.words", at, 1000 + at);
    m.run([{ misc: "gs=0" }, { gr: "group" }, { gr: "group" }, { gr: "row" }]);
    eq(m.get("GD"), 1016n, "third group of lane 0");
    eq(m.get("gg"), 0n, "gg");
    eq(m.get("gl"), 1n, "gl");
    m.run([{ gr: "group" }, { gr: "group" }]);
    eq(m.get("GD"), 1009n, "second group of lane 1");
  });

  it("tk walks the bytes of words, seek begins anew", () => {
    m.stream(20, 0x0807_0605_0403_0201n);
    m.stream(21, 0x1817_1615_1413_1211n);
    m.run([{ misc: "seek=imm", imm: 20 }, { tk: "1" }, { tk: "1" }, { tk: "2" }, { my: "half" }]);
    eq(m.get("MY"), 0x0605n, "half at 4");
    m.run([{ tk: "4" }, { tk: "1" }, { my: "byte" }]);
    eq(m.get("MY"), 0x12n, "byte 1 of the next word");
    eq(m.get("SA"), 22n, "SA");
    m.run([...setR(20n), { misc: "seek=r" }, { my: "byte" }]);
    eq(m.get("MY"), 1n, "byte 0 after seek=r");
    eq(m.get("SA"), 21n, "SA");
    eq(m.get("bi"), 0n, "bi");
  });

  it("tb reads the table at imm plus an index", () => {
    m.stream(30, 0x5bn);
    const r = 0x3_76a5n;
    const cases: readonly (readonly [NonNullable<Micro["tb"]>, bigint])[] = [
      ["plain", r & 1023n],
      ["exp", (r >> 4n) & 63n],
      ["byte8", (r >> 8n) & 255n],
      ["factor", 0xbn],
    ];
    for (const [code, index] of cases)
      for (const base of [0, 700, 1023]) {
        m.run([{ misc: "seek=imm", imm: 30 }, ...setR(r), { tb: code, imm: base }, {}]);
        eq(m.get("TD"), TABLES[(base + Number(index)) % 1024]!, `tb ${code} at ${base}`);
      }
  });

  it("aw and sw write bytes, nibbles and halves of R", () => {
    m.run([
      { misc: "ar=imm", imm: 0 },
      { misc: "aw=imm", imm: 77 },
      ...setR(0x1b2c3n),
      { aw: "write" },
      { aw: "write" },
    ]);
    assert.deepEqual(m.bench.memories().ACT.slice(77, 79), [0xc3n, 0xc3n]);
    eq(m.get("AW"), 79n, "AW");
    for (const [code, nibbles, step] of [
      ["nibble1", 1, 1],
      ["nibble8", 1, 8],
      ["half", 4, 4],
    ] as const) {
      let want = [0x0123_4567_89ab_cdefn, 0xfedc_ba98_7654_3210n];
      for (const [at, word] of want.entries()) m.stream(50 + at, word);
      const from = 50 * 16 + (nibbles === 4 ? 8 : 5);
      m.run([
        ...setR(BigInt(from)),
        { misc: "wp=r" },
        ...setR(0xdead_5a96n),
        { sw: code },
        { sw: code },
        { sw: code },
      ]);
      const mask = (1n << BigInt(4 * nibbles)) - 1n;
      for (const i of range(3)) {
        const at = BigInt(4 * (from + i * step - 800));
        const both = want[0]! | (want[1]! << 64n);
        const next = (both & ~(mask << at)) | ((0x5a96n & mask) << at);
        want = [unsigned(64, next), next >> 64n];
      }
      assert.deepEqual(m.bench.memories().SPRAM.slice(50, 52), want, code);
      eq(m.get("WP"), BigInt(from + 3 * step), "WP");
    }
  });

  it("vr and vw read and write at imm and at pointers that step", () => {
    for (const p of [0, 1, 2, 3] as const) {
      for (const at of range(4)) m.vmem(600 + at, BigInt(9000 + at));
      m.run([{ misc: `p${p}=imm`, imm: 600 }, { vr: `p${p}` }, { vr: `p${p}+` }, { mx: "vd", vr: `p${p}+` }]);
      eq(m.get("MX"), 9000n, "the word before");
      eq(m.get("VD"), 9001n, "the next");
      eq(m.get(`P${p}`), 602n, "pointer");
      m.run([...setR(601n), { misc: `p${p}=r` }, { vw: `p${p}+` }, { vw: `p${p}` }, { vw: "imm", imm: 603 }]);
      assert.deepEqual(m.bench.memories().VMEM.slice(600, 604), [9000n, 601n, 601n, 601n]);
      eq(m.get(`P${p}`), 602n, "pointer");
    }
  });

  it("two pointers step in one cycle, a third is loaded", () => {
    m.run([
      { misc: "p0=imm", imm: 1022 },
      { misc: "p1=imm", imm: 500 },
      { misc: "p2=imm", imm: 7, vr: "p0+", vw: "p1+" },
      { misc: "p3=imm", imm: 9, vr: "p0+", vw: "p1+" },
    ]);
    assert.deepEqual(
      range(4).map((p) => m.get(`P${p}`)),
      [0n, 502n, 7n, 9n],
    );
  });

  it("seq jumps, calls four deep, loops and returns", () => {
    for (const c of [0, 1, 2, 3] as const) {
      // 1..: C <- 5; MX <- 1, MY <- 1; ACC <- 0 + ...; loop on itself
      m.run(
        [
          { misc: `c${c}=imm`, imm: 5 },
          { mx: "one", my: "imm", imm: 1 },
          { ac: "=" },
          { ac: "+", seq: `loop${c}`, target: 4 },
        ],
        8,
      );
      eq(m.get("ACC"), 6n, "5 passes");
      eq(m.get(`C${c}`), 0n, "counter");
      eq(m.get("PC"), 5n, "PC");
      m.run([...setR(3n), { misc: `c${c}=r` }]);
      eq(m.get(`C${c}`), 3n, "counter from R");
    }
    const calls: Micro[] = [
      { seq: "call", target: 3 },
      { seq: "jump", target: 2 },
      { seq: "call", target: 5 },
      { seq: "ret" },
      { seq: "call", target: 7 },
      { seq: "ret" },
      { seq: "call", target: 9 },
      { seq: "ret" },
      { seq: "ret" },
    ];
    m.run(calls, 8);
    eq(m.get("PC"), 2n, "after four calls and returns");
    m.run(calls, 7);
    eq(m.get("PC"), 4n, "before the last return");
  });

  it("seq tests V, the sign and zero of R, and what the link wants", () => {
    const taken = (start: readonly Micro[], seq: NonNullable<Micro["seq"]>): boolean => {
      m.run([...start, { seq, target: 60 }]);
      const pc = m.get("PC");
      assert.ok(pc === 60n || pc === BigInt(start.length + 2), `PC ${pc}`);
      return pc === 60n;
    };
    for (const [value, negative, zero] of [
      [0n, false, true],
      [1n, false, false],
      [0x8000_0000n, true, false],
      [0xffff_ffffn, true, false],
    ] as const) {
      assert.equal(taken(setR(value), "negative"), negative);
      assert.equal(taken(setR(value), "zero"), zero);
    }
    const cut = (value: bigint): Micro[] => [...setAcc(value), { q: "floorImm", imm: 0 }, { r: "clamp7" }];
    assert.equal(taken(cut(8n), "overflow"), true);
    assert.equal(taken(cut(7n), "overflow"), false);
    m.bench.offer({ token: 1, position: 0, wanted: false });
    assert.equal(taken([], "unwanted"), true);
    m.bench.offer({ token: 1, position: 0, wanted: true });
    assert.equal(taken([], "unwanted"), false);
  });

  it("waits for a token and acknowledges it with R", () => {
    const { sim } = m.bench;
    sim.poke("run_valid", 0);
    m.run([...setR(0x1_4321n), { seq: "wait" }, { misc: "ack" }], 20);
    eq(m.get("PC"), 6n, "stays");
    assert.equal(sim.peek("chosen_valid"), 0n);
    sim.poke("run_valid", 1);
    sim.step();
    assert.equal(sim.peek("chosen_valid"), 1n);
    assert.equal(sim.peek("chosen_token"), 0x4321n);
    sim.step();
    assert.equal(sim.peek("chosen_valid"), 0n);
  });

  it("flag sticks until reset", () => {
    m.run([{ misc: "flag" }, {}, {}]);
    eq(m.get("saturated"), 1n, "sticky");
    m.run([{}]);
    eq(m.get("saturated"), 0n, "after reset");
  });

  it("the first instruction happens once, however long the reset", () => {
    const { sim } = m.bench;
    m.run([{}]);
    const before = m.bench.memories().SPRAM;
    const first: Micro = { misc: "ack", sw: "half" };
    sim.writeMemory("u_micro.u_sequencer.program", 0, encode(first));
    const wp = m.get("WP");
    sim.poke("rst", 1);
    sim.step();
    const seen = range(9).map((cycle) => {
      if (cycle === 5) sim.poke("rst", 0);
      const valid = sim.peek("chosen_valid");
      if (cycle < 6) assert.deepEqual(m.bench.memories().SPRAM, before);
      sim.step();
      return valid;
    });
    assert.deepEqual(seen, [0n, 0n, 0n, 0n, 0n, 0n, 1n, 0n, 0n]);
    assert.notEqual(m.get("WP"), wp);
  });
});
