/** The interpreter: every field against README.md's words, and every error of a program. */
import assert from "node:assert/strict";
import { type Assembler, program, type Written } from "./assemble.js";
import { Interpreter, type State } from "./interpret.js";

/** Runs instructions one cycle each on a state prepared by `before`. */
function run(ops: readonly Written[], before: (s: State) => void = () => {}): State {
  const machine = new Interpreter(
    program((a) => {
      a.label("start");
      for (const op of ops) a.op(op);
      a.label("end");
      a.op({});
    }),
    Array.from({ length: 1024 }, (_, i) => 3 * i),
  );
  before(machine.state);
  for (let i = 0; i < ops.length; i++) machine.step();
  return machine.state;
}

/** A machine with a program, to be called. */
function routine(write: (a: Assembler) => void): Interpreter {
  return new Interpreter(program(write), []);
}

const set =
  (values: Partial<State>) =>
  (s: State): void => {
    Object.assign(s, values);
  };

describe("micro/interpret: fields", () => {
  it("reads the state of the start of the cycle everywhere", () => {
    const s = run(
      [{ mx: "r", my: "yr", ac: "=", q: "floor0", r: "wrap32", vw: "p1", misc: "yr=r" }],
      set({ mx: 3, my: 7, acc: 100, q: 40, half: 1, r: 9, yr: 8 }),
    );
    assert.deepEqual([s.mx, s.my, s.acc, s.q, s.half, s.r, s.vmem[0], s.yr], [9, 8, 21, 100, 0, 41, 9, 9]);
  });

  it("vr and vw step pointers modulo 1024", () => {
    const s = run([{ vr: "p0+", vw: "p1+" }, { vr: "p0" }], (t) => {
      t.p[0] = 1023;
      t.p[1] = 4;
      t.r = -5;
      t.vmem[1023] = 77;
    });
    assert.deepEqual([s.p[0], s.p[1], s.vd, s.vmem[4]], [0, 5, 0, -5]);
  });

  it("mx", () => {
    const from = set({ vd: -3, r: -4, acc: 2 ** 47 + 2 ** 33 + 2 ** 15 + 6, gd: -9 });
    const mx = (code: Written["mx"] & string): number => run([{ mx: code }], from).mx;
    assert.deepEqual((["vd", "r", "acc", "acch", "accl", "gs", "one"] as const).map(mx), [
      -3,
      -4,
      32774,
      -(2 ** 31) + 2 ** 17,
      32774,
      -9,
      1,
    ]);
  });

  it("my", () => {
    const from = (s: State): void => {
      Object.assign(s, { sdLow: 0x44332211, sdHigh: 0x88776655, sought: true, bi: 6, td: 5, yr: 6 });
      Object.assign(s, { r: -0x12345678, vd: 0x1ffff, m: 0xfedcba98 });
    };
    const my = (code: Written["my"] & string): number => run([{ my: code }], from).my;
    assert.deepEqual(
      (["byte", "factor", "half", "td", "yr", "rlo", "rhi", "alo", "ahi"] as const).map(my),
      [0x77, 23, 0x8877, 5, 6, 0xa988, 0xedcb, 0x5678, 0x1234],
    );
    assert.deepEqual(
      (["r15", "r255", "vdlo", "mlo", "mhi"] as const).map(my),
      [8, 0x88, 0xffff, 0xba98, 0xfedc],
    );
    assert.equal(run([{ my: 65535 }]).my, 65535);
    assert.equal(run([{ my: "ahi" }], set({ r: -(2 ** 31) })).my, 0x8000);
  });

  it("ac against BigInt, also where 52 bits wrap", () => {
    const value = {
      none: (acc: bigint) => acc,
      "=": (_: bigint, p: bigint) => p,
      "+": (acc: bigint, p: bigint) => acc + p,
      "-": (acc: bigint, p: bigint) => acc - p,
      "=hi": (_: bigint, p: bigint) => p << 16n,
      "+hi": (acc: bigint, p: bigint) => acc + (p << 16n),
      "-hi": (acc: bigint, p: bigint) => acc - (p << 16n),
      "+abs": (acc: bigint, p: bigint) => acc + (p < 0n ? -p : p),
      "+abshi": (acc: bigint, p: bigint) => acc + ((p < 0n ? -p : p) << 16n),
    } as const;
    let x = 12345;
    const random = (): number => {
      x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
      return x;
    };
    for (let i = 0; i < 400; i++)
      for (const code of Object.keys(value) as (keyof typeof value)[]) {
        const mx = i % 5 === 0 ? -(2 ** 31) : (random() | 0) >> (random() % 31);
        const my = random() >>> (16 + (random() % 16));
        const acc = Math.floor(((random() | 0) * 2 ** 20 + random()) / 2 ** (random() % 40));
        const expected = Number(BigInt.asIntN(52, value[code](BigInt(acc), BigInt(mx) * BigInt(my))));
        assert.equal(
          run([{ ac: code }], set({ mx, my, acc })).acc,
          expected + 0,
          `${code} ${mx} ${my} ${acc}`,
        );
      }
  });

  it("q shifts with the rounding bit up to 63", () => {
    for (const acc of [-(2 ** 51), -(2 ** 51) + 1, -7, -1, 0, 1, 2 ** 31, 2 ** 51 - 1])
      for (const n of [0, 1, 2, 31, 32, 33, 51, 52, 53, 63]) {
        const rounded = n === 0 ? BigInt(acc) : (BigInt(acc) + (1n << BigInt(n - 1))) >> BigInt(n);
        const s = run([{ q: `round${n}` }], set({ acc }));
        assert.equal(BigInt(s.q) + BigInt(s.half), rounded, `${acc} >> ${n}`);
        const t = run([{ q: "roundSh" }], set({ acc, sh: n }));
        assert.deepEqual([t.q, t.half], [s.q, s.half]);
        const floor = run([{ q: "floorSh" }], set({ acc, sh: n }));
        assert.deepEqual([BigInt(floor.q), floor.half], [BigInt(acc) >> BigInt(n), 0]);
      }
  });

  it("r cuts, with V and the sticky flag", () => {
    const cut = (r: Written["r"] & string, q: number, half = 0): (number | boolean)[] => {
      const s = run([{ r }], set({ q, half, v: true }));
      return [s.r, s.v, s.saturated];
    };
    assert.deepEqual(cut("sat32", 2 ** 31 - 1), [2 ** 31 - 1, false, false]);
    assert.deepEqual(cut("sat32", 2 ** 31 - 1, 1), [2 ** 31 - 1, true, true]);
    assert.deepEqual(cut("sat24", -(2 ** 23) - 1), [-(2 ** 23), true, true]);
    assert.deepEqual(cut("sat18", 2 ** 40), [2 ** 17 - 1, true, false]);
    assert.deepEqual(cut("clamp127", -200), [-127, true, false]);
    assert.deepEqual(cut("clamp7", 8), [7, true, false]);
    assert.deepEqual(cut("wrap32", 2 ** 40 + 2 ** 31 + 1), [-(2 ** 31) + 1, false, false]);
  });

  it("r from elsewhere leaves V", () => {
    const from = set({
      v: true,
      acc: -1,
      best: 12,
      vd: -8,
      offer: { token: 511, position: 9, wanted: true },
    });
    for (const [code, r] of [
      ["bitlen", 48],
      ["best", 12],
      ["vd", -8],
      ["acc", -1],
      ["token", 511],
      ["position", 9],
    ] as const) {
      const s = run([{ r: code }], from);
      assert.deepEqual([s.r, s.v], [r, true], code);
    }
    const lengths = [0, 1, 2 ** 31, 2 ** 32, 2 ** 47 - 1, 2 ** 48, 2 ** 48 + 5];
    assert.deepEqual(
      lengths.map((acc) => run([{ r: "bitlen" }], set({ acc })).r),
      [0, 1, 32, 33, 47, 0, 3],
    );
  });

  it("max", () => {
    assert.deepEqual([run([{ max: "abs" }], set({ m: 5, r: -(2 ** 31) })).m], [2 ** 31]);
    assert.deepEqual([run([{ max: "signed" }], set({ m: 5, r: -1 })).m], [2 ** 31 - 1]);
    const greater = run([{ max: "argmax" }], set({ m: 2 ** 31, r: 1, idx: 65535, best: 3 }));
    assert.deepEqual([greater.m, greater.best, greater.idx], [2 ** 31 + 1, 65535, 0]);
    const equal = run([{ max: "argmax" }], set({ m: 2 ** 31, r: 0, idx: 4, best: 3 }));
    assert.deepEqual([equal.best, equal.idx], [3, 5]);
    const clear = run([{ max: "clear" }], set({ m: 9, idx: 9 }));
    assert.deepEqual([clear.m, clear.idx], [0, 0]);
  });

  it("sh and te", () => {
    const stream = { sdLow: 0x3c, sought: true };
    const sh = (code: Written["sh"] & string, values: Partial<State>): (number | boolean)[] => {
      const s = run([{ sh: code }], set(values));
      return [s.sh, s.saturated];
    };
    assert.deepEqual(sh("r", { r: -1 }), [0, true]);
    assert.deepEqual(sh("r", { r: 64 }), [63, false]);
    assert.deepEqual(sh("byte", { ...stream, te: 61 }), [0, true]);
    assert.deepEqual(sh("byte", { ...stream, te: -3 }), [63, false]);
    assert.deepEqual(sh("scale", { ...stream, te: -5 }), [17, false]);
    assert.equal(run([{ sh: "te" }], set({ r: 512 + 1024 })).te, -512);
  });

  it("lanes: W2 and W4, visible two cycles later", () => {
    const machine = new Interpreter(
      program((a) => {
        a.op({ lane: "w2" });
        a.op({ lane: "w4", tk: "4" });
        a.op({});
        a.op({});
      }),
      [],
    );
    const { state } = machine;
    Object.assign(state, { sdLow: 0x8765e41b, sought: true });
    state.act.set([100, -3]);
    const lanes = (): number[] => Array.from({ length: 8 }, (_, l) => machine.lane(l));
    machine.step();
    assert.deepEqual(lanes(), [0, 0, 0, 0, 0, 0, 0, 0]);
    machine.step();
    const w2 = [300, 100, -100, -300, -300, -100, 100, 300]; // 0xe41b: 3 2 1 0 0 1 2 3
    assert.deepEqual(lanes(), w2);
    machine.step();
    const w4 = [-5, 1, 4, -2, 5, 6, 7, -8];
    assert.deepEqual(
      lanes(),
      w2.map((v, l) => v - 3 * w4[l]!),
    );
    assert.equal(state.ar, 2);
  });

  it("the stream: seek and takes of 1, 2 and 4 bytes", () => {
    const s = run(
      [{ misc: ["seek", 5] }, { tk: "4" }, { tk: "2" }, { tk: "1" }, { my: "byte", tk: "1" }],
      (t) => {
        t.spram[11] = 0xab000000;
        t.spram[12] = 9;
      },
    );
    assert.deepEqual([s.my, s.sdLow, s.sa, s.bi], [0xab, 9, 7, 0]);
  });

  it("tables, modulo 1024", () => {
    const stream = { sdLow: 0x3c, sought: true };
    const td = (tb: Written["tb"] & object, r: number): number => run([{ tb }], set({ ...stream, r })).td / 3;
    assert.equal(td(["plain", 1000], 30), 6);
    assert.equal(td(["exp", 0], -1), 63);
    assert.equal(td(["byte8", 5], 0x12ff), 23);
    assert.equal(td(["factor", -2], 0), 10);
  });

  it("group sums", () => {
    const s = run(
      [{ misc: "gs=0" }, { gw: "dump" }, { gw: "dump", gr: "group" }, { gr: "row" }, { gr: "row" }],
      (t) => {
        t.lanes.set([5, 6, 7]);
        t.gs[8] = -1;
      },
    );
    assert.deepEqual([s.gs[0], s.gs[1], s.gw, s.gd, s.gg, s.gl], [5, 6, 2, 6, 0, 2]);
  });

  it("gw takes the sum from before a clear or a mac of the same cycle", () => {
    const s = run([{ misc: "gs=0" }, { gw: "dump", lane: "clear" }, { gw: "dump", lane: "w2" }], (t) => {
      t.lanes.set([5, 6]);
      Object.assign(t, { sought: true, sdLow: 0xffff });
      t.act[0] = 9;
    });
    assert.deepEqual([s.gs[0], s.gs[1], s.lanes[1]], [5, 0, 27]);
  });

  it("aw, and sw of nibbles and halves", () => {
    const s = run(
      [
        { misc: ["ar", 9] },
        { misc: ["aw", 511] },
        { aw: "write" },
        { aw: "write", sw: "nibble8" },
        { sw: "nibble1" },
        { sw: "half" },
      ],
      set({ r: -123, wp: 16 * 3 + 3 }),
    );
    assert.deepEqual([s.act[511], s.act[0], s.aw], [-123, -123, 1]);
    // nibbles 3 and 11 of word 3, then the half from nibble 12 on
    assert.deepEqual([s.spram[6], s.spram[7], s.wp], [0x5000, 0xff855000, 16 * 4]);
  });

  it("loops run as often as the counter says", () => {
    const machine = routine((a) => {
      a.label("f");
      a.op({ misc: ["c0", 3] });
      a.label("outer");
      a.op({ misc: ["c1", 4] });
      a.label("self");
      a.op({ vw: "p0+", seq: "loop1", target: "self" });
      a.op({ seq: "loop0", target: "outer" });
      a.op({ seq: "ret" });
    });
    assert.equal(machine.call("f"), 1 + 3 * 6 + 1);
    assert.equal(machine.state.p[0], 12);
    assert.deepEqual(machine.state.c, [0, 0, 0, 0]);
  });

  it("jumps on V, sign and zero", () => {
    for (const [seq, values, jumps] of [
      ["overflow", { v: true }, true],
      ["overflow", { v: false }, false],
      ["negative", { r: -1 }, true],
      ["negative", { r: 0 }, false],
      ["zero", { r: 0 }, true],
      ["zero", { r: 5 }, false],
      ["unwanted", { offer: { token: 1, position: 0, wanted: false } }, true],
      ["unwanted", { offer: { token: 1, position: 0, wanted: true } }, false],
    ] as const) {
      const s = run([{ seq, target: "end" }, {}], set(values));
      // behind the jump stand one instruction and the end
      assert.equal(s.pc, jumps ? 3 : 2, seq);
    }
  });

  it("the link: wait, token, ack", () => {
    const machine = routine((a) => {
      a.label("start");
      a.op({ r: "token", seq: "wait" });
      a.op({ misc: "ack", seq: "jump", target: "start" });
    });
    for (let i = 0; i < 5; i++) machine.step();
    assert.equal(machine.state.pc, 0);
    assert.deepEqual(machine.token({ token: 300, position: 0, wanted: true }), { token: 300, cycles: 2 });
    assert.deepEqual(machine.token({ token: 7, position: 1, wanted: true }), { token: 7, cycles: 2 });
  });
});

