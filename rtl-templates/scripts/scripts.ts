/** Build scripts for people and CI: they fail when a tool does, and when what it should write is not there. */
import { render } from "../render.js";

export interface ScriptStep {
  readonly what: string;
  readonly command: string;
  /** The same for cmd.exe. */
  readonly windows: string;
  /** What this step writes at last, and what it needs from steps before. */
  readonly product: string;
  readonly needs: readonly string[];
}
export interface Scripts {
  readonly title: string;
  /** Programs that the steps call. */
  readonly tools: readonly string[];
  readonly steps: readonly ScriptStep[];
  /** What everything is for. */
  readonly product: string;
  /** All that must be there at the end. */
  readonly products: readonly string[];
}
export const buildSh = (context: Scripts): string => render("scripts/build.sh", context);
/** Lines end as cmd.exe wants them. */
export const buildBat = (context: Scripts): string =>
  render("scripts/build.bat", context).replaceAll("\n", "\r\n");

export interface Make {
  readonly title: string;
  /** What `make` makes, and what `make <name>` does. */
  readonly product: string;
  readonly others: readonly { readonly name: string; readonly product: string }[];
  readonly steps: readonly ScriptStep[];
}
export const makefile = (context: Make): string => render("scripts/Makefile", context);
