/**
 * The assembler: a program is TypeScript that calls `op` once per microinstruction and `label` before those that are jumped to.
 * Wrong instructions are refused with the file and line that wrote them.
 */
import { basename } from "node:path";
import { describe, encode, immUses, usesTarget } from "./encode.js";
import { type Code, FIELDS, type Field, IMM_BITS, type Micro, PROGRAM } from "./machine.js";

/** One microinstruction as it is written; numbers in place of codes are `imm`. */
export interface Written {
  /** A number: VMEM[number]. */
  readonly vr?: Code<"vr"> | number;
  readonly vw?: Code<"vw"> | number;
  readonly mx?: Code<"mx">;
  /** A number: that constant. */
  readonly my?: Code<"my"> | number;
  readonly ac?: Code<"ac">;
  /** `floor14`, `round14`: by a constant. */
  readonly q?: "floorSh" | "roundSh" | `floor${number}` | `round${number}`;
  readonly r?: Code<"r">;
  readonly max?: Code<"max">;
  readonly sh?: Code<"sh">;
  readonly lane?: Code<"lane">;
  readonly tk?: Code<"tk">;
  /** The index and the base of the table. */
  readonly tb?: readonly [Exclude<Code<"tb">, "none">, number];
  readonly gw?: Code<"gw">;
  readonly gr?: Code<"gr">;
  readonly aw?: Code<"aw">;
  readonly sw?: Code<"sw">;
  /** `["p0", 5]`: p0 <- 5. */
  readonly misc?: Exclude<Code<"misc">, `${string}=imm`> | readonly [Loaded, number];
  readonly seq?: Code<"seq">;
  /** A label. */
  readonly target?: string;
}

type Loaded = Code<"misc"> extends infer M ? (M extends `${infer Register}=imm` ? Register : never) : never;

/** One line of the listing. */
export interface Line {
  readonly address: number;
  /** Labels that stand before it. */
  readonly labels: readonly string[];
  readonly text: string;
  /** `file.ts:line` that wrote it. */
  readonly source: string;
}

export interface Program {
  readonly micros: readonly Micro[];
  readonly words: readonly bigint[];
  readonly lines: readonly Line[];
  readonly labels: ReadonlyMap<string, number>;
}

/** A mistake in a program, with the place that wrote it. */
export class AssemblyError extends Error {
  override readonly name = "AssemblyError";
}

interface Entry {
  readonly written: Written;
  readonly source: Place;
}

export class Assembler {
  private readonly entries: Entry[] = [];
  private readonly labels = new Map<string, { readonly address: number; readonly source: Place }>();
  private names = 0;

  /** Names the next instruction. */
  label(name: string): void {
    const before = this.labels.get(name);
    const source = new Place();
    if (before) throw new AssemblyError(`${source}: label ${name} stands at ${before.source} already`);
    this.labels.set(name, { address: this.entries.length, source });
  }

  /** A label that no other has, for places inside a routine. */
  fresh(name: string): string {
    return `${name}.${this.names++}`;
  }

  op(written: Written): void {
    this.entries.push({ written, source: new Place() });
  }

  /** Microinstructions so far. */
  get length(): number {
    return this.entries.length;
  }

  assemble(): Program {
    if (this.entries.length > PROGRAM) {
      const { source } = this.entries[PROGRAM]!;
      throw new AssemblyError(
        `${source}: the program has ${this.entries.length} microinstructions, the store ${PROGRAM}`,
      );
    }
    const micros = this.entries.map((entry) => this.micro(entry));
    const at = new Map<number, string[]>();
    for (const [name, { address }] of this.labels) at.set(address, [...(at.get(address) ?? []), name]);
    for (const [address, [name]] of at)
      if (address >= micros.length)
        throw new AssemblyError(`${this.labels.get(name!)!.source}: no instruction behind label ${name}`);
    const lines = micros.map((micro, address) => {
      const { written, source } = this.entries[address]!;
      return {
        address,
        labels: at.get(address) ?? [],
        text: describe(micro, written.target),
        get source() {
          return `${source}`;
        },
      };
    });
    return {
      micros,
      words: micros.map(encode),
      lines,
      labels: new Map([...this.labels].map(([name, { address }]) => [name, address])),
    };
  }

  private micro({ written, source }: Entry): Micro {
    const fail = (message: string): never => {
      throw new AssemblyError(`${source}: ${message}`);
    };
    const { micro, wanted } = plain(written, fail);
    const target = this.target(written, micro, fail);
    const imm = joinImm(micro, wanted, fail);
    checkTogether(micro, fail);
    return { ...micro, ...(imm === undefined ? {} : { imm }), ...(target === undefined ? {} : { target }) };
  }

  private target({ target }: Written, micro: Micro, fail: Fail): number | undefined {
    if (!usesTarget(micro)) return target === undefined ? undefined : fail(`target ${target} without a jump`);
    if (target === undefined) return fail(`${micro.seq} without a target`);
    const label = this.labels.get(target);
    if (!label) return fail(`unknown label ${target}`);
    return label.address;
  }
}

/** Assembles what `write` writes. */
export function program(write: (a: Assembler) => void): Program {
  const assembler = new Assembler();
  write(assembler);
  return assembler.assemble();
}

/** The listing for people. */
export function listing({ lines }: Program): string {
  return lines
    .map(({ address, labels, text, source }) => {
      const heads = labels.map((label) => `${label}:\n`).join("");
      return `${heads}${String(address).padStart(5)}  ${text.padEnd(90)} ; ${source}\n`;
    })
    .join("");
}

