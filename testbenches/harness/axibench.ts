/**
 * The whole system behind AXI as one design for every engine: a host that plays a script on the control port, memories of random
 * latency on the others, and the rules of AXI watched on all of them. What stands in the middle is `gateloom_axi`; in Icarus and
 * Verilator the outermost module of an export, `gateloom_kernel`, stands around it.
 */
import { type AxiConfig, axiAccelerator } from "../../generator/accelerator/axiaccelerator.js";
import { emitKernel, KERNEL } from "../../generator/accelerator/axitop.js";
import { compile, type Compiled } from "../../generator/compile/compile.js";
import {
  bool,
  defineModule,
  driveAll,
  elaborate,
  emitVerilog,
  lit,
  mux,
  type Sig,
  uint,
  vec,
  wire,
  wireOf,
} from "../../generator/hdl/index.js";
import type { Design } from "../../generator/hdl/ir.js";
import type { AcceleratorConfig } from "../../generator/isa/config.js";
import { type RegisterMap, registerMap } from "../../generator/isa/registers.js";
import { liteSlavePorts } from "../../generator/library/axi/lite.js";
import {
  ADDRESS_BITS,
  type AxiPort,
  readMasterPorts,
  readSlavePorts,
  writeMasterPorts,
  writeSlavePorts,
} from "../../generator/library/axi/ports.js";
import type { QuantisedModel } from "../../golden/model/types.js";
import { AXI_RULES, axiReadCheck, axiWriteCheck, COUNTS } from "./axicheck.js";
import { axiCache, axiChannel, axiFault, axiMood } from "./aximemory.js";
import { axiScript, liteCheck, type Step, scriptWords, stepsOf } from "./axiscript.js";
import type { RunDescription } from "./run.js";

type Word = Sig<"u", number>;

/** Where the channels lie for the reading ports, and the same words for the one that writes. */
const IMAGE = 0x40_0000_0000n;
const CACHE = 0x7_0000_0000n;
const SCRIPT_STEPS = 2048;
const PORT_BITS = 6;
const TRACE_BITS = 18;

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
/** The part of a port that a watcher looks at. */
const part = <const S extends object, V extends { readonly [K in keyof S]: unknown }>(shape: S, value: V) =>
  Object.fromEntries(Object.keys(shape).map((k) => [k, value[k as keyof S]])) as Pick<V, keyof S & keyof V>;
const watched = { broken: uint(AXI_RULES.length), left: uint(16), counts: COUNTS };

