/**
 * The matrix scale T of every job and token (contract sections 0, 1, 4 and 6), by one multiplier in at most ten cycles per
 * token. Two sets: that of the next job is computed while the row scaler still uses the present one.
 */
import { RECIP, RSQRT } from "../../golden/contract/tables.js";
import {
  assertAlways,
  bool,
  cat,
  defineModule,
  enumReg,
  lit,
  match,
  Mem,
  mux,
  reg,
  regs,
  type Sig,
  sint,
  stream,
  uint,
  when,
} from "../hdl/index.js";
import { SCALINGS, type Scaling } from "../isa/instruction.js";
import { tokBits, toksBits } from "../engines/port.js";
import { queue } from "../library/fifo.js";
import { type AcceleratorConfig, log2 } from "../isa/config.js";

type Bits = Sig<"u", number>;
export const SCALE_EXPONENT_BITS = 12;
/** m·2^e, m = 0 or 2^15 <= m < 2^16. */
export const scale = { m: uint(16), e: sint(SCALE_EXPONENT_BITS) };
export const SQUARES_BITS = 48;
/** Scales of quantised vectors, contract section 3. */
export const vectorScale = { m: uint(16), e: sint(6) };
/** Softmax -> scaler: the sum SE and the largest exponent Emax of a head, one per values job. */
export const softmaxSum = { sum: uint(40), emax: sint(16) };

/** The part of a result job that says what its T is. */
export const scaleJob = (c: AcceleratorConfig) => ({
  scaling: uint(2),
  scaleM: uint(16),
  scaleE: sint(10),
  scaleSlot: uint(log2(c.slots)),
  toks: uint(toksBits(c)),
  tok: uint(tokBits(c)),
});

const VALUE_BITS = SQUARES_BITS + 1;
const scalingCode = (s: Scaling): number => SCALINGS.indexOf(s);
/** Bits of v: position of the leading one plus 1, 0 for 0. */
const bitLength = (v: Bits): Bits => {
  let length: Bits = lit(uint(6), 0);
  for (let i = 0; i < v.width; i++) length = mux(v.bit(i), lit(uint(6), i + 1), length);
  return length;
};
/** The value of the first condition that holds. */
const firstOf = (cases: readonly (readonly [Sig<"u", 1>, Bits])[], other: Bits): Bits =>
  cases.reduceRight<Bits>((rest, [condition, value]) => mux(condition, value, rest), other);

