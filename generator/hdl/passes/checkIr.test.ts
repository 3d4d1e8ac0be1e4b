import assert from "node:assert/strict";
import { randomDesign } from "../../simulate/random.js";
import type { Instance, Memory, Module, Node } from "../ir.js";
import { checkDesign, checkIr, type Interfaces } from "./checkIr.js";

const port = (name: string, width: number) => ({ name, width, signed: false });
const child: Module = {
  name: "child",
  inputs: [port("clk", 1), port("rst", 1), port("d", 8)],
  outputs: [{ ...port("q", 8), value: 0 }],
  domains: [{ name: "", clock: "clk", reset: "rst" }],
  nodes: [
    { op: "reg", width: 8, domain: 0, updates: [{ guard: null, value: 1 }] },
    { op: "input", width: 8, port: "d" },
  ],
  memories: [],
  instances: [],
  checks: [],
};
/** One of each, so that a single change breaks a single rule. */
const NODES = {
  x: { op: "input", width: 8, port: "x" },
  bit: { op: "slice", width: 1, a: 0, lo: 7 },
  five: { op: "const", width: 8, value: 5n },
  wire: { op: "wire", width: 8, driver: 0 },
  unary: { op: "unary", width: 1, fn: "orr", a: 0 },
  add: { op: "binary", width: 8, fn: "add", signedness: "u", a: 0, b: 2 },
  mul: { op: "binary", width: 16, fn: "mul", signedness: "u", a: 0, b: 2 },
  lt: { op: "binary", width: 1, fn: "lt", signedness: "u", a: 0, b: 2 },
  shl: { op: "binary", width: 8, fn: "shl", signedness: "u", a: 0, b: 1 },
  mux: { op: "mux", width: 8, sel: 1, t: 0, f: 2 },
  select: { op: "select", width: 8, index: 1, cases: [{ match: 1n, value: 0 }], other: 2 },
  cat: { op: "cat", width: 9, parts: [0, 1] },
  extend: { op: "extend", width: 9, signedness: "s", a: 0 },
  reg: { op: "reg", width: 8, domain: 0, reset: 7n, updates: [{ guard: 1, value: 0 }] },
  read: { op: "memRead", width: 8, mem: 0, addr: 0, domain: 0, enable: 1 },
  out: { op: "instOut", width: 8, inst: 0, port: "q" },
} as const satisfies Record<string, Node>;
type Key = keyof typeof NODES;
const MEMORY: Memory = {
  name: "words",
  width: 8,
  depth: 4,
  readDuringWrite: "old",
  style: "auto",
  contents: [1n, 2n],
  writes: [{ domain: 0, addr: 0, data: 2, enable: 1, mask: null, granule: 8 }],
};
const INSTANCE: Instance = { name: "u_child", module: "child", inputs: { d: 0 }, domains: { "": 0 } };
const whole: Module = {
  name: "whole",
  inputs: [port("clk", 1), port("rst", 1), port("x", 8)],
  outputs: [{ ...port("y", 8), value: 3 }],
  domains: [{ name: "", clock: "clk", reset: "rst" }],
  nodes: Object.values(NODES),
  memories: [MEMORY],
  instances: [INSTANCE],
  checks: [{ kind: "assert", name: "holds", domain: 0, enable: 1, condition: 1, message: "holds" }],
};
const known: Interfaces = new Map([["child", child]]);
const message = (module: Module): string => {
  try {
    checkIr(module, known);
  } catch (error) {
    assert.ok(error instanceof Error);
    return error.message;
  }
  return "no error";
};
const broken = (change: Partial<Module>): string => message({ ...whole, ...change });
const node = <K extends Key>(
  key: K,
  change: Partial<Record<keyof (typeof NODES)[K] | "name" | "crossing", unknown>>,
): string =>
  message({
    ...whole,
    // A broken node is no Node: this is the one place where the type must be lied to.
    nodes: Object.entries(NODES).map(([k, n]) => (k === key ? { ...n, ...change } : n) as Node),
  });