/** Module `gateloom_axi_bench`; `words` of each channel, a power of two. */
const bench = (c: AcceleratorConfig, a: AxiConfig, words: number) => {
  const { masters, dataBits } = a;
  const map = registerMap(c, a);
  const port: AxiPort = a;
  const cachePort: AxiPort = { ...a, burst: 1 };
  const kernel = axiAccelerator(c, a);
  const scripted = axiScript(map.addressBits, SCRIPT_STEPS).io.in.load;
  return defineModule(
    "gateloom_axi_bench",
    {
      in: {
        start: bool,
        script: scripted,
        load: { enable: bool, addr: uint(24), data: uint(dataBits) },
        seed: uint(32),
        mood: axiMood,
        fault: { ...axiFault, port: uint(PORT_BITS) },
      },
      out: {
        done: bool,
        trace_token: { valid: bool, value: uint(TRACE_BITS) },
        failed: uint(16),
        first: uint(16),
        lite_broken: bool,
        ports: vec(watched, masters + 2), // the cache port's reads and writes last
      },
      ...(a.clocks === 2 ? { clocks: ["core"] } : {}),
      doc: "Test bench top: the accelerator behind AXI memories, driven by a script.",
    },
    ({ start, script, load, seed, mood, fault }) => {
      const liteSlave = wireOf("control", liteSlavePorts);
      const irq = wire("irq_seen", bool);
      const host = axiScript(map.addressBits, SCRIPT_STEPS).inst("u_host", {
        load: script,
        start,
        interrupt: irq,
        s: liteSlave,
      });
      const gmem = range(masters).map((i) => wireOf(`gmem${i}`, readSlavePorts(dataBits)));
      const cache = wireOf("cache", { ...readSlavePorts(dataBits), ...writeSlavePorts });
      const unit = kernel.inst("u_kernel", {
        s_axi_control: host.m,
        ...Object.fromEntries(gmem.map((s, i) => [`m_axi_gmem${i}`, s])),
        m_axi_cache: cache,
      } as Parameters<typeof kernel.inst>[1]);
      driveAll(irq, unit.irq);
      driveAll(liteSlave, unit.s_axi_control);

      const bases = {
        image: (i: number) => lit(uint(ADDRESS_BITS), IMAGE * BigInt(i + 1)),
        cache: lit(uint(ADDRESS_BITS), CACHE),
      };
      const dice = (i: number) => ({
        ...{ seed: seed.xor(lit(uint(32), Math.imul(i + 1, 0x9e3779b1) >>> 0)), restart: start, mood },
        fault: {
          armed: fault.armed.and(fault.port.eq(i)),
          ...{ burst: fault.burst, response: fault.response, late: fault.late },
        },
      });
      const found = wireOf("found", vec(uint(dataBits), masters));
      const wordBits = Math.round(Math.log2(words));
      const wide = <T extends { readonly araddr: Word }>(m: T) => ({
        ...m,
        araddr: m.araddr.resize(ADDRESS_BITS),
      });
      const cacheMaster = { ...wide(unit.m_axi_cache), awaddr: unit.m_axi_cache.awaddr.resize(ADDRESS_BITS) };
      const writer = axiCache(dataBits, words, masters).inst("u_cache", {
        ...dice(masters),
        m: cacheMaster,
        base: bases.cache,
        found,
      });
      driveAll(cache, writer.s);
      const ports = range(masters).map((i) => {
        const m = wide(unit[`m_axi_gmem${i}`]!);
        const loads = load.enable.and(load.addr.shr(wordBits).eq(i));
        const written = writer.write.enable.and(writer.write.channel.eq(i));
        const memory = axiChannel(dataBits, words).inst(`u_channel${i}`, {
          ...dice(i),
          m,
          base: bases.image(i),
          look: writer.look,
          write: {
            enable: loads.or(written),
            word: mux(load.enable, load.addr.resize(wordBits).resize(24), writer.write.word),
            data: mux(load.enable, load.data, writer.write.data),
            strobe: mux(
              load.enable,
              lit(uint(dataBits / 8), (1n << BigInt(dataBits / 8)) - 1n),
              writer.write.strobe,
            ),
          },
        });
        driveAll(gmem[i]!, memory.s);
        driveAll(found[i]!, memory.seen);
        return axiReadCheck(port).inst(`u_rules${i}`, { m, s: memory.s });
      });
      const lite = liteCheck(map.addressBits).inst("u_lite_rules", { m: host.m, s: unit.s_axi_control });
      return {
        done: host.done,
        trace_token: { valid: host.token.valid, value: host.token.value.resize(TRACE_BITS) },
        failed: host.failed,
        first: host.first,
        lite_broken: lite.broken,
        ports: [
          ...ports,
          axiReadCheck(cachePort).inst("u_cache_read_rules", {
            m: part(readMasterPorts, cacheMaster),
            s: part(readSlavePorts(dataBits), writer.s),
          }),
          axiWriteCheck(cachePort).inst("u_cache_write_rules", {
            m: part(writeMasterPorts(dataBits), cacheMaster),
            s: part(writeSlavePorts, writer.s),
          }),
        ],
      };
    },
  );
};

export interface AxiMood {
  /** Sixteenths of the cycles in which each channel of each port is shut. */
  readonly shut: number;
  /** Cycles to each burst's answer at most: 2^n - 1. */
  readonly pause: number;
}
/** A burst that is answered wrongly: the `burst`th of `port`, the cache port's writes last. */
export interface PlantedFault {
  readonly port: number;
  readonly burst: number;
  readonly kind: "slverr" | "decerr" | "timeout";
}
export interface AxiScenario {
  readonly config: AcceleratorConfig;
  readonly axi: AxiConfig;
  readonly model: QuantisedModel;
  readonly prompt: readonly number[];
  readonly total: number;
  readonly seed: number;
  readonly mood: AxiMood;
  /** Met in a first run, whose error the host acknowledges; the run whose tokens are read comes behind it. */
  readonly fault?: PlantedFault;
  readonly maxCycles: number;
  /** Half a period of the core clock where there are two; that of the AXI clock is 5. */
  readonly coreHalfPeriod?: number;
}

const TIMEOUT = 1500;
const LATE = 4000;
const RESPONSES = { slverr: 2, decerr: 3, timeout: 0 } as const;

