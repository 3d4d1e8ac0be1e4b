/**
 * One microinstruction as a list of closures, one per field that does something. All fields read the state as it was at the start
 * of the cycle: readers of a register run before its writer, and R and MX, whose readers and writers form circles, are written last.
 */
import { CALL_DEPTH, type Code, type Micro } from "./machine.js";
import type { State } from "./interpretState.js";

export type Step = (s: State) => void;

/** 2^-n, exactly. */
const HALVES = Array.from({ length: 64 }, (_, n) => 2 ** -n);
const TWO16 = 2 ** 16;
const TWO48 = 2 ** 48;
const TWO51 = 2 ** 51;
const TWO52 = 2 ** 52;

/** What the fields of an instruction do, in an order that keeps the meaning. */
export function steps(micro: Micro): readonly Step[] {
  const imm = micro.imm ?? 0;
  const all: readonly (Step | undefined)[] = [
    seqStep(micro.seq ?? "next", micro.target ?? 0),
    rStep(micro.r ?? "none"),
    qStep(micro.q ?? "none", imm & 63),
    mxStep(micro.mx ?? "none"),
    acStep(micro.ac ?? "none"),
    (micro.mx ?? "none") === "none" ? undefined : commitMx,
    myStep(micro.my ?? "none", imm),
    maxStep(micro.max ?? "none"),
    shStep(micro.sh ?? "none"),
    grStep(micro.gr ?? "none", micro.gw ?? "none"),
    gwStep(micro.gw ?? "none"),
    laneStep(micro.lane ?? "none"),
    tbStep(micro.tb ?? "none", imm),
    sameWord(micro.vr ?? "none", micro.vw ?? "none", imm & 1023),
    vrStep(micro.vr ?? "none", imm & 1023),
    vwStep(micro.vw ?? "none", imm & 1023),
    awStep(micro.aw ?? "none", arOther(micro, imm)),
    tkStep(micro.tk ?? "none"),
    swStep(micro.sw ?? "none"),
    miscStep(micro.misc ?? "none", imm),
    (micro.r ?? "none") === "none" ? undefined : commitR,
  ];
  return all.filter((step) => step !== undefined);
}

const commitMx: Step = (s) => {
  s.mx = s.nextMx;
};
const commitR: Step = (s) => {
  s.r = s.nextR;
  s.v = s.nextV;
};

/** v modulo 2^52, signed; exact for what is a multiple of 1 with at most 53 significant bits. */
function wrap52(v: number): number {
  if (v >= -TWO51 && v < TWO51) return v;
  const low = v - Math.floor(v / TWO52) * TWO52;
  return low >= TWO51 ? low - TWO52 : low;
}

function byteOf(s: State): number {
  if (!s.sought) s.fail("byte of the stream behind a write to SPRAM, or before the first seek");
  return ((s.bi < 4 ? s.sdLow : s.sdHigh) >>> (8 * (s.bi & 3))) & 255;
}

function halfOf(s: State): number {
  if (!s.sought) s.fail("half of the stream behind a write to SPRAM, or before the first seek");
  if ((s.bi & 1) !== 0) s.fail(`half of the stream at byte ${s.bi}`);
  return ((s.bi < 4 ? s.sdLow : s.sdHigh) >>> (8 * (s.bi & 2))) & 0xffff;
}

function seqStep(code: Code<"seq">, target: number): Step | undefined {
  switch (code) {
    case "next":
      return undefined;
    case "jump":
      return (s) => {
        s.next = target;
      };
    case "call":
      return (s) => {
        if (s.depth === CALL_DEPTH) s.fail(`call deeper than ${CALL_DEPTH}`);
        s.stack[s.depth++] = s.pc + 1;
        s.next = target;
      };
    case "ret":
      return (s) => {
        if (s.depth === 0) s.fail("ret without a call");
        s.next = s.stack[--s.depth]!;
      };
    case "loop0":
    case "loop1":
    case "loop2":
    case "loop3": {
      const k = Number(code[4]);
      return (s) => {
        if (s.c[k] !== 1) s.next = target;
        s.c[k] = (s.c[k]! - 1) & 1023;
      };
    }
    case "overflow":
      return (s) => {
        if (s.v) s.next = target;
      };
    case "negative":
      return (s) => {
        if (s.r < 0) s.next = target;
      };
    case "zero":
      return (s) => {
        if (s.r === 0) s.next = target;
      };
    case "wait":
      return (s) => {
        if (!s.offer) s.next = s.pc;
      };
    case "unwanted":
      return (s) => {
        if (!offered(s).wanted) s.next = target;
      };
  }
}

