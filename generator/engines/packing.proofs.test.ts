/**
 * Proofs that the packed kernels multiply and add exactly, for every input. Two steps:
 *
 *   sum      a cascade of slices, as the kernels build it, is offset + Σ_k 2^(k·spacing)·(dot product of lane k)     abc cec
 *   lanes    from offset + Σ_k 2^(k·spacing)·s_k the lanes come out as s_k, as long as |s_k| <= depth·largest        z3
 *
 * For `sum` the slices' models lose their registers (a pipeline whose stages all move is the function of its values; that
 * they arrive together is simulated in kernels.test.ts). The second step fails for one product more: the depth is tight.
 */
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
  pipeline,
  type Sig,
  sint,
  uint,
  vec,
} from "../hdl/index.js";
import { runTool, ToolFailure } from "../tools/process.js";
import { range, type Signed } from "./digits.js";
import { cascade, type Product } from "./dsp/cascade.js";
import { cascadeDepth, type Unpack } from "./dsp/dots.js";
import { offset, type Packing, packedBits, unpacked } from "./dsp/packing.js";
import type { Family } from "./kernel.js";
import { keyPacking, keyProduct } from "./kernels/kv4.js";
import { rowPacking, rowProduct } from "./kernels/sharedactivation.js";
import { tokenPacking, tokenProduct } from "./kernels/sharedweight.js";

type Word = Sig<"u", number>;
/** One packed form: `shared` meets the value of every lane. */
interface Form {
  readonly name: string;
  readonly family: Family;
  readonly packing: Packing;
  readonly products: number;
  /** Bits of the operand of a lane and of the shared one, as ports. */
  readonly own: number;
  readonly shared: number;
  product(own: readonly Word[], shared: Word): Product;
  /** Product of lane k and column i as Verilog, a signed 12-bit number. */
  term(own: string, shared: string): string;
}

const signed = (name: string, bits: number): string =>
  `$signed({{${12 - bits}{${name}[${bits - 1}]}}, ${name}})`;
const DIGITS = ["-(A <<< 1)", "-A", "12'sd0", "A"] as const;
const digitTimes = (field: string, act: string): string =>
  DIGITS.reduceRight((rest, d, f) => {
    const term = d.replace("A", signed(act, 8));
    return f === 3 ? term : `(${field} == ${f} ? ${term} : ${rest})`;
  }, "");
const nibbleTimes = (nibble: string, act: string): string =>
  `(${range(4)
    .map((b) => `(${nibble}[${b}] ? ${signed(act, 8)} <<< ${b} : 12'sd0)`)
    .join(" + ")} - (${signed(act, 8)} <<< 3))`;

const rows = (family: Family, lanes: number): Form => ({
  name: `shared activation, ${lanes} rows`,
  family,
  packing: rowPacking(family, { name: "digits", largest: 2 }, lanes),
  products: cascadeDepth(rowPacking(family, { name: "digits", largest: 2 }, lanes)),
  own: 2,
  shared: 8,
  product(own, shared) {
    return rowProduct(this.packing, own, shared.asSigned());
  },
  term: digitTimes,
});
const tokens = (family: Family): Form => ({
  name: "shared weight, 2 tokens",
  family,
  packing: tokenPacking(family, 2),
  products: cascadeDepth(tokenPacking(family, 2)),
  own: 8,
  shared: 2,
  product(own, shared) {
    return tokenProduct(
      this.packing,
      own.map((a) => a.asSigned()),
      shared.xor(2).asSigned(),
    );
  },
  term: (own, shared) => digitTimes(shared, own),
});
const keys = (family: Family): Form => ({
  name: "4-bit values, 2 keys",
  family,
  packing: keyPacking(family, 2),
  products: cascadeDepth(keyPacking(family, 2)),
  own: 4,
  shared: 8,
  product(own, shared) {
    return keyProduct(this.packing, own, shared.asSigned());
  },
  term: nibbleTimes,
});

/** The cascade as the kernels build it. */
const cascadeOf = (form: Form, start: bigint) => {
  const { packing: p, products } = form;
  const width = packedBits(p, products);
  return defineModule(
    "dut",
    {
      in: { own: vec(vec(uint(form.own), products), p.lanes), shared: vec(uint(form.shared), products) },
      out: { y: sint(width) },
    },
    (ins) => ({
      y: pipeline(lit(bool, 1), ins, ({ own, shared }, cut, stages) =>
        cascade(
          { family: form.family, name: "c", width, products, start },
          (n, at) =>
            form.product(
              own.map((lane) => at(lane[n]!)),
              at(shared[n]!),
            ),
          cut,
          stages,
        ),
      ).payload,
    }),
  );
};

/** The same as plain products, in Verilog of its own. */
const plain = (form: Form): string => {
  const { packing: p, products } = form;
  const width = packedBits(p, products);
  const lanes = range(p.lanes);
  const own = lanes.flatMap((k) => range(products).map((n) => `input [${form.own - 1}:0] own_${k}_${n}`));
  const shared = range(products).map((n) => `input [${form.shared - 1}:0] shared_${n}`);
  const columns = range(products).map((n) => {
    const terms = lanes.map(
      (k) => `wire signed [11:0] t_${k}_${n} = ${form.term(`own_${k}_${n}`, `shared_${n}`)};`,
    );
    const wide = lanes.map((k) => `wire signed [${width - 1}:0] w_${k}_${n} = t_${k}_${n};`);
    const m = lanes.map((k) => `(w_${k}_${n} <<< ${k * p.spacing})`).join(" + ");
    const before = n === 0 ? `${width}'d${offset(p)}` : `s_${n - 1}`;
    return [
      ...terms,
      ...wide,
      `wire signed [${width - 1}:0] m_${n} = ${m};`,
      `wire signed [${width - 1}:0] s_${n} = ${before} + m_${n};`,
    ].join("\n  ");
  });
  return `module plain (input clk, input rst, ${[...own, ...shared].join(", ")}, output signed [${width - 1}:0] y);
  ${columns.join("\n  ")}
  assign y = s_${products - 1};
endmodule
`;
};