/** What a driver does: program, pointers, prompt, start, interrupt, status, tokens, counters. */
const scriptOf = (s: AxiScenario, map: RegisterMap, compiled: Compiled, stride: number): Step[] => {
  const { set, expect, poll, bit, window } = stepsOf(map);
  const { masters } = s.axi;
  const write = (offset: number, data: number): Step => ({ kind: "write", offset, data });
  const DONE = bit("isr", "done");
  const FAULT = bit("isr", "fault");
  const steps: Step[] = [
    ...expect("version", 0x1_0000),
    ...set("gie", 1),
    ...set("ier", DONE + FAULT),
    ...[...compiled.program].flatMap((word, i) => [
      write(window("program") + 8 * i, Number(word & 0xffff_ffffn)),
      write(window("program") + 8 * i + 4, Number(word >> 32n)),
    ]),
    ...range(masters).flatMap((c) => [
      ...set(`image_${c}`, IMAGE * BigInt(c + 1)),
      ...set(`cache_${c}`, CACHE + BigInt(c * stride)),
    ]),
    ...s.prompt.map((token, i) => write(window("tokens") + 4 * i, token)),
    ...set("promptLength", s.prompt.length),
    ...set("total", s.total),
    ...set("epsilonSum", compiled.registers.epsilonSum),
    ...set("sinks", compiled.registers.sinks),
    ...set("window", compiled.registers.window),
    ...set("timeout", TIMEOUT),
  ];
  const ports = { slverr: 0n, decerr: 0n, timeouts: 0n };
  // An aborted run may saturate, and the flag of that stands until reset.
  const status = (value: number): Step[] =>
    expect("status", value).map((step) => ({ ...step, mask: ~bit("status", "saturated") }));
  const start = set("ap_ctrl", bit("ap_ctrl", "ap_start"));
  const idle = bit("ap_ctrl", "ap_idle");
  if (s.fault !== undefined) {
    const met = { ...ports };
    met[s.fault.kind === "timeout" ? "timeouts" : s.fault.kind] = 1n << BigInt(s.fault.port);
    steps.push(
      ...start,
      { kind: "wait" },
      ...expect("isr", FAULT),
      ...set("isr", FAULT),
      { kind: "wait" },
      ...expect("isr", DONE),
      ...set("isr", DONE),
      ...Object.entries(met).flatMap(([name, bits]) => expect(name, bits)),
      // Done and ready are cleared by the read that finds them, so the next poll sees idle alone.
      ...poll("ap_ctrl", idle),
      ...status(bit("status", "stopped") + bit("status", "fault")),
    );
  }
  steps.push(
    ...start,
    { kind: "wait" },
    ...expect("isr", DONE),
    ...set("isr", DONE),
    ...expect("isr", 0),
    ...status(0),
    ...Object.entries(ports).flatMap(([name, bits]) => expect(name, bits)),
    ...expect("generated", s.total + 1 - s.prompt.length),
    ...expect("ap_ctrl", idle + bit("ap_ctrl", "ap_done") + bit("ap_ctrl", "ap_ready")),
    ...expect("ap_ctrl", idle),
    ...range(s.total + 1 - s.prompt.length).map(
      (i): Step => ({ kind: "token", offset: window("tokens") + 4 * (s.prompt.length + i) }),
    ),
  );
  return steps;
};

/** Channels' words, all channels one behind the other. */
const loadedWords = ({ masters, dataBits }: AxiConfig, compiled: Compiled, words: number): bigint[] => {
  const slice = compiled.beatBytes / masters;
  const all = new Uint8Array((masters * words * dataBits) / 8);
  for (let i = 0; i < compiled.image.length; i++) {
    const [beat, at] = [Math.floor(i / compiled.beatBytes), i % compiled.beatBytes];
    all[(Math.floor(at / slice) * words * dataBits) / 8 + beat * slice + (at % slice)] = compiled.image[i]!;
  }
  const view = new DataView(all.buffer);
  return range((8 * all.length) / dataBits).map((i) =>
    range(dataBits / 32).reduce(
      (word, k) => word | (BigInt(view.getUint32((i * dataBits) / 8 + 4 * k, true)) << BigInt(32 * k)),
      0n,
    ),
  );
};

const CHECKED = ["broken", "left"] as const;
const COUNTED = ["bursts", "words", "stalls"] as const;

export interface AxiBench {
  readonly design: Design;
  readonly verilog: ReadonlyMap<string, string>;
  readonly compiled: Compiled;
  /** Of each channel. */
  readonly words: number;
}
/** The hardware and the image: what runs of one configuration and model share. */
export const buildAxiBench = ({ config, axi, model }: AxiScenario): AxiBench => {
  const { masters, dataBits } = axi;
  const compiled = compile(model, config);
  // A last word may reach beyond the last beat.
  const needed = Math.ceil((compiled.memoryBeats * compiled.beatBytes * 8) / masters / dataBits) + 1;
  const words = 2 ** Math.ceil(Math.log2(needed));
  const design = elaborate(bench(config, axi, words));
  const verilog = kernelVerilog(design, elaborate(axiAccelerator(config, axi)));
  return { design, verilog, compiled, words };
};

