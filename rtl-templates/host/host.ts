/** What runs on the host's side of an exported project: headers, documents, programs. */
import { render } from "../render.js";

export interface FieldText {
  readonly name: string;
  /** For C: the register's name and the field's, in capitals. */
  readonly constant: string;
  readonly bit: number;
  readonly mask: string;
  readonly access: string;
  readonly doc: string;
}
export interface RegisterText {
  readonly name: string;
  readonly constant: string;
  readonly offset: string;
  readonly width: number;
  readonly access: string;
  readonly doc: string;
  readonly fields: readonly FieldText[];
}
export interface WindowText {
  readonly name: string;
  readonly constant: string;
  readonly offset: string;
  readonly words: number;
  readonly wordBytes: number;
  readonly access: string;
  readonly doc: string;
}
/** The register map as text: numbers as C and Python write them. */
export interface RegisterTexts {
  readonly title: string;
  readonly port: string;
  readonly major: number;
  readonly minor: number;
  readonly bytes: number;
  readonly masters: number;
  /** Bytes of a beat in each channel. */
  readonly sliceBytes: number;
  readonly context: number;
  readonly registers: readonly RegisterText[];
  /** Those of them that have fields. */
  readonly flags: readonly RegisterText[];
  readonly pointers: readonly { readonly constant: string; readonly offset: string; readonly step: number }[];
  readonly windows: readonly WindowText[];
  readonly constants: readonly {
    readonly name: string;
    readonly constant: string;
    readonly value: string;
  }[];
  readonly counters: readonly { readonly name: string; readonly offset: string }[];
}
export const registersHeader = (context: RegisterTexts): string =>
  render("host/gateloom_registers.h", context);
export const registersPython = (context: RegisterTexts): string =>
  render("host/gateloom_registers.py", context);
export const registersDocument = (context: RegisterTexts): string => render("host/registers.md", context);

/** A driver for boards whose processor is beside the accelerator, or for a UART's other end. */
export interface ProgramText {
  readonly title: string;
  /** Of kernel and bitstream. */
  readonly name: string;
}
export const textPython = (context: Pick<ProgramText, "title">): string =>
  render("host/gateloom_text.py", context);
export const pynqPython = (context: ProgramText): string => render("host/gateloom.py", context);

/** Letters of the byte link, as Python and people write them. */
export interface LinkText {
  readonly title: string;
  readonly prompt: string;
  readonly go: string;
  readonly identify: string;
  readonly token: string;
  readonly done: string;
  readonly error: string;
}
export const serialPython = (context: LinkText): string => render("host/gateloom_serial.py", context);
export const linkDocument = (
  context: LinkText & { readonly baud: number; readonly id: string; readonly positions: number },
): string => render("host/link.md", context);

/** What the C++ program is compiled with. */
export interface ModelText {
  readonly title: string;
  /** As XRT names a kernel's instance. */
  readonly kernel: string;
  readonly imageBytes: number;
  readonly programBytes: number;
  /** FNV-1a of 64 bits, as C writes it. */
  readonly imageHash: string;
  readonly programHash: string;
  readonly channelBytes: number;
  readonly positions: number;
  readonly vocab: number;
  readonly registers: readonly {
    readonly constant: string;
    readonly width: number;
    readonly value: number;
  }[];
  /** "" where there is none. */
  readonly vocabularyFile: string;
  /** 1: text can be encoded in C++. */
  readonly encodes: 0 | 1;
  /** -1 where there is none. */
  readonly bos: number;
  readonly firstByte: number;
  readonly dropsSpace: 0 | 1;
  readonly stops: readonly number[];
}
export const modelHeader = (context: ModelText): string => render("host/gateloom_model.h", context);
/** `constants`: registers whose value says whether bitstream and files belong together. */
export const xrtProgram = (context: ProgramText & Pick<RegisterTexts, "constants">): string =>
  render("host/main.cpp", context);
export const hostMakefile = (context: Pick<ProgramText, "title">): string => render("host/Makefile", context);
