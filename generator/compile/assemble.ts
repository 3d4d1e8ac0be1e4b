/** Instructions to 256-bit words and back, by the table of generator/isa. Fields that an op does not use are refused. */
import {
  BASE_BITS,
  BASE_REGISTERS,
  EPILOGUES,
  type Epilogue,
  type Field,
  FIELDS,
  INSTRUCTION_BITS,
  OPS,
  type Op,
  PROGRAM_WORD_BITS,
} from "../isa/instruction.js";
import { CompileError } from "./error.js";

/** Single numbers; `increments` has a shape of its own. */
export type NumberField = Exclude<Field, "op" | "increments">;

export interface Instruction {
  readonly op: Op;
  readonly fields: Readonly<Partial<Record<NumberField, number>>>;
  /** base, end: signed, by register; register 0 unused. */
  readonly increments?: readonly number[];
  /** For the listing only. */
  readonly comment?: string;
}

const SYNCHRONISED: readonly NumberField[] = ["last", "tok", "wait", "signal"];
const RESULT: readonly NumberField[] = [
  ...SYNCHRONISED,
  "format",
  "epilogue",
  "scaling",
  "memOffset",
  "memBase",
  "beats",
  "rowBlocks",
  "groups",
  "rows",
  "scaleM",
  "scaleE",
];
const VECTOR: readonly NumberField[] = ["dst", "dstBase", "dstStride", "slot", "slotBase", "slotInit"];
const MATRIX: readonly NumberField[] = [
  ...RESULT,
  "fetchAfterCache",
  "act",
  "actBase",
  "actStride",
  "scaleSlot",
  "scaleSlotBase",
];
const CACHE: readonly NumberField[] = [
  "cacheOffset",
  "cacheBase",
  "cacheWidth",
  "cacheKeys8",
  "headGroups",
  "cacheHeadStride",
];

/** Options of what happens to the results. */
const OPTIONAL: Readonly<Partial<Record<Epilogue, readonly NumberField[]>>> = {
  query: ["bias", "headNorm", "constant"],
  key: ["bias", "headNorm"],
  value: ["bias"],
  score: ["norm"],
  residual: ["norm"],
  gateup: ["subNorm", "relu2"],
  attend: ["subNorm", "constant"],
};

/** The fields of an instruction; those of an MV depend on where its results go. */
export const fieldsOf = (op: Op, epilogue = 0): readonly NumberField[] => {
  switch (op) {
    case "halt":
      return [];
    case "loop":
      return ["count", "countFrom", "target"];
    case "end":
      return ["target"];
    case "base":
      return ["baseMask"];
    case "next":
      return ["target"];
    case "load":
      return [...SYNCHRONISED, "ram", "memOffset", "memBase", "beats"];
    case "emb":
      return [...RESULT, ...VECTOR];
    case "quant":
      return [
        ...SYNCHRONISED,
        "act",
        "actBase",
        "actStride",
        "dst",
        "dstBase",
        "dstStride",
        "slot",
        "slotBase",
        "elements",
      ];
    case "softmax":
      return SYNCHRONISED;
    case "mv": {
      const name = EPILOGUES[epilogue];
      return [
        ...MATRIX,
        ...(name === "key" || name === "value" ? CACHE : VECTOR),
        ...(name === undefined ? [] : (OPTIONAL[name] ?? [])),
      ];
    }
  }
};

const hasIncrements = (op: Op): boolean => op === "base" || op === "end";
const SIGNED: ReadonlySet<Field> = new Set(["scaleE"]);

const put = (
  word: bigint,
  low: number,
  width: number,
  value: number,
  signed: boolean,
  what: string,
): bigint => {
  const least = signed ? -(2 ** (width - 1)) : 0;
  const most = signed ? 2 ** (width - 1) - 1 : 2 ** width - 1;
  if (!Number.isInteger(value) || value < least || value > most)
    throw new CompileError([`${what} is ${value}; the instruction word holds ${least}..${most}`]);
  return word | (BigInt.asUintN(width, BigInt(value)) << BigInt(low));
};

