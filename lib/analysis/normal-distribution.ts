/** The normal distribution function and its inverse, for one-sided posteriors (analysis.md 4.3). */
import { IonclayError } from '../errors.js';

/** P(X <= x) of the standard normal distribution, by series for small and continued fraction for large |x|; relative error 1e-14. */
export function normalCdf(x: number): number {
  const z = Math.abs(x);
  const density = Math.exp(-0.5 * z * z) / Math.sqrt(2 * Math.PI);
  if (z < 3) {
    // Marsaglia's series x + x^3/3 + x^5/15 + ...
    let term = z;
    let sum = z;
    for (let k = 3; Math.abs(term) > 1e-17 * sum; k += 2) {
      term *= (z * z) / k;
      sum += term;
    }
    return x < 0 ? 0.5 - density * sum : 0.5 + density * sum;
  }
  let fraction = 0;
  for (let k = 120; k > 0; k--) fraction = k / (z + fraction);
  const upper = density / (z + fraction);
  return x < 0 ? upper : 1 - upper;
}

/** Inverse of {@link normalCdf}, by bisection (exact to rounding; called a few times an estimate). */
export function normalQuantile(p: number): number {
  if (!(p > 0 && p < 1)) throw new IonclayError('INTERNAL', `quantile of ${p}`);
  let low = -40;
  let high = 40;
  for (let k = 0; k < 200 && high - low > 1e-15 * Math.max(1, Math.abs(low)); k++) {
    const middle = 0.5 * (low + high);
    if (normalCdf(middle) < p) low = middle;
    else high = middle;
  }
  return 0.5 * (low + high);
}

/** Median and central 68 % interval of a Gaussian (mean, sd) that is known to be positive. */
export function positivePosterior(mean: number, sd: number): { median: number; interval68: [number, number] } {
  const below = normalCdf(-mean / sd);
  // Far below zero the conditional distribution is exponential to rounding; that case is refused long before.
  const at = (p: number) =>
    Math.max(0, mean + sd * normalQuantile(Math.min(1 - 1e-15, Math.max(1e-300, below + p * (1 - below)))));
  return { median: at(0.5), interval68: [at(0.1586552539314571), at(0.8413447460685429)] };
}
