/**
 * What a design costs, counted from its netlist in milliseconds: registers, memories and multipliers by the rules that Yosys
 * maps them with, LUTs by what each operator needs before optimisation, times one factor per family. Error against Yosys: counts.ts
 * and error.ts.
 */
import type * as ir from "../hdl/ir.js";
import { type Cells, NO_CELLS, type Target } from "./cells.js";
import { memoryCells } from "./memories.js";
import { distinctRegisters, shiftRegisters } from "./registers.js";
import { behindNames, behindWires } from "./walk.js";

/** Of registers: equal and constant bits go. Fitted as the factors of LUTs are. */
const LEFT_OF_REGISTERS = 0.96;

interface Fabric {
  /** Inputs of a LUT. */
  readonly inputs: 4 | 6;
  /** What optimisation leaves of the LUTs counted here: fitted to Yosys on the configurations that are not held out. */
  readonly factor: number;
  /** Widest operands of a multiplier block beside a sign, and the least product that goes into one. */
  readonly multiplier: readonly [number, number];
  readonly leastProduct: number;
  /** Bits more that an operand may have: the sign's place, and one bit that Yosys' mul2dsp multiplies in LUTs. */
  readonly spare: 0 | 2;
  /** Products of which a multiplexer takes one become one multiplier with multiplexed operands (Yosys' `share`). */
  readonly shares: boolean;
  /** Registers in a row, three at least, become one LUT a bit (SRL16E). */
  readonly shiftRegisters: boolean;
  /** A register behind a product lies in the multiplier block (Yosys' xilinx_dsp knows the DSP48E1 alone). */
  readonly productRegisters: boolean;
  /** Adding a constant takes the carry chain alone. */
  readonly constantsFree: boolean;
}

const xilinx = (
  factor: number,
  multiplier: readonly [number, number],
  productRegisters: boolean,
): Fabric => ({
  ...{ inputs: 6, factor, multiplier, leastProduct: 9, productRegisters },
  ...{ spare: 0, shares: false, shiftRegisters: true, constantsFree: true },
});
const lattice = (factor: number, multiplier: readonly [number, number], leastProduct: number): Fabric => ({
  ...{ inputs: 4, factor, multiplier, leastProduct, productRegisters: false },
  ...{ spare: 2, shares: true, shiftRegisters: false, constantsFree: false },
});

const FABRICS: Readonly<Record<Target, Fabric>> = {
  xcup: xilinx(1.01, [26, 17], false),
  xc7: xilinx(1.01, [24, 17], true),
  ecp5: lattice(0.89, [17, 17], 4),
  ice40: lattice(0.78, [15, 15], 11),
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
  const known = new Map<string, Cells>();
  const of = (name: string): Cells => {
    const before = known.get(name);
    if (before !== undefined) return before;
    const module = design.modules.get(name);
    const sum =
      module === undefined
        ? cells({ dsp: 1 }) // a black box of ours is one DSP slice
        : module.instances.reduce(
            (total, { module: child }) => add(total, of(child)),
            ownCells(module, target),
          );
    known.set(name, sum);
    return sum;
  };
  const total = of(design.top);
  return { ...total, lut: Math.round(total.lut), ff: Math.round(total.ff) };
};

const ownCells = (module: ir.Module, target: Target): Cells => {
  const fabric = FABRICS[target];
  const counted = module.nodes.reduce(
    (total, node) => (node.op === "reg" ? total : add(total, nodeCells(module, node, fabric))),
    registerCells(module, fabric),
  );
  const logic = cells({
    ...counted,
    lut: counted.lut * fabric.factor,
    dsp: counted.dsp - sharedDsps(module, fabric),
  });
  return module.memories.reduce((total, mem, id) => add(total, memoryCells(module, mem, id, target)), logic);
};

const registerCells = (module: ir.Module, fabric: Fabric): Cells => {
  const registers = distinctRegisters(module);
  const chains = fabric.shiftRegisters ? shiftRegisters(module, registers) : [];
  const chained = new Set(chains.flat());
  const absorbed = (r: ir.Reg): boolean =>
    fabric.productRegisters && r.updates.some(({ value }) => isProduct(behindWires(module, value)));
  const plain = registers.filter((r) => !chained.has(r) && !absorbed(r));
  return [
    ...plain.map((r) => {
      const { ff, ...rest } = nodeCells(module, r, fabric);
      return { ...rest, ff: ff * LEFT_OF_REGISTERS };
    }),
    ...chains.map((chain) => cells({ lut: chain[0]!.width * Math.ceil(chain.length / 16) })),
  ].reduce(add, NO_CELLS);
};

const isProduct = (node: ir.Node): boolean => node.op === "binary" && node.fn === "mul";
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
          : width * node.cases.length * (six ? 0.25 : 0.7),
      });
    case "reg": {
      // A constant is the flip-flop's own reset or set.
      const writes = node.updates.filter(
        ({ guard, value }) => guard !== null && !isConst(module, value),
      ).length;
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
      return cells({
        lut: constant && fabric.constantsFree ? 0 : node.width * (six ? 0.85 : 1),
        carry: node.width,
      });
    case "and":
    case "or":
    case "xor":
      return cells({ lut: constant ? 0 : node.width * (six ? 0.15 : 0.45) });
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

/** Blocks that products save which share one multiplier behind a multiplexer. */
const sharedDsps = (module: ir.Module, fabric: Fabric): number => {
  if (!fabric.shares) return 0;
  const product = (id: ir.NodeId): number => {
    const node = behindNames(module, id);
    return isProduct(node) ? nodeCells(module, node, fabric).dsp : 0;
  };
  return module.nodes.reduce(
    (saved, node) => saved + (node.op === "mux" ? Math.min(product(node.t), product(node.f)) : 0),
    0,
  );
};

const multiplierCells = (wide: number, narrow: number, node: ir.Binary, fabric: Fabric): Cells => {
  const [most, least] = fabric.multiplier;
  if (wide + narrow < fabric.leastProduct || narrow < 2) return cells({ lut: wide * narrow });
  const signed = node.signedness === "s" ? 1 : 0;
  const parts = (width: number, limit: number): number =>
    width <= limit + Math.max(signed, fabric.spare) ? 1 : Math.ceil((width - signed) / limit);
  // Slices above what is kept of the product are not built.
  const rows = Array.from({ length: parts(wide, most) }, (_, i) => i * most);
  const columns = Array.from({ length: parts(narrow, least) }, (_, i) => i * least);
  const blocks = rows.flatMap((row) => columns.filter((column) => row + column < node.width)).length;
  return cells({ dsp: blocks, lut: blocks > 1 ? node.width : 0 });
};
