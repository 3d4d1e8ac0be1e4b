/** A run as the host sees it: ap_ctrl of Vitis' kernels, commands, what went wrong, and the interrupt. */
import { anyOf, bool, enumReg, match, type Of, reg, type Sig, when } from "../hdl/index.js";
import type { RegisterMap } from "../isa/registers.js";
import type { faults } from "../library/axi/ports.js";
import { type HostWrite, written } from "./axiregisters.js";

type Bool = Sig<"u", 1>;
const FAULTS = ["slverr", "decerr", "timeout"] as const;
/** Bits of ier and isr, in order. */
const EVENTS = ["done", "ready", "fault"] as const;

export interface Surroundings {
  /** A read of ap_ctrl, which clears what is clear-on-read. */
  readonly readsControl: Bool;
  readonly finished: Bool;
  readonly counted: Bool;
  readonly drained: Bool;
  readonly saturated: Bool;
  /** What the AXI ports meet. */
  readonly met: readonly Of<typeof faults>[];
  /** Says to the core that a run begins, or that it is to take its counters. */
  start(): void;
  snapshot(): void;
}

const byEvent = <T>(list: readonly T[]): Readonly<Record<string, T>> =>
  Object.fromEntries(EVENTS.map((e, i) => [e, list[i]!]));

export const runOf = (map: RegisterMap, w: HostWrite, around: Surroundings) => {
  const on = (register: string, field: string) => written(map, w, register, field);
  const asks = (register: string, field: string): Bool =>
    on(register, field).hit.and(on(register, field).bit);
  /** A flag that the host writes as it is. */
  const flag = (name: string, register: string, field: string) => {
    const r = reg(name, bool, { reset: 0 });
    when(on(register, field).hit, () => r.set(on(register, field).bit));
    return r;
  };
  const autoRestart = flag("auto_restart", "ap_ctrl", "auto_restart");
  const enable = flag("gie", "gie", "enable");
  const enabled = EVENTS.map((e) => flag(`ier_${e}`, "ier", e));

  const state = enumReg("state", ["idle", "run", "drain", "settle"]);
  const start = reg("ap_start", bool, { reset: 0 });
  const done = reg("ap_done", bool, { reset: 0 });
  const ready = reg("ap_ready", bool, { reset: 0 });
  const stop = reg("stop", bool, { reset: 0 });
  const abort = reg("abort", bool, { reset: 0 });
  const stopped = reg("stopped", bool, { reset: 0 });
  const fault = reg("fault", bool, { reset: 0 });
  const pending = reg("snapshot_pending", bool, { reset: 0 });
  const sticky = FAULTS.map((f) =>
    around.met.map((port, i) => {
      const r = reg(`${f}_${i}`, bool, { reset: 0 });
      when(port[f], () => r.set(1));
      return r;
    }),
  );
  const fails = anyOf(around.met.map((port) => anyOf(FAULTS.map((f) => port[f]))));
  const failsNow = fails.and(state.is("run")).as("fails_now");
  const aborts = asks("command", "abort").and(state.is("run")).or(failsNow).as("aborts");

  // Cleared by a read unless it comes anew.
  when(around.readsControl, () => {
    done.set(0);
    ready.set(0);
  });
  when(asks("ap_ctrl", "ap_start"), () => start.set(1));
  when(around.counted, () => pending.set(0));
  when(asks("command", "snapshot"), () => {
    around.snapshot();
    pending.set(1);
  });
  match(state, {
    idle: () =>
      when(start, () => {
        for (const r of sticky.flat()) r.set(0);
        fault.set(0);
        stopped.set(0);
        around.start();
        state.go("run");
      }),
    run: () => {
      when(asks("command", "stop").or(aborts), () => {
        stop.set(1);
        stopped.set(1);
      });
      when(aborts, () => abort.set(1));
      when(failsNow, () => fault.set(1));
      when(around.finished, () => {
        done.set(1);
        ready.set(1);
        start.set(autoRestart.and(stopped.not()));
        stop.set(0);
        state.go("idle");
        when(abort.or(aborts), () => state.go("drain"));
      });
    },
    // What is still under way comes and is dropped, until there is nothing any more; then everything is as new.
    drain: () =>
      when(around.drained, () => {
        abort.set(0);
        state.go("settle");
      }),
    settle: () => when(around.drained.not(), () => state.go("idle")),
  });

  const happens = [around.finished, around.finished, failsNow.and(fault.not())];
  const isr = EVENTS.map((e, i) => {
    const r = reg(`isr_${e}`, bool, { reset: 0 });
    when(asks("isr", e), () => r.set(r.not()));
    when(happens[i]!.and(enabled[i]!), () => r.set(1));
    return r;
  });
  const interrupt = reg("interrupt_q", bool, { reset: 0 });
  interrupt.set(enable.and(anyOf(isr)));

  /** Registers of flags, field by field. */
  const flags: Readonly<Record<string, Readonly<Record<string, Bool>>>> = {
    ap_ctrl: {
      ap_start: start,
      ap_done: done,
      ap_idle: state.is("idle").and(start.not()),
      ap_ready: ready,
      auto_restart: autoRestart,
    },
    gie: { enable },
    ier: byEvent(enabled),
    isr: byEvent(isr),
    command: {},
    status: {
      running: state.is("run"),
      draining: state.is("drain").or(state.is("settle")),
      stopped,
      fault,
      saturated: around.saturated,
      snapshotPending: pending,
    },
  };
  const [slverr, decerr, timeouts] = sticky;
  return { stop, abort, interrupt, flags, ports: { slverr: slverr!, decerr: decerr!, timeouts: timeouts! } };
};
