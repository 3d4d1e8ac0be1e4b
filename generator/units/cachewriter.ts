/** Cache writer: K and V heads to int4 codes and a scale byte, written to memory. Contract section 5, layout in isa/README.md. */
import {
  bool,
  cat,
  defineModule,
  enumReg,
  lit,
  match,
  Mem,
  mux,
  reg,
  replicate,
  select,
  type Sig,
  sint,
  source,
  stream,
  uint,
  when,
} from "../hdl/index.js";
import { EPILOGUES } from "../isa/instruction.js";
import { queue } from "../library/fifo.js";
import { cacheCode, inverse16, scaleByte, scaleOf } from "./cachescale.js";
import { type AcceleratorConfig, beatBits, log2, countBits } from "../isa/config.js";
import { cacheJob, cacheValue } from "./epilogueports.js";
import { ADDRESS_BITS } from "./jobs.js";
import { tokWidth } from "./memories.js";
import { magnitude } from "./reciprocal.js";

type Bool = Sig<"u", 1>;
type U = Sig<"u", number>;
type S = Sig<"s", number>;

/** One write to memory: the nibbles whose mask bit is 1. */
export const memoryWrite = (c: AcceleratorConfig) => ({
  addr: uint(ADDRESS_BITS),
  data: uint(beatBits(c)),
  mask: uint(beatBits(c) / 4),
});

/** One buffered head and where it goes. */
const head = (c: AcceleratorConfig) => ({
  isValue: bool,
  addr: uint(ADDRESS_BITS),
  keys: uint(ADDRESS_BITS),
  groups: uint(6),
  slot: uint(log2(c.context)),
  toks: uint(countBits(c.tokens)),
});

