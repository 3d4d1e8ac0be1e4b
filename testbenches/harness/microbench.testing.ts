/** A program of nine instructions for the benches of the micro machine: a token plus a number of the stream is the next token. */
import { flashContents, programIdentity } from "../../generator/micro/board/flash.js";
import { encode } from "../../generator/micro/encode.js";
import type { Micro } from "../../generator/micro/machine.js";

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
export const CONTENTS = { program: PROGRAM.map(encode), tables: [] };
const STEP = 0x1234;
export const STREAM = Array.from({ length: WORD + 1 }, (_, i) =>
  i === WORD ? BigInt(STEP) : 0x0123456789abcdefn,
);
export const FLASH = flashContents(CONTENTS, STREAM);

const PROMPT = [7, 300, 11];
const TOTAL = 6;
export const EXPECTED = [1, 2, 3, 4].map((n) => (11 + n * STEP) & 0xffff);
export const REQUEST = { prompt: PROMPT, total: TOTAL, maxCycles: 100_000, seed: 1 };
export const CHIP = {
  ...CONTENTS,
  positions: 256,
  divider: 5,
  flash: { words: WORD + 1, offset: 0x100000, program: programIdentity(CONTENTS) },
};
