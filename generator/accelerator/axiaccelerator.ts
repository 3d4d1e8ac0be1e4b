/** The accelerator as a kernel: AXI4-Lite control in Vitis' layout, its memory behind AXI4 masters, an interrupt. */
import { bool, defineModule, driveAll, fail, type Sig, uint, vec, wire, wireOf } from "../hdl/index.js";
import { type AcceleratorConfig, beatBits, lanes } from "../isa/config.js";
import { REGISTER_COUNTERS, registerMap } from "../isa/registers.js";
import { across, levelAcross, staticAcross } from "../library/axi/across.js";
import { bridge } from "../library/axi/bridge.js";
import { late } from "../library/axi/late.js";
import { liteMasterPorts, liteSlavePorts } from "../library/axi/lite.js";
import {
  faults,
  readMasterPorts,
  readSlavePorts,
  writeMasterPorts,
  writeSlavePorts,
} from "../library/axi/ports.js";
import { accelerator } from "./accelerator.js";
import { axiControl } from "./axicontrol.js";
import { axiCore } from "./axicore.js";
import { axiCommand, axiEvent, COUNT_BITS } from "./axilink.js";
import { counterPorts, hostOutputs } from "./ports.js";

export interface AxiConfig {
  /** AXI read masters, each with a slice of every beat: 1 to 32, a power of two. */
  readonly masters: number;
  /** Width of their words: 32 to 512. */
  readonly dataBits: number;
  /** Address bits at the ports; 64 for Vitis, fewer where the memory has fewer. */
  readonly addressBits: number;
  /** Bursts under way at each port, at most. */
  readonly outstanding: number;
  /** Words of a burst, at most: 16 for AXI3, up to 256 for AXI4. */
  readonly burst: number;
  /** 1: everything by one clock. 2: the accelerator by the clock of the domain `core`. */
  readonly clocks: 1 | 2;
}

/** Depths of the FIFOs between control and core. */
const DEPTH = { commands: 4, events: 16 } as const;

/** The read masters' ports by their names, which have no `_` before the number. */
type Gmem<V> = { readonly [name: `m_axi_gmem${number}`]: V };
const gmem = (i: number) => `m_axi_gmem${i}` as const;
const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
const each = <V>(n: number, value: (i: number) => V): Gmem<V> =>
  Object.fromEntries(range(n).map((i) => [gmem(i), value(i)]));

/** Everything that the slaves drive. */
const slaveSide = (c: AcceleratorConfig, { masters, dataBits }: AxiConfig) => {
  const own = {
    s_axi_control: liteMasterPorts(registerMap(c, { masters, dataBits }).addressBits),
    m_axi_cache: { ...readSlavePorts(dataBits), ...writeSlavePorts },
  };
  const ports: typeof own & Gmem<ReturnType<typeof readSlavePorts>> = {
    ...own,
    ...each(masters, () => readSlavePorts(dataBits)),
  };
  return ports;
};

/** Everything that the masters and the control drive. */
const masterSide = ({ masters, dataBits, addressBits }: AxiConfig) => {
  const addresses = { araddr: uint<number>(addressBits) };
  const reading = { ...readMasterPorts, ...addresses };
  const own = {
    s_axi_control: liteSlavePorts,
    m_axi_cache: { ...reading, ...writeMasterPorts(dataBits), awaddr: uint<number>(addressBits) },
    irq: bool,
  };
  const ports: typeof own & Gmem<typeof reading> = { ...own, ...each(masters, () => reading) };
  return ports;
};

/**
 * Module `gateloom_axi`. Ports `s_axi_control_*`, `m_axi_gmem<c>_*` (reading), `m_axi_cache_*` (the one that writes), `irq`.
 * Clock and reset are `clk` and `rst` here, those of a second clock `core_clk` and `core_rst`; axitop.ts gives them their outer names.
 */
