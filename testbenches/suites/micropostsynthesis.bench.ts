/**
 * The micro machine with the demo model behind synthesis for an iCE40 (Yosys' netlist, the cell models that Yosys ships): the machine
 * in Icarus up to its first token, and with one bit of one register upside down, which must be seen; then the whole chip in Verilator,
 * model in the flash, tokens over the UART. Some ten minutes:
 *   npm run bench:postsynthesis -- --board icebreaker
 */
import { boardOf } from "../../fpga-projects/boards/index.js";
import { placeMicro } from "../../fpga-projects/micro/fit.js";
import { flashContents, programIdentity } from "../../generator/micro/board/flash.js";
import { chipRun, machineRun } from "../harness/microbench.js";
import { chosenByGolden, runMicro, tokenLimit } from "../harness/microrun.js";
import { afterSynthesis, ice40Netlist, planted } from "../harness/netlist.js";
import type { EngineName, RunDescription } from "../harness/run.js";
import { demoModel, demoTokenizer } from "./demo.js";

const POSITIONS = 256;
/** Chosen tokens of the chip. */
const CHOSEN = 8;
/** Of the machine's netlist: the shifted accumulator, through which every result passes. */
const FAULT = { register: "u_shifter.q_q", bit: 7 } as const;
const DIVIDER = 24;
/** Cycles to read the flash and to say the prompt. */
const LOADING = 4_000_000;

const seconds = (since: number): string => `${((performance.now() - since) / 1000).toFixed(0)} s`;
const cells = (netlist: string): string =>
  ["SB_LUT4", "SB_CARRY", "SB_DFF\\w*", "SB_RAM40_4K\\w*", "SB_SPRAM256KA", "SB_MAC16"]
    .map(
      (cell) =>
        `${[...netlist.matchAll(new RegExp(`^ *${cell} `, "gm"))].length} ${cell.replace("\\w*", "")}`,
    )
    .join(", ");

/** True when the tokens are golden's. */
const compare = async (
  what: string,
  run: RunDescription,
  engine: EngineName,
  golden: readonly number[],
): Promise<boolean> => {
  const since = performance.now();
  const { tokens, end } = await runMicro(run, engine);
  const equal = tokens.length === golden.length && golden.every((t, i) => t === tokens[i]);
  console.log(
    `${what}, ${engine}: ${end.outcome} after ${end.cycles} cycles; tokens ${tokens.join(" ")}, golden ${golden.join(" ")}: ${equal ? "equal" : "different"}, ${seconds(since)}`,
  );
  return equal;
};

const main = async (): Promise<void> => {
  const { model, contents, program, positions } = placeMicro(boardOf("icebreaker")!, demoModel(), POSITIONS);
  const { words } = program.image;
  const netlistOf = async (run: RunDescription, module: string): Promise<string> => {
    const since = performance.now();
    const netlist = await ice40Netlist(run.design, module);
    console.log(`netlist of ${module}: ${cells(netlist)}, ${seconds(since)}`);
    return netlist;
  };

  const first = demoTokenizer().encode("").slice(0, 1);
  const one = machineRun(contents, words, {
    ...{ prompt: first, total: first.length, seed: 1 },
    maxCycles: tokenLimit(model),
  });
  const expected = chosenByGolden(model, first, first.length);
  const netlist = await netlistOf(one, "micro");
  const good = await compare("machine", await afterSynthesis(one, "micro", netlist), "icarus", expected);
  const broken = planted(netlist, FAULT.register, FAULT.bit);
  const seen = !(await compare(
    `machine with bit ${FAULT.bit} of ${FAULT.register} upside down`,
    await afterSynthesis(one, "micro", broken),
    "icarus",
    expected,
  ));

  const prompt = demoTokenizer().encode("Once upon a time");
  const total = prompt.length + CHOSEN - 1;
  const chip = chipRun(
    {
      ...{ ...contents, positions, divider: DIVIDER },
      flash: { words: words.length, offset: 0x100000, program: programIdentity(contents) },
    },
    flashContents(contents, words).bytes,
    { prompt, total, seed: 1, maxCycles: LOADING + total * tokenLimit(model) },
  );
  const whole = await afterSynthesis(chip, "micro_chip", await netlistOf(chip, "micro_chip"));
  const talks = await compare("chip", whole, "verilator", chosenByGolden(model, prompt, total));
  if (!good || !seen || !talks) process.exitCode = 1;
};

await main();
