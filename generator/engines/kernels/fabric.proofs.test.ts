/** Proofs that the fabric kernels' ideas are the plain sums they stand for: every input, by equivalence of the two circuits. */
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  bool,
  defineModule,
  elaborate,
  emitVerilog,
  lit,
  mux,
  sint,
  sum,
  uint,
  vec,
} from "../../hdl/index.js";
import { BEAT_CODE_BITS, beatCode } from "../../isa/codes.js";
import { runTool } from "../../tools/process.js";
import { range } from "../digits.js";
import { addOrSubtract, settled } from "./addsub.js";
import { shiftedSum, twosComplement } from "./binary.js";
import { shiftedAndAdded } from "./shiftadd.js";
import { groupSumsOfSigns } from "./signs.js";
import { halfTable, lookUp } from "./symmetrictable.js";
import { ternaryAddress, ternarySums } from "./ternarytable.js";
import { laneOf } from "./tree.js";

interface Claim {
  readonly what: string;
  readonly def: Parameters<typeof elaborate>[0];
  /** What `y` is, in Verilog of the same inputs. */
  readonly y: string;
  /** A wrong `y`, which must be refuted. */
  readonly not: readonly [from: string, to: string];
}

/** Combinational: no registers. */
const cut = <T>(x: T): T => x;
const Y = sint(16);

/** Σ of Verilog terms. */
const plus = (n: number, term: (i: number) => string): string => range(n).map(term).join(" + ");
/** a_i as written signed 16 bits. */
const a = (i: number): string => `$signed({{8{a_${i}[7]}}, a_${i}})`;

const mirrored = (n: number): Claim => ({
  what: `a mirrored table of ${n} is the signed sum`,
  def: defineModule("dut", { in: { a: vec(sint(8), n), s: vec(bool, n) }, out: { y: Y } }, ({ a, s }) => ({
    y: settled(lookUp(halfTable(a), s, cut)).resize(16),
  })),
  y: plus(n, (i) => `(s_${i} ? ${a(i)} : -${a(i)})`),
  not: ["s_1 ?", "s_0 ?"],
});

const ternary: Claim = {
  what: "a ternary table of 3 is the sum of t·a",
  def: defineModule("dut", { in: { a: vec(sint(8), 3), t: vec(uint(2), 3) }, out: { y: Y } }, ({ a, t }) => {
    const fields = t.map((f) => mux(f.eq(0), lit(uint(2), 2), f)); // a field of 0 does not occur
    const { entry, negative } = ternaryAddress(fields);
    const table = ternarySums(a);
    const value = table.reduce((found, v, e) => mux(entry.eq(e), v, found));
    return { y: settled({ value, negative }).resize(16) };
  }),
  y: plus(3, (i) => `(t_${i} == 3 ? ${a(i)} : t_${i} == 1 ? -${a(i)} : 16'sd0)`),
  not: ["t_2 == 1", "t_1 == 1"],
};

const digitOf = (f: string): string => `($signed({14'd0, ${f}}) - 16'sd2)`;

const lanesOfTree: Claim = {
  what: "two lanes of the tree, added or subtracted, are u·a + u'·a'",
  def: defineModule("dut", { in: { a: vec(sint(8), 2), f: vec(uint(2), 2) }, out: { y: Y } }, ({ a, f }) => {
    const [left, right] = [f[0]!, f[1]!];
    const alike = left.bit(1).eq(right.bit(1));
    const value = addOrSubtract(laneOf(left, a[0]!), laneOf(right, a[1]!), alike);
    return { y: settled({ value, negative: left.bit(1).not() }).resize(16) };
  }),
  y: plus(2, (i) => `${digitOf(`f_${i}`)} * ${a(i)}`),
  not: ["sd2) * $signed({{8{a_1", "sd1) * $signed({{8{a_1"],
};

const shiftAdds: Claim = {
  what: "a shift-add lane is f·a, -128 too",
  def: defineModule("dut", { in: { a: vec(sint(8), 1), f: uint(2) }, out: { y: Y } }, ({ a, f }) => ({
    y: shiftedAndAdded(f, a[0]!).resize(16),
  })),
  y: `$signed({14'd0, f}) * ${a(0)}`,
  not: ["14'd0, f", "14'd1, f"],
};