export const axiAccelerator = (c: AcceleratorConfig, a: AxiConfig) => {
  const { masters, dataBits, addressBits } = a;
  if (!Number.isInteger(addressBits) || addressBits < 32 || addressBits > 64)
    fail(`AXI addresses have 32 to 64 bits here; these ${addressBits}`);
  const core = a.clocks === 2 ? "core" : "";
  const toCore = { from: "", to: core };
  const toAxi = { from: core, to: "" };
  const memory = accelerator(c).io.out;
  const split = {
    beatBits: beatBits(c),
    addressBits: memory.write.payload.addr.width,
    countBits: memory.request.payload.beats.width,
    channels: masters,
    dataBits,
    burst: a.burst,
    outstanding: a.outstanding,
    clocks: a.clocks,
  };
  return defineModule(
    "gateloom_axi",
    {
      in: slaveSide(c, a),
      out: masterSide(a),
      ...(a.clocks === 2 ? { clocks: ["core"] } : {}),
      doc: `Gateloom accelerator of ${lanes(c)} lanes behind ${masters} AXI master(s) of ${dataBits} bits, controlled by AXI4-Lite.`,
    },
    (ports) => {
      const here = { clocks: { "": core } };
      const request = late("request", bridge(split).io.in.request.payload);
      const write = late("write", bridge(split).io.in.write.payload);
      const event = late("event", axiEvent);
      const drained = wire("drained", bool);
      const saturated = wire("saturated", bool);
      const counts = wireOf("counts", vec(uint(COUNT_BITS), REGISTER_COUNTERS.length));
      const met = wireOf("met", vec(faults, masters + 1));
      const control = axiControl(c, a).inst("u_control", {
        axi: ports.s_axi_control,
        event: across("u_events", axiEvent, event.stream, DEPTH.events, toAxi),
        counts: counts.map((x) => staticAcross(x, toAxi)),
        saturated: levelAcross(saturated, toAxi),
        faults: met,
        drained,
      });
      const memory = bridge(split).inst("u_memory", {
        request: request.stream,
        write: write.stream,
        image: control.image,
        cache: control.cache,
        abort: control.abort,
        timeout: control.timeout,
        gmem: range(masters).map((i) => ports[gmem(i)]!),
        cacheAxi: ports.m_axi_cache,
      });
      drained.drive(memory.drained);
      driveAll(met, memory.faults);

      const commands = across("u_commands", axiCommand(c), control.command, DEPTH.commands, toCore);
      const state = wireOf("state", {
        busy: bool,
        done: bool,
        token: hostOutputs.token,
        counter: counterPorts,
      });
      const link = axiCore(c).inst(
        "u_core",
        {
          command: commands,
          total: staticAcross(control.total, toCore),
          stop: levelAcross(control.stop, toCore),
          abort: memory.aborts,
          written: memory.written,
          ...state,
        },
        here,
      );
      event.connect(link.event);
      driveAll(counts, link.counts);
      const unit = accelerator(c).inst(
        "u_accelerator",
        {
          start: link.start,
          promptLength: staticAcross(control.promptLength, toCore),
          total: link.runTotal,
          epsilonSum: staticAcross(control.epsilonSum, toCore),
          sinks: staticAcross(control.sinks, toCore),
          window: staticAcross(control.window, toCore),
          program_write: link.program_write,
          token_write: link.token_write,
          data: memory.beat,
        },
        here,
      );
      request.connect(unit.request);
      write.connect(unit.write);
      driveAll(state, { busy: unit.busy, done: unit.done, token: unit.token, counter: unit.counter });
      saturated.drive(unit.saturated);
      const cut = <T extends { readonly araddr: Sig<"u", number> }>(axi: T) => ({
        ...axi,
        araddr: axi.araddr.resize(addressBits),
      });
      return {
        s_axi_control: control.axi,
        ...each(masters, (i) => cut(memory.gmem[i]!)),
        m_axi_cache: { ...cut(memory.cacheAxi), awaddr: memory.cacheAxi.awaddr.resize(addressBits) },
        irq: control.interrupt,
      };
    },
  );
};