/** Any engine's run: the same words, the same noise, the same cycles. */
export const describeAxiRun = (
  s: AxiScenario,
  { design, verilog, compiled, words }: AxiBench = buildAxiBench(s),
): RunDescription => {
  const { axi, fault } = s;
  const { masters, dataBits } = axi;
  const map = registerMap(s.config, axi);
  return {
    design,
    verilog,
    clocks:
      axi.clocks === 1 ? [] : [{ clock: "core_clk", reset: "core_rst", halfPeriod: s.coreHalfPeriod ?? 5 }],
    loads: [
      {
        ...{ enable: "script_enable", address: "script_addr", data: "script_data" },
        words: scriptWords(scriptOf(s, map, compiled, (words * dataBits) / 8)),
      },
      {
        ...{ enable: "load_enable", address: "load_addr", data: "load_data" },
        words: loadedWords(axi, compiled, words),
      },
    ],
    held: {
      seed: BigInt(s.seed),
      mood_shut: BigInt(s.mood.shut),
      mood_pause: BigInt(s.mood.pause),
      fault_armed: fault === undefined ? 0n : 1n,
      fault_port: BigInt(fault?.port ?? 0),
      fault_burst: BigInt(fault?.burst ?? 0),
      fault_response: BigInt(fault === undefined ? 0 : RESPONSES[fault.kind]),
      fault_late: BigInt(LATE),
    },
    ...{ start: "start", done: "done", points: ["token"] },
    finals: [
      ...["failed", "first", "lite_broken"],
      ...range(masters + 2).flatMap((p) => [
        ...CHECKED.map((k) => `ports_${p}_${k}`),
        ...COUNTED.map((k) => `ports_${p}_counts_${k}`),
      ]),
    ],
    maxCycles: s.maxCycles,
    seed: s.seed,
  };
};

export interface AxiCounts {
  readonly bursts: number;
  readonly words: number;
  readonly stalls: number;
}
/** What went wrong in a run, in words; empty when nothing did. And what went over each port. */
export const judgeAxiRun = (
  s: AxiScenario,
  finals: ReadonlyMap<string, bigint>,
): { readonly problems: string[]; readonly counts: AxiCounts[] } => {
  const final = (name: string): number => Number(finals.get(name) ?? -1n);
  const problems: string[] = [];
  if (final("failed") !== 0)
    problems.push(
      `${final("failed")} reads of the host expected something else, first step ${final("first")}`,
    );
  if (final("lite_broken") !== 0) problems.push("the control port breaks a rule of AXI4-Lite");
  const { masters } = s.axi;
  const counts = range(masters + 2).map((p): AxiCounts => {
    const name = p < masters ? `gmem${p}` : p === masters ? "cache, reading" : "cache, writing";
    const broken = final(`ports_${p}_broken`);
    problems.push(...AXI_RULES.filter((_, i) => (broken >> i) & 1).map((rule) => `${name}: ${rule}`));
    if (final(`ports_${p}_left`) !== 0) problems.push(`${name}: bursts are still under way`);
    const count = (k: keyof AxiCounts): number => final(`ports_${p}_counts_${k}`);
    return { bursts: count("bursts"), words: count("words"), stalls: count("stalls") };
  });
  return { problems, counts };
};

const INSTANCE = "gateloom_axi u_kernel (";
/** Verilog of the bench with the export's outermost module in the middle, by its own port names. */
const kernelVerilog = (design: Design, kernel: Design): Map<string, string> => {
  const files = emitVerilog(design);
  const top = files.get(`${design.top}.v`) ?? "";
  const from = top.indexOf(INSTANCE);
  const to = top.indexOf(");", from);
  if (from < 0) throw new Error(`${design.top}.v has no instance '${INSTANCE}'`);
  const renamed = top
    .slice(from, to)
    .replace(INSTANCE, `${KERNEL} u_kernel (`)
    .replace(".clk(clk)", ".ap_clk(clk)")
    .replace(".rst(rst)", ".ap_rst_n(~rst)")
    .replace(".core_clk(core_clk)", ".ap_clk_2(core_clk)")
    .replace(".core_rst(core_rst)", ".ap_rst_n_2(~core_rst)")
    .replace(".irq(", ".interrupt(");
  return new Map([
    ...files,
    ...emitKernel(kernel),
    [`${design.top}.v`, top.slice(0, from) + renamed + top.slice(to)],
  ]);
};
