/** Which lags of an MSD are diffusive enough to be fitted (analysis.md 4.2). Lags in frames, MSD of lags 0..L. */

/** Upper end of the tracer window as a share of the run. */
export const TRACER_SHARE = 0.5;

export type LagWindow = readonly [number, number];

/** Shape that every window needs: enough lags, over a factor of three in time. */
export function hasWindowShape(lo: number, hi: number): boolean {
  return hi >= 3 * lo && hi - lo >= 10;
}

/** 1 + the last lag in 1..hi whose MSD is below the threshold, 1 if there is none. */
export function firstLagAbove(msd: ArrayLike<number>, hi: number, threshold: number): number {
  for (let m = hi; m >= 1; m--) if (msd[m]! < threshold) return m + 1;
  return 1;
}

/** Rule `strict` (He 2018): beyond any bounded vibration of amplitude a, and still growing by as much. */
export function strictWindow(msd: ArrayLike<number>, siteDistance: number, share = TRACER_SHARE): LagWindow | null {
  const hi = Math.floor(share * (msd.length - 1));
  const half = 0.5 * siteDistance * siteDistance;
  const lo = firstLagAbove(msd, hi, half);
  return hasWindowShape(lo, hi) && msd[hi]! - msd[lo]! >= half ? [lo, hi] : null;
}

/** Rule `relaxed`: beyond twice the cage level; its result is at best marginal. */
export function relaxedWindow(msd: ArrayLike<number>, siteDistance: number, share = TRACER_SHARE): LagWindow | null {
  const hi = Math.floor(share * (msd.length - 1));
  const lo = firstLagAbove(msd, hi, 2 * cageLevel(msd, hi, siteDistance));
  return hasWindowShape(lo, hi) && msd[hi]! > 0 ? [lo, hi] : null;
}

/** MSD where the local exponent is smallest, if that is a plateau (below 0.6) inside a cage (MSD < 0.15 a^2); else 0. */
export function cageLevel(msd: ArrayLike<number>, hi: number, siteDistance: number): number {
  const lags = logSpacedLags(hi, 40).filter((m) => msd[m]! > 0);
  let smallest = Number.POSITIVE_INFINITY;
  let level = 0;
  for (let i = 1; i + 1 < lags.length; i++) {
    const [before, lag, after] = [lags[i - 1]!, lags[i]!, lags[i + 1]!];
    if (!(msd[lag]! < 0.15 * siteDistance * siteDistance)) continue;
    const exponent = Math.log(msd[after]! / msd[before]!) / Math.log(after / before);
    if (exponent < smallest) {
      smallest = exponent;
      level = msd[lag]!;
    }
  }
  return smallest < 0.6 ? level : 0;
}

/** At most `count` whole lags from 1 to hi, evenly spaced in the logarithm. */
export function logSpacedLags(hi: number, count: number): number[] {
  const lags = Array.from({ length: count }, (_, i) => Math.floor(hi ** (i / (count - 1)) + 0.5));
  return [...new Set(lags)].filter((m) => m >= 1 && m <= hi);
}

/** At most `count` whole lags from lo to hi, evenly spaced. */
export function linearLags(lo: number, hi: number, count = 24): number[] {
  const lags = Array.from({ length: count }, (_, i) => Math.floor(lo + ((hi - lo) * i) / (count - 1) + 0.5));
  return [...new Set(lags)];
}
