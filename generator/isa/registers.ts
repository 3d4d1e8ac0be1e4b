/**
 * The register map of the accelerator behind AXI4-Lite: data, from which RTL, C header, drivers and documents are made. The
 * first registers are those of Vitis' `ap_ctrl_hs` kernels (UG1393; layout of AMD's RTL kernel examples): control and interrupt,
 * then arguments from 0x10, pointers at steps of 12 bytes, scalars at steps of 8.
 */
import { type AcceleratorConfig, beatBits, lanes, log2, powerOfTwo } from "./config.js";
import { INSTRUCTION_BITS } from "./instruction.js";
import { STREAM_COUNTERS } from "./trace.js";

export const REGISTER_BITS = 32;
/** major.minor of the map, as the register `version` says it: minor versions add, major ones change. */
export const MAP_VERSION = { major: 1, minor: 0 } as const;

/** How many AXI read masters the memory lies behind, and the width of their words. */
export interface Masters {
  readonly masters: number;
  readonly dataBits: number;
}

/**
 * Who may do what. "readwrite": the host writes, the hardware reads. "read": the other way round. "clearOnRead": read, and 1
 * bits go to 0 with it. "toggle": writing 1 turns a bit round. "command": writing 1 does something, reading gives 0.
 */
export type Access = "readwrite" | "read" | "clearOnRead" | "toggle" | "command";

export interface Field {
  readonly name: string;
  readonly bit: number;
  readonly access: Access;
  readonly doc: string;
}
interface Common {
  readonly name: string;
  /** Byte offset of the low 32 bits; the high ones of 64 follow. */
  readonly offset: number;
  readonly doc: string;
}
/** A 64-bit address of memory, as the AXI master `port` sees it. */
export interface Pointer extends Common {
  readonly kind: "pointer";
  readonly width: 64;
  readonly port: string;
  readonly channel: number;
}
/** A number that the host sets before the start and leaves alone until the end. */
export interface Scalar extends Common {
  readonly kind: "scalar";
  readonly width: 32 | 64;
  readonly reset: number;
}
/** Bits with names. */
export interface Flags extends Common {
  readonly kind: "flags";
  readonly width: 32;
  readonly fields: readonly Field[];
}
/** What the hardware says: a constant, a state, or a counter. */
export interface Value extends Common {
  readonly kind: "constant" | "state" | "counter";
  readonly width: 32 | 64;
}
export type Register = Pointer | Scalar | Flags | Value;

/** Many words of one kind; `word` bytes each. */
export interface Window {
  readonly name: string;
  readonly offset: number;
  readonly words: number;
  readonly wordBytes: 4 | 8;
  readonly access: "readwrite" | "write";
  readonly doc: string;
}
export interface RegisterMap {
  readonly registers: readonly Register[];
  readonly windows: readonly Window[];
  /** Bytes that the map takes, a power of two, at least 4 KB; and the address bits for them. */
  readonly bytes: number;
  readonly addressBits: number;
}

export const imagePort = (channel: number): string => `m_axi_gmem${channel}`;
export const CACHE_PORT = "m_axi_cache";
export const CONTROL_PORT = "s_axi_control";

const ARGUMENTS = 0x10;
const POINTER_STEP = 12;
/** Everything that is no argument lies from here on, wherever the arguments end. */
const FIXED = 0x400;
const PAGE = 0x1000;

const CONTROL: readonly Flags[] = [
  {
    kind: "flags",
    name: "ap_ctrl",
    offset: 0x00,
    width: 32,
    doc: "Control of the kernel.",
    fields: [
      {
        name: "ap_start",
        bit: 0,
        access: "readwrite",
        doc: "Write 1 to start; 0 again when the run is over.",
      },
      {
        name: "ap_done",
        bit: 1,
        access: "clearOnRead",
        doc: "A run is over: to its end, stopped, or by an error.",
      },
      { name: "ap_idle", bit: 2, access: "read", doc: "Nothing runs and nothing is under way in memory." },
      {
        name: "ap_ready",
        bit: 3,
        access: "clearOnRead",
        doc: "The next start would be heeded; comes with ap_done.",
      },
      {
        name: "auto_restart",
        bit: 7,
        access: "readwrite",
        doc: "Start again at the end of each run without error.",
      },
    ],
  },
  {
    kind: "flags",
    name: "gie",
    offset: 0x04,
    width: 32,
    doc: "Global interrupt enable.",
    fields: [{ name: "enable", bit: 0, access: "readwrite", doc: "The line `interrupt` follows `isr`." }],
  },
  {
    kind: "flags",
    name: "ier",
    offset: 0x08,
    width: 32,
    doc: "Which events set their bit in isr.",
    fields: [
      { name: "done", bit: 0, access: "readwrite", doc: "ap_done." },
      { name: "ready", bit: 1, access: "readwrite", doc: "ap_ready." },
      { name: "fault", bit: 2, access: "readwrite", doc: "The first error of an AXI port in a run." },
    ],
  },
  {
    kind: "flags",
    name: "isr",
    offset: 0x0c,
    width: 32,
    doc: "Events since they were acknowledged.",
    fields: [
      { name: "done", bit: 0, access: "toggle", doc: "ap_done." },
      { name: "ready", bit: 1, access: "toggle", doc: "ap_ready." },
      { name: "fault", bit: 2, access: "toggle", doc: "The first error of an AXI port in a run." },
    ],
  },
];