function offered(s: State): NonNullable<State["offer"]> {
  return s.offer ?? s.fail("the link has no token");
}

function rStep(code: Code<"r">): Step | undefined {
  const cut =
    (low: number, high: number, sticky: boolean): Step =>
    (s) => {
      const v = s.q + s.half;
      s.nextR = v > high ? high : Math.max(v, low);
      s.nextV = s.nextR !== v;
      if (sticky && s.nextV) s.saturated = true;
    };
  const plain =
    (value: (s: State) => number): Step =>
    (s) => {
      s.nextR = value(s);
      s.nextV = s.v;
    };
  switch (code) {
    case "none":
      return undefined;
    case "sat32":
      return cut(-(2 ** 31), 2 ** 31 - 1, true);
    case "sat24":
      return cut(-(2 ** 23), 2 ** 23 - 1, true);
    case "sat18":
      return cut(-(2 ** 17), 2 ** 17 - 1, false);
    case "clamp127":
      return cut(-127, 127, false);
    case "clamp7":
      return cut(-7, 7, false);
    case "wrap32":
      return (s) => {
        s.nextR = (s.q + s.half) | 0;
        s.nextV = false;
      };
    case "bitlen":
      return plain((s) => {
        const low = s.acc - Math.floor(s.acc / TWO48) * TWO48;
        return low < 2 ** 32 ? 32 - Math.clz32(low) : 64 - Math.clz32(Math.floor(low / 2 ** 32));
      });
    case "token":
      return (s) => {
        // in the cycles of a wait there may be none yet: any value will do, since the last cycle writes again
        s.nextR = s.offer ? s.offer.token & 0xffff : 0;
        s.nextV = s.v;
      };
    case "position":
      return (s) => {
        s.nextR = s.offer ? s.offer.position & 1023 : 0;
        s.nextV = s.v;
      };
    case "best":
      return plain((s) => s.best);
    case "vd":
      return plain((s) => s.vd);
    case "acc":
      return plain((s) => s.acc | 0);
  }
}

function qStep(code: Code<"q">, amount: number): Step | undefined {
  switch (code) {
    case "none":
      return undefined;
    case "floorSh":
      return (s) => {
        s.q = Math.floor(s.acc * HALVES[s.sh]!);
        s.half = 0;
      };
    case "roundSh":
      return (s) => round(s, s.sh);
    case "floorImm": {
      const factor = HALVES[amount]!;
      return (s) => {
        s.q = Math.floor(s.acc * factor);
        s.half = 0;
      };
    }
    case "roundImm":
      return (s) => round(s, amount);
  }
}

function round(s: State, n: number): void {
  if (n === 0) {
    s.q = s.acc;
    s.half = 0;
    return;
  }
  const twice = Math.floor(s.acc * HALVES[n - 1]!);
  s.q = Math.floor(twice / 2);
  s.half = twice - 2 * s.q;
}

function mxStep(code: Code<"mx">): Step | undefined {
  switch (code) {
    case "none":
      return undefined;
    case "vd":
      return (s) => {
        s.nextMx = s.vd;
      };
    case "r":
      return (s) => {
        s.nextMx = s.r;
      };
    case "acc":
      return (s) => {
        s.nextMx = s.acc | 0;
      };
    case "acch":
      return (s) => {
        s.nextMx = Math.floor(s.acc / TWO16) | 0;
      };
    case "accl":
      return (s) => {
        s.nextMx = (s.acc | 0) & 0xffff;
      };
    case "gs":
      return (s) => {
        s.nextMx = s.gd;
      };
    case "one":
      return (s) => {
        s.nextMx = 1;
      };
  }
}

