/** How long a run would have to be for its diffusivity to be quoted with status `ok`. */
import type { DiffusionFit } from './diffusion-fit.js';

/**
 * Run length in fs at which the conditions of analysis.md 4.5 would be met if the ions went on as they do now; null where that cannot
 * be said. Rule, with g the growth of the MSD per fs:
 *  - g is the fitted slope where it exceeds its error (no window: the growth of the MSD between a quarter and a half of the run where that
 *    exceeds twice the spread of the MSD there; what does not grow can not be extrapolated);
 *  - a window needs MSD(t/2) >= 1.5 a^2 (0.5 a^2 at its start, three times that time at its end): t = 3 a^2/g;
 *  - ten hops: t = 10 a^2/(g N); a relative error of 0.5 by He 2018 needs N_eff = (3.43/0.46)^2 = 55.6: t = 55.6 a^2/(g N);
 *  - the slope's own relative error falls as 1/sqrt(t) and must reach 1/3;
 *  - a subdiffusive curve is continued with its own exponent to 3 a^2 (twice the window's need); if it is there already, nothing can be said.
 * A superdiffusive curve, and a result that is `ok`, give null.
 */
export function timeNeeded(
  msd: Float64Array,
  fit: DiffusionFit,
  siteDistance: number,
  run: { ions: number; interval: number; runTime: number },
): number | null {
  if (fit.status === 'ok' || !(run.interval > 0) || !(run.runTime > 0)) return null;
  const a2 = siteDistance * siteDistance;
  if (fit.reasons.includes('superdiffusive')) return null;
  if (fit.reasons.includes('subdiffusive')) {
    const { exponent, amplitude, offset } = fit.scan!;
    if (!(amplitude > 0) || msd[fit.window![1]]! >= 3 * a2) return null;
    return 2 * ((3 * a2 - offset) / amplitude) ** (1 / exponent) * run.interval;
  }
  const growth = growthPerFs(msd, fit, run);
  if (growth === null) return null;
  const times = [(3 * a2) / growth, (10 * a2) / (growth * run.ions), (55.6 * a2) / (growth * run.ions), 20 * run.interval];
  if (fit.fit && fit.fit.slope > 0) times.push(run.runTime * (3 * (fit.fit.slopeError / fit.fit.slope)) ** 2);
  const needed = Math.max(...times);
  // All conditions met but one that time alone does not mend (such as the shape of the curve): nothing can be said.
  return needed > run.runTime ? needed : null;
}

function growthPerFs(msd: Float64Array, fit: DiffusionFit, run: { ions: number; interval: number }): number | null {
  if (fit.fit) return fit.fit.slope > fit.fit.slopeError ? fit.fit.slope / run.interval : null;
  const half = Math.floor((msd.length - 1) / 2);
  const quarter = Math.floor(half / 2);
  if (quarter < 1) return null;
  const growth = msd[half]! - msd[quarter]!;
  // Relative spread of MSD(L/2) for one walker is about sqrt(2/3 x 2/3): the same order as the closed form of 3.4 at that lag.
  const spread = msd[half]! * Math.sqrt(4 / 9 / run.ions);
  return growth > 2 * spread && growth > 0 ? growth / ((half - quarter) * run.interval) : null;
}
