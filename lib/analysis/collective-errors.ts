/**
 * Windows, weights and error bars of collective quantities (analysis.md 5.5): a collective displacement is ONE random walker, however
 * many ions it sums over.
 */
import { BOLTZMANN, EINSTEIN_CONDUCTIVITY } from '../units.js';
import { collectiveCurves, collectiveSlopes, pairsOf } from './collective.js';
import { type ConductivityInputs, type ConductivityParts, conductivityParts, flatten } from './conductivity-parts.js';
import type { DisplacementRecord } from './displacement-record.js';
import { GeneralisedLeastSquares, ordinaryLeastSquares } from './fits.js';
import { hasWindowShape, type LagWindow, linearLags } from './fitting-window.js';
import { covarianceKernels } from './walk-covariance.js';

export type CollectiveEstimator = 'gls' | 'ols';

/** Upper end of the collective window as a share of the run. */
export const COLLECTIVE_SHARE = 0.1;
const BLOCKS = 10;
const DIMENSIONS = 3;

/** [lower, L/10] if that is a window, else null: the run is too short. */
export function collectiveWindow(lower: number, frames: number): LagWindow | null {
  const hi = Math.floor(COLLECTIVE_SHARE * (frames - 1));
  return hasWindowShape(lower, hi) ? [lower, hi] : null;
}

/** The lags of a window and the weights of the slope estimator, common to all curves; chi2 per degree of freedom for `y`. */
export function estimatorWeights(estimator: CollectiveEstimator, frames: number, window: LagWindow, y: ArrayLike<number>) {
  // OLS of the literature uses every lag (thinned to 400, which bounds the cost of its true error); GLS gains nothing from more than 24.
  const every = Math.min(window[1] - window[0] + 1, 400);
  const lags = linearLags(window[0], window[1], estimator === 'ols' ? every : 24);
  const columns = [lags, lags.map(() => 1)];
  const values = lags.map((m) => y[m]!);
  if (estimator === 'ols') {
    const fit = ordinaryLeastSquares(columns, values);
    return { lags, weights: fit.weights[0]!, chi2PerDof: 1 };
  }
  const { walk } = covarianceKernels(frames, lags, DIMENSIONS, false);
  // Only the scale of C depends on the slope: the weights do not, and chi2 follows by division.
  const fit = new GeneralisedLeastSquares(walk).fit(columns, values);
  const scale = (fit.coefficients[0]! / DIMENSIONS) ** 2;
  return {
    lags,
    weights: fit.weights[0]!,
    chi2PerDof: scale > 0 ? fit.chi2 / scale / Math.max(1, lags.length - 2) : Number.POSITIVE_INFINITY,
  };
}

/** Relative standard error of the slope of one walker, for any linear estimator: sqrt(w Q w)/d. */
export function relativeSlopeError(frames: number, lags: readonly number[], weights: readonly number[]): number {
  const { walk } = covarianceKernels(frames, lags, DIMENSIONS, false);
  let sum = 0;
  for (let i = 0; i < lags.length; i++) for (let j = 0; j < lags.length; j++) sum += weights[i]! * weights[j]! * walk[i]![j]!;
  return Math.sqrt(sum) / DIMENSIONS;
}

/** Standard errors by path (as in `flatten`), and how they were obtained. */
export class PartErrors extends Map<string, number> {
  method = '';
}

/**
 * Jackknife over B = 10 blocks of the run, each with the same lags up to half its length: linear parts get s.d./sqrt(B), ratios the
 * correlation of numerator and denominator for free. Blocks too short for the window: the exact covariance of jointly Gaussian walkers,
 * Var(C_ab') = r^2 (C_aa' C_bb' + C_ab'^2)/2 with r the relative error of one walker (Isserlis' theorem on 3.4).
 */
