/**
 * From one MSD curve to a slope, its error, and whether it may be called diffusion (analysis.md 4.2-4.5, 4.7). Everything in frames
 * and A^2; diffusion.ts gives it units.
 */
import type { EstimateStatus, ReasonCode } from '../estimate.js';
import { GeneralisedLeastSquares, ordinaryLeastSquares } from './fits.js';
import { type LagWindow, linearLags, relaxedWindow, strictWindow } from './fitting-window.js';
import { type CovarianceKernels, covarianceKernels, msdCovariance, relativeVariance } from './walk-covariance.js';

export interface DiffusionFitOptions {
  /** N, the number of ions averaged over. */
  readonly ions: number;
  /** a, distance between neighbouring sites, A. */
  readonly siteDistance: number;
  /** Whether the covariance has the hop term (default true). */
  readonly hops?: boolean;
  /** The user's window in lags: tested, not trusted. */
  readonly window?: LagWindow;
}

export interface SlopeFit {
  readonly lags: readonly number[];
  /** A^2 per frame, and A^2. */
  readonly slope: number;
  readonly slopeError: number;
  readonly intercept: number;
  readonly interceptError: number;
  readonly covariance: number;
  readonly chi2: number;
  readonly chi2PerDof: number;
  /** The fitted covariance of the points, for further fits to them. */
  readonly gls: GeneralisedLeastSquares;
}

export interface ExponentScan {
  readonly exponent: number;
  readonly error: number;
  /** chi2(1) - min chi2. */
  readonly deltaChi2: number;
  /** Amplitude of MSD = b + A m^exponent at the minimum. */
  readonly amplitude: number;
  readonly offset: number;
}

export interface DiffusionFit {
  readonly status: EstimateStatus;
  readonly reasons: readonly ReasonCode[];
  readonly window: LagWindow | null;
  readonly fit: SlopeFit | null;
  readonly scan: ExponentScan | null;
  /** N_hop = g N L/a^2; null without a fit. */
  readonly hopCount: number | null;
  /** He 2018: N_eff and 3.43/sqrt(N_eff) + 0.04; null where nothing moved. */
  readonly effectiveHops: number;
  readonly rsdHe2018: number | null;
  /** 95 % upper bound of the MSD slope, A^2 per frame (4.7); null where T does not allow one. */
  readonly slopeBound: number | null;
}

const DIMENSIONS = 3;
const FEWEST_FRAMES = 20;

/** GLS slope over the lags of a window, covariance of walk and hops, 4 iterations from the ordinary slope (analysis.md 4.3). */
export function fitSlope(msd: ArrayLike<number>, window: LagWindow, ions: number, hopLength: number): SlopeFit {
  const lags = linearLags(window[0], window[1]);
  const y = lags.map((m) => msd[m]!);
  const columns = [lags, lags.map(() => 1)];
  const kernels = covarianceKernels(msd.length, lags, DIMENSIONS);
  let slope = ordinaryLeastSquares(columns, y).coefficients[0]!;
  let gls = solver(kernels, slope, msd, window, ions, hopLength);
  let fit = gls.fit(columns, y);
  for (let iteration = 1; iteration < 4; iteration++) {
    slope = fit.coefficients[0]!;
    gls = solver(kernels, slope, msd, window, ions, hopLength);
    fit = gls.fit(columns, y);
  }
  return {
    lags,
    slope: fit.coefficients[0]!,
    slopeError: Math.sqrt(fit.covariance[0]![0]!),
    intercept: fit.coefficients[1]!,
    interceptError: Math.sqrt(fit.covariance[1]![1]!),
    covariance: fit.covariance[0]![1]!,
    chi2: fit.chi2,
    chi2PerDof: fit.chi2 / Math.max(1, lags.length - 2),
    gls,
  };
}

/** A falling curve has no covariance of a walk: the mean growth from the origin stands in, and the slope will be refused. */
function solver(
  kernels: CovarianceKernels,
  slope: number,
  msd: ArrayLike<number>,
  window: LagWindow,
  ions: number,
  hopLength: number,
) {
  const growth = slope > 0 ? slope : msd[window[1]]! / window[1];
  return new GeneralisedLeastSquares(msdCovariance(kernels, growth, ions, hopLength, DIMENSIONS));
}

/**
 * chi2 of MSD = b + A m^beta on the grid 0.20, 0.22, ... 2.40; b clamped to [0, 0.3 a^2]. The bounded offset is essential: a free one
 * hides subdiffusion, none at all calls every caged conductor subdiffusive (analysis.md 4.5).
 */
export function scanExponent(msd: ArrayLike<number>, fit: SlopeFit, siteDistance: number): ExponentScan {
  const { lags, gls } = fit;
  const y = lags.map((m) => msd[m]!);
  const ones = lags.map(() => 1);
  const most = 0.3 * siteDistance * siteDistance;
  const at = (exponent: number) => {
    const power = lags.map((m) => m ** exponent);
    const free = gls.fit([power, ones], y);
    const offset = Math.min(most, Math.max(0, free.coefficients[1]!));
    if (offset === free.coefficients[1]) return { exponent, chi2: free.chi2, amplitude: free.coefficients[0]!, offset };
    const bound = gls.fit(
      [power],
      y.map((v) => v - offset),
    );
    return { exponent, chi2: bound.chi2, amplitude: bound.coefficients[0]!, offset };
  };
  const grid = Array.from({ length: 111 }, (_, k) => at((20 + 2 * k) / 100));
  const best = grid.reduce((a, b) => (b.chi2 < a.chi2 ? b : a));
  const inside = grid.filter((point) => point.chi2 <= best.chi2 + 1).map((point) => point.exponent);
  return {
    exponent: best.exponent,
    error: Math.max(0.01, (Math.max(...inside) - Math.min(...inside)) / 2),
    deltaChi2: at(1).chi2 - best.chi2,
    amplitude: best.amplitude,
    offset: best.offset,
  };
}