const inFolder = async <T>(body: (cwd: string) => Promise<T>): Promise<T> => {
  const cwd = await mkdtemp(join(tmpdir(), "gateloom-proof-"));
  try {
    return await body(cwd);
  } finally {
    await rm(cwd, { recursive: true, force: true });
  }
};
const said = async (command: string, args: readonly string[], cwd: string): Promise<string> =>
  runTool(command, args, { cwd }).catch((e: unknown) => {
    if (e instanceof ToolFailure) return e.output;
    throw e;
  });
const verdict = (output: string, yes: RegExp, no: RegExp): boolean => {
  if (yes.test(output) === no.test(output)) throw new Error(`no verdict:\n${output}`);
  return yes.test(output);
};

const TRANSPARENT = `module \\$dff (CLK, D, Q);
  parameter WIDTH = 1; parameter CLK_POLARITY = 1;
  input CLK; input [WIDTH-1:0] D; output [WIDTH-1:0] Q;
  assign Q = D;
endmodule
`;
// adders as they are written, so that the sums of both sides are equal node by node
const GATES = "synth -noalumacc -noshare -flatten";
const AIG = "abc -g AND -fast; opt_clean; aigmap; write_aiger -symbols";

const sumIsPlain = (form: Form, start = offset(form.packing)): Promise<boolean> =>
  inFolder(async (cwd) => {
    const files = [...emitVerilog(elaborate(cascadeOf(form, start)), { models: true })].filter(([f]) =>
      f.endsWith(".v"),
    );
    for (const [name, text] of files) await writeFile(join(cwd, name), text);
    await writeFile(join(cwd, "plain.v"), plain(form));
    await writeFile(join(cwd, "transparent.v"), TRANSPARENT);
    await runTool("yosys", ["-q", "-p", `read_verilog plain.v; ${GATES} -top plain; ${AIG} plain.aig`], {
      cwd,
    });
    const open =
      "proc; flatten; opt; opt_dff -nodffe; techmap -map transparent.v; opt; select -assert-none t:$dff*";
    await runTool(
      "yosys",
      [
        "-q",
        "-p",
        `read_verilog ${files.map(([name]) => name).join(" ")}; hierarchy -top dut; ${open}; ${GATES} -top dut -run coarse:; ${AIG} dut.aig`,
      ],
      { cwd },
    );
    const output = await said("yosys-abc", ["-c", "cec plain.aig dut.aig"], cwd);
    return verdict(output, /Networks are equivalent\./, /NOT EQUIVALENT/i);
  });

