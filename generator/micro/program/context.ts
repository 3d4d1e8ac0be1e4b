/** What every part of the microprogram is written from. */
import type { ModelShape } from "../../../golden/model/types.js";
import type { Assembler } from "../assemble.js";
import type { Image } from "../image.js";
import type { Layout } from "../layout.js";

export interface Context {
  readonly a: Assembler;
  readonly shape: ModelShape;
  /** Fraction bits of the residual stream. */
  readonly residualFraction: number;
  readonly layout: Layout;
  readonly image: Image;
}
