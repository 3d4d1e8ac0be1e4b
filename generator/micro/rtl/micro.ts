/** The micro machine: its units around one instruction word. README.md of the room says what each field does. */
import { bool, defineModule, mux, reg, uint, when, wire } from "../../hdl/index.js";
import { IMM_BITS, PROGRAM, TABLE_WORDS, WORD_BITS } from "../machine.js";
import { accumulator, resultRegister, shifter } from "./accumulator.js";
import { fieldsOf, has } from "./fields.js";
import { lanes } from "./lanes.js";
import { maximum } from "./maximum.js";
import { multiplier } from "./multiplier.js";
import { activations, groupSums, tables } from "./operands.js";
import { sequencer } from "./sequencer.js";
import { shiftAmount } from "./shiftamount.js";
import { memoryRequest, stream, WORD_ADDRESS_BITS } from "./stream.js";
import { vectors } from "./vectors.js";

/** The token that is to be done; held by the link until `chosen.valid`. */
export const run = { valid: bool, token: uint(16), position: uint(10), wanted: bool };
/** The token chosen, where one was wanted. */
export const chosen = { valid: bool, token: uint(16) };

export interface MicroContents {
  /** Words of the program ROM from address 0, in the layout of `machine.ts`; at most PROGRAM. */
  readonly program: readonly bigint[];
  /** Words of the table ROM, at most TABLE_WORDS. */
  readonly tables: readonly bigint[];
}
const filled = (words: readonly bigint[], depth: number): bigint[] =>
  Array.from({ length: depth }, (_, i) => words[i] ?? 0n);

export const micro = (contents: MicroContents) =>
  defineModule(
    "micro",
    {
      in: { run, sd: uint(64) },
      out: { chosen, saturated: bool, memory: memoryRequest },
      doc: "Micro machine: eight MAC lanes and a scalar path under a horizontal microprogram.",
    },
    ({ run, sd }) => {
      const word = wire("word", uint<number>(WORD_BITS));
      const i = fieldsOf(word);
      const r = wire("r", uint(32));
      const overflow = wire("overflow", bool);

      const fromR = has(
        "misc",
        i.misc,
        ...(["p0=r", "p1=r", "p2=r", "p3=r", "c0=r", "c1=r", "c2=r", "c3=r", "seek=r"] as const),
      );
      const value = mux(fromR, r.slice(IMM_BITS - 1, 0), i.imm).as("value");
      const yr = reg("yr", uint(16));
      when(has("misc", i.misc, "yr=r"), () => yr.set(r.slice(15, 0)));

      const seq = sequencer(filled(contents.program, PROGRAM)).inst("u_sequencer", {
        seq: i.seq,
        misc: i.misc,
        target: i.target,
        value: value.slice(9, 0),
        overflow,
        r,
        token: run.valid,
        wanted: run.wanted,
      });
      word.drive(seq.word);
      const { vd } = vectors.inst("u_vectors", {
        vr: i.vr,
        vw: i.vw,
        misc: i.misc,
        imm: i.imm.slice(9, 0),
        value: value.slice(9, 0),
        r,
      });
      const { memory, octet, half, quad } = stream.inst("u_stream", {
        tk: i.tk,
        sw: i.sw,
        misc: i.misc,
        running: seq.running,
        value: value.slice(WORD_ADDRESS_BITS - 1, 0),
        r,
        sd,
      });
      const { ad } = activations.inst("u_activations", {
        aw: i.aw,
        lane: i.lane,
        misc: i.misc,
        imm: i.imm.slice(8, 0),
        r: r.slice(7, 0),
      });
      const mac = lanes.inst("u_lanes", { lane: i.lane, half, quad, ad });
      const { gd } = groupSums.inst("u_group_sums", {
        gw: i.gw,
        gr: i.gr,
        misc: i.misc,
        lanes: mac.lanes,
      });
      const { td } = tables(filled(contents.tables, TABLE_WORDS)).inst("u_tables", {
        tb: i.tb,
        imm: i.imm.slice(9, 0),
        r: r.slice(15, 0),
        octet,
      });
      const { a, m, best } = maximum.inst("u_maximum", { max: i.max, r });
      const amount = shiftAmount.inst("u_shift_amount", { sh: i.sh, r, octet });
      const acc = wire("acc", uint(52));
      const { prod, negative } = multiplier.inst("u_multiplier", {
        mx: i.mx,
        my: i.my,
        imm: i.imm,
        vd,
        r,
        acc,
        gd,
        taken: half,
        octet,
        td,
        yr,
        a,
        m,
      });
      const sum = accumulator.inst("u_accumulator", { ac: i.ac, prod, negative });
      acc.drive(sum.acc.asUnsigned());
      const { shifted, rounding } = shifter.inst("u_shifter", {
        q: i.q,
        acc: sum.acc,
        sh: amount.amount,
        imm: i.imm.slice(5, 0),
      });
      const result = resultRegister.inst("u_result", {
        r: i.r,
        q: shifted,
        rounding,
        acc: sum.acc,
        token: run.token,
        position: run.position,
        best,
        vd,
      });
      r.drive(result.result);
      overflow.drive(result.overflow);

      const saturated = reg("saturated_q", bool, { reset: 0 });
      const sets = result.saturates.or(amount.saturates).or(has("misc", i.misc, "flag"));
      when(sets.and(seq.running), () => saturated.set(1));
      return {
        chosen: { valid: has("misc", i.misc, "ack").and(seq.running), token: r.slice(15, 0) },
        saturated,
        memory,
      };
    },
  );
