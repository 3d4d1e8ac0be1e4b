/**
 * What each unit of the micro machine takes of a UP5K, with the demo model's microprogram, counted in Yosys' netlist. Two minutes:
 *   npm run bench:micro
 */
import { readFileSync } from "node:fs";
import { YosysProcess } from "../../generator/estimate/yosys.js";
import { readDemo } from "../../golden/import/demo.js";
import { boardOf } from "../boards/index.js";
import { unitsOf } from "./budget.js";
import { placeMicro } from "./fit.js";
import { microProject } from "./project.js";

const POSITIONS = 256;
const CHIP = "u_micro_chip";
const UNITS = [
  ...["sequencer", "vectors", "stream", "activations", "lanes", "group_sums", "tables", "maximum"],
  ...["shift_amount", "multiplier", "accumulator", "shifter", "result"],
].map((unit) => `${CHIP}.u_micro.u_${unit}`);
const AROUND = ["micro", "loader", "link", "memory", "receiver", "transmitter"].map((u) => `${CHIP}.u_${u}`);

const main = async (): Promise<void> => {
  const file = new URL("../../golden/demo/stories.safetensors", import.meta.url);
  const { model } = readDemo(readFileSync(file), "stories.safetensors", { sinks: 4, window: POSITIONS - 4 });
  const board = boardOf("icebreaker")!;
  const { contents, program } = placeMicro(board, model, POSITIONS);
  const { flow } = microProject({
    ...{ board, name: model.name, model: model.name, contents, words: program.image.words },
    ...{ positions: POSITIONS, vocab: model.shape.vocab, clockMHz: board.clockMHz.value! },
    tokenizer: new Map(),
  });
  const netlist = "netlist.json";
  const yosys = new YosysProcess();
  try {
    const answer = await yosys.run({
      script: flow.synthesis.replace(`../${flow.netlist}`, netlist),
      files: Object.fromEntries(
        [...flow.files].flatMap(([name, text]) =>
          name.startsWith("rtl/") ? [[name.slice("rtl/".length), text] as const] : [],
        ),
      ),
      wanted: [netlist],
    });
    if (!answer.ok) throw new Error(answer.log.slice(-4000));
    const units = unitsOf(answer.files[netlist]!, flow.top, [...UNITS, ...AROUND]);
    console.log("| unit | logic cells | EBR | SPRAM | SB_MAC16 |\n|---|---|---|---|---|");
    for (const [name, { cells, ebr, spram, mac16 }] of units)
      console.log(`| ${name.replace(`${CHIP}.`, "")} | ${cells} | ${ebr} | ${spram} | ${mac16} |`);
  } finally {
    yosys.close();
  }
};

await main();
