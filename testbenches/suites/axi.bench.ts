/**
 * The accelerator behind AXI under stress: 1 to 32 masters of 512 bits and others, random latency, back-pressure, several ratios of the
 * clocks, planted errors; tokens are compared with golden's in every run, the rules of AXI in every cycle. Prints a line per case:
 * what went over the ports, cycles against on-chip memory, the share of the ports' bandwidth. All counts are of the simulation: the same on
 * every machine. `npm run bench:axi`, or with the names of cases: `npm run bench:axi -- masters`.
 */
import assert from "node:assert/strict";
import type { AxiConfig } from "../../generator/accelerator/axiaccelerator.js";
import { compile, type Compiled } from "../../generator/compile/compile.js";
import { configFor } from "../../generator/compile/configure.js";
import { type AcceleratorConfig, defaultConfig, lanes } from "../../generator/isa/config.js";
import { between, type Random, randomFrom } from "../../generator/library/testing.js";
import { generate, IntegerState } from "../../golden/model/integer.js";
import { type AxiBehaviour, DECERR, OKAY, SLVERR } from "../harness/axislave.js";
import { AxiSystem, type AxiTiming } from "../harness/axisystem.js";
import { runSession } from "../harness/session.js";
import { buildSystem } from "../harness/system.js";
import { demoModel, demoTokenizer } from "./demo.js";
import { quiet } from "./quiet.js";

const model = demoModel();
const PROMPT = demoTokenizer().encode("Once upon a time");
const TOKENS = 8;
const total = PROMPT.length - 1 + TOKENS;
const wanted = generate(new IntegerState(model), PROMPT, total).slice(PROMPT.length);
const LIMIT = 4_000_000;
const TIMEOUT = 2000;

interface Case {
  readonly group: "masters" | "memory" | "clocks" | "errors";
  readonly rows: number;
  readonly masters: number;
  readonly dataBits: number;
  readonly burst: number;
  readonly behaviour: AxiBehaviour;
  readonly timing?: AxiTiming;
  /** Runs with a planted error, each followed by one without. */
  readonly faults?: number;
}
const HBM: AxiBehaviour = { rate: 0.95, latency: 60 };
const CASES: readonly Case[] = [
  ...[1, 2, 4, 8, 16, 32].map(
    (masters): Case => ({ group: "masters", rows: 16, masters, dataBits: 512, burst: 16, behaviour: HBM }),
  ),
  ...[32, 64, 128, 256, 512].map(
    (dataBits): Case => ({ group: "memory", rows: 2, masters: 1, dataBits, burst: 16, behaviour: HBM }),
  ),
  ...(
    [
      [1, 0],
      [1, 200],
      [0.5, 60],
      [0.2, 200],
    ] as const
  ).map(
    ([rate, latency]): Case => ({
      ...{ group: "memory", rows: 2, masters: 1, dataBits: 512, burst: 64, behaviour: { rate, latency } },
    }),
  ),
  ...[0.5, 0.93, 1, 1.07, 1.5, 3.1].map(
    (core): Case => ({
      ...{ group: "clocks", rows: 2, masters: 2, dataBits: 512, burst: 16, behaviour: HBM },
      timing: { axi: 1, core },
    }),
  ),
  ...([1, 2, 4, 8] as const).map(
    (masters): Case => ({
      ...{ group: "errors", rows: 2, masters, dataBits: 512, burst: 16, behaviour: HBM, faults: 12 },
      ...(masters === 2 ? { timing: { axi: 1, core: 1.3 } } : {}),
    }),
  ),
  { group: "errors", rows: 16, masters: 32, dataBits: 512, burst: 16, behaviour: HBM, faults: 6 },
];

const compiledFor = new Map<number, { config: AcceleratorConfig; compiled: Compiled; onchip: number }>();
/** Configuration, image, and the cycles that the same run takes on on-chip memory. */
const preparedFor = async (rows: number) => {
  const known = compiledFor.get(rows);
  if (known !== undefined) return known;
  const config = configFor(model, { ...defaultConfig, rows });
  const system = buildSystem(model, config, { kib: 128, bounded: false });
  const request = { prompt: PROMPT, total, seed: 1, maxCycles: LIMIT };
  const { end } = await runSession(system, request, "embedded", 100, quiet);
  assert.equal(end.outcome, "done");
  const made = { config, compiled: compile(model, config), onchip: end.cycles };
  compiledFor.set(rows, made);
  return made;
};

const KINDS = ["slverr", "decerr", "timeouts"] as const;

