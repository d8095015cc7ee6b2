/** Mean of a correlated series and its error (analysis.md 7.1): Flyvbjerg-Petersen blocking, level chosen by Jonsson's test. */
import type { Estimate } from '../estimate.js';

export interface BlockingLevel {
  readonly blockLength: number;
  readonly blocks: number;
  /** Standard error of the mean at this level, and its own error. */
  readonly error: number;
  readonly errorOfError: number;
}

export interface BlockingResult {
  readonly mean: number;
  /** Null where no level passes. */
  readonly error: number | null;
  readonly blockLength: number | null;
  readonly levels: readonly BlockingLevel[];
}

interface Moments {
  readonly mean: number;
  readonly variance: number;
  /** Lag-one autocovariance. */
  readonly lagOne: number;
}

/** chi2 quantiles at 0.99 for 1..40 degrees of freedom come from the Wilson-Hilferty cube (relative error below 1 % from 3 on). */
function chi2Quantile99(degrees: number): number {
  const exact = [0, 6.634897, 9.21034, 11.344867, 13.276704, 15.086272, 16.811894, 18.475307, 20.090235, 21.665994, 23.209251];
  if (degrees < exact.length) return exact[degrees]!;
  const h = 2 / (9 * degrees);
  return degrees * (1 - h + 2.3263478740408408 * Math.sqrt(h)) ** 3;
}

function moments(series: Float64Array): Moments {
  const n = series.length;
  let sum = 0;
  for (const x of series) sum += x;
  const mean = sum / n;
  let variance = 0;
  let lagOne = 0;
  for (let i = 0; i < n; i++) {
    const d = series[i]! - mean;
    variance += d * d;
    if (i + 1 < n) lagOne += d * (series[i + 1]! - mean);
  }
  return { mean, variance: variance / n, lagOne: lagOne / n };
}

/** All levels down to two blocks, and the error at the first level whose blocks Jonsson's test calls independent. */
export function blocking(values: ArrayLike<number>): BlockingResult {
  let series = Float64Array.from(values as ArrayLike<number>);
  const mean = series.length > 0 ? moments(series).mean : 0;
  const levels: BlockingLevel[] = [];
  const statistics: number[] = [];
  for (let blockLength = 1; series.length >= 2; blockLength *= 2) {
    const n = series.length;
    const { variance, lagOne } = moments(series);
    const error = Math.sqrt(variance / (n - 1));
    levels.push({ blockLength, blocks: n, error, errorOfError: error / Math.sqrt(2 * (n - 1)) });
    statistics.push(variance > 0 ? (n * (((n - 1) * variance) / (n * n) + lagOne) ** 2) / (variance * variance) : 0);
    const half = new Float64Array(n >> 1);
    for (let i = 0; i < half.length; i++) half[i] = 0.5 * (series[2 * i]! + series[2 * i + 1]!);
    series = half;
  }
  let tail = statistics.reduce((sum, m) => sum + m, 0);
  for (let level = 0; level < levels.length; level++) {
    if (tail < chi2Quantile99(levels.length - level)) {
      const { error, blockLength } = levels[level]!;
      return { mean, error, blockLength, levels };
    }
    tail -= statistics[level]!;
  }
  return { mean, error: null, blockLength: null, levels };
}

/** Fewest samples whose mean gets an error: with fewer the test cannot see a correlation. */
const FEWEST_SAMPLES = 8;

/** Mean of a series as an Estimate; `insufficient` with too few samples or where no level passes. */
export function meanEstimate(values: ArrayLike<number>, unit: string, inputs: Record<string, unknown> = {}): Estimate {
  const result = blocking(values);
  const fixed = {
    unit,
    method: 'time mean, error by blocking',
    inputs: { samples: values.length, block_length: result.blockLength, ...inputs },
  };
  if (values.length < FEWEST_SAMPLES || result.error === null) {
    return {
      ...fixed,
      value: values.length > 0 ? result.mean : null,
      error: null,
      status: 'insufficient',
      reasons: ['too-few-frames'],
    };
  }
  return {
    ...fixed,
    value: result.mean,
    error: result.error,
    status: 'ok',
    reasons: [],
    nIndependent: Math.floor(values.length / result.blockLength!),
  };
}