/** N_eff = max_m N MSD(m)/a^2 and s_D/D = 3.43/sqrt(N_eff) + 0.04 (He 2018). */
export function he2018(
  msd: ArrayLike<number>,
  ions: number,
  siteDistance: number,
): { effectiveHops: number; rsd: number | null } {
  let largest = 0;
  for (let m = 1; m < msd.length; m++) largest = Math.max(largest, msd[m]!);
  const effectiveHops = (ions * largest) / siteDistance ** 2;
  return { effectiveHops, rsd: effectiveHops > 0 ? 3.43 / Math.sqrt(effectiveHops) + 0.04 : null };
}

/** The conditions of analysis.md 4.5 in their order. `msd`: lags 0..T-1. */
export function fitDiffusion(msd: ArrayLike<number>, options: DiffusionFitOptions): DiffusionFit {
  const { ions, siteDistance } = options;
  const frames = msd.length;
  const { effectiveHops, rsd } = he2018(msd, ions, siteDistance);
  const common = { effectiveHops, rsdHe2018: rsd };
  const refuse = (status: EstimateStatus, reason: ReasonCode, more: Partial<DiffusionFit> = {}): DiffusionFit => ({
    window: null,
    fit: null,
    scan: null,
    hopCount: null,
    slopeBound: status === 'insufficient' ? null : slopeBound(msd, ions, siteDistance, more.window ?? null),
    ...common,
    ...more,
    status,
    reasons: [reason],
  });
  if (frames < FEWEST_FRAMES) return refuse('insufficient', 'too-few-frames');
  if (options.window && options.window[1] > frames - 1) return refuse('insufficient', 'too-few-frames');

  const strict = options.window ? testedWindow(msd, options.window, siteDistance) : strictWindow(msd, siteDistance);
  const window =
    strict ?? (options.window ? relaxedUserWindow(msd, options.window, siteDistance) : relaxedWindow(msd, siteDistance));
  if (!window) return refuse('not-diffusive', 'caged');

  const fit = fitSlope(msd, window, ions, options.hops === false ? 0 : siteDistance);
  const hopCount = (fit.slope * ions * (frames - 1)) / siteDistance ** 2;
  const scan = scanExponent(msd, fit, siteDistance);
  const found = { window, fit, scan, hopCount };
  if (!(fit.slope > 3 * fit.slopeError)) return refuse('not-diffusive', 'slope-not-significant', found);
  if (scan.deltaChi2 > 6.6 && Math.abs(scan.exponent - 1) > 0.1) {
    return refuse('not-diffusive', scan.exponent < 1 ? 'subdiffusive' : 'superdiffusive', found);
  }
  if (!(hopCount >= 10)) return refuse('not-diffusive', 'too-few-hops', found);

  const reasons: ReasonCode[] = [];
  if (!strict) reasons.push('msd-below-half-a2');
  if (fit.chi2PerDof > 2) reasons.push('poor-linear-fit');
  const uncertain = scan.error > 0.3 || fit.slopeError > 0.5 * fit.slope || !(rsd !== null && rsd <= 0.5);
  // What a marginal single run lacks is a second one (analysis.md 4.4).
  if (uncertain) reasons.push('single-run');
  return { ...common, ...found, slopeBound: null, status: uncertain || !strict ? 'marginal' : 'ok', reasons };
}

/** A user's window that the strict rule accepts: nothing below 0.5 a^2 in it, growth by 0.5 a^2, inside the tracer share. */
function testedWindow(msd: ArrayLike<number>, window: LagWindow, siteDistance: number): LagWindow | null {
  const half = 0.5 * siteDistance * siteDistance;
  const [lo, hi] = window;
  const inside = hi <= Math.floor(0.7 * (msd.length - 1));
  return inside && firstAtLeast(msd, window, half) && msd[hi]! - msd[lo]! >= half ? window : null;
}

function relaxedUserWindow(msd: ArrayLike<number>, window: LagWindow, siteDistance: number): LagWindow | null {
  const relaxed = relaxedWindow(msd, siteDistance);
  return relaxed && window[0] >= relaxed[0] ? window : null;
}

function firstAtLeast(msd: ArrayLike<number>, [lo, hi]: LagWindow, threshold: number): boolean {
  for (let m = lo; m <= hi; m++) if (msd[m]! < threshold) return false;
  return true;
}

/** max(MSD(hi)(1 + 2r)/hi, 3 a^2/(N L)): what the curve allows, and the Poisson bound for no hop seen (analysis.md 4.7). */
function slopeBound(msd: ArrayLike<number>, ions: number, siteDistance: number, window: LagWindow | null): number {
  const last = msd.length - 1;
  const hi = window ? window[1] : Math.floor(0.5 * last);
  const spread = Math.sqrt(Math.max(0, relativeVariance(msd.length, hi, DIMENSIONS)) / ions);
  return Math.max((msd[hi]! * (1 + 2 * spread)) / hi, (3 * siteDistance * siteDistance) / (ions * last));
}