export function partErrors(
  record: DisplacementRecord,
  collective: Record<string, Float64Array[]>,
  inputs: ConductivityInputs,
  parts: ConductivityParts,
  window: LagWindow,
  estimator: CollectiveEstimator,
  relative: number,
): PartErrors {
  const length = Math.floor((record.frames - 1) / BLOCKS);
  const hi = Math.min(window[1], Math.floor(0.5 * length));
  if (hi - window[0] < 3) return gaussianErrors(parts, inputs, relative);
  const interval = record.trajectory.interval!;
  const blocks = Array.from({ length: BLOCKS }, (_, b) => {
    const curves = collectiveCurves(record, collective, b * length, (b + 1) * length + 1);
    const { lags, weights } = estimatorWeights(estimator, length + 1, [window[0], hi], curves.self[inputs.species[0]!]!);
    return collectiveSlopes(
      curves,
      lags,
      weights.map((w) => w / interval),
    );
  });
  const meanWithout = (skip: number, pick: (slopes: (typeof blocks)[number]) => Readonly<Record<string, number>>) => {
    const kept = blocks.filter((_, b) => b !== skip).map(pick);
    return Object.fromEntries(
      Object.keys(kept[0]!).map((name) => [name, kept.reduce((sum, s) => sum + s[name]!, 0) / kept.length]),
    );
  };
  const replicates = blocks.map((_, skip) =>
    flatten(
      conductivityParts({ self: meanWithout(skip, (s) => s.self), pairs: meanWithout(skip, (s) => s.pairs) }, inputs, BOLTZMANN),
    ),
  );
  const errors = new PartErrors();
  errors.method = `jackknife over ${BLOCKS} blocks`;
  for (const path of replicates[0]!.keys()) {
    const values = replicates.map((replicate) => replicate.get(path)!);
    const mean = values.reduce((sum, v) => sum + v, 0) / BLOCKS;
    errors.set(path, Math.sqrt(((BLOCKS - 1) / BLOCKS) * values.reduce((sum, v) => sum + (v - mean) ** 2, 0)));
  }
  return errors;
}

function gaussianErrors(parts: ConductivityParts, inputs: ConductivityInputs, relative: number): PartErrors {
  const errors = new PartErrors();
  errors.method = 'covariance of jointly Gaussian walkers';
  const { species, charges, ions, volume, temperature } = inputs;
  // mS/cm per unit of z_a z_b L_ab.
  const factor = (EINSTEIN_CONDUCTIVITY / (volume * temperature)) * 6 * volume * BOLTZMANN * temperature;
  for (const [a, b] of pairsOf(species)) {
    const name = `${a}-${b}`;
    const [aa, bb, ab] = [parts.onsager[`${a}-${a}`]!, parts.onsager[`${b}-${b}`]!, parts.onsager[name]!];
    const error = relative * Math.sqrt(Math.max(0, aa * bb + ab * ab) / 2);
    const scaled = factor * Math.abs(charges[a]! * charges[b]!) * error;
    errors.set(`onsager.${name}`, error);
    if (a === b) {
      const self = (relative * Math.abs(parts.paper.self[a]!)) / Math.sqrt(ions[a]!);
      for (const path of [`paper.self.${a}`, `contribution.self.${a}`]) errors.set(path, self);
      for (const path of [`paper.distinctSame.${a}`, `contribution.distinct.${name}`]) errors.set(path, Math.hypot(scaled, self));
    } else {
      errors.set(`paper.distinctCross.${name}`, scaled);
      errors.set(`contribution.distinct.${name}`, 2 * scaled);
    }
  }
  const nernstEinstein = Math.hypot(...species.map((name) => errors.get(`paper.self.${name}`)!));
  errors.set('nernstEinstein', nernstEinstein);
  // Numerator and denominator taken as independent: the collective part dominates.
  errors.set('havenRatio', Math.abs(parts.havenRatio) * Math.hypot(relative, nernstEinstein / parts.nernstEinstein));
  for (const name of species) {
    // t = C_at/C_tt with t the total charge: Var(t) = r^2 (C_aa/C_tt - t^2)/2 by the same theorem.
    const share = (factor * charges[name]! ** 2 * parts.onsager[`${name}-${name}`]!) / parts.total;
    errors.set(`transference.${name}`, relative * Math.sqrt(Math.max(0, share - parts.transference[name]! ** 2) / 2));
  }
  return errors;
}
