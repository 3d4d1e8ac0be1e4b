/**
 * The upper factor U of H⁻¹ = UᵀU, which GPTQ walks along (arXiv 2210.17323, algorithm 1), from H = R·Rᵀ with R upper and U = R⁻¹: no
 * inverse of H is ever formed. Plain loops in one order over + - * / and sqrt: the same bits on every machine.
 */

/** U [size·size], rows of it whole, zeros below the diagonal, of a symmetric positive definite H [size·size]. */
export function inverseFactor(hessian: Float64Array, size: number): Float64Array {
  const u = Float64Array.from(hessian);
  decompose(u, size);
  invert(u, size);
  return u;
}

/** R in place, from the last column: R_ij = (H_ij - Σ R_ik·R_jk) / R_jj over k > j. */
function decompose(a: Float64Array, n: number): void {
  for (let j = n - 1; j >= 0; j--) {
    const pivot = a[j * n + j]! - dot(a, j * n, j * n, j + 1, n);
    if (!(pivot > 0)) throw new RangeError(`the moments of input ${j} make no positive definite matrix`);
    const root = Math.sqrt(pivot);
    a[j * n + j] = root;
    for (let i = 0; i < j; i++) a[i * n + j] = (a[i * n + j]! - dot(a, i * n, j * n, j + 1, n)) / root;
    a.fill(0, j * n, j * n + j);
  }
}

function dot(a: Float64Array, x: number, y: number, from: number, to: number): number {
  let sum = 0;
  for (let k = from; k < to; k++) sum += a[x + k]! * a[y + k]!;
  return sum;
}

/** R⁻¹ in place, from the last row: row i of it is (e_i - Σ R_ik·row k) / R_ii over k > i. */
function invert(a: Float64Array, n: number): void {
  const row = new Float64Array(n);
  for (let i = n - 1; i >= 0; i--) {
    row.fill(0);
    row[i] = 1;
    for (let k = i + 1; k < n; k++) {
      const r = a[i * n + k]!;
      for (let j = k; j < n; j++) row[j] = row[j]! - r * a[k * n + j]!;
    }
    const diagonal = a[i * n + i]!;
    for (let j = i; j < n; j++) a[i * n + j] = row[j]! / diagonal;
  }
}
