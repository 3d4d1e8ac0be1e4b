/** Programs as readable text: one line per instruction, loops indented. */
import {
  BASE_REGISTERS,
  CONSTANT_RAMS,
  EPILOGUES,
  FORMATS,
  NORMS,
  SCALINGS,
  SEMAPHORES,
  TOKEN_SELECTS,
} from "../isa/instruction.js";
import { type Instruction, instructions, type NumberField } from "./assemble.js";

/** What is known besides the words; only the text gets better by it. */
export interface Names {
  /** Base registers 0..7. */
  readonly registers?: readonly string[];
  /** By instruction. */
  readonly comments?: readonly (string | undefined)[];
}

/** The program as text. */
export const disassemble = (program: BigUint64Array | readonly Instruction[], names: Names = {}): string => {
  const list = program instanceof BigUint64Array ? instructions(program) : program;
  const lines: string[] = [];
  let depth = 0;
  list.forEach((instruction, i) => {
    if (instruction.op === "end") depth--;
    const text = `${String(i).padStart(3, "0")}  ${"  ".repeat(Math.max(0, depth))}${line(instruction, names)}`;
    const comment = names.comments?.[i] ?? instruction.comment;
    lines.push(comment === undefined ? text : `${text.padEnd(100)}  ; ${comment}`);
    if (instruction.op === "loop") depth++;
  });
  return `${lines.join("\n")}\n`;
};

const line = (instruction: Instruction, names: Names): string => {
  const field = (name: NumberField): number => instruction.fields[name] ?? 0;
  const register = (r: number): string => names.registers?.[r] ?? `b${r}`;
  const address = (offset: NumberField, base: NumberField): string =>
    field(base) === 0 ? `${field(offset)}` : `${field(offset)}+${register(field(base))}`;
  const strided = (offset: NumberField, base: NumberField, stride: NumberField): string =>
    field(stride) === 0 ? address(offset, base) : `${address(offset, base)}+tok*${field(stride)}`;
  const parts: string[] = [];
  const increments = (sign: string): void => {
    for (let r = 1; r < BASE_REGISTERS; r++) {
      const value = instruction.increments?.[r] ?? 0;
      const wanted = instruction.op === "base" ? (field("baseMask") >> r) & 1 : value !== 0;
      if (wanted) parts.push(`${register(r)}${sign}${value}`);
    }
  };
  const synchronisation = (): void => {
    if (field("last")) parts.push("when-last");
    if (field("tok")) parts.push(`tok=${TOKEN_SELECTS[field("tok")] ?? "?"}`);
    if (field("wait")) parts.push(`wait ${semaphores(field("wait"))}`);
    if (field("signal")) parts.push(`signal ${semaphores(field("signal"))}`);
  };
  const scale = (): string => {
    const scaling = SCALINGS[field("scaling")];
    const slot =
      scaling === "norm" || scaling === "activation" ? `[${address("scaleSlot", "scaleSlotBase")}]` : "";
    const norm = field("norm") === 0 ? "" : `(${NORMS[field("norm")] ?? "?"})`;
    return `${scaling}${norm}${slot}*${field("scaleM")}e${field("scaleE")}`;
  };
  const maximum = (): string => `max${field("slotInit") ? "=" : "|="}[${address("slot", "slotBase")}]`;

  switch (instruction.op) {
    case "halt":
      break;
    case "loop":
      parts.push(field("countFrom") ? "TOKS" : `${field("count")}`, `-> ${field("target")}`);
      break;
    case "end":
      increments("+=");
      parts.push(`-> ${field("target")}`);
      break;
    case "base":
      increments("=");
      break;
    case "next":
      parts.push(`-> ${field("target")}`);
      break;
    case "load":
      parts.push(
        CONSTANT_RAMS[field("ram")] ?? "?",
        `mem ${address("memOffset", "memBase")}`,
        `beats ${field("beats")}`,
      );
      synchronisation();
      break;
    case "emb":
      parts.push(
        `mem ${address("memOffset", "memBase")}`,
        `unit ${field("rowBlocks")}x${field("groups")} beats ${field("beats")}`,
      );
      parts.push(
        `rows ${field("rows")}`,
        scale(),
        `vec ${strided("dst", "dstBase", "dstStride")}`,
        maximum(),
      );
      synchronisation();
      break;
    case "mv": {
      const epilogue = EPILOGUES[field("epilogue")];
      parts.push(FORMATS[field("format")] ?? "?", `-> ${epilogue}`, `mem ${address("memOffset", "memBase")}`);
      parts.push(`${field("rowBlocks")}x${field("groups")} beats ${field("beats")} rows ${field("rows")}`);
      parts.push(`act ${strided("act", "actBase", "actStride")}`, scale());
      if (epilogue === "key" || epilogue === "value") {
        parts.push(
          `cache ${address("cacheOffset", "cacheBase")}+head*${field("cacheHeadStride")} groups ${field("headGroups")}`,
        );
      } else if (epilogue !== "score" && epilogue !== "logits") {
        parts.push(`vec ${strided("dst", "dstBase", "dstStride")}`, maximum());
      }
      if (field("fetchAfterCache")) parts.push("after-cache");
      if (field("bias")) parts.push(epilogue === "query" ? `bias ${address("constant", "dstBase")}` : "bias");
      if (field("headNorm")) parts.push("head-norm");
      if (field("subNorm")) parts.push(`sub-norm ${address("constant", "dstBase")}`);
      if (field("relu2")) parts.push("relu2");
      synchronisation();
      break;
    }
    case "quant":
      parts.push(`vec ${strided("dst", "dstBase", "dstStride")} x${field("elements")}`);
      parts.push(`-> act ${strided("act", "actBase", "actStride")}`, `[${address("slot", "slotBase")}]`);
      synchronisation();
      break;
    case "softmax":
      synchronisation();
      break;
  }
  return `${instruction.op.padEnd(7)} ${parts.join("  ")}`.trimEnd();
};

const semaphores = (mask: number): string =>
  Object.entries(SEMAPHORES)
    .filter(([, { bit }]) => (mask >> bit) & 1)
    .map(([name]) => name)
    .join("|");
