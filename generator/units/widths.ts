/** Widths that the arithmetic contract fixes (golden/contract/README.md). */

/** Elements of vectors: the residual stream, y, h, logits and every matrix result on its way. Sections 2 to 4. */
export const ELEMENT_BITS = 32;
/** q, k, v, gate, up, scores and the attention output. Section 4. */
export const VALUE_BITS = 24;
/** Positions. Token ids and row numbers: `rowBits` of the configuration. */
export const TOKEN_BITS = 16;
/** Mantissas of scales: 2^15 <= m < 2^16. Section 0. */
export const SCALE_MANTISSA_BITS = 16;
/** A sum of squares SS. Section 2. */
export const SQUARES_BITS = 48;
/** Slots of the KV cache that share a probability exponent, and rows that share a mantissa. Section 6. */
export const BLOCK = 32;
/** Trace records: row or token id, token of the batch, and epilogue kind. */
export const TRACE_ROW_BITS = 18;
export const TRACE_TOK_BITS = 4;
export const TRACE_KIND_BITS = 4;
