/**
 * Control by AXI4-Lite in Vitis' layout (isa/registers.ts): starts runs, ends them on a command or an error, keeps what went wrong,
 * raises the interrupt, and holds the tokens. All in the clock of the AXI ports.
 */
import {
  anyOf,
  bool,
  cat,
  defineModule,
  enumReg,
  lit,
  Mem,
  match,
  mux,
  reg,
  type Sig,
  source,
  stream,
  uint,
  vec,
  when,
} from "../hdl/index.js";
import { type AcceleratorConfig, log2, rowBits } from "../isa/config.js";
import {
  constantsOf,
  type Masters,
  REGISTER_COUNTERS,
  type Register,
  registerMap,
} from "../isa/registers.js";
import { lite, liteMasterPorts, liteSlavePorts } from "../library/axi/lite.js";
import { late } from "../library/axi/late.js";
import { ADDRESS_BITS, faults } from "../library/axi/ports.js";
import { TIMEOUT_BITS } from "../library/axi/watchdog.js";
import { axiCommand, axiEvent, COMMANDS, COUNT_BITS, EVENTS } from "./axilink.js";
import { answerOf, flagWord, type HostWrite, stored, written } from "./axiregisters.js";
import { hostRegisters } from "./ports.js";
import { SQUARES_BITS } from "../units/widths.js";

type Bool = Sig<"u", 1>;
type Bits = Sig<"u", number>;
const FAULTS = ["slverr", "decerr", "timeout"] as const;

/** A flag of the host's that it writes as it is. */
const flag = (name: string, w: { readonly hit: Bool; readonly bit: Bool }) => {
  const r = reg(name, bool, { reset: 0 });
  when(w.hit, () => r.set(w.bit));
  return r;
};

