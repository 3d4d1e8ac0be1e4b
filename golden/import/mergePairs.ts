/** Byte-pair merging: the adjacent pair whose union scores highest first, leftmost first among equals; in n·log n steps. */

/** A pair as it stood when it was found; it is stale if one of its tokens has been merged since. */
interface Pair {
  readonly at: number;
  readonly left: number;
  readonly right: number;
  readonly union: number;
  readonly score: number;
}

const isBefore = (a: Pair, b: Pair): boolean => a.score > b.score || (a.score === b.score && a.at < b.at);

/** A binary heap: the pair that is to be merged first stands at the top. */
class Heap {
  private readonly pairs: Pair[] = [];

  push(pair: Pair): void {
    let at = this.pairs.push(pair) - 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (!isBefore(pair, this.pairs[above]!)) break;
      this.pairs[at] = this.pairs[above]!;
      at = above;
    }
    this.pairs[at] = pair;
  }

  pop(): Pair | undefined {
    const top = this.pairs[0];
    const last = this.pairs.pop();
    if (last === undefined || this.pairs.length === 0) return top;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      const right = this.pairs[below + 1];
      if (right !== undefined && isBefore(right, this.pairs[below]!)) below++;
      const next = this.pairs[below];
      if (next === undefined || !isBefore(next, last)) break;
      this.pairs[at] = next;
      at = below;
    }
    this.pairs[at] = last;
    return top;
  }
}

/** `unionOf` gives the token of two adjacent ones, or undefined. */
export function mergePairs(
  tokens: readonly number[],
  unionOf: (left: number, right: number) => number | undefined,
  scores: readonly number[],
): number[] {
  const now: (number | undefined)[] = [...tokens]; // undefined: merged into the one before
  const next = Int32Array.from(tokens, (_, i) => i + 1);
  const previous = Int32Array.from(tokens, (_, i) => i - 1);
  const heap = new Heap();
  const offer = (at: number): void => {
    const left = now[at];
    const right = now[next[at] ?? -1];
    if (left === undefined || right === undefined) return;
    const union = unionOf(left, right);
    if (union !== undefined) heap.push({ at, left, right, union, score: scores[union]! });
  };
  for (let i = 0; i + 1 < tokens.length; i++) offer(i);
  for (let pair = heap.pop(); pair !== undefined; pair = heap.pop()) {
    const { at, left, right, union } = pair;
    const other = next[at]!;
    if (now[at] !== left || now[other] !== right) continue;
    now[at] = union;
    now[other] = undefined;
    next[at] = next[other]!;
    if (next[at]! < tokens.length) previous[next[at]!] = at;
    if (previous[at]! >= 0) offer(previous[at]!);
    offer(at);
  }
  return now.filter((token) => token !== undefined);
}
