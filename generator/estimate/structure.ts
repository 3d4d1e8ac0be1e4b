/**
 * What a design costs, counted from its netlist in milliseconds: registers, memories and multipliers by the rules that Yosys
 * maps them with, LUTs by what each operator needs before optimisation, times one factor per family. Error against Yosys:
 * structure.bench.ts and README.md.
 */
import type * as ir from "../hdl/ir.js";
import { type Cells, NO_CELLS, type Target } from "./cells.js";

interface Fabric {
  /** Inputs of a LUT. */
  readonly inputs: 4 | 6;
  /** What optimisation leaves of the LUTs counted here: fitted to Yosys on five configurations. */
  readonly factor: number;
  /** Widest operands of a multiplier block (unsigned), and the least product that goes into one. */
  readonly multiplier: readonly [number, number];
  readonly leastProduct: number;
  /** Width -> depth of a block RAM, and what one is worth in `Cells.bram`. */
  readonly block: readonly (readonly [width: number, depth: number])[];
  readonly blockWorth: number;
  /** LUTs of a memory with an asynchronous read port; null: made of flip-flops and multiplexers. */
  readonly distributed: ((width: number, depth: number, reads: number) => number) | null;
}

const xilinx = (factor: number, multiplier: readonly [number, number]): Fabric => ({
  inputs: 6,
  factor,
  multiplier,
  leastProduct: 9,
  block: [
    [1, 16384],
    [2, 8192],
    [4, 4096],
    [9, 2048],
    [18, 1024],
    [36, 512],
  ],
  blockWorth: 0.5,
  // RAM32M: six bits of 32 words in four LUTs; RAM64M: three bits of 64
  distributed: (width, depth, reads) =>
    reads * (depth <= 32 ? Math.ceil(width / 6) * 4 : Math.ceil(width / 3) * 4 * Math.ceil(depth / 64)),
});

const FABRICS: Readonly<Record<Target, Fabric>> = {
  xcup: xilinx(1, [26, 17]),
  xc7: xilinx(1, [24, 17]),
  ecp5: {
    inputs: 4,
    factor: 1,
    multiplier: [17, 17],
    leastProduct: 4,
    block: [
      [1, 16384],
      [2, 8192],
      [4, 4096],
      [9, 2048],
      [18, 1024],
      [36, 512],
    ],
    blockWorth: 1,
    distributed: (width, depth, reads) => reads * Math.ceil(width / 4) * Math.ceil(depth / 16) * 6,
  },
  ice40: {
    inputs: 4,
    factor: 1,
    multiplier: [15, 15],
    leastProduct: 11,
    block: [
      [2, 2048],
      [4, 1024],
      [8, 512],
      [16, 256],
    ],
    blockWorth: 1,
    distributed: null,
  },
};

const add = (a: Cells, b: Cells): Cells => ({
  lut: a.lut + b.lut,
  ff: a.ff + b.ff,
  carry: a.carry + b.carry,
  dsp: a.dsp + b.dsp,
  bram: a.bram + b.bram,
});
const cells = (part: Partial<Cells>): Cells => ({ ...NO_CELLS, ...part });

/** Cells of a design with all its instances; LUTs are an estimate, the rest is what the mapping rules give. */
export const structureCells = (design: ir.Design, target: Target): Cells => {
  const fabric = FABRICS[target];
  const known = new Map<string, Cells>();
  const of = (name: string): Cells => {
    const before = known.get(name);
    if (before !== undefined) return before;
    const module = design.modules.get(name);
    const sum =
      module === undefined
        ? cells({ dsp: 1 }) // a black box of ours is one DSP slice
        : module.instances.reduce((total, { module: child }) => add(total, of(child)), own(module, fabric));
    known.set(name, sum);
    return sum;
  };
  const total = of(design.top);
  return { ...total, lut: Math.round(total.lut), ff: Math.round(total.ff) };
};

const own = (module: ir.Module, fabric: Fabric): Cells => {
  const counted = module.nodes.reduce((total, node) => add(total, nodeCells(module, node, fabric)), NO_CELLS);
  const logic = cells({ ...counted, lut: counted.lut * fabric.factor });
  return module.memories.reduce((total, mem, id) => add(total, memoryCells(module, mem, id, fabric)), logic);
};

const isConst = (module: ir.Module, id: ir.NodeId): boolean => module.nodes[id]!.op === "const";

