/** Where the codes and scale bytes of a token's K or V vector lie: generator/isa/README.md, "Memory". */
import { cat, lit, replicate, uint } from "../hdl/index.js";
import { type AcceleratorConfig, beatBits, log2 } from "../isa/config.js";
import { pairs } from "../engines/port.js";
import type { Bits, Bool } from "./signals.js";
import { BLOCK } from "./widths.js";

const NIBBLE = 4;
/** A unit is one scale beat and UNIT_BLOCKS row blocks of `groups` beats. */
const UNIT_BLOCKS = 8;
const blockBits = log2(UNIT_BLOCKS);

export const nibblesOf = (c: AcceleratorConfig): number => beatBits(c) / NIBBLE;
/** A beat full of copies. */
export const repeated = (c: AcceleratorConfig, v: Bits): Bits => replicate(v, beatBits(c) / v.width);

/** Nothing where a beat holds one row pair: then there is no such index. */
const rowInBlock = (c: AcceleratorConfig, v: Bits): Bits | null =>
  pairs(c) === 1 ? null : v.slice(log2(pairs(c)) - 1, 0);
/** High bits that may not be there. */
const above = (high: Bits | null, low: Bits): Bits => (high === null ? low : cat(high, low));

/** Units, row blocks and nibbles of a slot's keys, and the scale bytes of both K and V. */
export const placeOf = (c: AcceleratorConfig, slot: Bits) => {
  const nibbles = nibblesOf(c);
  const block = slot.shr(log2(pairs(c))).as("row_block");
  const several = block.width > blockBits;
  const unit: Bits = several ? block.shr(blockBits) : lit(uint(1), 0);
  const inUnit: Bits = several ? block.slice(blockBits - 1, 0) : block;
  const row = rowInBlock(c, slot);
  const group = lit(uint(nibbles), (1n << BigInt(BLOCK)) - 1n);
  const slotInGroup = slot.slice(log2(BLOCK) - 1, 0);
  return {
    unit,
    inUnit,
    /** Beats of a unit. */
    unitBeats: (groups: Bits): Bits => groups.shl(blockBits).add(1).as("unit_beats"),
    /** Nibbles of a key's group of 32. */
    keyMask: row === null ? group : group.dshl(cat(row, lit(uint(log2(BLOCK)), 0))),
    /** Nibble of a value's element d: a column of V^T. */
    valueMask: (d: Bits): Bits => lit(uint(nibbles), 1).dshl(above(rowInBlock(c, d), slotInGroup)),
    /** Both nibbles of the scale byte; K's and V's alternate. */
    scaleMask: (isValue: Bool): Bits => {
      const pair = row === null ? inUnit : cat(inUnit.resize(blockBits), row);
      return lit(uint(nibbles), 3).dshl(cat(pair, isValue, lit(uint(1), 0)));
    },
    /** Element d is the last of its beat: the next lies in the next row block. */
    beatEnds: (d: Bits): Bool => rowInBlock(c, d)?.eq(pairs(c) - 1) ?? lit(uint(1), 1),
  };
};
