/** First peak and first minimum of a radial distribution function, without a choice to make (analysis.md 8.2). */
import type { ReasonCode } from '../estimate.js';

export interface FirstShell {
  /** Cut-off of the first shell, A; null with a reason. */
  readonly minimum: number | null;
  readonly reason: ReasonCode | null;
  /** Position (A), height and full width at half height (A) of the first peak of the smoothed curve; null without a peak. */
  readonly peak: { readonly position: number; readonly height: number; readonly width: number | null } | null;
}

const SMOOTHING = 0.05;

/** `g` at bin centres (k + 1/2) dr. */
export function firstShell(g: ArrayLike<number>, dr: number): FirstShell {
  const smooth = gaussianSmooth(g, SMOOTHING / dr);
  const none = { minimum: null, reason: 'no-first-minimum' as const };
  const first = nextPeak(smooth, 0, 0.2, 1);
  if (first === null) return { ...none, peak: null };
  const peak = {
    position: (first + 0.5 + vertex(smooth, first)) * dr,
    height: smooth[first]!,
    width: halfWidth(smooth, first, dr),
  };
  const end = nextPeak(smooth, first + 1, 0.1, Number.NEGATIVE_INFINITY) ?? smooth.length - 1;
  let lowest = first;
  for (let k = first; k <= end; k++) if (smooth[k]! < smooth[lowest]!) lowest = k;
  // Still falling at the last bin: the minimum lies beyond what was counted.
  if (lowest === first || lowest === smooth.length - 1) return { ...none, peak };
  // Flat where several bins lie within 1 % of the lowest (an absolute floor makes empty bins equal): the middle of the run.
  const level = smooth[lowest]! * 1.01 + 1e-9;
  let from = lowest;
  let to = lowest;
  while (from > first && smooth[from - 1]! <= level) from--;
  while (to < end && smooth[to + 1]! <= level) to++;
  const bin = to - from >= 3 ? (from + to) / 2 : lowest + vertex(smooth, lowest);
  return { minimum: (bin + 0.5) * dr, reason: null, peak };
}

/** Gaussian of standard deviation `width` bins, renormalised at the ends. */
function gaussianSmooth(g: ArrayLike<number>, width: number): Float64Array {
  const reach = Math.ceil(5 * width);
  const kernel = Array.from({ length: 2 * reach + 1 }, (_, i) => Math.exp(-0.5 * ((i - reach) / width) ** 2));
  const out = new Float64Array(g.length);
  for (let k = 0; k < g.length; k++) {
    let sum = 0;
    let norm = 0;
    for (let i = Math.max(0, k - reach); i <= Math.min(g.length - 1, k + reach); i++) {
      sum += kernel[i - k + reach]! * g[i]!;
      norm += kernel[i - k + reach]!;
    }
    out[k] = sum / norm;
  }
  return out;
}

/** First local maximum at or after `from` that is above `level` and stands out by `prominence`. */
function nextPeak(g: Float64Array, from: number, prominence: number, level: number): number | null {
  for (let k = Math.max(1, from); k + 1 < g.length; k++) {
    if (!(g[k]! > level) || g[k]! <= g[k - 1]!) continue;
    // A flat top counts once, at its first bin.
    let after = k;
    while (after + 1 < g.length && g[after + 1] === g[k]) after++;
    if (after + 1 >= g.length || g[after + 1]! > g[k]!) continue;
    if (g[k]! - Math.max(lowestUntilHigher(g, k, -1), lowestUntilHigher(g, k, 1)) >= prominence) return k;
  }
  return null;
}

/** Lowest value between a peak and the next higher point (or the end) on one side. */
function lowestUntilHigher(g: Float64Array, peak: number, step: 1 | -1): number {
  let lowest = g[peak]!;
  for (let k = peak + step; k >= 0 && k < g.length && g[k]! <= g[peak]!; k += step) lowest = Math.min(lowest, g[k]!);
  return lowest;
}

/** Offset of the extremum of the parabola through three bins, in bins. */
function vertex(g: Float64Array, k: number): number {
  if (k < 1 || k + 1 >= g.length) return 0;
  const curvature = g[k - 1]! - 2 * g[k]! + g[k + 1]!;
  return curvature === 0 ? 0 : (0.5 * (g[k - 1]! - g[k + 1]!)) / curvature;
}

function halfWidth(g: Float64Array, peak: number, dr: number): number | null {
  const half = g[peak]! / 2;
  const crossing = (step: 1 | -1): number | null => {
    for (let k = peak; k + step >= 0 && k + step < g.length; k += step) {
      if (g[k + step]! <= half) return k + (step * (g[k]! - half)) / (g[k]! - g[k + step]!);
    }
    return null;
  };
  const [low, high] = [crossing(-1), crossing(1)];
  return low === null || high === null ? null : (high - low) * dr;
}
