/** The byte link of a stand-alone board (isa/serial.ts): commands of a UART to the accelerator, tokens back. */
import {
  bool,
  cat,
  defineModule,
  enumReg,
  lit,
  match,
  mux,
  reg,
  type Sig,
  source,
  stream,
  uint,
  when,
} from "../hdl/index.js";
import { queue } from "../library/fifo.js";
import { type AcceleratorConfig, log2, rowBits } from "../isa/config.js";
import { LINK } from "../isa/serial.js";
import { TOKEN_BITS, TRACE_ROW_BITS } from "../units/widths.js";
import { tokenWrite } from "./ports.js";

/** Answers wait here: a token takes four bytes, far less time than the next token needs. */
const ANSWERS = 16;
/** A letter and up to four bytes behind it, the first lowest; `count` of them. */
const answer = { letter: uint(8), bytes: uint(32), count: uint(3) };

/** Turns received bytes into writes and starts, and results into bytes. `id` names model and configuration. */
export const hostLink = (c: AcceleratorConfig, id: number) =>
  defineModule(
    "host_link",
    {
      in: {
        byte: { valid: bool, value: uint(8) },
        ready: bool, // program and memory are loaded
        busy: bool,
        done: bool,
        saturated: bool,
        token: { valid: bool, value: uint(TRACE_ROW_BITS) },
      },
      out: {
        start: bool,
        promptLength: uint(TOKEN_BITS),
        total: uint(TOKEN_BITS),
        token_write: tokenWrite(c),
        sent: stream(uint(8)),
      },
      doc: "Host link: commands of a UART to the accelerator, tokens back.",
    },
    ({ byte, ready, busy, done, saturated, token }) => {
      const state = enumReg("state", ["command", "low", "middle", "high"]);
      const letter = reg("letter", uint(8));
      const low = reg("low", uint(16)); // the bytes of a number so far
      const promptLength = reg("prompt_length", uint(TOKEN_BITS), { reset: 0 });
      const total = reg("total", uint(TOKEN_BITS), { reset: 0 });
      const left = reg("tokens_left", uint(TOKEN_BITS), { reset: 0 }); // of a prompt that is being written
      const place = reg("place", uint(TOKEN_BITS));
      const running = reg("running", bool, { reset: 0 });

      const number = cat(byte.value, low).as("number");
      const word = number.resize(TOKEN_BITS).as("word");
      const free = ready.and(running.not()).as("free");
      const known = byte.value.eq(LINK.prompt).or(byte.value.eq(LINK.go)).as("known");
      const command = byte.valid.and(state.is("command"));
      const begins = command.and(known).and(free).as("begins");
      const identifies = command.and(byte.value.eq(LINK.identify)).as("identifies");
      const refused = command.and(begins.not()).and(identifies.not()).as("refused");
      const complete = byte.valid.and(state.is("high")).as("complete");
      const inPrompt = left.orR().as("in_prompt");
      const starts = complete.and(letter.eq(LINK.go)).as("starts");
      const writes = complete.and(inPrompt).as("writes");
      const counts = complete.and(letter.eq(LINK.prompt)).and(inPrompt.not()).as("counts");

      match(state, {
        command: () =>
          when(begins, () => {
            letter.set(byte.value);
            state.go("low");
          }),
        low: () =>
          when(byte.valid, () => {
            low.set(byte.value);
            state.go("middle");
          }),
        middle: () =>
          when(byte.valid, () => {
            low.set(cat(byte.value, low.slice(7, 0)));
            state.go("high");
          }),
        high: () =>
          when(byte.valid, () => {
            const more = mux(inPrompt, left.ne(1), letter.eq(LINK.prompt).and(word.orR()));
            when(
              more,
              () => state.go("low"),
              () => state.go("command"),
            );
          }),
      });
      when(counts, () => {
        promptLength.set(word);
        left.set(word);
        place.set(0);
      });
      when(writes, () => {
        left.set(left.subMod(1));
        place.set(place.addMod(1));
      });
      when(starts, () => {
        total.set(word);
        running.set(1);
      });
      const start = reg("start", bool, { reset: 0 });
      start.set(starts);
      const finished = done.and(busy.not()).and(running).and(start.not()).as("finished");
      when(finished, () => running.set(0));

      const say = (l: number, bytes: Sig<"u", number>, count: number) => ({
        letter: lit(uint(8), l),
        bytes: bytes.resize(32),
        count: lit(uint(3), count),
      });
      // A token and the end of the run never fall into one cycle; commands are answered while nothing runs, or refused.
      const payload = mux(
        token.valid,
        say(LINK.token, token.value, 3),
        mux(
          finished,
          say(LINK.done, saturated, 1),
          mux(identifies, say(LINK.identify, lit(uint(32), id), 4), say(LINK.error, byte.value, 1)),
        ),
      );
      const said = source(answer, payload, token.valid.or(finished).or(identifies).or(refused));
      const next = queue("u_answers", answer, said, ANSWERS);

      // Byte by byte: the letter, then the rest from the lowest.
      const rest = reg("rest", uint(32));
      const restLeft = reg("rest_left", uint(3), { reset: 0 });
      const sent = source(
        uint(8),
        mux(restLeft.orR(), rest.slice(7, 0), next.payload.letter),
        restLeft.orR().or(next.valid),
      );
      const takes = next.consume(restLeft.orR().not().and(sent.ready)).as("takes_answer");
      when(takes, () => {
        rest.set(next.payload.bytes);
        restLeft.set(next.payload.count);
      });
      when(restLeft.orR().and(sent.ready), () => {
        rest.set(rest.shr(8).resize(32));
        restLeft.set(restLeft.subMod(1));
      });
      return {
        start,
        promptLength,
        total,
        token_write: { enable: writes, addr: place.resize(log2(c.context)), data: number.resize(rowBits(c)) },
        sent,
      };
    },
  );
