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
