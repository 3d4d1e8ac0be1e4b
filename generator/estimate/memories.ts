/**
 * What becomes of a memory: the cheapest of block RAM, LUT RAM and flip-flops, by the costs of Yosys' memory_libmap and the RAM
 * libraries of each family (techlibs of Yosys 0.55). `style` of the description does not reach Yosys.
 */
import type * as ir from "../hdl/ir.js";
import { type Cells, NO_CELLS, type Target } from "./cells.js";
import { behindWires } from "./walk.js";

interface BlockRam {
  readonly cost: number;
  /** In `Cells.bram`. */
  readonly worth: number;
  /** Width -> depth. */
  readonly shapes: readonly (readonly [width: number, depth: number])[];
  /** Write enables cover so many bits; null: every bit has one. */
  readonly byte: number | null;
  /** Flip-flops and LUTs a bit where a read must see what a write at the same edge replaces; 0: the RAM does. */
  readonly readsOld: number;
}
interface LutRam {
  readonly depth: number;
  /** A unit holds `width` bits of `depth` words. */
  readonly width: number;
  /** Cost of a bit column; of a whole unit where units are not divided. */
  readonly cost: number;
  readonly divided: boolean;
  readonly luts: number;
}
interface Library {
  readonly block: BlockRam;
  readonly distributed: readonly LutRam[];
  /** Cost of a bit of ROM in logic. */
  readonly romBit: number;
  /** LUTs of a multiplexer of n words, a bit: about so many for each word beyond the first. */
  readonly multiplexer: number;
  /** Bits of ROM in a LUT. */
  readonly romLut: number;
}

const SHAPES = [
  [1, 16384],
  [2, 8192],
  [4, 4096],
  [9, 2048],
  [18, 1024],
  [36, 512],
] as const;

const xilinx = (distributed: readonly LutRam[]): Library => ({
  block: { cost: 129, worth: 0.5, shapes: SHAPES, byte: 9, readsOld: 0 },
  distributed,
  romBit: 1 / 64,
  multiplexer: 1 / 3,
  romLut: 64,
});

const LIBRARIES: Readonly<Record<Target, Library>> = {
  xcup: xilinx([
    { depth: 32, width: 14, cost: 16, divided: true, luts: 8 },
    { depth: 64, width: 7, cost: 16, divided: true, luts: 8 },
  ]),
  xc7: xilinx([
    { depth: 32, width: 6, cost: 8, divided: true, luts: 4 },
    { depth: 64, width: 3, cost: 8, divided: true, luts: 4 },
  ]),
  ecp5: {
    block: { cost: 128, worth: 1, shapes: SHAPES, byte: 9, readsOld: 1 },
    distributed: [{ depth: 16, width: 4, cost: 4, divided: false, luts: 6 }],
    romBit: 1 / 16,
    multiplexer: 1.4,
    romLut: 16,
  },
  ice40: {
    block: {
      cost: 64,
      worth: 1,
      shapes: [
        [2, 2048],
        [4, 1024],
        [8, 512],
        [16, 256],
      ],
      byte: null,
      readsOld: 1,
    },
    distributed: [],
    romBit: 1 / 16,
    multiplexer: 0.95,
    romLut: 16,
  },
};

interface Choice {
  readonly cost: number;
  readonly cells: Partial<Cells>;
}

/** A memory as it is to be mapped. */
interface Wanted {
  readonly width: number;
  readonly depth: number;
  readonly reads: number;
  readonly rom: boolean;
  /** Bits that one write enable covers. */
  readonly granule: number;
  readonly enables: number;
  /** Every read has a register, behind the data or (one read) in front of the address. */
  readonly clocked: boolean;
  /** The register is behind the data. */
  readonly dataRegister: boolean;
}

/** Multiplexers behind and decoders in front of `parts` memories that share the addresses. */
const depthCost = (w: Wanted, parts: number): number =>
  0.5 * (parts - 1) * w.width * w.reads + (parts > 1 ? 0.5 * parts * w.enables : 0);

const inBlocks = (w: Wanted, { block, multiplexer }: Library): Choice[] => {
  if (!w.clocked) return [];
  return block.shapes.map(([width, depth]) => {
    const parts = Math.ceil(w.depth / depth);
    const padded =
      block.byte === null || w.enables < 2 || width < block.byte
        ? w.granule
        : Math.ceil(w.granule / block.byte) * block.byte;
    const blocks = Math.ceil((padded * (w.width / w.granule)) / width) * parts * w.reads;
    const old = w.rom ? 0 : block.readsOld * w.width;
    return {
      cost: block.cost * blocks + depthCost(w, parts),
      cells: {
        bram: blocks * block.worth,
        lut: (parts - 1) * w.width * w.reads * multiplexer + old,
        ff: old,
      },
    };
  });
};

const inLutRam = (w: Wanted, { distributed, multiplexer }: Library): Choice[] => {
  if (w.rom) return [];
  return distributed.map(({ depth, width, cost, divided, luts }) => {
    const parts = Math.ceil(w.depth / depth);
    const units = Math.ceil(w.width / width) * parts * w.reads;
    return {
      cost: (divided ? (cost * w.width * parts * w.reads) / width : cost * units) + depthCost(w, parts),
      cells: {
        lut: units * luts + (parts - 1) * w.width * w.reads * multiplexer,
        ff: w.dataRegister ? w.width * w.reads : 0,
      },
    };
  });
};

const inLogic = (w: Wanted, library: Library): Choice => {
  const bits = w.width * w.depth;
  const register = w.dataRegister ? w.width * w.reads : 0;
  if (w.rom)
    return {
      cost: bits * library.romBit,
      cells: { lut: w.reads * w.width * Math.max(1, (1.3 * w.depth) / library.romLut), ff: register },
    };
  return {
    cost: bits,
    cells: { lut: w.reads * (w.depth - 1) * w.width * library.multiplexer, ff: bits + register },
  };
};

/** Cells of one memory of a module. */
export const memoryCells = (module: ir.Module, mem: ir.Memory, id: number, target: Target): Cells => {
  const reads = module.nodes.filter((n): n is ir.MemRead => n.op === "memRead" && n.mem === id);
  const granule = mem.writes.find(({ mask }) => mask !== null)?.granule ?? mem.width;
  const dataRegister = reads.length > 0 && reads.every(({ domain }) => domain !== null);
  const addressRegister = reads.length === 1 && behindWires(module, reads[0]!.addr).op === "reg";
  const wanted: Wanted = {
    width: mem.width,
    depth: mem.depth,
    reads: Math.max(1, reads.length),
    rom: mem.writes.length === 0,
    granule,
    enables: mem.width / granule,
    clocked: dataRegister || addressRegister,
    dataRegister,
  };
  const library = LIBRARIES[target];
  const { cells } = [
    inLogic(wanted, library),
    ...inBlocks(wanted, library),
    ...inLutRam(wanted, library),
  ].reduce((best, choice) => (choice.cost < best.cost ? choice : best));
  return { ...NO_CELLS, ...cells };
};
