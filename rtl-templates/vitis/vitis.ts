import { render } from "../render.js";

export interface Link {
  readonly title: string;
  readonly name: string;
  readonly clockMHz: number;
  /** Banks as v++ takes them: `0` or `0:3`. */
  readonly ports: readonly { readonly port: string; readonly banks: string }[];
}
/** Configuration of `v++ --link`. */
export const linkCfg = (context: Link): string => render("vitis/link.cfg", context);
