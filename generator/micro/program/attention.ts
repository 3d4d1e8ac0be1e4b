/** Attention of one layer: q, k and v of this position to o. */
import { attend } from "./attend.js";
import { cacheWriter } from "./cachewriter.js";
import type { Context } from "./context.js";
import { rope } from "./rope.js";

/** `attention`: `rope.angles` has run for this position; the stream stands at the K means. Overwrites everything but x, y, layer, cache, live and c3. */
export function attention(context: Context): void {
  const { a } = context;
  a.label("attention");
  a.op({ seq: "call", target: "rope" });
  a.op({ seq: "call", target: "cache" });
  attend(context); // and returns
  cacheWriter(context);
  rope(context);
}