/** A run that a planted error ends; the registers must name port and kind. */
const faulty = (s: AxiSystem, c: Case, random: Random, turn: number, bursts: readonly number[]): void => {
  const port = between(random, 0, s.slaves.length - 1);
  const kind = KINDS[turn % KINDS.length]!;
  const slave = s.slaves[port]!;
  let left = between(random, 0, Math.floor(bursts[port]! / 2));
  const hit = (): boolean => left-- === 0;
  slave.behaviour = {
    ...c.behaviour,
    ...(kind === "timeouts"
      ? { silent: hit }
      : { response: () => (hit() ? (kind === "slverr" ? SLVERR : DECERR) : OKAY) }),
  };
  s.start({ prompt: PROMPT, total });
  s.finish(LIMIT);
  for (const k of KINDS)
    assert.equal(s.get(k), k === kind ? 1n << BigInt(port) : 0n, `${kind} of port ${port}: register ${k}`);
  assert.ok(s.flag("status", "fault") && s.flag("status", "stopped"));
  slave.behaviour = c.behaviour;
  slave.wake();
  for (let i = 0; !s.flag("ap_ctrl", "ap_idle"); i++) assert.ok(i < 2000, "never idle");
  for (const x of s.slaves) x.monitor.finish();
};

interface Sums {
  bursts: number;
  words: number;
  stalls: number;
}
const sums = (s: AxiSystem): Sums =>
  s.slaves.reduce<Sums>(
    (sum, { monitor: { counts: k } }) => ({
      bursts: sum.bursts + k.readBursts + k.writeBursts,
      words: sum.words + k.readWords + k.writeWords,
      stalls: sum.stalls + k.stalls,
    }),
    { bursts: 0, words: 0, stalls: 0 },
  );

const HEAD = [
  ...[
    "case",
    "lanes",
    "ports",
    "slave",
    "core period",
    "runs",
    "errors",
    "recovered",
    "bursts",
    "words",
    "stalls",
  ],
  ...["cycles", "on-chip", "share"],
];
const line = (cells: readonly (string | number)[]): string => `| ${cells.join(" | ")} |`;
const grouped = (n: number): string => n.toLocaleString("en-GB");
const all: Sums & { errors: number; recovered: number } = {
  bursts: 0,
  words: 0,
  stalls: 0,
  errors: 0,
  recovered: 0,
};

const measure = async (c: Case): Promise<void> => {
  const { config, compiled, onchip } = await preparedFor(c.rows);
  const clocks = c.timing === undefined ? 1 : 2;
  const axi: AxiConfig = {
    ...{ masters: c.masters, dataBits: c.dataBits, burst: c.burst, clocks },
    ...{ addressBits: 64, outstanding: 16 },
  };
  const random = randomFrom(c.masters * 1000 + c.dataBits + c.rows);
  const s = new AxiSystem(config, axi, compiled, c.behaviour, random, c.timing);
  s.loadProgram();
  s.set("timeout", TIMEOUT);
  const good = (): bigint => {
    s.start({ prompt: PROMPT, total });
    s.finish(LIMIT);
    assert.deepEqual(s.tokens(PROMPT), wanted);
    assert.equal(s.get("slverr") + s.get("decerr") + s.get("timeouts"), 0n);
    return s.get("count_cycles");
  };
  const cycles = Number(good());
  const beats = Number(s.get("count_beats"));
  const bursts = s.slaves.map(({ monitor: { counts: k } }) => k.readBursts + k.writeBursts);
  let errors = 0;
  let recovered = 0;
  for (let turn = 0; turn < (c.faults ?? 0); turn++) {
    faulty(s, c, random, turn, bursts);
    errors++;
    good();
    recovered++;
  }
  for (const x of s.slaves) x.monitor.finish();
  const sum = sums(s);
  for (const k of ["bursts", "words", "stalls"] as const) all[k] += sum[k];
  all.errors += errors;
  all.recovered += recovered;
  // Bytes of beats that were read, of those that the read ports could have brought in that time.
  const axiCycles = cycles * (c.timing?.core ?? 1);
  const share = (beats * compiled.beatBytes) / (axiCycles * c.masters * (c.dataBits / 8));
  console.log(
    line([
      ...[
        c.group,
        lanes(config),
        `${c.masters} x ${c.dataBits}`,
        `${c.behaviour.rate}, 0..${c.behaviour.latency}`,
      ],
      ...[c.timing === undefined ? "one" : c.timing.core, 1 + errors + recovered, errors, recovered],
      ...[grouped(sum.bursts), grouped(sum.words), grouped(sum.stalls), grouped(cycles)],
      ...[`${(cycles / onchip).toFixed(2)} x`, `${(100 * share).toFixed(1)} %`],
    ]),
  );
};

const chosen = process.argv.slice(2);
console.log(line(HEAD));
console.log(line(HEAD.map(() => "---")));
for (const c of CASES) if (chosen.length === 0 || chosen.includes(c.group)) await measure(c);
console.log(
  `\n${grouped(all.bursts)} bursts, ${grouped(all.words)} words, ${grouped(all.stalls)} stalls, ${all.errors} errors planted, ${all.recovered} runs right behind them`,
);