const pointers = (masters: number): Pointer[] => {
  const of = (
    name: string,
    port: (c: number) => string,
    from: number,
    doc: (c: number) => string,
  ): Pointer[] =>
    Array.from({ length: masters }, (_, c) => ({
      kind: "pointer",
      name: `${name}_${c}`,
      offset: ARGUMENTS + POINTER_STEP * (from + c),
      width: 64,
      port: port(c),
      channel: c,
      doc: doc(c),
    }));
  return [
    ...of(
      "image",
      imagePort,
      0,
      (c) => `Memory of channel ${c} for ${imagePort(c)}: weights, constants and cache.`,
    ),
    ...of(
      "cache",
      () => CACHE_PORT,
      masters,
      (c) => `The same memory of channel ${c} for ${CACHE_PORT}, which writes the cache.`,
    ),
  ];
};

const SCALARS: readonly Omit<Scalar, "offset" | "kind">[] = [
  { name: "promptLength", width: 32, reset: 0, doc: "Tokens of the prompt, in the token window from 0 on." },
  {
    name: "total",
    width: 32,
    reset: 0,
    doc: "Positions to run: prompt and what follows; at most the context.",
  },
  {
    name: "epsilonSum",
    width: 64,
    reset: 0,
    doc: "The norm's epsilon times the dimension, as the contract has it (section 4).",
  },
  { name: "sinks", width: 32, reset: 0, doc: "Slots of the cache that are kept." },
  { name: "window", width: 32, reset: 0, doc: "Slots of the cache that go round." },
  {
    name: "timeout",
    width: 32,
    reset: 0,
    doc: "Cycles of ap_clk that an AXI port waits for an answer before that is an error; 0: for ever.",
  },
];
const scalars = (from: number): Scalar[] => {
  let offset = from;
  return SCALARS.map((s) => {
    const scalar: Scalar = { kind: "scalar", ...s, offset };
    offset += s.width === 64 ? POINTER_STEP : 8;
    return scalar;
  });
};

/** Every counter, in order; `cycles` counts them all. */
export const REGISTER_COUNTERS = ["cycles", ...STREAM_COUNTERS, "beats"] as const;

