/** The stand-in for Vivado that lint plays scripts with. */
import { render } from "../render.js";

/** What Vivado does in one run of the scripts. Lists are lists of Tcl: names without spaces or in braces. */
export interface TclScenario {
  readonly name: string;
  /** The one script that it is about; none: all of them. */
  readonly only: string;
  /** Every command is recorded; otherwise how scripts end and what they print. */
  readonly full: 0 | 1;
  readonly version: string;
  /** PROGRESS of the runs. */
  readonly synthesis: string;
  readonly implementation: string;
  /** Worst slacks, ns; and whether there is a constrained path at all. */
  readonly setup: number;
  readonly hold: number;
  readonly paths: 0 | 1;
  readonly boardFiles: 0 | 1;
  /** Names of files that the command which should write them does not. */
  readonly absent: string;
  /** Files of the project that are not there. */
  readonly hidden: string;
  /** Commands that fail. */
  readonly failing: string;
  /** Files that an earlier script has written. */
  readonly present: string;
}
export interface Stub {
  readonly plays: readonly { readonly mode: "tcl" | "xdc"; readonly file: string }[];
  readonly scenarios: readonly TclScenario[];
}
/** Runs in the project's folder. */
export const stubTcl = (context: Stub): string =>
  render("lint/stub.tcl", { ...context, commands: render("lint/commands.tcl", {}) });
