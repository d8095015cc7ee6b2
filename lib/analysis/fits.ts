/** Linear least squares: ordinary, weighted, and generalised (with a full covariance matrix, by Cholesky). */
import { CholeskyDecomposition, Matrix } from 'ml-matrix';
import { IonclayError } from '../errors.js';

export interface LinearFit {
  readonly coefficients: number[];
  /** Covariance of the coefficients. */
  readonly covariance: number[][];
  readonly chi2: number;
  /** coefficient[j] = sum_i weights[j][i] y[i]: the estimator itself, which is linear in the data. */
  readonly weights: number[][];
}

/** theta = (A^T C^-1 A)^-1 A^T C^-1 y for one fixed covariance matrix C. */
export class GeneralisedLeastSquares {
  private readonly lower: number[][];

  /** Throws `FIT_SINGULAR` where C is not positive definite. */
  constructor(covariance: number[][]) {
    const decomposition = new CholeskyDecomposition(new Matrix(covariance));
    const lower = decomposition.lowerTriangularMatrix.to2DArray();
    if (!decomposition.isPositiveDefinite() || lower.some((row, i) => !(row[i]! > 0))) {
      throw new IonclayError('FIT_SINGULAR', 'the covariance matrix of the data is not positive definite', {
        hint: 'use fewer or more widely spaced points',
      });
    }
    this.lower = lower;
  }

  /** L^-1 v. */
  private whiten(v: readonly number[]): number[] {
    const out: number[] = [];
    for (let i = 0; i < v.length; i++) {
      let sum = v[i]!;
      for (let k = 0; k < i; k++) sum -= this.lower[i]![k]! * out[k]!;
      out.push(sum / this.lower[i]![i]!);
    }
    return out;
  }

  /** L^-T v. */
  private unwhiten(v: readonly number[]): number[] {
    const out = new Array<number>(v.length);
    for (let i = v.length - 1; i >= 0; i--) {
      let sum = v[i]!;
      for (let k = i + 1; k < v.length; k++) sum -= this.lower[k]![i]! * out[k]!;
      out[i] = sum / this.lower[i]![i]!;
    }
    return out;
  }

  /** @param columns the design matrix, one array a coefficient (one or two columns) */
  fit(columns: readonly (readonly number[])[], y: readonly number[]): LinearFit {
    const a = columns.map((column) => this.whiten(column));
    const z = this.whiten(y);
    const covariance = invertSmall(a.map((u) => a.map((v) => dot(u, v))));
    const rows = covariance.map((row) => z.map((_, i) => row.reduce((sum, c, j) => sum + c * a[j]![i]!, 0)));
    const coefficients = rows.map((row) => dot(row, z));
    const chi2 = z.reduce((sum, zi, i) => sum + (zi - coefficients.reduce((s, c, j) => s + c * a[j]![i]!, 0)) ** 2, 0);
    return { coefficients, covariance, chi2, weights: rows.map((row) => this.unwhiten(row)) };
  }
}

/** Diagonal covariance: weights 1/variance. The errors are those of independent points. */
export function weightedLeastSquares(
  columns: readonly (readonly number[])[],
  y: readonly number[],
  variances: readonly number[],
): LinearFit {
  return new GeneralisedLeastSquares(variances.map((v, i) => variances.map((_, j) => (i === j ? v : 0)))).fit(columns, y);
}

/** Equal variances, estimated from the residuals: covariance s^2 (A^T A)^-1 with s^2 = SSE/(n - p). */
export function ordinaryLeastSquares(columns: readonly (readonly number[])[], y: readonly number[]): LinearFit {
  const fit = weightedLeastSquares(
    columns,
    y,
    y.map(() => 1),
  );
  const variance = fit.chi2 / (y.length - columns.length);
  return { ...fit, covariance: fit.covariance.map((row) => row.map((c) => c * variance)) };
}

function dot(a: readonly number[], b: readonly number[]): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

function invertSmall(m: number[][]): number[][] {
  if (m.length === 1) return [[1 / m[0]![0]!]];
  if (m.length !== 2) throw new IonclayError('INTERNAL', 'fits have one or two coefficients');
  const [[a, b], [c, d]] = m as [[number, number], [number, number]];
  const det = a * d - b * c;
  if (!(Math.abs(det) > 1e-14 * Math.abs(a * d))) {
    throw new IonclayError('FIT_SINGULAR', 'the points do not determine the fit', {
      hint: 'the fitting window needs distinct lags',
    });
  }
  return [
    [d / det, -b / det],
    [-c / det, a / det],
  ];
}
