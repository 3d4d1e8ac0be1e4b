/** Tensors as rows: all dimensions but the first make up a row; a vector is one row. */

export function rowsOf(shape: readonly number[]): { rows: number; cols: number } {
  if (shape.length < 2) return { rows: 1, cols: shape[0] ?? 1 };
  return { rows: shape[0]!, cols: shape.slice(1).reduce((product, n) => product * n, 1) };
}

/** How many rows a call asks for; asking outside the tensor is a mistake of the caller. */
export function rowRange(rows: number, from: number, count: number | undefined, name: string): number {
  const many = count ?? rows - from;
  if (!Number.isInteger(from) || from < 0 || !Number.isInteger(many) || many < 0 || from + many > rows)
    throw new RangeError(`rows ${from} to ${from + many} of "${name}" are outside 0 to ${rows}`);
  return many;
}
