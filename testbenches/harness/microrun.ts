/** Runs of the micro machine on any engine: tokens and cycles, and golden's. */
import { generate, IntegerState } from "../../golden/model/integer.js";
import type { QuantisedModel } from "../../golden/model/types.js";
import { runEmbedded } from "./embedded.js";
import { runIcarus } from "./icarus.js";
import type { EngineName, RunDescription, RunEnd, RunEngine } from "./run.js";
import { runVerilator } from "./verilator.js";

const RUN: Readonly<Record<EngineName, RunEngine>> = {
  embedded: runEmbedded,
  verilator: runVerilator,
  icarus: runIcarus,
};

export interface MicroEnd {
  readonly tokens: readonly number[];
  readonly end: RunEnd;
}

/** `progress`: called with the cycles so far. */
export const runMicro = async (
  run: RunDescription,
  engine: EngineName,
  progress: (cycle: number) => void = () => {},
): Promise<MicroEnd> => {
  const tokens: number[] = [];
  const end = await RUN[engine](run, {
    record: ({ fields }) => void tokens.push(fields[0]!),
    progress,
    stopped: () => false,
  });
  return { tokens, end };
};

/** The tokens that golden chooses: one for each position from the prompt's last on. */
export const chosenByGolden = (model: QuantisedModel, prompt: readonly number[], total: number): number[] =>
  generate(new IntegerState(model), prompt, total).slice(prompt.length);

/** Cycles after which a token hangs: a lane cycle for every column of every row block is a third or more of all. */
export const tokenLimit = ({ shape, layers }: QuantisedModel): number => {
  const blocks = (rows: number, cols: number): number => Math.ceil(rows / 8) * cols;
  const lanes = layers.reduce(
    (sum, l) =>
      sum + [l.q, l.k, l.v, l.o, l.gate, l.up, l.down].reduce((s, m) => s + blocks(m.rows, m.cols), 0),
    blocks(shape.vocab, shape.dim),
  );
  return 8 * (lanes + shape.layers * shape.heads * shape.context * shape.headDim) + 100_000;
};
