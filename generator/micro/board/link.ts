/**
 * The host link of the micro machine: the bytes of isa/serial.ts. Tokens lie in block RAM by their position, the
 * prompt's and behind it the chosen ones; every position is one pass of the machine. An answer is said from where its values stay, and
 * while it is said the next position runs: its token waits in the block RAM. What is chosen at the very last position takes the place of
 * the prompt's first token; below that a prompt stays for further runs. Before the flash is read nothing is answered; without a
 * model commands are refused, and the identity is that of what the flash holds.
 */
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
  select,
  type Sig,
  source,
  stream,
  uint,
  when,
} from "../../hdl/index.js";
import { LINK } from "../../isa/serial.js";
import { powerOfTwo } from "../../isa/config.js";
import { chosen, run } from "../rtl/micro.js";

const TOKEN_BITS = 16;
/** Tokens of one block RAM; less costs as much. */
const LEAST = 256;
/** Letters and bytes behind them, in the order of the states of `saying`. */
const ANSWERS = [
  { letter: LINK.token, bytes: 3 },
  { letter: LINK.done, bytes: 1 },
  { letter: LINK.identify, bytes: 4 },
  { letter: LINK.error, bytes: 1 },
] as const;

/** The number that `identify` is answered with: bytes of the CRC, its highest first on the wire. */
export const identityOf = (crc: number): number =>
  ((crc >>> 24) | ((crc >>> 8) & 0xff00) | ((crc & 0xff00) << 8) | (crc << 24)) >>> 0;

