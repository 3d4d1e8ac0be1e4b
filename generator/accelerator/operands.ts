/** Operands of the instruction at hand: fields, with base registers, the token's stride and the live slots applied. */
import { anyOf, lit, mux, type Sig, uint } from "../hdl/index.js";
import { pairs, tokBits, toksBits } from "../engines/port.js";
import { type AcceleratorConfig, log2, rowBits } from "../isa/config.js";
import {
  type Field,
  FORMATS,
  type Format,
  KEY_FORMATS,
  TOKEN_SELECTS,
  type TokenSelect,
  VALUE_FORMATS,
} from "../isa/instruction.js";
import { ADDRESS_BITS, built, formatBits } from "../units/jobs.js";
import type { Bits, Bool } from "../units/signals.js";
import { BLOCK, TOKEN_BITS } from "../units/widths.js";
import type { Batch } from "./batch.js";
import { type FieldWidth, fieldOf } from "./decode.js";
import type { baseRegisters, loopStack } from "./loops.js";

export type Fields = <F extends Field>(name: F) => Sig<"u", FieldWidth<F>>;
export const fieldsOf =
  (instruction: Bits): Fields =>
  (name) =>
    fieldOf(instruction, name);

/** The token an instruction is for, and how many follow it. */
const tokenOf = (c: AcceleratorConfig, f: Fields, batch: Batch, loopTok: Bits) => {
  const select = f("tok");
  const is = (name: TokenSelect): Bool => select.eq(TOKEN_SELECTS.indexOf(name));
  const all = is("all").as("tok_all");
  const last = (): Bits => batch.toks.subMod(1).resize(tokBits(c));
  const tok: Bits = c.tokens === 1 ? lit(uint(1), 0) : mux(all, 0, mux(is("last"), last(), loopTok));
  return {
    tok: tok.resize(tokBits(c)).as("tok"),
    toks: mux(all, batch.toks, 1).resize(toksBits(c)).as("job_toks"),
  };
};

/** Position of the token, its slot of the ring, and the slots that are live for it. Contract section 5. */
const slotsOf = (c: AcceleratorConfig, batch: Batch, tok: Bits) => {
  const position = batch.position.addMod(tok.extend(TOKEN_BITS)).wrap(TOKEN_BITS).as("tok_position");
  const reached = position.add(1);
  const bits = log2(c.context) + 1;
  const live = mux(reached.gt(batch.slots), batch.slots, reached.resize(bits)).resize(bits).as("live");
  return { position, live, cacheSlot: batch.ringSlot.addMod(tok.extend(bits - 1)) };
};

/** Which of the cache's matrices MV reads, and how many row blocks and groups it has. */
const matrixOf = (c: AcceleratorConfig, f: Fields, isMv: Bool, live: Bits) => {
  const format = f("format").resize(formatBits(c));
  const isFormat = (name: Format): Bool => isMv.and(format.eq(FORMATS.indexOf(name)));
  const keys = anyOf(built(c, KEY_FORMATS).map(isFormat)).as("is_keys");
  const values = anyOf(built(c, VALUE_FORMATS).map(isFormat)).as("is_values");
  const keyBlocks = live
    .add(pairs(c) - 1)
    .shr(log2(pairs(c)))
    .resize(rowBits(c));
  const valueGroups = live
    .add(BLOCK - 1)
    .shr(log2(BLOCK))
    .resize(f("groups").width);
  return {
    isFormat,
    keys,
    values,
    rowBlocks: mux(keys, keyBlocks, f("rowBlocks").resize(rowBits(c))).as("row_blocks"),
    groups: mux(values, valueGroups, f("groups")).as("groups"),
  };
};

export const operandsOf = (
  c: AcceleratorConfig,
  f: Fields,
  isMv: Bool,
  batch: Batch,
  loops: ReturnType<typeof loopStack>,
  bases: ReturnType<typeof baseRegisters>,
) => {
  const { tok, toks } = tokenOf(c, f, batch, loops.tok);
  const slots = slotsOf(c, batch, tok);
  const stepped = (address: Sig<"u", typeof ADDRESS_BITS>, stride: Bits): Bits =>
    c.tokens === 1 ? address : address.addMod(tok.mul(stride).resize(ADDRESS_BITS));
  return {
    tok,
    toks,
    ...slots,
    ...matrixOf(c, f, isMv, slots.live),
    memory: bases.plus(f("memOffset"), f("memBase")).as("memory_address"),
    act: stepped(bases.plus(f("act"), f("actBase")), f("actStride"))
      .resize(log2(c.actWords))
      .as("act"),
    dst: stepped(bases.plus(f("dst"), f("dstBase")), f("dstStride"))
      .resize(f("dst").width)
      .as("dst"),
    constant: bases.plus(f("constant"), f("dstBase")).resize(f("constant").width),
    slot: bases.plus(f("slot"), f("slotBase")).resize(log2(c.slots)).as("slot"),
    scaleSlot: bases.plus(f("scaleSlot"), f("scaleSlotBase")).resize(log2(c.slots)).as("scale_slot"),
    cache: bases.plus(f("cacheOffset"), f("cacheBase")).as("cache_address"),
  };
};
export type Operands = ReturnType<typeof operandsOf>;