const nodeCells = (module: ir.Module, node: ir.Node, fabric: Fabric): Cells => {
  const { width } = node;
  const six = fabric.inputs === 6;
  switch (node.op) {
    case "const":
    case "input":
    case "wire":
    case "slice":
    case "cat":
    case "extend":
    case "instOut":
    case "memRead":
      return NO_CELLS;
    case "unary":
      return unaryCells(module, node, fabric);
    case "binary":
      return binaryCells(module, node, fabric);
    case "mux": {
      const constants = [node.t, node.f].filter((id) => isConst(module, id)).length;
      return cells({ lut: constants === 2 ? 0 : width * (constants === 1 ? 0.3 : six ? 0.6 : 0.9) });
    }
    case "select":
      return cells({
        lut: node.cases.every(({ value }) => isConst(module, value))
          ? width * Math.max(1, node.cases.length / (six ? 64 : 16))
          : (width * node.cases.length * 1.4) / (six ? 3 : 2),
      });
    case "reg": {
      const writes = node.updates.filter(({ guard }) => guard !== null).length;
      return cells({ ff: width, lut: Math.max(0, writes - 1) * width * (six ? 0.6 : 0.9) });
    }
  }
};

const unaryCells = (module: ir.Module, node: ir.Unary, fabric: Fabric): Cells => {
  switch (node.fn) {
    case "not":
      return NO_CELLS; // goes into what reads it
    case "neg":
      return cells({ lut: node.width, carry: node.width });
    case "andr":
    case "orr":
    case "xorr":
      return cells({ lut: (module.nodes[node.a]!.width - 1) / (fabric.inputs - 1) });
  }
};

const binaryCells = (module: ir.Module, node: ir.Binary, fabric: Fabric): Cells => {
  const six = fabric.inputs === 6;
  const [a, b] = [module.nodes[node.a]!.width, module.nodes[node.b]!.width];
  const constant = isConst(module, node.a) || isConst(module, node.b);
  switch (node.fn) {
    case "add":
    case "sub":
      return cells({ lut: node.width, carry: node.width });
    case "and":
    case "or":
    case "xor":
      return cells({ lut: constant ? 0 : node.width * (six ? 0.3 : 0.45) });
    case "eq":
    case "ne":
      return cells({ lut: (constant ? a : 2 * a) / (fabric.inputs - 1) });
    case "lt":
    case "le":
      return cells({ lut: constant ? a / 2 : a, carry: a });
    case "shl":
    case "shr": {
      const stages = Math.min(b, Math.ceil(Math.log2(a + 1)));
      return cells({ lut: node.width * stages * (six ? 0.55 : 0.9) });
    }
    case "mul":
      return multiplierCells(Math.max(a, b), Math.min(a, b), node, fabric);
  }
};

const multiplierCells = (wide: number, narrow: number, node: ir.Binary, fabric: Fabric): Cells => {
  const [most, least] = fabric.multiplier;
  if (wide + narrow < fabric.leastProduct || narrow < 2) return cells({ lut: wide * narrow });
  const signed = node.signedness === "s" ? 1 : 0;
  const parts = (width: number, limit: number): number => Math.max(1, Math.ceil((width - signed) / limit));
  const blocks = parts(wide, most) * parts(narrow, least);
  return cells({ dsp: blocks, lut: blocks > 1 ? node.width : 0 });
};

const memoryCells = (module: ir.Module, mem: ir.Memory, id: number, fabric: Fabric): Cells => {
  const reads = module.nodes.filter((n): n is ir.MemRead => n.op === "memRead" && n.mem === id);
  const registered = reads.length > 0 && reads.every(({ domain }) => domain !== null);
  const bits = mem.width * mem.depth;
  if (mem.writes.length === 0 && !registered) {
    // a table: LUTs of its address
    const perBit = mem.depth / 2 ** fabric.inputs;
    return cells({ lut: mem.width * Math.max(1, perBit * 1.3) });
  }
  const inBlock = registered && (mem.style === "block" || (mem.style === "auto" && bits > 1024));
  if (inBlock) {
    const granule = mem.writes.find(({ mask }) => mask !== null)?.granule ?? mem.width;
    const banks = mem.width / granule;
    const each = Math.min(
      ...fabric.block.map(([width, depth]) => Math.ceil(granule / width) * Math.ceil(mem.depth / depth)),
    );
    return cells({ bram: banks * each * reads.length * fabric.blockWorth });
  }
  if (mem.style === "registers" || fabric.distributed === null)
    return cells({ ff: bits, lut: (reads.length * bits) / (fabric.inputs === 6 ? 4 : 2) });
  return cells({
    lut: fabric.distributed(mem.width, mem.depth, Math.max(1, reads.length)),
    ff: registered ? mem.width * reads.length : 0,
  });
};
