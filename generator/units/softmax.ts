/** Softmax: scores to 7-bit probabilities with a power of two per block of 32 slots. Contract section 6. */
import { EXP2, LOG16 } from "../../golden/contract/tables.js";
import {
  bool,
  cat,
  defineModule,
  delay,
  delayValid,
  enumReg,
  lit,
  match,
  Mem,
  mux,
  reg,
  select,
  type Sig,
  sint,
  source,
  stream,
  uint,
  when,
} from "../hdl/index.js";
import { GROUP } from "../engines/port.js";
import { queue } from "../library/fifo.js";
import { type AcceleratorConfig, log2 } from "../isa/config.js";
import { SEMAPHORE_BITS, softmaxJob } from "./jobs.js";
import { softmaxSum } from "./scaler.js";
import { probabilityRead, probabilityWord, probabilityWordBits } from "./stream.js";

type Bool = Sig<"u", 1>;
type U = Sig<"u", number>;
type S = Sig<"s", number>;

/** Bits of c = score + 1024·x + LOG16[f]. */
const C_BITS = 25;
const SUM_BITS = 40;
const EXPONENT_BITS = 16;

/** 2^-(d/1024) in 2^-16 of d >= 0, two registers: 0..65536. Contract section 6, exp2. */
const exp2 = (name: string, d: U): U => {
  const index = d.slice(9, 4) as U;
  const table = (offset: number): readonly U[] =>
    Array.from({ length: 64 }, (_, i) => lit(uint(17), EXP2[i + offset]!) as U);
  const here = select(index, table(0)).as(`${name}_here`) as U;
  const next = select(index, table(1)).as(`${name}_next`) as U;
  const fall = here
    .subMod(next)
    .mul(d.slice(3, 0))
    .add(lit(uint(4), 8))
    .shr(4)
    .as(`${name}_fall`) as U;
  const value = delay(here.subMod(fall.resize(17)), 1, `${name}_value`) as U;
  const shift = delay(d.shr(10) as U, 1, `${name}_shift`) as U;
  const far = shift.gt(17).as(`${name}_far`) as Bool;
  const by = shift.resize(5) as U;
  // rshr: half of the last place, then shift; a shift of 0 has no half
  const half = lit(uint(18), 1).dshl(by).shr(1) as U;
  const rounded = value.add(half.resize(17)).dshr(by).as(`${name}_rounded`) as U;
  return delay(mux(far, 0, rounded.resize(17)), 1, name) as U;
};

