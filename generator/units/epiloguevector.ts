/** The epilogue's writes to the vector memory and the statistics. */
import { mux } from "../hdl/index.js";
import type { AcceleratorConfig } from "../isa/config.js";
import type { AtWrite, Context } from "./atwrite.js";
import { EPILOGUE_LATENCY } from "./epilogueports.js";
import { elementBits } from "./memories.js";
import { magnitude } from "./reciprocal.js";
import type { Bits } from "./signals.js";
import { isKind } from "./takeresult.js";
import { ELEMENT_BITS, TRACE_TOK_BITS } from "./widths.js";

/** dst + offset + token·stride: the element that a result goes to. */
const elementAddress = (c: AcceleratorConfig, { dst, dstStride, relative }: Context, offset: Bits): Bits => {
  const inToken = dst.addMod(offset.wrap(dst.width)).as("element_in_token");
  const address = c.tokens === 1 ? inToken : inToken.addMod(relative.mul(dstStride).wrap(dst.width));
  return address.resize(elementBits(c)).as("write_element");
};

/** y of embedding and residual, h, rotated queries and attention outputs; keys, values, scores and logits go elsewhere. */
export const vectorWrite = (c: AcceleratorConfig, w: AtWrite) => {
  const { early, now, rotated, gated } = w;
  const { kind } = w.context(EPILOGUE_LATENCY);
  const isResidual = isKind(kind, "embed").or(isKind(kind, "residual")).as("out_residual");
  const isQuery = isKind(kind, "query").as("out_query");
  const isGate = isKind(kind, "gateup").as("out_gateup");
  // h stands at half the row of its up element.
  const offset = mux(isGate.and(early.not()), now.row.shr(1).extend(now.row.width), now.row);
  const evenQuery = early.and(isKind(w.context(EPILOGUE_LATENCY - 1).kind, "key").not()).as("even_query");
  const late = isResidual.or(isKind(kind, "attend")).or(isQuery.and(rotated.odd)).or(isGate.and(gated.valid));
  const enable = evenQuery.or(w.valid.and(late)).as("vector_valid");
  const value = mux(
    early,
    rotated.value,
    mux(isResidual, w.y, mux(isGate, gated.value, mux(isQuery, rotated.value, w.plain))),
  )
    .as("vector_value")
    .resize(ELEMENT_BITS);
  return {
    offset,
    vector: { enable, element: elementAddress(c, now, offset), value },
    update: {
      enable,
      slot: now.slot,
      tok: now.tok,
      magnitude: magnitude(value).resize(ELEMENT_BITS),
      restart: now.slotInit.and(offset.eq(0)).as("restart"),
    },
    trace: {
      valid: enable.and(isResidual.and(early.not()).not()),
      value,
      kind: now.kind,
      tok: now.tok.resize(TRACE_TOK_BITS),
      row: offset,
    },
  };
};