/** `positions`: of a run at most. */
export const microLink = (positions: number) =>
  defineModule(
    "micro_link",
    {
      in: {
        byte: { valid: bool, value: uint(8) },
        loaded: bool,
        failed: bool,
        identity: uint(8),
        chosen,
        saturated: bool,
      },
      out: { run, sent: stream(uint(8)), turn: bool, busy: bool },
      doc: `Host link of the micro machine: ${positions} positions at most.`,
    },
    ({ byte, loaded, failed, identity, chosen, saturated }) => {
      const depth = Math.max(LEAST, powerOfTwo(positions));
      const places = Math.log2(depth);
      const count = uint<number>(places + 1);

      // A command is a letter and numbers of three bytes, of which sixteen bits count.
      const receive = enumReg("receive", ["command", "low", "middle", "high"]);
      const number = reg("number", uint(TOKEN_BITS));
      const complete = reg("complete", bool, { reset: 0 });
      const settled = reg("settled", bool, { reset: 0 }); // `complete` a cycle ago: places can be compared
      const prompting = reg("prompting", bool, { reset: 0 });
      const inTokens = reg("in_tokens", bool, { reset: 0 }); // the prompt's length has come
      const total = reg("total", count, { reset: 0 }); // positions of the run, or tokens of the prompt while it comes
      const position = reg("position", count, { reset: 0 });
      const last = reg("last", count, { reset: 0 }); // place of the prompt's last token
      const atTotal = position.eq(total).as("at_total");
      const after = position.addMod(1).as("after");

      const work = enumReg("work", ["idle", "look", "next", "run"]);
      const owed = reg("owed", bool, { reset: 0 }); // a chosen token has not been said
      const wanted = reg("wanted", bool, { reset: 0 }); // behind the prompt
      const wants = wanted.or(position.eq(last)).as("wants");
      const acknowledged = work.is("run").and(chosen.valid).as("acknowledged");

      const prompts = byte.value.eq(LINK.prompt).as("prompts");
      const command = byte.valid.and(receive.is("command")).as("command");
      const begins = command
        .and(prompts.or(byte.value.eq(LINK.go)))
        .and(loaded)
        .and(work.is("idle"))
        .as("begins");
      const asks = command.and(byte.value.eq(LINK.identify)).as("asks");
      const refused = command.and(begins.not()).and(asks.not()).as("refused");
      const takes = (): void => number.set(cat(byte.value, number.slice(TOKEN_BITS - 1, 8)));
      when(byte.valid, () =>
        match(receive, {
          command: () =>
            when(begins, () => {
              prompting.set(prompts);
              inTokens.set(0);
              receive.go("low");
            }),
          low: () => {
            takes();
            receive.go("middle");
          },
          middle: () => {
            takes();
            receive.go("high");
          },
          high: () => receive.go("low"),
        }),
      );
      complete.set(byte.valid.and(receive.is("high")));
      settled.set(complete);
      const stores = complete.and(inTokens).as("stores");
      const counts = complete.and(inTokens.not()).as("counts");
      when(counts, () => {
        total.set(number.slice(places, 0));
        position.set(0);
        inTokens.set(prompting);
      });
      when(stores, () => {
        last.set(position);
        position.set(after);
      });
      when(settled.and(prompting.not().or(atTotal)), () => receive.go("command"));

      // Bytes come far slower than the two cycles behind `complete`.
      const tokens = new Mem("tokens", uint<number>(TOKEN_BITS), depth, {
        readDuringWrite: "undefined",
        style: "block",
      });
      const keeps = acknowledged.and(wants).as("keeps");
      const place = position.slice(places - 1, 0);
      tokens.write(
        stores.or(keeps),
        mux(acknowledged, after.slice(places - 1, 0), place),
        mux(acknowledged, chosen.token, number),
      );
      const token = tokens.read(place);

      // Answers: `step` 0 is silence, 1 the letter, then the bytes.
      const saying = enumReg("saying", ["token", "done", "identify", "error"]);
      const step = reg("step", uint(3), { reset: 0 });
      const asked = reg("asked", bool, { reset: 0 });
      const wrong = reg("wrong", bool, { reset: 0 });
      const wrongByte = reg("wrong_byte", uint(8));
      const said = reg("said", uint<number>(TOKEN_BITS));
      const free = step.eq(0).and(loaded.or(failed)).as("free");
      const next = work.is("next");
      const tells = next.and(owed).and(free).as("tells");
      const ends = next.and(owed.not()).and(atTotal).as("ends");

      match(work, {
        idle: () =>
          when(counts.and(prompting.not()), () => {
            work.go("look");
            wanted.set(0);
            owed.set(0);
          }),
        look: () => work.go("next"),
        next: () => {
          when(owed, () => when(free, () => owed.set(0)));
          when(owed.not(), () =>
            when(
              atTotal,
              () => when(free, () => work.go("idle")),
              () => work.go("run"),
            ),
          );
        },
        run: () =>
          when(chosen.valid, () => {
            position.set(after);
            owed.set(wants);
            wanted.set(wants);
            work.go("look");
          }),
      });

      when(asks, () => asked.set(1));
      when(refused.and(wrong.not()), () => {
        wrong.set(1);
        wrongByte.set(byte.value);
      });
      const sent = source(
        uint(8),
        mux(
          step.eq(1),
          select(
            saying.reg.asUnsigned(),
            ANSWERS.map(({ letter }) => lit(uint(8), letter)),
          ),
          select(saying.reg.asUnsigned(), [
            select(step.slice(1, 0), [lit(uint(8), 0), lit(uint(8), 0), said.slice(7, 0), said.slice(15, 8)]),
            saturated.resize(8),
            identity,
            wrongByte,
          ]),
        ),
        step.orR(),
      );
      const lastStep = step.eq(
        select(
          saying.reg.asUnsigned(),
          ANSWERS.map(({ bytes }) => lit(uint(3), 1 + bytes)),
        ),
      );
      const leaves = sent.fire.as("leaves");
      when(leaves, () => {
        step.set(mux(lastStep, 0, step.addMod(1)));
        when(lastStep.and(saying.is("error")), () => wrong.set(0));
      });
      const says = (what: (typeof saying.states)[number]): void => {
        saying.go(what);
        step.set(1);
      };
      const answers: [Sig<"u", 1>, () => void][] = [
        [
          tells,
          () => {
            says("token");
            said.set(token);
          },
        ],
        [ends, () => says("done")],
        [
          asked,
          () => {
            says("identify");
            asked.set(0);
          },
        ],
        [wrong, () => says("error")],
      ];
      when(free, () =>
        answers.reduceRight(
          (otherwise, [wish, answer]) =>
            () =>
              when(wish, answer, otherwise),
          () => {},
        )(),
      );

      // Behind each byte of the identity the next one is turned to its place.
      const turns = reg("turns", uint(3), { reset: 0 });
      const turning = reg("turning", bool, { reset: 0 });
      when(leaves.and(saying.is("identify")).and(step.ne(1)), () => turning.set(1));
      when(turning, () => {
        turns.set(turns.addMod(1));
        when(turns.andR(), () => turning.set(0));
      });

      return {
        run: { valid: work.is("run"), token, position: place.resize(10), wanted: wants },
        sent,
        turn: turning,
        busy: work.is("idle").not(),
      };
    },
  );
