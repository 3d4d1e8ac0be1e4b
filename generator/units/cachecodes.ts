/** Parts of the cache writer's writing side: its write port, the pipeline of codes, and addresses. */
import { bool, cat, mux, type Of, reg, sint, source, uint, when } from "../hdl/index.js";
import { type AcceleratorConfig, beatBits, log2 } from "../isa/config.js";
import type { head } from "./cachefill.js";
import { nibblesOf, type placeOf } from "./cacheplace.js";
import { cacheCode, digitsOf, PRODUCT_BITS, type scaleSteps } from "./cachescale.js";
import { ADDRESS_BITS } from "./jobs.js";
import type { Stages, Travelling } from "./keynorm.js";
import type { Bits, Bool, Int } from "./signals.js";
import { BLOCK } from "./widths.js";

const NIBBLE = 4;

/** One write to memory: the nibbles whose mask bit is 1. */
export const memoryWrite = (c: AcceleratorConfig) => ({
  addr: uint(ADDRESS_BITS),
  data: uint(beatBits(c)),
  mask: uint(nibblesOf(c)),
});
type Head = Of<ReturnType<typeof head>>;
type Place = ReturnType<typeof placeOf>;
type Scale = ReturnType<typeof scaleSteps>;

/** The write port's register. `move`: it is free, or its write is taken. */
export const writePort = (c: AcceleratorConfig) => {
  const valid = reg("out_valid", bool, { reset: 0 });
  const addr = reg("out_addr", uint(ADDRESS_BITS));
  const data = reg("out_data", uint(beatBits(c)));
  const mask = reg("out_mask", uint(nibblesOf(c)));
  const write = source(memoryWrite(c), { addr, data, mask }, valid, "write_port");
  const move = valid.not().or(write.ready).as("move");
  when(move, () => valid.set(0));
  return {
    write,
    move,
    /** Under `move`: the next write, if there is one. */
    put: (there: Bool, to: Bits, what: Bits, nibbles: Bits): void => {
      valid.set(there);
      addr.set(to.wrap(ADDRESS_BITS));
      data.set(what);
      mask.set(nibbles);
    },
  };
};

/** Read, multiply, code: a pipeline that moves when the write port does. `between`: what values go through before. */
export const codePipeline = (
  c: AcceleratorConfig,
  h: Head,
  read: (index: Bits) => Int,
  scale: Scale,
  between?: (from: Travelling) => Stages,
) => {
  const { groups } = h;
  const dimBits = log2(c.headDim);
  const reading = reg("reading", bool, { reset: 0 });
  const d = reg("d", uint(dimBits + 1));
  const total = groups
    .shl(log2(BLOCK))
    .resize(dimBits + 1)
    .as("head_dim");
  const more = reading.and(d.lt(total)).as("more");
  const readValid = reg("read_valid", bool, { reset: 0 });
  const valid = reg("product_valid", bool, { reset: 0 });
  const value = read(d.resize(dimBits));
  const product = reg("product", sint(PRODUCT_BITS));
  const dRead = reg("d_read", uint(dimBits));
  const fetched = { value, element: dRead, valid: readValid };
  const stages = between?.(fetched);
  const ready = stages ?? fetched;
  const dProduct = reg("d_product", uint(dimBits));
  const code = cacheCode(c, product, scale.x, h).as("code");
  const digits = digitsOf(code);
  /** A digit, and with those before it a key's group of 32, the first lowest. */
  const rowOf = (name: string, nibble: Bits) => {
    const row = reg(`${name}row_nibbles`, uint(NIBBLE * BLOCK));
    const next = cat(nibble, row.slice(NIBBLE * BLOCK - 1, NIBBLE)).as(`${name}row_next`);
    return { nibble, row: next, step: (): void => row.set(next) };
  };
  const low = rowOf("", digits.low.as("nibble"));
  const high = digits.high === undefined ? undefined : rowOf("high_", digits.high.as("high_nibble"));
  return {
    valid,
    /** What becomes a product in the next step. */
    ready,
    code,
    low,
    high,
    element: dProduct,
    endOfGroup: dProduct
      .slice(log2(BLOCK) - 1, 0)
      .eq(BLOCK - 1)
      .as("end_of_group"),
    last: valid.and(dProduct.eq(total.subMod(1))).as("last_code"),
    start: (): void => {
      d.set(0);
      reading.set(1);
    },
    step: (): void => {
      readValid.set(more);
      dRead.set(d.resize(dimBits));
      when(
        more,
        () => d.set(d.addMod(1)),
        () => reading.set(0),
      );
      stages?.step();
      valid.set(ready.valid);
      dProduct.set(ready.element);
      product.set(ready.value.mul(scale.inverse.toSigned()).resize(PRODUCT_BITS));
      when(valid, () => {
        low.step();
        high?.step();
      });
    },
    stop: (): void => valid.set(0),
  };
};

/** `beats` of a matrix of 8-bit codes count twice. */
const pairsIf = (eight: readonly Bool[], beats: Bits): Bits =>
  eight.reduce<Bits>((n, is) => mux(is, n.shl(1), n.extend(n.width + 1)), beats);

/** Addresses of the vector at hand: unit of the scale byte, then beat of its row. */
export const vectorAddress = (h: Head, slot: Bits, place: Place, stride: Bits) => {
  const unit = reg("unit_address", uint(ADDRESS_BITS));
  const row = reg("row_address", uint(ADDRESS_BITS)); // keys: beat of the row; values: beat of element 0
  const unitBeats = place.unitBeats(pairsIf(h.keys8, h.groups));
  return {
    unit,
    row,
    setUnit: (): void => unit.set(h.keys.addMod(place.unit.mul(unitBeats).resize(ADDRESS_BITS))),
    setRow: (): void => {
      const ofValue = h.addr.addMod(pairsIf(h.eight, slot.shr(log2(BLOCK))).extend(ADDRESS_BITS));
      const ofKey = unit.addMod(1).addMod(place.inUnit.mul(pairsIf(h.keys8, h.groups)).extend(ADDRESS_BITS));
      row.set(mux(h.isValue, ofValue, ofKey));
    },
    /** Values: `stride` beats lie between row blocks of V^T. */
    next: (): void => row.set(row.addMod(pairsIf(h.eight, stride).extend(ADDRESS_BITS))),
    /** Beat of (the high digits of) an element's group: keys. */
    ofGroup: (element: Bits): Bits =>
      row.addMod(pairsIf(h.eight, element.shr(log2(BLOCK))).extend(ADDRESS_BITS)),
  };
};