const fixed = (): (Flags | Value)[] => {
  const flags = (name: string, offset: number, doc: string, fields: readonly Field[]): Flags => ({
    kind: "flags",
    name,
    offset,
    width: 32,
    doc,
    fields,
  });
  const value = (kind: Value["kind"], name: string, offset: number, width: 32 | 64, doc: string): Value => ({
    kind,
    name,
    offset,
    width,
    doc,
  });
  return [
    value("constant", "version", FIXED, 32, "Version of this map: major in the high half, minor in the low."),
    value(
      "constant",
      "configuration",
      FIXED + 0x04,
      32,
      "Id of the configuration: images and programs are made for one.",
    ),
    value("constant", "lanes", FIXED + 0x08, 32, "Lanes: rows times columns."),
    value("constant", "context", FIXED + 0x0c, 32, "Most positions."),
    value("constant", "masters", FIXED + 0x10, 32, "AXI read masters: channels that each beat is cut into."),
    value(
      "constant",
      "beatBytes",
      FIXED + 0x14,
      32,
      "Bytes of a beat; a channel holds beatBytes / masters of each.",
    ),
    flags("command", FIXED + 0x18, "Commands; write 1.", [
      { name: "stop", bit: 0, access: "command", doc: "End the run behind the tokens at hand." },
      {
        name: "abort",
        bit: 1,
        access: "command",
        doc: "Stop reading memory and end the run; its last tokens are worthless.",
      },
      {
        name: "snapshot",
        bit: 2,
        access: "command",
        doc: "Take the counters; the end of a run does so too.",
      },
    ]),
    flags("status", FIXED + 0x1c, "State of the run.", [
      { name: "running", bit: 0, access: "read", doc: "A run is under way." },
      {
        name: "draining",
        bit: 1,
        access: "read",
        doc: "The run is over; answers of memory are awaited, a start waits.",
      },
      {
        name: "stopped",
        bit: 2,
        access: "read",
        doc: "The run was ended by a command or an error; until the next start.",
      },
      { name: "fault", bit: 3, access: "read", doc: "An AXI port met an error; until the next start." },
      {
        name: "saturated",
        bit: 4,
        access: "read",
        doc: "Arithmetic has saturated since reset; a run that an error ended counts.",
      },
      { name: "snapshotPending", bit: 5, access: "read", doc: "The counters asked for are not there yet." },
    ]),
    value(
      "state",
      "slverr",
      FIXED + 0x20,
      64,
      "Ports with SLVERR: bit c of gmem c, bit `masters` of the cache port; until the next start.",
    ),
    value("state", "decerr", FIXED + 0x28, 64, "Ports with DECERR, likewise."),
    value("state", "timeouts", FIXED + 0x30, 64, "Ports that waited too long, likewise."),
    value(
      "state",
      "generated",
      FIXED + 0x38,
      32,
      "Tokens that the run has chosen so far; they follow the prompt in the token window.",
    ),
    ...REGISTER_COUNTERS.map((name, i) =>
      value(
        "counter",
        `count_${name}`,
        FIXED + 0x80 + 8 * i,
        64,
        name === "beats"
          ? "Beats read from memory."
          : name === "cycles"
            ? "Cycles of the run."
            : `Cycles: ${name}.`,
      ),
    ),
  ];
};

/** Windows are as long as the largest of them, so the high bits of an address say which. */
const windowsOf = (c: AcceleratorConfig): { readonly windows: Window[]; readonly bytes: number } => {
  const programWords = (c.programInstructions * INSTRUCTION_BITS) / 64;
  const unit = powerOfTwo(Math.max(PAGE, 4 * c.context, 8 * programWords));
  return {
    bytes: 4 * unit,
    windows: [
      {
        name: "tokens",
        offset: unit,
        words: c.context,
        wordBytes: 4,
        access: "readwrite",
        doc: "Token ids by position: the prompt is written, what follows is read.",
      },
      {
        name: "program",
        offset: 2 * unit,
        words: programWords,
        wordBytes: 8,
        access: "write",
        doc: "The program in 64-bit words: the low half first, the high half writes the word.",
      },
    ],
  };
};

export const registerMap = (c: AcceleratorConfig, { masters }: Masters): RegisterMap => {
  const { windows, bytes } = windowsOf(c);
  const args = pointers(masters);
  return {
    registers: [...CONTROL, ...args, ...scalars(ARGUMENTS + POINTER_STEP * args.length), ...fixed()],
    windows,
    bytes,
    addressBits: log2(bytes),
  };
};

/** Keys in order, so that equal configurations have equal texts. */
const canonical = (value: unknown): string =>
  value !== null && typeof value === "object"
    ? `{${Object.entries(value)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([k, v]) => `${k}:${canonical(v)}`)
        .join(",")}}`
    : String(value);

/** 32 bits that say which configuration this is: FNV-1a of its fields. */
export const configurationId = (c: AcceleratorConfig, m: Masters): number => {
  let hash = 0x811c9dc5;
  for (const char of canonical({ ...c, masters: m.masters, dataBits: m.dataBits }))
    hash = Math.imul(hash ^ char.charCodeAt(0), 0x01000193) >>> 0;
  return hash;
};

/** What the constants say. */
export const constantsOf = (c: AcceleratorConfig, m: Masters): Readonly<Record<string, number>> => ({
  version: MAP_VERSION.major * 2 ** 16 + MAP_VERSION.minor,
  configuration: configurationId(c, m),
  lanes: lanes(c),
  context: c.context,
  masters: m.masters,
  beatBytes: beatBits(c) / 8,
});
