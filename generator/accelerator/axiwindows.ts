/** The host's windows to the token and the program memory, and the commands that go to the core in order with them. */
import { cat, lit, Mem, mux, type Of, reg, type Sig, source, type Stream, uint, when } from "../hdl/index.js";
import { type AcceleratorConfig, log2, rowBits } from "../isa/config.js";
import type { RegisterMap } from "../isa/registers.js";
import type { liteWrite } from "../library/axi/lite.js";
import { axiCommand, type axiEvent, COMMANDS } from "./axilink.js";
import type { HostWrite } from "./axiregisters.js";

type Bool = Sig<"u", 1>;
type Bits = Sig<"u", number>;

/** Which part of the map a word lies in: its high bits. */
const regionOf = (map: RegisterMap, word: Bits) => {
  const at = (name: string): number => map.windows.find((w) => w.name === name)!.offset;
  const unit = log2(Math.min(...map.windows.map((w) => w.offset)));
  const high = word.shr(unit - 2);
  return {
    registers: high.eq(0),
    tokens: high.eq(at("tokens") >> unit),
    program: high.eq(at("program") >> unit),
  };
};

export interface Chosen {
  /** A token that the core has chosen comes in this cycle. */
  readonly valid: Bool;
  readonly token: Of<typeof axiEvent>["token"];
}

/**
 * Takes every write of the host: to registers at once, to windows when the way to the core has room. The token memory here is the
 * host's copy: its prompt, and behind it what the core chooses, which comes first where both write in one cycle.
 */
export const hostWindows = (
  c: AcceleratorConfig,
  map: RegisterMap,
  write: Stream<ReturnType<typeof liteWrite>>,
  chosen: Chosen,
) => {
  const ids = new Mem("tokens", uint(rowBits(c)), c.context, { readDuringWrite: "old" });
  const position = reg("position", uint(log2(c.context)));
  const generated = reg("generated", uint(32), { reset: 0 });
  const to = write.payload;
  const target = regionOf(map, to.word);
  const upper = to.word.bit(0);
  const programLow = reg("program_low", uint(32));
  const goes = target.tokens.or(target.program.and(upper)).as("goes_to_core");
  const sends = write.valid.and(goes).and(chosen.valid.not()).as("sends");

  // Asked for by registers; writes that came before go before.
  const starts = reg("starts", uint(1), { reset: 0 });
  const snapshots = reg("snapshots", uint(1), { reset: 0 });
  const shape = axiCommand(c);
  const kind = (k: keyof typeof COMMANDS) => lit(shape.kind, COMMANDS[k]);
  const command = source(
    shape,
    {
      kind: mux(
        sends,
        mux(target.tokens, kind("token"), kind("program")),
        mux(starts, kind("start"), kind("snapshot")),
      ),
      addr: mux(target.tokens, to.word, to.word.shr(1)).resize(shape.addr.width),
      data: mux(target.tokens, to.data.resize(64), cat(to.data, programLow).resize(64)),
    },
    sends.or(starts).or(snapshots),
    "command",
  );
  const wrote = write.consume(chosen.valid.not().and(goes.not().or(command.ready))).as("wrote");
  const own = command.fire.and(sends.not()).as("own_command");
  when(own, () => starts.set(0));
  when(own.and(starts.not()), () => snapshots.set(0));
  when(wrote.and(target.program).and(upper.not()), () => programLow.set(to.data));
  ids.write(
    chosen.valid.or(wrote.and(target.tokens)),
    mux(chosen.valid, position, to.word.resize(position.width)),
    mux(chosen.valid, chosen.token.resize(rowBits(c)), to.data.resize(rowBits(c))),
  );
  when(chosen.valid, () => {
    position.set(position.addMod(1));
    generated.set(generated.addMod(1));
  });
  const registers: HostWrite = { taken: wrote.and(target.registers), payload: to };
  return {
    command,
    /** Writes to registers. */
    registers,
    generated,
    /** A run begins: tokens that come lie behind the prompt. */
    start: (promptLength: Bits): void => {
      generated.set(0);
      position.set(promptLength.resize(position.width));
      starts.set(1);
    },
    snapshot: (): void => snapshots.set(1),
    /** The answer to a read in the next cycle: the token there, or `other`, which is 0 outside the registers. */
    read: (word: Bits, asked: Bool, other: Bits): Bits => {
      const from = regionOf(map, word);
      const ofTokens = reg("of_tokens", uint(1));
      const answer = reg("answer_q", uint(32));
      when(asked, () => {
        ofTokens.set(from.tokens);
        answer.set(mux(from.registers, other, 0));
      });
      return mux(ofTokens, ids.read(word.resize(position.width), asked).resize(32), answer);
    },
  };
};
