/** 3x3 integer matrices of supercells (structures.md 14) and the reduction of lattices. Nine numbers, row-major. */
import { multiply, transpose } from '../cell.js';

export type IntegerMatrix = readonly number[];

export function integerDeterminant(m: ArrayLike<number>): number {
  return (
    m[0]! * (m[4]! * m[8]! - m[5]! * m[7]!) - m[1]! * (m[3]! * m[8]! - m[5]! * m[6]!) + m[2]! * (m[3]! * m[7]! - m[4]! * m[6]!)
  );
}

/**
 * Row-style Hermite normal form h = U P with U unimodular: upper triangular, positive diagonal, entries above a diagonal element h_jj in
 * [0, h_jj). P must not be singular.
 */
export function hermiteNormalForm(p: IntegerMatrix): number[] {
  const rows = [p.slice(0, 3), p.slice(3, 6), p.slice(6, 9)];
  const addMultiple = (to: number, from: number, factor: number) => {
    // + 0: no negative zeros.
    for (let k = 0; k < 3; k++) rows[to]![k] = rows[to]![k]! + factor * rows[from]![k]! + 0;
  };
  for (let column = 0; column < 3; column++) {
    // Euclid on the entries of this column, from the diagonal downwards.
    for (;;) {
      let pivot = -1;
      for (let r = column; r < 3; r++) {
        if (rows[r]![column] !== 0 && (pivot < 0 || Math.abs(rows[r]![column]!) < Math.abs(rows[pivot]![column]!))) pivot = r;
      }
      if (pivot < 0) throw new RangeError('the matrix is singular');
      [rows[column], rows[pivot]] = [rows[pivot]!, rows[column]!];
      let done = true;
      for (let r = column + 1; r < 3; r++) {
        addMultiple(r, column, -Math.trunc(rows[r]![column]! / rows[column]![column]!));
        if (rows[r]![column] !== 0) done = false;
      }
      if (done) break;
    }
    if (rows[column]![column]! < 0) rows[column] = rows[column]!.map((x) => -x + 0);
    for (let r = 0; r < column; r++) addMultiple(r, column, -Math.floor(rows[r]![column]! / rows[column]![column]!));
  }
  return rows.flat();
}

/** P^-1 from the adjugate: exact integers, one rounding each. */
export function integerInverse(p: IntegerMatrix): Float64Array {
  const det = integerDeterminant(p);
  const c = (a: number, b: number, d: number, e: number) => (p[a]! * p[b]! - p[d]! * p[e]!) / det + 0;
  return Float64Array.of(
    c(4, 8, 5, 7),
    c(2, 7, 1, 8),
    c(1, 5, 2, 4),
    c(5, 6, 3, 8),
    c(0, 8, 2, 6),
    c(2, 3, 0, 5),
    c(3, 7, 4, 6),
    c(1, 6, 0, 7),
    c(0, 4, 1, 3),
  );
}

/**
 * Integer U with determinant 1 whose rows U H are a reduced basis: no vector gets shorter by adding or subtracting the others
 * (Minkowski-reduced in three dimensions).
 */
export function reducedBasis(h: ArrayLike<number>): number[] {
  const u = [1, 0, 0, 0, 1, 0, 0, 0, 1];
  const metric = () => multiply(multiply(u, multiply(h, transpose(h))), transpose(u));
  // Each replacement shortens a vector by more than rounding, so this ends.
  for (let changed = true; changed; ) {
    changed = false;
    for (let i = 0; i < 3; i++) {
      const [j, k] = [(i + 1) % 3, (i + 2) % 3];
      let best = 0;
      let step: [number, number] = [0, 0];
      const g = metric();
      // First the plain projections, which may be large; then the nearest combinations of both.
      const projections: [number, number][] = [
        [-Math.round(g[3 * i + j]! / g[4 * j]!), 0],
        [0, -Math.round(g[3 * i + k]! / g[4 * k]!)],
      ];
      for (const a of [-1, 0, 1]) for (const b of [-1, 0, 1]) projections.push([a, b]);
      for (const [a, b] of projections) {
        const change =
          a * a * g[4 * j]! + b * b * g[4 * k]! + 2 * (a * g[3 * i + j]! + b * g[3 * i + k]! + a * b * g[3 * j + k]!);
        if (change < best - 1e-9 * g[4 * i]!) {
          best = change;
          step = [a, b];
        }
      }
      if (best < 0) {
        for (let c = 0; c < 3; c++) u[3 * i + c] = u[3 * i + c]! + step[0] * u[3 * j + c]! + step[1] * u[3 * k + c]! + 0;
        changed = true;
      }
    }
  }
  return u;
}

/**
 * The same three edges in the order and with the signs that lie closest to the vectors of the old cell, right-handed: a supercell keeps
 * its c where c was.
 */
export function alignedRows(p: IntegerMatrix, h: ArrayLike<number>): number[] {
  const edges = multiply(p, h);
  const length = (m: ArrayLike<number>, i: number) => Math.hypot(m[3 * i]!, m[3 * i + 1]!, m[3 * i + 2]!);
  const cosine = (i: number, k: number) =>
    (edges[3 * i]! * h[3 * k]! + edges[3 * i + 1]! * h[3 * k + 1]! + edges[3 * i + 2]! * h[3 * k + 2]!) /
    (length(edges, i) * length(h, k));
  const orders = [
    [0, 1, 2],
    [0, 2, 1],
    [1, 0, 2],
    [1, 2, 0],
    [2, 0, 1],
    [2, 1, 0],
  ];
  const agreement = (order: number[]) => order.reduce((sum, i, k) => sum + Math.abs(cosine(i, k)), 0);
  const order = orders.reduce((best, candidate) => (agreement(candidate) > agreement(best) + 1e-9 ? candidate : best));
  const rows = order.map((i, k) => {
    const sign = cosine(i, k) < -1e-9 ? -1 : 1;
    return [p[3 * i]!, p[3 * i + 1]!, p[3 * i + 2]!].map((x) => sign * x + 0);
  });
  if (integerDeterminant(rows.flat()) < 0) {
    // The edge that says least about its direction turns around.
    const weakest = [0, 1, 2].reduce(
      (best, k) => (Math.abs(cosine(order[k]!, k)) < Math.abs(cosine(order[best]!, best)) - 1e-9 ? k : best),
      2,
    );
    rows[weakest] = rows[weakest]!.map((x) => -x + 0);
  }
  return rows.flat();
}
