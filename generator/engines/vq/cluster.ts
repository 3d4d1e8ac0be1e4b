/** k-means of pairs (Lloyd's algorithm, k-means++ start), the same for the same seed on every machine. */

export type Point = readonly [number, number];

/** Numbers in 0..1: a 32-bit xorshift (Marsaglia 2003). */
const numbers = (seed: number): (() => number) => {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
};
const distance = (a: Point, b: Point): number => (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2;

/** Index of the nearest centroid, the lowest of several. */
export const nearestOf = (centroids: readonly Point[], p: Point): number => {
  let best = 0;
  for (let i = 1; i < centroids.length; i++)
    if (distance(centroids[i]!, p) < distance(centroids[best]!, p)) best = i;
  return best;
};

/** Points are chosen with the probability of their squared distance to those chosen, so equal points only once. */
const start = (points: readonly Point[], k: number, next: () => number): Point[] => {
  const chosen: Point[] = [points[Math.floor(next() * points.length)]!];
  const far = points.map((p) => distance(p, chosen[0]!));
  while (chosen.length < k) {
    let at = next() * far.reduce((a, b) => a + b, 0);
    const i = far.findIndex((d) => {
      at -= d;
      return at < 0;
    });
    const p = points[Math.max(i, 0)]!;
    chosen.push(p);
    for (const [j, q] of points.entries()) far[j] = Math.min(far[j]!, distance(q, p));
  }
  return chosen;
};

export const kMeans = (points: readonly Point[], k: number, seed: number, rounds = 30): Point[] => {
  let centroids = start(points, k, numbers(seed));
  for (let round = 0; round < rounds; round++) {
    const sums = centroids.map(() => ({ x: 0, y: 0, n: 0 }));
    for (const p of points) {
      const s = sums[nearestOf(centroids, p)]!;
      s.x += p[0];
      s.y += p[1];
      s.n++;
    }
    // one that no point is nearest to stays where it is
    centroids = sums.map(({ x, y, n }, i): Point => (n === 0 ? centroids[i]! : [x / n, y / n]));
  }
  return centroids;
};