type Fail = (message: string) => never;

/** Codes for the numbers that stand in place of codes, and what each field wants of `imm`. */
function plain(written: Written, fail: Fail): { micro: Micro; wanted: Map<Field, number> } {
  const { vr, vw, my, q, tb, misc, target: _target, ...rest } = written;
  const wanted = new Map<Field, number>();
  const micro: { -readonly [F in Field]?: Code<F> } = { ...rest };
  if (vr !== undefined) micro.vr = typeof vr === "number" ? "imm" : vr;
  if (vw !== undefined) micro.vw = typeof vw === "number" ? "imm" : vw;
  if (my !== undefined) micro.my = typeof my === "number" ? "imm" : my;
  if (typeof vr === "number") wanted.set("vr", vr);
  if (typeof vw === "number") wanted.set("vw", vw);
  if (typeof my === "number") wanted.set("my", my);
  if (q === "floorSh" || q === "roundSh") micro.q = q;
  else if (q !== undefined) {
    micro.q = q.startsWith("floor") ? "floorImm" : "roundImm";
    wanted.set("q", Number(q.slice(5)));
  }
  if (tb) {
    micro.tb = tb[0];
    wanted.set("tb", tb[1]);
  }
  if (typeof misc === "string") micro.misc = misc;
  else if (misc) {
    micro.misc = `${misc[0]}=imm`;
    wanted.set("misc", misc[1]);
  }
  for (const field of Object.keys(micro) as Field[]) {
    if (!(field in FIELDS)) fail(`there is no field ${field}`);
    if (!(FIELDS[field] as readonly string[]).includes(micro[field]!))
      fail(`field ${field} has no ${micro[field]}`);
  }
  for (const { field } of immUses(micro)) if (!wanted.has(field)) fail(`${field} wants a number`);
  return { micro, wanted };
}

/** The one `imm` that gives every field the bits it wants. */
function joinImm(micro: Micro, wanted: ReadonlyMap<Field, number>, fail: Fail): number | undefined {
  let imm: number | undefined;
  let known = 0;
  for (const { field, mask } of immUses(micro)) {
    const value = wanted.get(field)!;
    // a table's base may be below 0: its address is taken modulo 1024
    const least = field === "tb" ? -1023 : 0;
    const most = Math.min(mask, 2 ** IMM_BITS - 1);
    if (!Number.isInteger(value) || value < least || value > most)
      fail(`${field} wants ${value}, which is not in ${least}..${most}`);
    const bits = value & mask;
    if (imm !== undefined && ((imm ^ bits) & known & mask) !== 0)
      fail(
        `${field} wants imm ${value}, but ${[...wanted.entries()].map(([f, v]) => `${f} ${v}`).join(", ")}`,
      );
    imm = (imm ?? 0) | bits;
    known |= mask;
  }
  return imm;
}

const STEPPED = /^(p\d)\+$/;

/** Two fields of one instruction that would write the same, or one port for two. */
export function conflict(micro: Micro): string | undefined {
  const { vr = "none", vw = "none", misc = "none", seq = "next", tk = "none", sw = "none" } = micro;
  const pointer = (code: string): string => code.replace("+", "");
  if (vr !== "none" && vw !== "none" && pointer(vr) === pointer(vw)) {
    if (vr.endsWith("+") || vw.endsWith("+")) return `vr ${vr} and vw ${vw} step one pointer`;
    return `vr ${vr} reads the word that vw writes`;
  }
  const [register] = misc.split("=");
  for (const [field, code] of [
    ["vr", vr],
    ["vw", vw],
  ] as const)
    if (STEPPED.exec(code)?.[1] === register) return `${field} ${code} and misc ${misc} write one pointer`;
  if (/^c\d$/.test(register!) && seq === `loop${register![1]}`) return `misc ${misc} and seq ${seq}`;
  const seeks = register === "seek";
  if (seeks && tk !== "none") return `misc ${misc} and tk ${tk}`;
  if (seeks && sw !== "none") return `misc ${misc} and sw ${sw}: SPRAM has one port`;
  if (tk !== "none" && sw !== "none") return `tk ${tk} and sw ${sw}: SPRAM has one port`;
  if (register === "wp" && sw !== "none") return `misc ${misc} and sw ${sw} write WP`;
  if (misc === "ar=imm" && (micro.lane === "w2" || micro.lane === "w4")) return `misc ${misc} and lane`;
  if (misc === "aw=imm" && (micro.aw ?? "none") !== "none") return `misc ${misc} and aw`;
  if (misc === "gs=0" && ((micro.gw ?? "none") !== "none" || (micro.gr ?? "none") !== "none"))
    return "misc gs=0 and gw or gr";
  return undefined;
}

function checkTogether(micro: Micro, fail: Fail): void {
  const message = conflict(micro);
  if (message !== undefined) fail(message);
}

/** Where an instruction was written: `file.ts:line` of the nearest caller outside this file, looked up when somebody asks. */
class Place {
  private readonly error = new Error();
  private text: string | undefined;

  toString(): string {
    this.text ??= nearest(this.error.stack ?? "");
    return this.text;
  }
}

function nearest(stack: string): string {
  const here = /(?:^|[/\\])micro[/\\]assemble\.(?:ts|js)/;
  for (const frame of stack.split("\n").slice(1)) {
    if (here.test(frame)) continue;
    const match = /([^/\\(]+):(\d+):\d+\)?$/.exec(frame);
    if (match) return `${basename(match[1]!)}:${match[2]}`;
  }
  return "unknown place";
}
