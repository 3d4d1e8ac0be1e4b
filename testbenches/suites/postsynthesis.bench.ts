/**
 * The chip that `gateloom build --board ulx3s` routes, behind synthesis: the same Yosys run writes its netlist as Verilog, and
 * Verilator runs it with models of the cells. Over the UART it must write golden's tokens; with a look-up table that gives the
 * opposite it must not. A quarter of an hour:
 *   npm run bench:postsynthesis [-- --board ulx3s|icebreaker]
 * The iCEBreaker's micro machine is in micropostsynthesis.bench.ts.
 */
import { boardOf } from "../../fpga-projects/boards/index.js";
import { netlistOf, tableCount, withFaults } from "../harness/ecp5netlist.js";
import { openProject } from "../../fpga-projects/open/project.js";
import { compile } from "../../generator/compile/compile.js";
import { configFor } from "../../generator/compile/configure.js";
import { imageWords } from "../../generator/compile/words.js";
import { defaultConfig } from "../../generator/isa/config.js";
import { generate, IntegerState } from "../../golden/model/integer.js";
import { talk } from "../harness/cellbench.js";
import { goCommand, parseAnswers, promptCommand } from "../harness/serial.js";
import { demoModel } from "./demo.js";

const PROMPT = [1];
const TOTAL = 8;
/** Planted one at a time, spread over the netlist. Not every table has a part in these tokens. */
const FAULTS = 20;
const LEAST_SEEN = 0.5;
/** Cycles for PLL, reset and the program; and after which a chip that says nothing is given up. */
const [READY, MOST] = [1000, 150_000];

const seconds = (since: number): string => `${((performance.now() - since) / 1000).toFixed(0)} s`;

const equalTokens = (bytes: readonly number[], golden: readonly number[]): boolean => {
  try {
    const tokens = parseAnswers(bytes).flatMap((a) => (a.kind === "token" ? [a.token] : []));
    return tokens.length === golden.length && tokens.every((t, i) => t === golden[i]);
  } catch {
    return false; // bytes that are no answer
  }
};

const main = async (): Promise<void> => {
  const model = demoModel();
  const positions = model.shape.context;
  const config = configFor(model, defaultConfig, positions);
  const compiled = compile(model, config, { positions });
  const board = boardOf("ulx3s")!;
  const project = openProject(board, config, compiled, imageWords(compiled));
  const sources = new Map(
    [...project.files].flatMap(([name, text]) =>
      name.startsWith("rtl/") ? [[name.slice("rtl/".length), text] as const] : [],
    ),
  );
  const began = performance.now();
  const netlist = await netlistOf(project.synthesis.replace(`-json ../${project.netlist}`, ""), sources);
  const tables = tableCount(netlist);
  console.log(`netlist: ${tables} look-up tables, ${netlist.length} characters, ${seconds(began)}`);

  const golden = generate(new IntegerState(model), PROMPT, TOTAL).slice(PROMPT.length);
  const bench = {
    top: project.top,
    divider: Math.round((project.clockMHz * 1e6) / project.baud),
    patience: READY,
    wanted: 4 * golden.length + 2,
    most: MOST,
  };
  const places = Array.from({ length: FAULTS }, (_, i) => Math.floor(((i + 0.5) * tables) / FAULTS));
  const since = performance.now();
  const sent = [...promptCommand(PROMPT), ...goCommand(TOTAL)];
  const runs = await talk(withFaults(netlist, places), bench, sent, [0, ...places.map((_, i) => i + 1)]);
  const [good, ...faulty] = runs.map(({ received }) => equalTokens(received, golden));
  console.log(
    `netlist: ${runs[0]!.cycles ?? `no end in ${MOST}`} cycles, bytes ${runs[0]!.received.join(" ")}; golden ${golden.join(" ")}: ${good ? "equal" : "different"}`,
  );
  const seen = faulty.filter((equal) => !equal).length;
  console.log(`planted faults: ${seen} of ${FAULTS} seen; ${seconds(since)}`);
  if (!good || seen < LEAST_SEEN * FAULTS) process.exitCode = 1;
};

const asked = process.argv.indexOf("--board");
const name = asked < 0 ? "ulx3s" : process.argv[asked + 1];
if (name === "ulx3s") await main();
else if (name === "icebreaker") await import("./micropostsynthesis.bench.js");
else {
  console.error(`--board ${name}: ulx3s or icebreaker`);
  process.exitCode = 2;
}