function acStep(code: Code<"ac">): Step | undefined {
  const add =
    (value: (product: number) => number): Step =>
    (s) => {
      s.acc = wrap52(s.acc + value(s.mx * s.my));
    };
  switch (code) {
    case "none":
      return undefined;
    case "=":
      return (s) => {
        s.acc = s.mx * s.my + 0; // no -0
      };
    case "+":
      return add((product) => product);
    case "-":
      return add((product) => -product);
    case "=hi":
      return (s) => {
        s.acc = wrap52(s.mx * s.my * TWO16) + 0;
      };
    case "+hi":
      return add((product) => wrap52(product * TWO16));
    case "-hi":
      return add((product) => -wrap52(product * TWO16));
    case "+abs":
      return add((product) => Math.abs(product));
    case "+abshi":
      return add((product) => wrap52(Math.abs(product) * TWO16));
  }
}

function myStep(code: Code<"my">, imm: number): Step | undefined {
  const from =
    (value: (s: State) => number): Step =>
    (s) => {
      s.my = value(s);
    };
  switch (code) {
    case "none":
      return undefined;
    case "byte":
      return from(byteOf);
    case "factor":
      return from((s) => 16 + (byteOf(s) & 15));
    case "half":
      return from(halfOf);
    case "td":
      return from((s) => s.td);
    case "yr":
      return from((s) => s.yr);
    case "rlo":
      return from((s) => s.r & 0xffff);
    case "rhi":
      return from((s) => s.r >>> 16);
    case "alo":
      return from((s) => Math.abs(s.r) & 0xffff);
    case "ahi":
      return from((s) => Math.abs(s.r) >>> 16);
    case "r15":
      return from((s) => s.r & 15);
    case "r255":
      return from((s) => s.r & 255);
    case "vdlo":
      return from((s) => s.vd & 0xffff);
    case "imm":
      return from(() => imm);
    case "mlo":
      return from((s) => s.m & 0xffff);
    case "mhi":
      return from((s) => s.m >>> 16);
  }
}

function maxStep(code: Code<"max">): Step | undefined {
  switch (code) {
    case "none":
      return undefined;
    case "clear":
      return (s) => {
        s.m = 0;
        s.idx = 0;
      };
    case "abs":
      return (s) => {
        s.m = Math.max(s.m, Math.abs(s.r));
      };
    case "signed":
      return (s) => {
        s.m = Math.max(s.m, s.r + 2 ** 31);
      };
    case "argmax":
      return (s) => {
        if (s.r + 2 ** 31 > s.m) {
          s.m = s.r + 2 ** 31;
          s.best = s.idx;
        }
        s.idx = (s.idx + 1) & 0xffff;
      };
  }
}

function shStep(code: Code<"sh">): Step | undefined {
  const clamped =
    (value: (s: State) => number): Step =>
    (s) => {
      const amount = value(s);
      if (amount < 0) s.saturated = true;
      s.sh = amount < 0 ? 0 : Math.min(amount, 63);
    };
  switch (code) {
    case "none":
      return undefined;
    case "r":
      return clamped((s) => s.r);
    case "byte":
      return clamped((s) => byteOf(s) - s.te);
    case "scale":
      return clamped((s) => 15 - (byteOf(s) >> 4) - s.te);
    case "te":
      return (s) => {
        s.te = (s.r << 22) >> 22;
      };
  }
}

/** The weight of a lane in a column of W2 (16 bits) or W4 (32 bits). */
export function weight(kind: "w2" | "w4", column: number, lane: number): number {
  return kind === "w2" ? 2 * ((column >>> (2 * lane)) & 3) - 3 : (column << (28 - 4 * lane)) >> 28;
}

function laneStep(code: Code<"lane">): Step | undefined {
  switch (code) {
    case "none":
      return undefined;
    case "w2":
      return (s) => mac(s, "w2", halfOf(s));
    case "w4":
      return (s) => {
        if (!s.sought) s.fail("weights behind a write to SPRAM, or before the first seek");
        if ((s.bi & 3) !== 0) s.fail(`w4 at byte ${s.bi} of the stream`);
        mac(s, "w4", s.bi === 0 ? s.sdLow : s.sdHigh);
      };
    case "clear":
      return (s) => {
        if (s.macAt === s.cycle - 1) s.fail("lane clear in the cycle after a mac");
        s.lanes.fill(0);
      };
  }
}

