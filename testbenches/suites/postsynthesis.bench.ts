/**
 * The chip that `gateloom build --board ulx3s` routes, behind synthesis: the same Yosys run writes its netlist as Verilog, and
 * Icarus runs it with models of the cells. Over the UART it must write golden's first token; with one look-up table turned over
 * it must not. Many minutes:
 *   npm run bench:postsynthesis [-- --board ulx3s|icebreaker]
 * The iCEBreaker's micro machine is in micropostsynthesis.bench.ts.
 */
import { boardOf } from "../../fpga-projects/boards/index.js";
import { netlistOf, tablesOf, withFault } from "../harness/ecp5netlist.js";
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
const TOTAL = PROMPT.length + 1;
/** A table in the middle of the netlist. */
const FAULT = 0.5;
/** Cycles for PLL, reset and the program; and after which a chip that says nothing is given up. */
const [READY, MOST] = [1000, 60_000];

const seconds = (since: number): string => `${((performance.now() - since) / 1000).toFixed(0)} s`;

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
  const tables = tablesOf(netlist).length;
  console.log(`netlist: ${tables} look-up tables, ${netlist.length} characters, ${seconds(began)}`);

  const golden = generate(new IntegerState(model), PROMPT, TOTAL).slice(PROMPT.length);
  const bench = {
    top: project.top,
    divider: Math.round((project.clockMHz * 1e6) / project.baud),
    patience: READY,
    wanted: 4 * golden.length + 2,
    most: MOST,
  };
  const run = async (what: string, text: string): Promise<boolean> => {
    const since = performance.now();
    const { received, cycles } = await talk(text, bench, [...promptCommand(PROMPT), ...goCommand(TOTAL)]);
    const tokens = received.some(Number.isNaN)
      ? []
      : parseAnswers(received).flatMap((a) => (a.kind === "token" ? [a.token] : []));
    const equal = tokens.length === golden.length && tokens.every((t, i) => t === golden[i]);
    console.log(
      `${what}: ${cycles ?? `no end in ${MOST}`} cycles, bytes ${received.join(" ")}; tokens ${tokens.join(" ")}, golden ${golden.join(" ")}: ${equal ? "equal" : "different"}, ${seconds(since)}`,
    );
    return equal;
  };
  const good = await run("netlist", netlist);
  const fault = Math.floor(tables * FAULT);
  const seen = !(await run(`table ${fault} turned over`, withFault(netlist, fault)));
  if (!good || !seen) process.exitCode = 1;
};

const asked = process.argv.indexOf("--board");
const name = asked < 0 ? "ulx3s" : process.argv[asked + 1];
if (name === "ulx3s") await main();
else if (name === "icebreaker") await import("./micropostsynthesis.bench.js");
else {
  console.error(`--board ${name}: ulx3s or icebreaker`);
  process.exitCode = 2;
}