export const axiControl = (c: AcceleratorConfig, m: Masters) => {
  const map = registerMap(c, m);
  const [tokens, program] = [map.windows[0]!, map.windows[1]!];
  const regionBit = log2(tokens.offset) - 2;
  const host = hostRegisters(c);
  return defineModule(
    "axi_control",
    {
      in: {
        axi: liteMasterPorts(map.addressBits),
        event: stream(axiEvent),
        counts: vec(uint(COUNT_BITS), REGISTER_COUNTERS.length),
        saturated: bool,
        faults: vec(faults, m.masters + 1),
        drained: bool,
      },
      out: {
        axi: liteSlavePorts,
        command: stream(axiCommand(c)),
        image: vec(uint(ADDRESS_BITS), m.masters),
        cache: vec(uint(ADDRESS_BITS), m.masters),
        promptLength: host.promptLength,
        total: host.total,
        epsilonSum: uint(SQUARES_BITS),
        sinks: host.sinks,
        window: host.window,
        timeout: uint(TIMEOUT_BITS),
        stop: bool,
        abort: bool,
        interrupt: bool,
      },
      doc: "AXI4-Lite control: Vitis' ap_ctrl_hs, registers, token and program windows.",
    },
    ({ axi, event, counts, saturated, faults: met, drained }) => {
      const answered = late("answer", uint(32));
      const slave = lite(map.addressBits).inst("u_lite", { axi, answer: answered.stream });
      const state = enumReg("state", ["idle", "run", "drain", "settle"]);

      // Tokens as the host sees them: its prompt, and behind it what comes from the core.
      const ids = new Mem("tokens", uint(rowBits(c)), c.context, { readDuringWrite: "old" });
      const heard = event.consume(lit(bool, 1));
      const tells = (k: keyof typeof EVENTS): Bool =>
        heard.and(event.payload.kind.eq(EVENTS[k])).as(`tells_${k}`);
      const chosen = tells("token");
      const finished = tells("finished");
      const position = reg("position", uint(log2(c.context)));
      const generated = reg("generated", uint(32), { reset: 0 });

      // Writes of the host: registers at once, windows when the way to the core has room.
      const to = slave.write.payload;
      const region = (word: Bits) => ({
        registers: word.shr(regionBit).eq(0),
        tokens: word.shr(regionBit).eq(tokens.offset >> (regionBit + 2)),
        program: word.shr(regionBit).eq(program.offset >> (regionBit + 2)),
      });
      const target = region(to.word);
      const programLow = reg("program_low", uint(32));
      const upper = to.word.bit(0);
      const sends = target.tokens.or(target.program.and(upper)).as("sends");
      const starts = reg("starts", bool, { reset: 0 });
      const snapshots = reg("snapshots", bool, { reset: 0 });
      const kind = (k: keyof typeof COMMANDS) => lit(uint(2), COMMANDS[k]);
      const commandShape = axiCommand(c);
      const addr = mux(
        target.tokens,
        to.word.resize(commandShape.addr.width),
        to.word.shr(1).resize(commandShape.addr.width),
      );
      const command = source(
        commandShape,
        {
          kind: mux(
            slave.write.valid.and(sends),
            mux(target.tokens, kind("token"), kind("program")),
            mux(starts, kind("start"), kind("snapshot")),
          ),
          addr,
          data: mux(target.tokens, to.data.resize(64), cat(to.data, programLow).resize(64)),
        },
        slave.write.valid.and(sends).and(chosen.not()).or(starts).or(snapshots),
        "command",
      );
      const wrote = slave.write.consume(chosen.not().and(sends.not().or(command.ready))).as("wrote");
      const own = command.fire.and(slave.write.valid.and(sends).not()).as("own");
      when(own, () => starts.set(0));
      when(own.and(starts.not()), () => snapshots.set(0));
      when(wrote.and(target.program).and(upper.not()), () => programLow.set(to.data));
      const idAt = mux(chosen, position, to.word.resize(log2(c.context)));
      const id = mux(chosen, event.payload.token.resize(rowBits(c)), to.data.resize(rowBits(c)));
      ids.write(chosen.or(wrote.and(target.tokens)), idAt, id);
      when(chosen, () => {
        position.set(position.addMod(1));
        generated.set(generated.addMod(1));
      });

      // Registers.
      const w: HostWrite = { taken: wrote.and(target.registers), payload: to };
      const on = (register: string, field: string) => written(map, w, register, field);
      const asks = (register: string, field: string): Bool =>
        on(register, field).hit.and(on(register, field).bit);
      const values = stored(map, w);
      const value = (name: string): Bits => {
        const v = values.get(name);
        if (v === undefined) throw new Error(`the register map has no '${name}'`);
        return v;
      };
      const autoRestart = flag("auto_restart", on("ap_ctrl", "auto_restart"));
      const enable = flag("gie", on("gie", "enable"));
      const events = ["done", "ready", "fault"] as const;
      const enabled = events.map((e) => flag(`ier_${e}`, on("ier", e)));

      // The run.
      const start = reg("ap_start", bool, { reset: 0 });
      const done = reg("ap_done", bool, { reset: 0 });
      const ready = reg("ap_ready", bool, { reset: 0 });
      const stop = reg("stop", bool, { reset: 0 });
      const abort = reg("abort", bool, { reset: 0 });
      const stopped = reg("stopped", bool, { reset: 0 });
      const fault = reg("fault", bool, { reset: 0 });
      const pending = reg("snapshot_pending", bool, { reset: 0 });
      const sticky = FAULTS.map((f) =>
        met.map((port, i) => {
          const r = reg(`${f}_${i}`, bool, { reset: 0 });
          when(port[f], () => r.set(1));
          return r;
        }),
      );
      const fails = anyOf(met.map((port) => anyOf(FAULTS.map((f) => port[f])))).as("fails");

      // A read of ap_ctrl clears what is clear-on-read, unless it comes anew.
      const from = slave.read.payload.word;
      const source_ = region(from);
      const asked = slave.read.consume(lit(bool, 1)).as("asked");
      when(asked.and(from.eq(0)), () => {
        done.set(0);
        ready.set(0);
      });
      when(asks("ap_ctrl", "ap_start"), () => start.set(1));
      when(tells("snapshot"), () => pending.set(0));
      when(asks("command", "snapshot"), () => {
        snapshots.set(1);
        pending.set(1);
      });
      const failsNow = fails.and(state.is("run")).as("fails_now");
      const aborts = asks("command", "abort").and(state.is("run")).or(failsNow).as("aborts");
      match(state, {
        idle: () =>
          when(start, () => {
            for (const r of sticky.flat()) r.set(0);
            fault.set(0);
            stopped.set(0);
            generated.set(0);
            position.set(value("promptLength").resize(log2(c.context)));
            starts.set(1);
            state.go("run");
          }),
        run: () => {
          when(asks("command", "stop").or(aborts), () => {
            stop.set(1);
            stopped.set(1);
          });
          when(aborts, () => abort.set(1));
          when(failsNow, () => fault.set(1));
          when(finished, () => {
            done.set(1);
            ready.set(1);
            start.set(autoRestart.and(stopped.not()));
            stop.set(0);
            state.go("idle");
            when(abort.or(aborts), () => state.go("drain"));
          });
        },
        // The core answers what is still asked for with zeros until nothing is under way any more; then everything is as new.
        drain: () =>
          when(drained, () => {
            abort.set(0);
            state.go("settle");
          }),
        settle: () => when(drained.not(), () => state.go("idle")),
      });

      const happens = [finished, finished, failsNow.and(fault.not())];
      const isr = events.map((e, i) => {
        const r = reg(`isr_${e}`, bool, { reset: 0 });
        when(asks("isr", e), () => r.set(r.not()));
        when(happens[i]!.and(enabled[i]!), () => r.set(1));
        return r;
      });
      const interrupt = reg("interrupt_q", bool, { reset: 0 });
      interrupt.set(enable.and(anyOf(isr)));

      // Reads: one cycle to find the word, one to hand it over.
      const named = <T>(list: readonly T[]): Readonly<Record<string, T>> =>
        Object.fromEntries(events.map((e, i) => [e, list[i]!]));
      const flags: Readonly<Record<string, Readonly<Record<string, Bool>>>> = {
        ap_ctrl: {
          ap_start: start,
          ap_done: done,
          ap_idle: state.is("idle").and(start.not()),
          ap_ready: ready,
          auto_restart: autoRestart,
        },
        gie: { enable },
        ier: named(enabled),
        isr: named(isr),
        command: {},
        status: {
          running: state.is("run"),
          draining: state.is("drain").or(state.is("settle")),
          stopped,
          fault,
          saturated,
          snapshotPending: pending,
        },
      };
      const constants = constantsOf(c, m);
      const reads = (r: Register): Bits => {
        switch (r.kind) {
          case "pointer":
          case "scalar":
            return value(r.name);
          case "flags":
            return flagWord(map, r.name, flags[r.name] ?? {});
          case "constant":
            return lit(uint(32), constants[r.name]!);
          case "counter":
            return counts[REGISTER_COUNTERS.findIndex((n) => r.name === `count_${n}`)]!;
          case "state": {
            const i = ["slverr", "decerr", "timeouts"].indexOf(r.name);
            return i < 0 ? generated : cat(...[...sticky[i]!].reverse());
          }
        }
      };
      const found = reg("found", bool, { reset: 0 });
      const ofTokens = reg("of_tokens", bool);
      const answer = reg("answer_q", uint(32));
      found.set(asked);
      when(asked, () => {
        ofTokens.set(source_.tokens);
        answer.set(mux(source_.registers, answerOf(map, from, reads), 0));
      });
      const id_ = ids.read(from.resize(log2(c.context)), asked);
      const held = source(uint(32), mux(ofTokens, id_.resize(32), answer).resize(32), found, "found");
      answered.connect(held);

      return {
        axi: slave.axi,
        command,
        image: Array.from({ length: m.masters }, (_, i) => value(`image_${i}`).resize(ADDRESS_BITS)),
        cache: Array.from({ length: m.masters }, (_, i) => value(`cache_${i}`).resize(ADDRESS_BITS)),
        promptLength: value("promptLength").resize(host.promptLength.width),
        total: value("total").resize(host.total.width),
        epsilonSum: value("epsilonSum").resize(SQUARES_BITS),
        sinks: value("sinks").resize(host.sinks.width),
        window: value("window").resize(host.window.width),
        timeout: value("timeout").resize(TIMEOUT_BITS),
        stop,
        abort,
        interrupt,
      };
    },
  );
};
