/** What a token asks of the lanes and of the memory, from shapes alone: the numerator of every utilisation figure. */

export interface WorkShape {
  readonly dim: number;
  readonly hidden: number;
  readonly layers: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly vocab: number;
}

export interface Work {
  /** 2-bit lane slots doing useful digits: a W2 weight is 1, a W4 weight 2, a KV4 product 2. Padding is not useful. */
  readonly slots: number;
  /** Multiply-accumulates, whatever their width. */
  readonly macs: number;
}

const sum = (parts: readonly Work[]): Work =>
  parts.reduce((a, b) => ({ slots: a.slots + b.slots, macs: a.macs + b.macs }), { slots: 0, macs: 0 });
const times = (work: Work, n: number): Work => ({ slots: work.slots * n, macs: work.macs * n });
const matrix = (rows: number, cols: number, slots: number): Work => ({
  slots: rows * cols * slots,
  macs: rows * cols,
});

/** One decoder layer's matrices (W2) for one token. */
export const layerWork = (s: WorkShape): Work =>
  sum([
    matrix((s.heads + 2 * s.kvHeads) * s.headDim, s.dim, 1),
    matrix(s.dim, s.heads * s.headDim, 1),
    matrix(2 * s.hidden, s.dim, 1),
    matrix(s.dim, s.hidden, 1),
  ]);

/** Attention of one layer over `live` cached tokens (KV4: scores and weighted values). */
export const attentionWork = (s: WorkShape, live: number): Work =>
  times(matrix(live, s.headDim, 2), 2 * s.heads);

/** The head (W4). */
export const headWork = (s: WorkShape): Work => matrix(s.vocab, s.dim, 2);

/** A whole token at a position with `live` cached tokens, with or without the head. */
export const tokenWork = (s: WorkShape, live: number, head: boolean): Work =>
  sum([times(sum([layerWork(s), attentionWork(s, live)]), s.layers), ...(head ? [headWork(s)] : [])]);
