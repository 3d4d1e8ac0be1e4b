/** A slice of a matrix product, all its beats, through one engine on the embedded engine: when its sums come, and whether they are right. */
import { finish } from "../engines/finish.js";
import type { Family, Kernel } from "../engines/kernel.js";
import { engineBeat, engineSums, GROUP } from "../engines/port.js";
import { defineModule, elaborate, stream } from "../hdl/index.js";
import { type BeatCode, beatCode } from "../isa/codes.js";
import type { AcceleratorConfig } from "../isa/config.js";
import { type Simulation, simulate } from "../simulate/index.js";
import { rowsPerBlock, Stimulus } from "./stimulus.js";

export interface SliceSize {
  /** Row blocks, each of all groups. */
  readonly blocks: number;
  /** Groups of 32 columns. */
  readonly groups: number;
  /** Tokens that take turns at each weight beat. */
  readonly tokens: number;
}
export interface SliceRun {
  readonly beats: number;
  /** Cycle in which the last sums of each row block are valid; the first beat is taken in cycle 0. */
  readonly sumsAt: readonly number[];
  /** Row sums compared with whole-number arithmetic. */
  readonly compared: number;
}

/** The engine gave other sums than whole-number arithmetic, or none. */
export class EngineError extends Error {
  override name = "EngineError";
}

interface Beat {
  readonly [port: string]: number | bigint;
}

/** All beats in the order of the port: groups of a block, tokens of a group; and the sums they must give. */
const beatsOf = (
  c: AcceleratorConfig,
  code: BeatCode,
  size: SliceSize,
): { beats: Beat[]; sums: number[][] } => {
  const stimulus = new Stimulus(c, code, 1);
  const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
  const activations = range(size.groups).map(() => range(size.tokens).map(() => stimulus.activations()));
  const beats: Beat[] = [];
  const sums: number[][] = [];
  for (let block = 0; block < size.blocks; block++) {
    const totals = range(size.tokens).map(() => range(rowsPerBlock(c, code)).map(() => 0));
    for (let g = 0; g < size.groups; g++) {
      const { bits, mantissas, weights } = stimulus.weightBeat();
      for (const [tok, act] of activations[g]!.entries()) {
        const beat: Record<string, number | bigint> = {
          weights: bits,
          first: g === 0 ? 1 : 0,
          last: g === size.groups - 1 ? 1 : 0,
          tag_tok: tok,
          tag_lastTok: tok === size.tokens - 1 ? 1 : 0,
        };
        for (const [i, a] of act.entries()) beat[`act_${i}`] = a;
        for (const [row, m] of mantissas.entries()) {
          beat[`mantissa_${entry(code, row)}`] = m;
          totals[tok]![row]! += m * weights[row]!.reduce((sum, w, i) => sum + w * act[i]!, 0);
        }
        beats.push(beat);
      }
    }
    sums.push(...totals);
  }
  return { beats, sums };
};

/** Entry of a block's row among the engine's R sums: of w4 rows, every second (contract of the port). */
const entry = (code: BeatCode, row: number): number => (code === "w4" ? 2 * row : row);

/** A kernel on a bench: what is measured need not be in the registry. */
export interface Subject {
  readonly kernel: Kernel;
  readonly family: Family;
  readonly config: AcceleratorConfig;
}

/** Kernel and `finish`, as in an engine. */
const behindFinish = ({ kernel, family, config }: Subject) =>
  defineModule(
    "measured",
    { in: { beat: stream(engineBeat(config)) }, out: { sums: stream(engineSums(config)) } },
    ({ beat }) => {
      const { groups } = kernel.build(config, family).inst("u_kernel", { beat });
      return { sums: finish(config).inst("u_finish", { groups }).sums };
    },
  );

const start = (subject: Subject, code: BeatCode): Simulation => {
  const c = subject.config;
  const sim = simulate(elaborate(behindFinish(subject)));
  for (const port of ["beat_valid", "beat_tag_single", "beat_tag_pair", "beat_tag_end"]) sim.poke(port, 0);
  for (let r = 0; r < c.rows; r++) sim.poke(`beat_mantissa_${r}`, 0);
  sim.poke("beat_code", beatCode(code));
  sim.poke("beat_tag_wide", code === "w4" ? 0 : 1);
  sim.poke("sums_ready", 1);
  sim.poke("rst", 1);
  sim.step();
  sim.poke("rst", 0);
  return sim;
};

/** A beat is offered in every cycle, sums are taken when they come: the engine at its best rate. */
export const runSlice = (subject: Subject, code: BeatCode, size: SliceSize): SliceRun => {
  const c = subject.config;
  const { beats, sums } = beatsOf(c, code, size);
  const sim = start(subject, code);
  const ready = sim.handle("beat_ready");
  const valid = sim.handle("sums_valid");
  const rows = Array.from({ length: rowsPerBlock(c, code) }, (_, row) =>
    sim.handle(`sums_sums_${entry(code, row)}`),
  );
  const limit = beats.length * 2 * GROUP + 1000;
  const sumsAt: number[] = [];
  let from = -1;
  let sent = 0;
  let offered = false;
  let taken = 0;
  for (let cycle = 0; taken < sums.length; cycle++) {
    if (cycle > limit)
      throw new EngineError(
        `${taken} of ${sums.length} sums came in ${limit} cycles; ${sent} of ${beats.length} beats taken`,
      );
    if (!offered && sent < beats.length) {
      for (const [port, value] of Object.entries(beats[sent]!)) sim.poke(`beat_${port}`, value);
      sim.poke("beat_valid", 1);
      offered = true;
    }
    if (valid.get() === 1) {
      const got = rows.map((r) => r.get());
      const wanted = sums[taken]!;
      const wrong = wanted.findIndex((w, i) => w !== got[i]);
      if (wrong >= 0)
        throw new EngineError(
          `code ${code}: row sum ${wrong} of sums ${taken} is ${got[wrong]}, whole numbers give ${wanted[wrong]}`,
        );
      taken++;
      if (taken % size.tokens === 0) sumsAt.push(cycle - from);
    }
    if (offered && ready.get() === 1) {
      if (from < 0) from = cycle;
      sent++;
      offered = false;
    }
    sim.step();
    if (!offered) sim.poke("beat_valid", 0);
  }
  return { beats: beats.length, sumsAt, compared: sums.length * rows.length };
};
