/** What the core has to say about a description: collected while it is built, thrown once. */

import type { Loc } from "./ir.js";
import { here } from "./location.js";

export interface Note {
  readonly message: string;
  readonly loc?: Loc | undefined;
}
export interface Diagnostic extends Note {
  readonly notes: readonly Note[];
}

export const showLoc = (loc: Loc | undefined): string =>
  loc === undefined ? "?" : `${loc.file}:${loc.line}:${loc.col}`;

export function showDiagnostic({ message, loc, notes }: Diagnostic): string {
  const place = (note: Note): string => (note.loc === undefined ? "" : `${showLoc(note.loc)}: `);
  return [
    place({ message, loc }) + message,
    ...notes.map((note) => `    ${place(note)}${note.message}`),
  ].join("\n");
}

/** Every mistake found, in the order of the places. */
export class HdlError extends Error {
  override readonly name = "HdlError";

  constructor(
    readonly diagnostics: readonly Diagnostic[],
    options?: ErrorOptions,
  ) {
    super(diagnostics.map(showDiagnostic).join("\n"), options);
  }
}

/** For mistakes that leave nothing to go on with, or that are made outside any module. */
export function fail(message: string, notes: readonly Note[] = []): never {
  throw new HdlError([{ message, loc: here(), notes }]);
}