export const scaler = (c: AcceleratorConfig) =>
  defineModule(
    "scaler",
    {
      in: {
        job: stream(scaleJob(c)),
        started: bool, // the job's activations are complete; one pulse per job, in order
        scale: vectorScale, // S at scaleAddr, same cycle
        squares: uint(SQUARES_BITS), // SS of token scaleAddr.tok, same cycle
        epsilonSum: uint(SQUARES_BITS),
        softmax: stream(softmaxSum),
        tok: uint(tokBits(c)), // whose T the row scaler wants, from 0
        retire: bool, // the row scaler is done with the present job
      },
      out: { scaleAddr: { slot: uint(log2(c.slots)), tok: uint(tokBits(c)) }, t: scale, known: bool },
      doc: "Matrix scales T by table, Newton step and products, one multiplier.",
    },
    ({ job, started, scale: s, squares, epsilonSum, softmax, tok, retire }) => {
      const jobs = queue("jobs", scaleJob(c), job, 4);
      const head = jobs.payload;
      const is = (name: Scaling): Sig<"u", 1> => head.scaling.eq(scalingCode(name)).as(`is_${name}`);
      const [isConstant, isNorm, isSoftmax] = [is("constant"), is("norm"), is("softmax")];
      const usesS = isNorm.or(is("activation"));

      const state = enumReg("state", [
        "idle",
        "measure",
        "normalise",
        "seed",
        "square",
        "middle",
        "correct",
        "times_s",
        "times_k",
        "store",
      ]);
      const credits = reg("credits", uint(3), { reset: 0 });
      const index = reg("tok_index", uint(toksBits(c)), { reset: 0 }); // token within the job
      const complete = reg("complete", uint(2), { reset: 0 }); // sets that are ready or in use
      const r = regs({
        value: uint(VALUE_BITS),
        length: uint(6),
        n: uint(16),
        s: uint(16),
        odd: bool,
        e: sint(SCALE_EXPONENT_BITS),
        product: uint(33),
        zero: bool,
      });

      // a job begins with its `started`; further tokens follow without
      const first = index.eq(0);
      const may = first.not().or(credits.ne(0)).or(started);
      const begin = state
        .is("idle")
        .and(jobs.valid)
        .and(may)
        .and(complete.bit(1).not())
        .and(isSoftmax.not().or(softmax.valid))
        .as("begin");
      const spent = begin.and(first).as("spent");
      when(started.and(spent.not()), () => credits.set(credits.addMod(1)));
      when(spent.and(started.not()), () => credits.set(credits.subMod(1)));
      assertAlways(
        "scaler_credits",
        credits.ne(7).or(started.not()).or(spent),
        "jobs start faster than the scaler takes them",
      );

      // table of both first approximations
      const tables = new Mem("tables", uint(16), 256, {
        contents: [...RECIP, ...RSQRT],
        readDuringWrite: "old",
      });
      const odd = r.length.bit(0).not(); // (15 + e) & 1 with e = length - 16
      const seed = tables
        .read(
          mux(isNorm, cat(lit(uint(1), 1), odd, r.n.slice(14, 9)), cat(lit(uint(1), 0), r.n.slice(14, 8))),
          state.is("seed"),
        )
        .as("r0");

      // the multiplier and what it works on in each state
      const p = r.product;
      const top = mux(p.bit(31), p.slice(31, 16), p.slice(30, 15)).as("top"); // mul of section 0: 16 bits
      const carry = p.bit(31);
      // The contract clamps both to 2^15..2^16 - 1; for no mantissa does that change anything (the test tries them all),
      // so no product reaches 2^33 either.
      const root = p.slice(32, 17).as("root");
      const reciprocal = p.slice(31, 16).as("reciprocal");
      const rest = lit(uint(33), 1n << 32n)
        .subMod(p.slice(31, 0).resize(33))
        .slice(31, 15)
        .as("rest"); // (2^32 - m·r0) >> 15
      const correction = lit(uint(18), 3 * 65536)
        .subMod(p.slice(32, 15))
        .as("correction"); // 3·2^16 - t2
      const oddN = mux(r.odd, r.n.shl(1), r.n.resize(17)).as("odd_n");
      const a = firstOf(
        [
          [state.is("square"), mux(isNorm, seed, r.n)],
          [state.is("middle"), mux(isNorm, p.slice(31, 16), seed)],
          [state.is("correct"), seed],
          [state.is("times_s"), root],
        ],
        mux(isNorm, top, mux(isSoftmax, reciprocal, r.s)),
      ).as("factor_a");
      const b = firstOf(
        [
          [state.is("square"), seed.resize(18)],
          [state.is("middle"), mux(isNorm, oddN, rest).resize(18)],
          [state.is("correct"), correction],
          [state.is("times_s"), r.s.resize(18)],
        ],
        head.scaleM.resize(18),
      ).as("factor_b");
      const product = a.mul(b).wrap(33).as("multiplier");
      const multiplies = state
        .is("square")
        .or(state.is("middle"))
        .or(state.is("correct"))
        .or(state.is("times_s"))
        .or(state.is("times_k"));
      when(multiplies, () => r.product.set(product));

      const grow = (e: Sig<"s", number>): Sig<"s", number> =>
        e.addMod(mux(carry, lit(sint(6), 16), 15)).wrap(SCALE_EXPONENT_BITS); // the exponent's part of mul
      const plus = (e: Sig<"s", number>, f: Sig<"s", number>): Sig<"s", number> =>
        e.addMod(f).wrap(SCALE_EXPONENT_BITS);
      const last = index.add(1).eq(head.toks).as("last_tok");
      const storing = state.is("store").as("storing");
      match(state, {
        idle: () =>
          when(begin, () => {
            r.value.set(mux(isNorm, squares.add(epsilonSum), softmax.payload.sum.resize(VALUE_BITS)));
            r.s.set(s.m);
            r.e.set(
              mux(isConstant, head.scaleE.resize(SCALE_EXPONENT_BITS), s.e.resize(SCALE_EXPONENT_BITS)),
            );
            r.zero.set(
              isConstant.not().and(
                head.scaleM
                  .bit(15)
                  .not()
                  .or(usesS.and(s.m.bit(15).not())),
              ),
            );
            when(
              isConstant,
              () => state.go("store"),
              () =>
                when(
                  is("activation"),
                  () => state.go("times_k"),
                  () => state.go("measure"),
                ),
            );
          }),
        measure: () => {
          r.length.set(bitLength(r.value));
          state.go("normalise");
        },
        normalise: () => {
          const aligned = r.value.dshl(lit(uint(6), VALUE_BITS).subMod(r.length));
          r.n.set(aligned.slice(VALUE_BITS - 1, VALUE_BITS - 16));
          when(r.length.eq(0), () => r.zero.set(1));
          state.go("seed");
        },
        seed: () => {
          r.odd.set(odd);
          // exponent of the root: -16 - h, h = (length - 1) >> 1, with S's; of the reciprocal: -31 - e = -15 - length
          const half = r.length.subMod(1).shr(1).toSigned();
          const ofRoot = r.e.subMod(half.add(16)).wrap(SCALE_EXPONENT_BITS);
          const ofReciprocal = lit(sint(SCALE_EXPONENT_BITS), -15)
            .subMod(r.length.toSigned())
            .wrap(SCALE_EXPONENT_BITS);
          r.e.set(mux(isNorm, ofRoot, ofReciprocal));
          state.go("square");
        },
        square: () => state.go("middle"),
        middle: () =>
          when(
            isNorm,
            () => state.go("correct"),
            () => state.go("times_k"),
          ),
        correct: () => state.go("times_s"),
        times_s: () => state.go("times_k"),
        times_k: () => {
          r.e.set(plus(mux(isNorm, grow(r.e), r.e), head.scaleE));
          state.go("store");
        },
        store: () => {
          state.go("idle");
          index.set(mux(last, 0, index.addMod(1)));
        },
      });

      // K itself; products with Emax of the values on top
      const done = storing.and(last).as("set_done");
      const stored = {
        m: mux(isConstant, head.scaleM, mux(r.zero, 0, top)),
        e: mux(
          isConstant,
          r.e,
          mux(r.zero, 0, plus(grow(r.e), mux(isSoftmax, softmax.payload.emax.wrap(SCALE_EXPONENT_BITS), 0))),
        ),
      };
      jobs.consume(done);
      softmax.consume(done.and(isSoftmax));

      const writeSet = reg("write_set", uint(1), { reset: 0 });
      const readSet = reg("read_set", uint(1), { reset: 0 });
      when(done, () => writeSet.set(writeSet.not()));
      when(retire, () => readSet.set(readSet.not()));
      when(done.and(retire.not()), () => complete.set(complete.addMod(1)));
      when(retire.and(done.not()), () => complete.set(complete.subMod(1)));
      assertAlways(
        "scaler_retire",
        retire.not().or(complete.ne(0)),
        "the row scaler retires a set that is not complete",
      );
      const local = index.wrap(tokBits(c));
      const sets = new Mem("sets", scale, 2 * 2 ** tokBits(c), {
        readDuringWrite: "old",
        style: "distributed",
      });
      sets.write(storing, cat(writeSet, local), stored as never);
      const known = complete.ne(0).or(tok.resize(toksBits(c) + 1).lt(index.resize(toksBits(c) + 1)));
      return {
        scaleAddr: { slot: head.scaleSlot, tok: head.tok.addMod(local) },
        t: sets.readAsync(cat(readSet, tok)),
        known,
      };
    },
  );