const COLUMNS = 2;
const planes: Claim = {
  what: `counts of ANDs of planes, shifted, are Σ f·a of ${COLUMNS} columns, -128 too`,
  def: defineModule(
    "dut",
    { in: { a: vec(sint(8), COLUMNS), f: vec(uint(2), COLUMNS) }, out: { y: Y } },
    ({ a, f }) => {
      const count = (j: number, k: number) => sum(a.map((x, i) => x.bit(k).and(f[i]!.bit(j))));
      const plane = (j: number) => shiftedSum(twosComplement(range(8).map((k) => count(j, k))));
      return { y: shiftedSum([plane(0), plane(1)]).resize(16) };
    },
  ),
  y: plus(COLUMNS, (i) => `$signed({14'd0, f_${i}}) * ${a(i)}`),
  not: ["f_1}", "f_0}"],
};

/** One column of two rows, through signs and the correction by Σa. */
const signs = (code: "w2" | "w4" | "ternary", y: string): Claim => ({
  what: `signs and Σa are the weights of ${code}`,
  def: defineModule("dut", { in: { a: vec(sint(8), 1), f: vec(uint(2), 2) }, out: { y: Y } }, ({ a, f }) => {
    const row = (r: number) => {
      const [low, high] = [0, 1].map((j) => mux(f[r]!.bit(j), a[0]!.extend(9), a[0]!.neg()));
      return low!.add(high!.shl(1));
    };
    const groups = groupSumsOfSigns(lit(uint(BEAT_CODE_BITS), beatCode(code)), [row(0), row(1)], a[0]!);
    return { y: groups[0]! };
  }),
  y,
  not: ["16'sd2", "16'sd3"],
});

const CLAIMS: readonly Claim[] = [
  mirrored(3),
  mirrored(4),
  ternary,
  lanesOfTree,
  shiftAdds,
  planes,
  signs("w2", `(2 * ${digitOf("f_0")} + 16'sd1) * ${a(0)}`),
  signs("ternary", `${digitOf("f_0")} * ${a(0)}`),
  signs("w4", `(4 * ${digitOf("f_1")} + ${digitOf("f_0")} + 16'sd2) * ${a(0)}`),
];

/** Two and-inverter graphs, judged by ABC. Anything but a verdict is an error. */
const equivalent = async ({ def }: Claim, y: string): Promise<boolean> => {
  const design = elaborate(def);
  const { inputs } = design.modules.get(design.top)!;
  const ports = inputs.map((p) => `input ${p.signed ? "signed " : ""}[${p.width - 1}:0] ${p.name}`);
  const spec = `module spec(${ports.join(", ")}, output signed [15:0] y);\n  assign y = ${y};\nendmodule\n`;
  const cwd = await mkdtemp(join(tmpdir(), "gateloom-proof-"));
  try {
    const files = [...emitVerilog(design), ["spec.v", spec] as const];
    for (const [name, text] of files) await writeFile(join(cwd, name), text);
    for (const top of ["dut", "spec"]) {
      const script = `read_verilog ${top}.v; prep -flatten -top ${top}; memory_map; opt; techmap; opt; abc -g AND -fast; opt_clean; write_aiger ${top}.aig`;
      await runTool("yosys", ["-q", "-p", script], { cwd });
    }
    const output = await runTool("yosys-abc", ["-c", "cec dut.aig spec.aig"], { cwd });
    const [yes, no] = [/Networks are equivalent/.test(output), /NOT EQUIVALENT/.test(output)];
    if (yes === no) throw new Error(`yosys-abc gives no verdict:\n${output}`);
    return yes;
  } finally {
    await rm(cwd, { recursive: true, force: true });
  }
};

describe("proofs: fabric kernels equal plain sums, for every input", () => {
  for (const claim of CLAIMS) {
    it(claim.what, async () => assert.equal(await equivalent(claim, claim.y), true));
    it(`${claim.what}: refuted when wrong`, async () => {
      const wrong = claim.y.replace(...claim.not);
      assert.notEqual(wrong, claim.y);
      assert.equal(await equivalent(claim, wrong), false);
    });
  }
});
