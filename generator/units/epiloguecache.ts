/** Keys and values on their way to the cache writer: RoPE, then K's mean. Contract section 5. */
import { bool, delay, delayValid, lit, mux, reg, uint, when } from "../hdl/index.js";
import { type AcceleratorConfig, log2 } from "../isa/config.js";
import { EPILOGUES } from "../isa/instruction.js";
import type { AtWrite } from "./atwrite.js";
import { type ConstantWrite, constantRam } from "./constants.js";
import { EPILOGUE_LATENCY } from "./epilogueports.js";
import { type Bits, type Bool, type Int, pastValid } from "./signals.js";
import { isKind, type Taken } from "./takeresult.js";
import { TRACE_KIND_BITS, TRACE_TOK_BITS, VALUE_BITS } from "./widths.js";

const MEAN_STRIDE = 32;

/** Row of the key that is centred in the next cycle: the mean's RAM takes a cycle. */
const rowAhead = ({ context }: AtWrite, { taken, rotates, odd }: Taken): Bits => {
  const even = pastValid(taken.and(rotates).and(odd), "ahead")(EPILOGUE_LATENCY - 2);
  return mux(even, context(EPILOGUE_LATENCY - 2).row.subMod(1), context(EPILOGUE_LATENCY - 1).row);
};

const centredKey = (c: AcceleratorConfig, rotated: Int, valid: Bool, row: Bits, load: ConstantWrite) => {
  const { element: mean } = constantRam(c, "kmean", c.kmeanEntries, VALUE_BITS, MEAN_STRIDE).inst("u_kmean", {
    write: load,
    index: row.resize(log2(c.kmeanEntries)),
  });
  const centred = rotated.sub(mean.asSigned()).as("centred");
  const key = centred.sat(VALUE_BITS);
  const clipped: Bool = stickyClip(valid.and(centred.ne(key)));
  return { key, clipped };
};

/** One register behind the other writes. `clipped` sticks: a centred key did not fit. */
export const cachePath = (c: AcceleratorConfig, taken: Taken, w: AtWrite, load: ConstantWrite) => {
  const { early, now, rotated } = w;
  const { kind } = w.context(EPILOGUE_LATENCY);
  const evenKey = early.and(isKind(w.context(EPILOGUE_LATENCY - 1).kind, "key"));
  const oddKey = rotated.odd.and(isKind(kind, "key")).and(w.valid);
  const keyValid = evenKey.or(oddKey).as("key_valid");
  const isValue = isKind(kind, "value");

  // where keys may have a norm, the cache writer subtracts the mean behind it
  const { key, clipped } = c.features.qkNorm
    ? { key: rotated.value, clipped: lit(bool, 0) }
    : centredKey(c, rotated.value, keyValid, rowAhead(w, taken), load);

  const valid = delayValid(keyValid.or(w.valid.and(isValue)), 1, "cache_valid");
  const cache = {
    valid,
    value: delay(mux(keyValid, key, w.plain), 1, "cache_value"),
    isValue: delay(isValue.and(early.not()), 1, "cache_is_value"),
    row: delay(now.row, 1, "cache_row"),
    tok: delay(now.relative, 1, "cache_tok"),
    last: delayValid(w.ends.and(isKind(kind, "key").or(isValue)), 1, "cache_last"),
  };
  return {
    cache,
    clipped,
    trace: {
      valid,
      value: cache.value,
      kind: mux(
        cache.isValue,
        lit(uint(TRACE_KIND_BITS), EPILOGUES.indexOf("value")),
        EPILOGUES.indexOf("key"),
      ),
      tok: delay(now.tok, 1, "cache_batch_tok").resize(TRACE_TOK_BITS),
      row: cache.row,
    },
  };
};

const stickyClip = (clips: Bool): Bool => {
  const clipped = reg("mean_clipped", bool, { reset: 0 });
  when(clips, () => clipped.set(1));
  return clipped;
};
