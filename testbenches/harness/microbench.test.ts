/** The benches of the micro machine with a program of nine instructions: a token plus a number of the stream is the next token. */
import assert from "node:assert/strict";
import { flashContents, programIdentity } from "../../generator/micro/board/flash.js";
import { encode } from "../../generator/micro/encode.js";
import type { Micro } from "../../generator/micro/machine.js";
import { runEmbedded } from "./embedded.js";
import { chipRun, machineRun } from "./microbench.js";
import type { RunDescription } from "./run.js";

const WORD = 3;
const PROGRAM: Micro[] = [
  { seq: "wait" },
  { r: "token" },
  { mx: "r", my: "imm", imm: 1 },
  { misc: "seek=imm", imm: WORD },
  { ac: "=", mx: "one", my: "half" },
  { ac: "+" },
  { q: "floorImm", imm: 0 },
  { r: "wrap32" },
  { misc: "ack", seq: "jump", target: 0 },
];
const CONTENTS = { program: PROGRAM.map(encode), tables: [] };
const STEP = 0x1234;
const STREAM = Array.from({ length: WORD + 1 }, (_, i) => (i === WORD ? BigInt(STEP) : 0x0123456789abcdefn));
const FLASH = flashContents(CONTENTS, STREAM);

const PROMPT = [7, 300, 11];
const TOTAL = 6;
const EXPECTED = [1, 2, 3, 4].map((n) => (11 + n * STEP) & 0xffff);
const REQUEST = { prompt: PROMPT, total: TOTAL, maxCycles: 100_000, seed: 1 };
const CHIP = {
  ...CONTENTS,
  positions: 256,
  divider: 5,
  flash: { words: WORD + 1, offset: 0x100000, program: programIdentity(CONTENTS) },
};
const tokensOf = async (run: RunDescription) => {
  const tokens: number[] = [];
  const end = await runEmbedded(run, {
    record: ({ fields }) => void tokens.push(fields[0]!),
    progress: () => {},
    stopped: () => false,
  });
  return { tokens, end };
};

describe("benches of the micro machine", () => {
  it("bare: the prompt, then the chosen tokens", async () => {
    const { tokens, end } = await tokensOf(machineRun(CONTENTS, STREAM, REQUEST));
    assert.deepEqual([tokens, end.outcome], [EXPECTED, "done"]);
  });

  it("chip: from the flash, over the UART", async () => {
    const { tokens, end } = await tokensOf(chipRun(CHIP, FLASH.bytes, REQUEST));
    assert.deepEqual([tokens, end.outcome], [EXPECTED, "done"]);
    assert.deepEqual(
      [...end.finals],
      [
        ["saturated", 0n],
        ["identity", BigInt(FLASH.id)],
        ["refused", 0n],
        ["failed", 0n],
        ["flash_wrong", 0n],
      ],
    );
  });

  it("chip: a model for another program is reported, and nothing runs", async () => {
    const other = flashContents({ ...CONTENTS, program: CONTENTS.program.slice(1) }, STREAM);
    const { tokens, end } = await tokensOf(chipRun(CHIP, other.bytes, { ...REQUEST, maxCycles: 30_000 }));
    assert.deepEqual([tokens, end.outcome], [[], "limit"]);
    assert.deepEqual([end.finals.get("failed"), end.finals.get("refused")], [1n, 1n]);
  });
});