const write = (change: Partial<Memory["writes"][number]>): string =>
  broken({ memories: [{ ...MEMORY, writes: [{ ...MEMORY.writes[0]!, ...change }] }] });
const instance = (change: Partial<Instance>): string => broken({ instances: [{ ...INSTANCE, ...change }] });

describe("checkIr", () => {
  it("accepts what is right", () => {
    assert.equal(message(whole), "no error");
    for (let seed = 0; seed < 200; seed++)
      checkDesign(
        randomDesign(seed, "top", { nodes: 40, maxWidth: 80, defined: seed % 2 === 0, twoClocks: true }),
      );
  });

  it("says every violation at once", () =>
    assert.equal(
      broken({ name: "2nd", outputs: [{ ...port("y", 8), value: 99 }] }),
      [
        "the netlist is broken:",
        "  2nd: module: '2nd' is no name in Verilog",
        "  2nd: output 'y': value is node 99, of 16 nodes",
      ].join("\n"),
    ));

  const rules: readonly [rule: string, text: () => string, expected: RegExp][] = [
    [
      "port names",
      () => broken({ inputs: [...whole.inputs, port("a.b", 1)] }),
      /port 'a.b': no name in Verilog/,
    ],
    ["port widths", () => broken({ inputs: [...whole.inputs, port("e", 0)] }), /port 'e': 0 bits/],
    ["ports twice", () => broken({ inputs: [...whole.inputs, port("y", 1)] }), /ports: 'y' exists twice/],
    [
      "output width",
      () => broken({ outputs: [{ ...port("y", 7), value: 3 }] }),
      /value has 8 bits instead of 7/,
    ],
    ["clock port", () => broken({ inputs: whole.inputs.slice(1) }), /domain '': no input 'clk' of one bit/],
    [
      "domains twice",
      () => broken({ domains: [...whole.domains, ...whole.domains] }),
      /domains: '' exists twice/,
    ],
    [
      "operands",
      () => node("wire", { driver: 16, name: "w" }),
      /node 3 \(wire 'w'\): operand is node 16, of 16/,
    ],
    ["node width", () => node("five", { width: 0, value: 0n }), /node 2 \(const\): 0 bits/],
    ["constants", () => node("five", { value: 256n }), /value 256 has not 8 bits/],
    ["negative constants", () => node("five", { value: -1n }), /value -1 has not 8 bits/],
    ["inputs", () => node("x", { port: "z" }), /no input port 'z' of 8 bits/],
    ["drivers", () => node("wire", { driver: null }), /node 3 \(wire\): no driver/],
    ["driver widths", () => node("wire", { driver: 1 }), /driver has 1 bits instead of 8/],
    ["reductions", () => node("unary", { width: 8 }), /orr of 8 bits/],
    ["not", () => node("unary", { fn: "not" }), /not of 1 bits/],
    ["sums", () => node("add", { b: 1 }), /add of 8 and 1 bits gives 8/],
    ["products", () => node("mul", { width: 17 }), /mul of 8 and 8 bits gives 17/],
    ["comparisons", () => node("lt", { width: 8 }), /lt of 8 and 8 bits gives 8/],
    ["shifts", () => node("shl", { width: 9 }), /shl of 8 and 1 bits gives 9/],
    ["mux sel", () => node("mux", { sel: 0 }), /sel has 8 bits instead of 1/],
    [
      "mux values",
      () => node("mux", { t: 1, f: 1 }),
      /t has 1 bits instead of 8\n.*f has 1 bits instead of 8/,
    ],
    ["case matches", () => node("select", { cases: [{ match: 2n, value: 0 }] }), /case 2 has not 1 bits/],
    [
      "cases twice",
      () => node("select", { cases: [0, 2].map((value) => ({ match: 1n, value })) }),
      /'case 1' exists twice/,
    ],
    ["case values", () => node("select", { cases: [{ match: 1n, value: 1 }] }), /value of case 1 has 1 bits/],
    ["other", () => node("select", { other: 1 }), /other has 1 bits instead of 8/],
    ["slices", () => node("bit", { lo: 8 }), /bits 8..8 of 8/],
    ["cat", () => node("cat", { width: 10 }), /parts have 9 bits instead of 10/],
    ["extensions", () => node("extend", { width: 7 }), /from 8 to 7 bits/],
    ["register domains", () => node("reg", { domain: 1 }), /domain 1, of 1 domains/],
    ["reset values", () => node("reg", { reset: 256n }), /reset value 256 has not 8 bits/],
    ["guards", () => node("reg", { updates: [{ guard: 0, value: 0 }] }), /guard has 8 bits instead of 1/],
    ["crossings", () => node("reg", { crossing: "bit" }), /a crossing takes one value at every edge/],
    ["updates", () => node("reg", { updates: [{ guard: null, value: 1 }] }), /value has 1 bits instead of 8/],
    ["memories of reads", () => node("read", { mem: 1 }), /no memory 1 of 8 bits/],
    ["domains of reads", () => node("read", { domain: 2 }), /domain 2, of 1 domains/],
    ["enables of reads", () => node("read", { enable: 0 }), /enable has 8 bits instead of 1/],
    ["enables without a clock", () => node("read", { domain: null }), /enable without a clock/],
    ["instance outputs", () => node("out", { port: "r" }), /no output 'r' of 8 bits at instance 0/],
    ["memory sizes", () => broken({ memories: [{ ...MEMORY, depth: 0 }] }), /0 words of 8 bits/],
    ["memories twice", () => broken({ memories: [MEMORY, MEMORY] }), /memories: 'words' exists twice/],
    ["contents", () => broken({ memories: [{ ...MEMORY, contents: [256n] }] }), /word 256 has not 8 bits/],
    ["too much", () => broken({ memories: [{ ...MEMORY, depth: 1 }] }), /2 words for 1 places/],
    ["write domains", () => write({ domain: 1 }), /write 0: domain 1, of 1 domains/],
    ["write addresses", () => write({ addr: -1 }), /addr is node -1/],
    ["write data", () => write({ data: 1 }), /data has 1 bits instead of 8/],
    ["write enables", () => write({ enable: 0 }), /enable has 8 bits instead of 1/],
    ["granules", () => write({ granule: 3 }), /granule 3 in words of 8 bits/],
    ["granules without mask", () => write({ granule: 1 }), /granule 1 without a mask/],
    ["masks", () => write({ granule: 8, mask: 0 }), /mask has 8 bits instead of 1/],
    ["modules", () => instance({ module: "no" }), /no module 'no' before this one/],
    ["open inputs", () => instance({ inputs: {} }), /input 'd' is open/],
    ["input widths", () => instance({ inputs: { d: 1 } }), /input 'd' has 1 bits instead of 8/],
    ["other inputs", () => instance({ inputs: { d: 0, e: 0 } }), /'child' has no input 'e'/],
    ["clocks of instances", () => instance({ domains: {} }), /instance 'u_child', domain '': domain -1/],
    [
      "instances twice",
      () => broken({ instances: [INSTANCE, INSTANCE] }),
      /instances: 'u_child' exists twice/,
    ],
    ["checks", () => broken({ checks: [{ ...whole.checks[0]!, condition: 0 }] }), /condition has 8 bits/],
  ];
  for (const [rule, text, expected] of rules) it(`finds: ${rule}`, () => assert.match(text(), expected));

  it("finds: order and keys of a design", () => {
    const design = { top: "top", modules: new Map([["parent", whole]]), blackboxes: new Map() };
    assert.throws(
      () => checkDesign(design),
      /filed under 'parent'\n.*\n.*no module 'child'.*\n.*'top' is missing/,
    );
  });
});