describe("micro/interpret: errors of a program", () => {
  /** The last of these instructions is wrong. */
  const refuses = (ops: readonly Written[], message: RegExp, before: (s: State) => void = () => {}): void => {
    const at = `PC ${ops.length - 1} \\(.*interpret\\.test\\.ts:\\d+.*\\), cycle ${ops.length - 1}: `;
    assert.throws(() => run(ops, before), new RegExp(at + message.source));
  };
  const seek: Written = { misc: ["seek", 0] };

  it("reading the word that is written", () => {
    refuses(
      [{ misc: ["p0", 5] }, { misc: ["p1", 5] }, { vr: "p0", vw: "p1" }],
      /vr p0 reads VMEM\[5\] while vw p1/,
    );
    refuses([{ misc: ["p1", 5] }, { vr: 5, vw: "p1" }], /vr imm reads VMEM\[5\] while vw p1/);
  });

  it("a group's sum while it is written", () => {
    refuses([{ misc: "gs=0" }, { gw: "dump", gr: "row" }], /gr reads GS\[0\] while gw writes it/);
  });

  it("lanes too early", () => {
    refuses([seek, { lane: "w4" }, { lane: "clear" }], /lane clear in the cycle after a mac/);
    refuses([seek, { lane: "w4" }, { gw: "dump" }], /gw in the cycle after a mac/);
    refuses([seek, { misc: ["ar", 3] }, { lane: "w2" }], /mac in the cycle after ar=imm/);
    run([seek, { lane: "w4" }, {}, { lane: "clear" }]);
  });

  it("the stream behind a write, and uneven bytes", () => {
    refuses([seek, { sw: "half" }, { tk: "1" }], /take behind a write/);
    refuses([{ my: "byte" }], /byte of the stream behind/);
    refuses([seek, { tk: "1" }, { my: "half" }], /half of the stream at byte 1/);
    refuses([seek, { tk: "2" }, { lane: "w4" }], /w4 at byte 2/);
    refuses([seek, { tk: "2" }, { tk: "4" }], /take of 4 at byte 2/);
    refuses([{ sw: "half" }], /sw half at nibble 3/, set({ wp: 3 }));
  });

  it("aw at AR", () => {
    refuses(
      [{ misc: ["ar", 3] }, { misc: ["aw", 3] }, { aw: "write" }],
      /aw writes ACT\[3\], at which AR stands/,
    );
    refuses([{ misc: ["aw", 3] }, { aw: "write", misc: ["ar", 3] }], /aw writes ACT\[3\]/);
  });

  it("calls too deep, returns without a call, the end of the program, no token", () => {
    const deep = routine((a) => {
      a.label("f");
      a.op({ seq: "call", target: "f" });
    });
    assert.throws(() => deep.call("f"), /PC 0 \(f, .*call deeper than 4/);
    refuses([{ seq: "ret" }], /ret without a call/);
    refuses([{ misc: "ack" }], /the link has no token/);
    assert.throws(
      () => routine((a) => a.op({})).token({ token: 0, position: 0, wanted: true }),
      /PC 1 is outside/,
    );
    assert.throws(() => deep.call("g"), /no label g/);
  });
});