function mac(s: State, kind: "w2" | "w4", column: number): void {
  if (s.arAt === s.cycle - 1) s.fail("mac in the cycle after ar=imm: AD is not there yet");
  const activation = s.act[s.ar]!;
  const { lanes } = s;
  for (let lane = 0; lane < 8; lane++) lanes[lane] = lanes[lane]! + weight(kind, column, lane) * activation;
  s.macAt = s.cycle;
  s.macKind = kind;
  s.macColumn = column;
  s.macActivation = activation;
  s.ar = (s.ar + 1) & 511;
}

function tkStep(code: Code<"tk">): Step | undefined {
  if (code === "none") return undefined;
  const bytes = Number(code);
  return (s) => {
    if (!s.sought) s.fail("take behind a write to SPRAM, or before the first seek");
    if (s.bi % bytes !== 0) s.fail(`take of ${bytes} at byte ${s.bi} of the stream`);
    s.bi += bytes;
    if (s.bi < 8) return;
    readStream(s, s.sa);
  };
}

function readStream(s: State, address: number): void {
  s.bi = 0;
  s.sdLow = s.spram[2 * address]!;
  s.sdHigh = s.spram[2 * address + 1]!;
  s.sa = (address + 1) & 16383;
  s.sought = true;
}

function tbStep(code: Code<"tb">, imm: number): Step | undefined {
  const read =
    (index: (s: State) => number): Step =>
    (s) => {
      s.td = s.table[(imm + index(s)) & 1023]!;
    };
  switch (code) {
    case "none":
      return undefined;
    case "plain":
      return read((s) => s.r & 1023);
    case "exp":
      return read((s) => (s.r >> 4) & 63);
    case "byte8":
      return read((s) => (s.r >> 8) & 255);
    case "factor":
      return read((s) => byteOf(s) & 15);
  }
}

/** Reading the word that is written; the assembler sees it only where both fields name one pointer. */
function sameWord(vr: Code<"vr">, vw: Code<"vw">, imm: number): Step | undefined {
  if (vr === "none" || vw === "none") return undefined;
  const address = (code: string): ((s: State) => number) => {
    const k = Number(code[1]);
    return code === "imm" ? () => imm : (s) => s.p[k]!;
  };
  const read = address(vr);
  const write = address(vw);
  return (s) => {
    if (read(s) === write(s)) s.fail(`vr ${vr} reads VMEM[${read(s)}] while vw ${vw} writes it`);
  };
}

function vrStep(code: Code<"vr">, imm: number): Step | undefined {
  if (code === "none") return undefined;
  if (code === "imm")
    return (s) => {
      s.vd = s.vmem[imm]!;
    };
  const k = Number(code[1]);
  const by = code.endsWith("+") ? 1 : 0;
  return (s) => {
    s.vd = s.vmem[s.p[k]!]!;
    s.p[k] = (s.p[k]! + by) & 1023;
  };
}

function vwStep(code: Code<"vw">, imm: number): Step | undefined {
  if (code === "none") return undefined;
  if (code === "imm")
    return (s) => {
      s.vmem[imm] = s.r;
    };
  const k = Number(code[1]);
  const by = code.endsWith("+") ? 1 : 0;
  return (s) => {
    s.vmem[s.p[k]!] = s.r;
    s.p[k] = (s.p[k]! + by) & 1023;
  };
}

function grStep(code: Code<"gr">, gw: Code<"gw">): Step | undefined {
  const read = (s: State): void => {
    if (gw !== "none" && s.gw === s.gg * 8 + s.gl) s.fail(`gr reads GS[${s.gw}] while gw writes it`);
    s.gd = s.gs[s.gg * 8 + s.gl]!;
  };
  switch (code) {
    case "none":
      return undefined;
    case "group":
      return (s) => {
        read(s);
        s.gg = (s.gg + 1) & 15;
      };
    case "row":
      return (s) => {
        read(s);
        s.gg = 0;
        s.gl = (s.gl + 1) & 7;
      };
  }
}