export const cacheWriter = (c: AcceleratorConfig) =>
  defineModule(
    "cache_writer",
    {
      in: {
        x: cacheValue(c),
        start: bool,
        job: cacheJob(c),
        sinks: uint(log2(c.context) + 1),
        slots: uint(log2(c.context) + 1), // allocated slots: sinks + window
      },
      out: {
        free: bool,
        write: stream(memoryWrite(c)),
        written: bool,
        idle: bool,
        saturated: bool,
        trace: {
          code: { valid: bool, code: sint(4), kind: uint(4) },
          cachescale: { valid: bool, data: uint(8), kind: uint(4) },
        },
      },
      doc: "Cache writer: K and V to int4 with a scale per head and token (contract section 5).",
    },
    ({ x, start, job, sinks, slots }) => {
      const dimBits = log2(c.headDim);
      const slotBits = log2(c.context);
      const T = c.tokens;
      // Two buffers of one head each: one fills while the other is written.
      const reserved = reg("reserved", uint(2), { reset: 0 });
      const free = reserved.lt(2).as("free_q");
      const headOffset = reg("head_offset", uint(ADDRESS_BITS));
      const keyAddress = reg("key_address", uint(ADDRESS_BITS));
      const offset = mux(job.first, 0, headOffset).as("offset") as U;
      const keys = mux(job.isValue.not(), job.addr, keyAddress).as("keys") as U;
      when(start, () => {
        headOffset.set(offset.addMod(job.headStride.extend(ADDRESS_BITS)));
        keyAddress.set(keys);
      });
      const info = queue(
        "u_heads",
        head(c),
        source(
          head(c),
          {
            isValue: job.isValue,
            addr: job.addr.addMod(offset),
            keys: keys.addMod(offset),
            groups: job.headGroups,
            slot: job.slot,
            toks: job.toks,
          } as never,
          start,
        ) as never,
        2,
      );
      // filling side
      const fillSet = reg("fill_set", uint(1), { reset: 0 });
      // The fill side knows a head's width from the head it is filling: the oldest not yet full one.
      const fillGroups = [0, 1].map((s) => reg(`fill_groups_${s}`, uint(6)));
      const reserveSet = reg("reserve_set", uint(1), { reset: 0 });
      const fillToks = [0, 1].map((s) => reg(`fill_toks_${s}`, uint(countBits(T))));
      when(start, () => {
        reserveSet.set(reserveSet.not());
        for (const s of [0, 1])
          when(reserveSet.eq(s), () => {
            fillGroups[s]!.set(job.headGroups);
            fillToks[s]!.set(job.toks);
          });
      });
      const lastIndex = select(fillSet, fillGroups)
        .shl(5)
        .subMod(1)
        .resize(dimBits + 1)
        .as("last_index") as U;
      const index = x.row.resize(dimBits).and(lastIndex.resize(dimBits)).as("fill_index") as U; // row within the head
      const lastTok = select(fillSet, fillToks).subMod(1).as("last_tok") as U;
      const at = (set: U, tok: U, i: U): U => (T === 1 ? cat(set, i) : cat(set, tok, i));
      const values = new Mem("values", sint(24), 2 * T * c.headDim, {
        readDuringWrite: "old",
        style: "distributed",
      });
      values.write(x.valid, at(fillSet, x.tok, index), x.value as never);
      const size = magnitude(x.value as S).as("size") as U;
      const maxima = [0, 1].map((s) =>
        Array.from({ length: T }, (_, t) => {
          const m = reg(`peak_${s}_${t}`, uint(24));
          when(x.valid.and(fillSet.eq(s)).and(x.tok.eq(t)), () => {
            when(index.eq(0).or(size.gt(m)), () => m.set(size));
          });
          return m as U;
        }),
      );
      const filled = x.valid
        .and(index.extend(dimBits + 1).eq(lastIndex))
        .and(
          x.tok
            .extend(Math.max(x.tok.width, lastTok.width))
            .eq(lastTok.extend(Math.max(x.tok.width, lastTok.width))),
        )
        .as("filled") as Bool;
      const full = [0, 1].map((s) => reg(`full_${s}`, bool, { reset: 0 }));
      const jobEnds = [0, 1].map((s) => reg(`job_ends_${s}`, bool));
      when(filled, () => {
        fillSet.set(fillSet.not());
        for (const s of [0, 1])
          when(fillSet.eq(s), () => {
            full[s]!.set(1);
            jobEnds[s]!.set(x.last);
          });
      });

      // writing side: per token scale, then the codes
      const state = enumReg("state", ["idle", "scale", "byte", "place", "scale_write", "codes", "next"]);
      const set = reg("set", uint(1), { reset: 0 });
      const tok = reg("tok", uint(tokWidth(c)));
      const slot = reg("slot", uint(slotBits));
      const h = info.payload as unknown as { isValue: Bool; addr: U; keys: U; groups: U; slot: U; toks: U };
      const pairRows = c.rows / 2;
      const pairLow = log2(pairRows);
      const rowInBlock = (v: U): U =>
        pairLow === 0 ? (lit(uint(1), 0) as U) : (v.slice(pairLow - 1, 0) as U);
      const t = reg("t", uint(24));
      const scaleX = reg("scale_x", uint(4));
      const scaleF = reg("scale_f", uint(4));
      const inverse = reg("inverse", uint(13));
      const saturated = reg("saturated_q", bool, { reset: 0 });
      const unitAddress = reg("unit_address", uint(ADDRESS_BITS));
      const rowAddress = reg("row_address", uint(ADDRESS_BITS)); // keys: beat of the row; values: beat of element 0
      const peak = select(
        set,
        maxima.map((per) => (T === 1 ? per[0]! : select(tok, per))),
      ) as U;
      const block = slot.shr(pairLow).as("row_block") as U;
      const unit = (block.width > 3 ? block.shr(3) : lit(uint(1), 0)) as U;
      const inUnit = (block.width > 3 ? block.slice(2, 0) : block) as U;
      // A unit is one scale beat and 8 row blocks of `groups` beats.
      const unitBeats = h.groups.shl(3).add(1).as("unit_beats") as U;
      const bits = scaleByte(t);

      // pipeline: read, multiply, code; moves when the write port takes what it has
      const reading = reg("reading", bool, { reset: 0 });
      const d = reg("d", uint(dimBits + 1));
      const total = h.groups
        .shl(5)
        .resize(dimBits + 1)
        .as("head_dim") as U;
      const outValid = reg("out_valid", bool, { reset: 0 });
      const outAddr = reg("out_addr", uint(ADDRESS_BITS));
      const outData = reg("out_data", uint(beatBits(c)));
      const outMask = reg("out_mask", uint(beatBits(c) / 4));
      const write = source(
        memoryWrite(c),
        { addr: outAddr, data: outData, mask: outMask } as never,
        outValid,
      );
      const move = outValid.not().or(write.ready).as("move") as Bool;
      const more = reading.and(d.lt(total)).as("more") as Bool;
      const readValid = reg("read_valid", bool, { reset: 0 });
      const productValid = reg("product_valid", bool, { reset: 0 });
      const value = values.read(at(set, tok, d.resize(dimBits) as U), move) as unknown as S;
      const product = reg("product", sint(38));
      const dRead = reg("d_read", uint(dimBits));
      const dProduct = reg("d_product", uint(dimBits));
      const code = cacheCode(product as S, scaleX).as("code") as S;
      const nibble = code.asUnsigned().xor(8).as("nibble") as U;
      const row = reg("row_nibbles", uint(128));
      const rowNext = cat(nibble, row.slice(127, 4)).as("row_next") as U;
      const group = dProduct.shr(5);
      const endOfGroup = dProduct.slice(4, 0).eq(31).as("end_of_group") as Bool;
      const lastCode = productValid
        .and(dProduct.extend(dimBits + 1).eq(total.subMod(1)))
        .as("last_code") as Bool;
      const nibbles = beatBits(c) / 4;
      const oneHot = (bit: U): U => lit(uint(nibbles), 1).dshl(bit) as U;
      const repeat = (v: U): U => replicate(v, beatBits(c) / v.width) as U;
      const keyMask = (
        pairLow === 0
          ? lit(uint(nibbles), (1n << 32n) - 1n)
          : lit(uint(nibbles), (1n << 32n) - 1n).dshl(cat(rowInBlock(slot), lit(uint(5), 0)))
      ) as U;
      const valueBit = (pairLow === 0 ? slot.slice(4, 0) : cat(rowInBlock(dProduct), slot.slice(4, 0))) as U;
      const blocks = slots.add(31).shr(5).as("value_stride") as U;
      const tracing = state.is("codes").and(move).and(productValid).as("code_out") as Bool;

      when(move, () => {
        outValid.set(0);
      });
      match(state, {
        idle: () =>
          when(select(set, full).and(info.valid), () => {
            tok.set(0);
            slot.set(h.slot);
            state.go("scale");
          }),
        scale: () => {
          t.set(scaleOf(peak).resize(24));
          state.go("byte");
        },
        byte: () => {
          scaleX.set(bits.x);
          scaleF.set(bits.f);
          when(bits.saturated, () => saturated.set(1));
          unitAddress.set(h.keys.addMod(unit.mul(unitBeats).resize(ADDRESS_BITS)));
          state.go("place");
        },
        place: () => {
          inverse.set(inverse16(scaleF));
          rowAddress.set(
            mux(
              h.isValue,
              h.addr.addMod(slot.shr(5).extend(ADDRESS_BITS)),
              unitAddress.addMod(1).addMod(inUnit.mul(h.groups).extend(ADDRESS_BITS)),
            ),
          );
          state.go("scale_write");
        },
        scale_write: () =>
          when(move, () => {
            const byte = (pairLow === 0 ? inUnit : cat(inUnit.resize(3), rowInBlock(slot))) as U; // pair of bytes
            const bit = cat(byte, h.isValue, lit(uint(1), 0)) as U; // two nibbles a byte
            outValid.set(1);
            outAddr.set(unitAddress);
            outData.set(repeat(cat(scaleX, scaleF) as U));
            outMask.set(lit(uint(nibbles), 3).dshl(bit));
            d.set(0);
            reading.set(1);
            state.go("codes");
          }),
        codes: () =>
          when(move, () => {
            readValid.set(more);
            dRead.set(d.resize(dimBits));
            when(
              more,
              () => d.set(d.addMod(1)),
              () => reading.set(0),
            );
            productValid.set(readValid);
            dProduct.set(dRead);
            product.set(value.mul(inverse.toSigned()).resize(38));
            when(productValid, () => {
              row.set(rowNext);
              outValid.set(h.isValue.or(endOfGroup));
              outAddr.set(mux(h.isValue, rowAddress, rowAddress.addMod(group.extend(ADDRESS_BITS))));
              outData.set(mux(h.isValue, repeat(nibble), repeat(rowNext)));
              outMask.set(mux(h.isValue, oneHot(valueBit), keyMask));
              const step =
                pairLow === 0 ? (lit(uint(1), 1) as Bool) : (rowInBlock(dProduct).eq(pairRows - 1) as Bool);
              when(h.isValue.and(step), () => rowAddress.set(rowAddress.addMod(blocks.extend(ADDRESS_BITS))));
            });
            when(lastCode, () => {
              productValid.set(0);
              state.go("next");
            });
          }),
        next: () =>
          when(move, () => {
            const more = tok
              .extend(Math.max(tok.width, h.toks.width))
              .ne(h.toks.subMod(1).extend(Math.max(tok.width, h.toks.width)));
            when(
              more,
              () => {
                tok.set(tok.addMod(1));
                const following = slot.extend(slotBits + 1).addMod(1) as U;
                slot.set(mux(following.eq(slots), sinks, following).resize(slotBits));
                state.go("scale");
              },
              () => {
                for (const s of [0, 1]) when(set.eq(s), () => full[s]!.set(0));
                set.set(set.not());
                state.go("idle");
              },
            );
          }),
      });
      const isLastTok = tok
        .extend(Math.max(tok.width, h.toks.width))
        .eq(h.toks.subMod(1).extend(Math.max(tok.width, h.toks.width)));
      const headDone = state.is("next").and(move).and(isLastTok).as("head_done") as Bool;
      info.consume(headDone);
      when(start.and(headDone.not()), () => reserved.set(reserved.addMod(1)));
      when(headDone.and(start.not()), () => reserved.set(reserved.subMod(1)));
      const kind = mux(h.isValue, lit(uint(4), EPILOGUES.indexOf("value")), EPILOGUES.indexOf("key")).as(
        "kind",
      ) as U;
      return {
        free,
        write,
        written: headDone.and(select(set, jobEnds)),
        idle: reserved.eq(0),
        saturated,
        trace: {
          code: { valid: tracing, code, kind },
          cachescale: { valid: state.is("place"), data: cat(scaleX, scaleF), kind },
        },
      } as never;
    },
  );
