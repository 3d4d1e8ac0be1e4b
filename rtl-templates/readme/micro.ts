import { render } from "../render.js";

export interface MicroReadme {
  readonly title: string;
  readonly bitstream: string;
  /** Image of the flash, and where it lies there. */
  readonly image: string;
  readonly offset: string;
  readonly bytes: string;
  readonly id: string;
  readonly clockMHz: number;
  readonly baud: number;
  readonly positions: number;
  readonly notes: readonly string[];
}
/** README.md of a built project whose model lies in the flash. */
export const microReadme = (context: MicroReadme): string => render("readme/micro.md", context);