/** One instruction to its 256 bits. */
export const encode = (instruction: Instruction): bigint => {
  const { op, fields, increments } = instruction;
  const allowed = fieldsOf(op, fields.epilogue);
  const place = instruction.comment === undefined ? op : `${op} (${instruction.comment})`;
  let word = put(0n, FIELDS.op[0], FIELDS.op[1], OPS.indexOf(op), false, "op");
  for (const [name, value] of Object.entries(fields) as [NumberField, number][]) {
    if (!allowed.includes(name)) throw new CompileError([`${place} has no field '${name}'`]);
    const [low, width] = FIELDS[name];
    word = put(word, low, width, value, SIGNED.has(name), `${place}: ${name}`);
  }
  if (increments === undefined) return word;
  if (!hasIncrements(op)) throw new CompileError([`${place} has no increments`]);
  if (increments.length !== BASE_REGISTERS || increments[0] !== 0)
    throw new CompileError([
      `${place}: increments are those of registers 0 to ${BASE_REGISTERS - 1}, the first 0`,
    ]);
  for (let r = 1; r < BASE_REGISTERS; r++)
    word = put(
      word,
      FIELDS.increments[0] + BASE_BITS * r,
      BASE_BITS,
      increments[r]!,
      true,
      `${place}: increment ${r}`,
    );
  return word;
};

/** The instruction of 256 bits, with every field of its op. */
export const decode = (word: bigint): Instruction => {
  const get = (low: number, width: number, signed: boolean): number => {
    const raw = (word >> BigInt(low)) & ((1n << BigInt(width)) - 1n);
    return Number(signed ? BigInt.asIntN(width, raw) : raw);
  };
  const code = get(FIELDS.op[0], FIELDS.op[1], false);
  const op = OPS[code];
  if (op === undefined) throw new CompileError([`${code} is no op`]);
  const fields: Partial<Record<NumberField, number>> = {};
  const epilogue = get(FIELDS.epilogue[0], FIELDS.epilogue[1], false);
  for (const name of fieldsOf(op, epilogue)) {
    const [low, width] = FIELDS[name];
    fields[name] = get(low, width, SIGNED.has(name));
  }
  if (!hasIncrements(op)) return { op, fields };
  const increments = Array.from({ length: BASE_REGISTERS }, (_, r) =>
    r === 0 ? 0 : get(FIELDS.increments[0] + BASE_BITS * r, BASE_BITS, true),
  );
  return { op, fields, increments };
};

/** Program words per instruction. */
export const WORDS_PER_INSTRUCTION = INSTRUCTION_BITS / PROGRAM_WORD_BITS;

/** The program memory: four 64-bit words per instruction, least significant first. */
export const assemble = (program: readonly Instruction[]): BigUint64Array => {
  const words = new BigUint64Array(program.length * WORDS_PER_INSTRUCTION);
  program.forEach((instruction, i) => {
    let bits = encode(instruction);
    for (let w = 0; w < WORDS_PER_INSTRUCTION; w++) {
      words[i * WORDS_PER_INSTRUCTION + w] = BigInt.asUintN(PROGRAM_WORD_BITS, bits);
      bits >>= BigInt(PROGRAM_WORD_BITS);
    }
  });
  return words;
};

/** Instructions back from program memory. */
export const instructions = (words: BigUint64Array): Instruction[] => {
  if (words.length % WORDS_PER_INSTRUCTION !== 0)
    throw new CompileError([`${words.length} words are no whole instructions`]);
  return Array.from({ length: words.length / WORDS_PER_INSTRUCTION }, (_, i) => {
    let bits = 0n;
    for (let w = WORDS_PER_INSTRUCTION - 1; w >= 0; w--)
      bits = (bits << BigInt(PROGRAM_WORD_BITS)) | words[i * WORDS_PER_INSTRUCTION + w]!;
    return decode(bits);
  });
};