function gwStep(code: Code<"gw">): Step | undefined {
  if (code === "none") return undefined;
  return (s) => {
    if (s.macAt === s.cycle - 1) s.fail("gw in the cycle after a mac");
    s.gs[s.gw] = s.lanes[s.gw & 7]!;
    s.gw = (s.gw + 1) & 127;
  };
}

/** The other place of AR in this cycle, which ends with `ar=imm` or began before a mac that has stepped it. */
function arOther(micro: Micro, imm: number): (ar: number) => number {
  if (micro.misc === "ar=imm") return () => imm & 511;
  return micro.lane === "w2" || micro.lane === "w4" ? (ar) => (ar - 1) & 511 : (ar) => ar;
}

function awStep(code: Code<"aw">, other: (ar: number) => number): Step | undefined {
  if (code === "none") return undefined;
  return (s) => {
    if (s.aw === s.ar || s.aw === other(s.ar)) s.fail(`aw writes ACT[${s.aw}], at which AR stands`);
    s.act[s.aw] = s.r;
    s.aw = (s.aw + 1) & 511;
  };
}

function swStep(code: Code<"sw">): Step | undefined {
  const nibble =
    (by: number): Step =>
    (s) => {
      const at = s.wp >> 3;
      const shift = 4 * (s.wp & 7);
      s.spram[at] = (s.spram[at]! & ~(15 << shift)) | ((s.r & 15) << shift);
      s.wp = (s.wp + by) & 0x3ffff;
      s.sought = false;
    };
  switch (code) {
    case "none":
      return undefined;
    case "nibble1":
      return nibble(1);
    case "nibble8":
      return nibble(8);
    case "half":
      return (s) => {
        if ((s.wp & 3) !== 0) s.fail(`sw half at nibble ${s.wp}`);
        const at = s.wp >> 3;
        const shift = 4 * (s.wp & 7);
        s.spram[at] = (s.spram[at]! & ~(0xffff << shift)) | ((s.r & 0xffff) << shift);
        s.wp = (s.wp + 4) & 0x3ffff;
        s.sought = false;
      };
  }
}

function miscStep(code: Code<"misc">, imm: number): Step | undefined {
  switch (code) {
    case "none":
      return undefined;
    case "p0=imm":
    case "p1=imm":
    case "p2=imm":
    case "p3=imm": {
      const k = Number(code[1]);
      return (s) => {
        s.p[k] = imm & 1023;
      };
    }
    case "p0=r":
    case "p1=r":
    case "p2=r":
    case "p3=r": {
      const k = Number(code[1]);
      return (s) => {
        s.p[k] = s.r & 1023;
      };
    }
    case "c0=imm":
    case "c1=imm":
    case "c2=imm":
    case "c3=imm": {
      const k = Number(code[1]);
      return (s) => {
        s.c[k] = imm & 1023;
      };
    }
    case "c0=r":
    case "c1=r":
    case "c2=r":
    case "c3=r": {
      const k = Number(code[1]);
      return (s) => {
        s.c[k] = s.r & 1023;
      };
    }
    case "seek=imm":
      return (s) => readStream(s, imm & 16383);
    case "seek=r":
      return (s) => readStream(s, s.r & 16383);
    case "wp=r":
      return (s) => {
        s.wp = s.r & 0x3ffff;
      };
    case "yr=r":
      return (s) => {
        s.yr = s.r & 0xffff;
      };
    case "ar=imm":
      return (s) => {
        s.ar = imm & 511;
        s.arAt = s.cycle;
      };
    case "aw=imm":
      return (s) => {
        s.aw = imm & 511;
      };
    case "gs=0":
      return (s) => {
        s.gw = 0;
        s.gg = 0;
        s.gl = 0;
      };
    case "ack":
      return (s) => {
        offered(s);
        s.acked = true;
      };
    case "flag":
      return (s) => {
        s.saturated = true;
      };
  }
}