/** For all |s_k| <= products·largest. */
const lanesAreSums = (p: Packing, products: number, unpack: Unpack = unpacked): Promise<boolean> =>
  inFolder(async (cwd) => {
    const width = packedBits(p, products);
    const def = defineModule(
      "dut",
      { in: { sum: sint(width) }, out: { lane: vec(sint(24), p.lanes) } },
      ({ sum }) => ({ lane: unpack(p, sum).map((l: Signed) => l.resize(24)) }),
    );
    for (const [name, text] of emitVerilog(elaborate(def))) await writeFile(join(cwd, name), text);
    const most = products * p.largest;
    const lanes = range(p.lanes);
    await writeFile(
      join(cwd, "proof.v"),
      `module proof (${lanes.map((k) => `input signed [23:0] s_${k}`).join(", ")});
  ${lanes.map((k) => `wire signed [${width - 1}:0] w_${k} = s_${k}; wire signed [23:0] lane_${k};`).join("\n  ")}
  wire signed [${width - 1}:0] sum = ${width}'d${offset(p)} + ${lanes.map((k) => `(w_${k} <<< ${k * p.spacing})`).join(" + ")};
  dut dut (.sum(sum), ${lanes.map((k) => `.lane_${k}(lane_${k})`).join(", ")});
  always @* begin
    ${lanes.map((k) => `assume (s_${k} >= -${most} && s_${k} <= ${most});`).join("\n    ")}
    ${lanes.map((k) => `assert (lane_${k} == s_${k});`).join("\n    ")}
  end
endmodule
`,
    );
    await runTool(
      "yosys",
      [
        "-q",
        "-p",
        "read_verilog -formal proof.v dut.v; prep -flatten -top proof; write_smt2 -wires proof.smt2",
      ],
      { cwd },
    );
    const output = await said("yosys-smtbmc", ["-s", "z3", "-t", "1", "proof.smt2"], cwd);
    return verdict(output, /Status: PASSED/, /Status: FAILED/);
  });

/** The first in full; of the others some products, since each further one is the same slice again. */
const FORMS: readonly Form[] = [
  rows("xcup", 3),
  { ...rows("xc7", 3), products: 3 },
  { ...rows("xcup", 2), products: 3 },
  { ...rows("ice40", 2), products: 3 },
  { ...tokens("xcup"), products: 4 },
  { ...keys("xcup"), products: 2 },
  { ...keys("ecp5"), products: 2 },
];

describe("proofs: packed products are the plain ones", function () {
  this.timeout(300_000);
  for (const form of FORMS)
    it(`${form.name}, ${form.family}: a cascade of ${form.products} is the plain sum, ${form.packing.spacing} bits apart`, async () =>
      assert.ok(await sumIsPlain(form)));
  it("a cascade that starts one too high is refuted", async () => {
    const form = { ...rows("xcup", 3), products: 2 };
    assert.equal(await sumIsPlain(form, offset(form.packing) + 1n), false);
  });

  const packings: readonly (readonly [string, Packing])[] = [
    ["3 rows, xcup", rows("xcup", 3).packing],
    ["3 rows, xc7", rows("xc7", 3).packing],
    ["3 ternary rows, xcup", rowPacking("xcup", { name: "ternary", largest: 1 }, 3)],
    ["2 rows, ice40", rows("ice40", 2).packing],
    ["2 tokens, xcup", tokens("xcup").packing],
    ["2 tokens, ecp5", tokens("ecp5").packing],
    ["2 keys, xcup", keys("xcup").packing],
    ["2 keys, ecp5", keys("ecp5").packing],
  ];
  for (const [name, p] of packings)
    it(`${name}: lanes of ${p.spacing} bits hold ${p.depth} products of up to ${p.largest}`, async () =>
      assert.ok(await lanesAreSums(p, p.depth)));
  it("one product more is refuted where the operand sets the spacing: 8 of W2, 16 ternary", async () => {
    for (const p of [rows("xcup", 3).packing, rowPacking("xcup", { name: "ternary", largest: 1 }, 3)])
      assert.equal(await lanesAreSums(p, p.depth + 1), false);
  });
  it("a correction that is one off is refuted", async () => {
    const wrong: Unpack = (p, sum) => unpacked(p, sum).map((lane, k) => (k === 1 ? lane.add(1) : lane));
    const p = rows("xcup", 3).packing;
    assert.equal(await lanesAreSums(p, p.depth, wrong), false);
  });
});