export const softmax = (c: AcceleratorConfig) =>
  defineModule(
    "softmax",
    {
      in: {
        job: stream(softmaxJob(c)),
        granted: bool,
        score: { valid: bool, value: sint(24), aux: uint(8), row: uint(16), last: bool },
        probabilityRead: probabilityRead(c),
      },
      out: {
        want: uint(SEMAPHORE_BITS),
        take: bool,
        signal: uint(SEMAPHORE_BITS),
        probability: probabilityWord,
        sum: stream(softmaxSum),
        idle: bool,
        trace: {
          prob: { valid: bool, data: uint(8) },
          probexp: { valid: bool, value: sint(EXPONENT_BITS) },
          probsum: { valid: bool, value: uint(SUM_BITS) },
        },
      },
      doc: "Softmax with block exponents (contract section 6): two score buffers in, two probability buffers out.",
    },
    ({ job: jobs, granted, score, probabilityRead: request }) => {
      const slotBits = log2(c.context);
      const blockBits = probabilityWordBits(c);
      const next = queue("u_jobs", softmaxJob(c), jobs, 4);

      // Scores arrive: c beside them, the largest score, the largest c of each block.
      const fill = reg("fill_set", uint(1), { reset: 0 });
      const valid1 = delayValid(score.valid, 1, "score_valid");
      const s1 = delay(score.value, 1, "score") as S;
      const row1 = delay(score.row.resize(slotBits) as U, 1, "score_row") as U;
      const last1 = delay(score.last, 1, "score_last") as Bool;
      const log = select(
        score.aux.slice(3, 0),
        LOG16.map((v) => lit(uint(13), v)),
      ) as U;
      const weight = cat(score.aux.slice(7, 4), lit(uint(10), 0))
        .add(log)
        .as("log_scale") as U;
      const c1 = delay(score.value.add(weight.toSigned().resize(24)).wrap(C_BITS), 1, "log_score") as S;
      const scores = new Mem("scores", { s: sint(24), c: sint(C_BITS) }, 2 * c.context, {
        readDuringWrite: "old",
        style: "block",
      });
      scores.write(valid1, cat(fill, row1), { s: s1, c: c1 } as never);
      const peaks = [0, 1].map((k) => {
        const m = reg(`peak_${k}`, sint(24));
        when(valid1.and(fill.eq(k)).and(row1.eq(0).or(s1.gt(m))), () => m.set(s1));
        return m as S;
      });
      const blockAt = (set: U, row: U): U =>
        cat(set, (slotBits > 5 ? row.slice(slotBits - 1, 5) : lit(uint(1), 0)) as U) as U;
      const blockPeaks = new Mem("block_peaks", sint(C_BITS), 2 * 2 ** blockBits, {
        readDuringWrite: "old",
        style: "distributed",
      });
      const blockAddress = blockAt(fill, row1);
      const blockPeak = blockPeaks.readAsync(blockAddress) as unknown as S;
      blockPeaks.write(
        valid1.and(row1.slice(4, 0).eq(0).or(c1.gt(blockPeak))) as Bool,
        blockAddress,
        c1 as never,
      );
      when(valid1.and(last1), () => fill.set(fill.not()));

      // The pass: one slot a cycle. 0 address; 1 score; 2 distances; 3, 4 exp2; 5 sum, probability; 6 word
      const state = enumReg("state", ["idle", "run", "drain", "push"]);
      const set = reg("set", uint(1), { reset: 0 });
      const out = reg("out_set", uint(1), { reset: 0 });
      const live = reg("live", uint(slotBits + 1));
      const slot = reg("slot", uint(slotBits + 1));
      const smax = select(set, peaks).as("smax") as S;
      const start = state.is("idle").and(next.valid).and(granted).as("start");
      const running = state.is("run").as("running") as Bool;
      const blocks = next.payload.live.add(31).shr(5) as U;
      const lastSlot = reg("last_slot", uint(slotBits + 1));
      const here = slot.resize(slotBits) as U;
      const cmax = blockPeaks.readAsync(blockAt(set, here)) as unknown as S;
      const exponent = cmax.sub(smax).add(1023).shr(10).resize(EXPONENT_BITS).as("block_exponent") as S;
      const blockStart = running.and(here.slice(4, 0).eq(0)).as("block_start") as Bool;
      const emax = reg("emax", sint(EXPONENT_BITS));
      when(blockStart, () => emax.set(mux(here.eq(0).or(exponent.gt(emax)), exponent, emax)));
      const exponents = new Mem("exponents", sint(EXPONENT_BITS), 2 * 2 ** blockBits, {
        readDuringWrite: "old",
        style: "distributed",
      });
      exponents.write(blockStart, blockAt(out, here), exponent as never);

      const read = scores.read(cat(set, here)) as unknown as { s: S; c: S };
      const e1 = delay(exponent, 1, "exponent") as S;
      const live1 = delay(slot.lt(live), 1, "slot_live") as Bool;
      const distance = smax.sub(read.s).asUnsigned().as("distance") as U; // 25 bits, never negative for a live slot
      const reach = cat(e1, lit(uint(10), 0))
        .asSigned()
        .sub(read.c.sub(smax))
        .asUnsigned()
        .as("reach") as U;
      const d2 = delay(distance, 1, "distance_q") as U;
      const r2 = delay(reach.wrap(C_BITS + 1), 1, "reach_q") as U;
      const plain = exp2("weight", d2);
      const scaled = exp2("scaled", r2);
      const valid4 = delayValid(running, 4, "slot_valid");
      const live4 = delay(live1, 3, "slot_live") as Bool;
      const sum = reg("sum", uint(SUM_BITS));
      when(start, () => sum.set(0));
      when(valid4.and(live4), () => sum.set(sum.addMod(plain)));
      const p = delay(
        mux(
          live4,
          scaled
            .mul(lit(uint(7), 127))
            .add(lit(uint(16), 32768))
            .shr(16)
            .resize(7),
          0,
        ),
        1,
        "p",
      ) as U;
      const valid5 = delayValid(valid4, 1, "p_valid");
      const slot5 = delay(here, 5, "slot") as U;
      const ends5 = delayValid(running.and(slot.eq(lastSlot)) as Bool, 5, "p_last");
      const word = reg("word", uint(7 * GROUP));
      const wordNext = cat(p, word.slice(7 * GROUP - 1, 7)).as("word_next") as U;
      when(valid5, () => word.set(wordNext));
      const words = new Mem("words", uint(7 * GROUP), 2 * 2 ** blockBits, {
        readDuringWrite: "old",
        style: "distributed",
      });
      words.write(valid5.and(slot5.slice(4, 0).eq(31)) as Bool, blockAt(out, slot5), wordNext as never);

      match(state, {
        idle: () =>
          when(start, () => {
            live.set(next.payload.live);
            slot.set(0);
            lastSlot.set(
              cat(blocks, lit(uint(5), 0))
                .subMod(1)
                .resize(slotBits + 1),
            );
            state.go("run");
          }),
        run: () => {
          slot.set(slot.addMod(1));
          when(slot.eq(lastSlot), () => state.go("drain"));
        },
        drain: () => when(ends5, () => state.go("push")),
        push: () => {
          /* left when the scaler's queue takes the sum */
        },
      });
      const result = source(softmaxSum, { sum, emax } as never, state.is("push"));
      const sums = queue("u_sums", softmaxSum, result, 2);
      const done = result.fire.as("done") as Bool;
      when(done, () => {
        state.go("idle");
        set.set(set.not());
        out.set(out.not());
      });
      next.consume(done);

      // The words of one buffer with μ = 2^(14 - (Emax - E)), for the stream unit.
      const emaxes = [0, 1].map((k) => {
        const e = reg(`emax_${k}`, sint(EXPONENT_BITS));
        when(done.and(out.eq(k)), () => e.set(emax));
        return e as S;
      });
      const at = cat(request.buffer, request.word) as U;
      const enabled = request.enable;
      const wordRead = words.read(at, enabled) as U;
      const exponentRead = exponents.read(at, enabled) as unknown as S;
      const buffer = reg("read_buffer", uint(1));
      when(enabled, () => buffer.set(request.buffer));
      const below = (select(buffer, emaxes) as S).sub(exponentRead).asUnsigned().as("below") as U;
      const mantissa = mux(below.gt(14), 0, lit(uint(15), 1 << 14).dshr(below.resize(4) as U)).as("mu") as U;
      return {
        want: mux(state.is("idle").and(next.valid), next.payload.wait, 0),
        take: start,
        signal: mux(done, next.payload.signal, 0),
        probability: {
          p: Array.from({ length: GROUP }, (_, i) => wordRead.slice(7 * i + 6, 7 * i)),
          mantissa,
        },
        sum: sums,
        idle: state.is("idle").and(next.valid.not()),
        trace: {
          prob: { valid: valid5, data: p.extend(8) },
          probexp: { valid: blockStart, value: exponent },
          probsum: { valid: done, value: sum },
        },
      } as never;
    },
  );
