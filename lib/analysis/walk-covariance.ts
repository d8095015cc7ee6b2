/**
 * Covariance of averaged mean squared displacements (analysis.md 3.4, 4.3). Points of one MSD curve are averages over the same
 * trajectory: without this matrix no error bar of a slope is honest. T = number of frames, lags m, q in frames.
 */

/**
 * Q(m, q): the sum of 3.4 for one walker with unit step variance per component and frame,
 * 2 d / ((T-m)(T-q)) sum_D cnt(D) ov(D)^2. Symmetric; O(min(T, m + q)).
 */
export function walkCovariance(frames: number, first: number, second: number, dimensions = 3): number {
  const m = Math.min(first, second);
  const q = Math.max(first, second);
  let sum = 0;
  // Windows that share no increment (|D| beyond these bounds) contribute nothing.
  const from = Math.max(-(frames - q - 1), -m + 1);
  const to = Math.min(frames - m - 1, q - 1);
  for (let shift = from; shift <= to; shift++) {
    const pairs = Math.min(frames - q - 1, frames - m - 1 - shift) - Math.max(0, -shift) + 1;
    const overlap = Math.min(shift + m, q) - Math.max(shift, 0);
    sum += pairs * overlap * overlap;
  }
  return (2 * dimensions * sum) / ((frames - m) * (frames - q));
}

/**
 * Relative variance of MSD(m) of one walker, closed form: (2/d) (4 m^2 K + 2K + m - m^3)/(6 m K^2) for K = T - m >= m
 * (analysis.md 3.4), and (2/d) [1 + (K^3 - 4 m K^2 + 4 m - K)/(6 m^2 K)] for K < m (Qian, Sheetz, Elson 1991).
 */
export function relativeVariance(frames: number, m: number, dimensions = 3): number {
  const k = frames - m;
  const factor =
    k >= m ? (4 * m * m * k + 2 * k + m - m ** 3) / (6 * m * k * k) : 1 + (k ** 3 - 4 * m * k * k + 4 * m - k) / (6 * m * m * k);
  return (2 / dimensions) * factor;
}

/** H(m, q) = sum_s p_m(s) p_q(s), p_m(s) the share of the lag-m windows that contain increment s (analysis.md 4.3). */
export function hopCovariance(frames: number, m: number, q: number): number {
  const share = (lag: number, s: number) => (Math.min(s, frames - lag - 1) - Math.max(0, s - lag + 1) + 1) / (frames - lag);
  let sum = 0;
  for (let s = 0; s < frames - 1; s++) sum += share(m, s) * share(q, s);
  return sum;
}

/** Both kernels at a set of lags; N, the slope and the hop length scale them (analysis.md 4.3). */
export interface CovarianceKernels {
  readonly walk: number[][];
  readonly hop: number[][];
}

/** @param hops false leaves the hop kernel zero, for collective walkers that have no hops of one length */
export function covarianceKernels(frames: number, lags: readonly number[], dimensions = 3, hops = true): CovarianceKernels {
  const symmetric = (entry: (m: number, q: number) => number) => {
    const out = lags.map(() => new Array<number>(lags.length).fill(0));
    for (let i = 0; i < lags.length; i++) {
      for (let j = i; j < lags.length; j++) {
        out[i]![j] = entry(lags[i]!, lags[j]!);
        out[j]![i] = out[i]![j]!;
      }
    }
    return out;
  };
  return {
    walk: symmetric((m, q) => walkCovariance(frames, m, q, dimensions)),
    hop: symmetric((m, q) => (hops ? hopCovariance(frames, m, q) : 0)),
  };
}

/**
 * C(m, q) = (g/d)^2 Q/N + g a^2 H/N for N independent ions with MSD slope g (A^2 per frame) and hops of length a (A);
 * a = 0 leaves the pure walk.
 */
export function msdCovariance(
  kernels: CovarianceKernels,
  slope: number,
  ions: number,
  hopLength: number,
  dimensions = 3,
): number[][] {
  const walk = (slope / dimensions) ** 2 / ions;
  const hop = (slope * hopLength * hopLength) / ions;
  return kernels.walk.map((row, i) => row.map((q, j) => walk * q + hop * kernels.hop[i]![j]!));
}
